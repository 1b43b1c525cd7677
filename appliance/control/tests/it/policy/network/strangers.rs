//! Cards that are not the ones their names stand for.

use std::sync::Arc;

use ravelin_kernel::Link;
use ravelin_model::{DhcpClient, Event, HardwareAddress, LinkIdentity};

use super::*;
use crate::engine::wait_for;

const MEANT: HardwareAddress = HardwareAddress([2, 0, 0, 0, 0, 7]);
const OTHER: HardwareAddress = HardwareAddress([2, 0, 0, 0, 0, 8]);

/// `lan0` (2) and `wan0` (3), of which the first is this card.
fn with_card(mac: HardwareAddress) -> Arc<Vec<Link>> {
    let mut all = (*links(&[("lo", 1), ("lan0", 2), ("wan0", 3)])).clone();
    all[1].card.mac = Some(mac);
    Arc::new(all)
}

fn pinned() -> NetworkSettings {
    NetworkSettings {
        identity: LinkIdentity {
            mac: Some(MEANT),
            path: None,
        },
        dhcp_client: DhcpClient {
            ipv4: true,
            ipv6: false,
        },
        ..addresses(&["10.0.0.1/24"])
    }
}

/// Kernel indices of links that are in a zone, as eBPF has it.
fn zoned(engine: &Engine) -> Vec<u32> {
    let judge = engine.judge.borrow();
    let ruleset = judge.as_ref().expect("a policy").ruleset();
    ruleset.zone_of_interface.keys().copied().collect()
}

#[tokio::test]
async fn a_card_that_is_another_is_in_no_zone_and_gets_nothing() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::among(store, Config::default(), with_card(MEANT), |_| {}).await;
    commit(
        &engine,
        vec![
            zone("lan", &["lan0"]),
            zone("wan", &["wan0"]),
            create("lan0", pinned()),
        ],
    )
    .await;
    assert_eq!(state(&engine, "lan0").0, SettingsState::Applied);
    assert_eq!(zoned(&engine), [2, 3]);
    until("the client is told", async || {
        engine
            .daemons
            .now()
            .told
            .last()
            .is_some_and(|told| told.dhcp_clients.len() == 1)
    })
    .await;

    let mut events = engine.control.subscribe(None);
    engine.links.send_replace(with_card(OTHER));
    until("it is in no zone", async || zoned(&engine) == [3]).await;
    until("it is told", async || {
        state(&engine, "lan0").0 == SettingsState::Failed
    })
    .await;
    let why = "it is another card: its address is 02:00:00:00:00:08, not 02:00:00:00:00:07";
    assert_eq!(state(&engine, "lan0").1.as_deref(), Some(why));
    let heard = wait_for(&mut events, |event| match event {
        Event::InterfaceSettingsChanged {
            interface,
            state: SettingsState::Failed,
            reason,
            ..
        } => Some((interface.clone(), reason.clone())),
        _ => None,
    })
    .await;
    assert_eq!(heard, ("lan0".to_owned(), Some(why.to_owned())));
    until("no client runs", async || {
        engine
            .daemons
            .now()
            .told
            .last()
            .is_some_and(|told| told.dhcp_clients.is_empty())
    })
    .await;
    let judged = engine.plane.now().connections.judgements.last().cloned();
    assert!(judged.is_some_and(|judged| judged.cut), "its connections ended");

    engine.links.send_replace(with_card(MEANT));
    until("it is itself again", async || zoned(&engine) == [2, 3]).await;
    until("it is told", async || {
        state(&engine, "lan0").0 == SettingsState::Applied
    })
    .await;
}

#[tokio::test]
async fn settings_for_a_card_that_is_not_there_yet_are_no_failure() {
    let engine = Engine::start().await;
    commit(&engine, vec![zone("lan", &["lan0"]), create("lan0", pinned())]).await;
    assert_eq!(state(&engine, "lan0").0, SettingsState::Failed);
    assert_eq!(zoned(&engine), Vec::<u32>::new());
}
