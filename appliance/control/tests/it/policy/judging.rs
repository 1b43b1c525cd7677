//! Verdicts: simulated ones and those that were made.

use ravelin_control::{SimulationQuery, SimulationSource, VerdictQuery};
use ravelin_datapath::{Classification, Probe, RawEvent};
use ravelin_kernel::LoggedPacket;
use ravelin_model::{
    Action, Event, PolicyVerdict, Reason, Revision, VerdictBackend, VerdictLine, ZoneNumber, protocol,
};
use time::OffsetDateTime;

use super::{commit, counter, rule, rule_id, zone_id, zoned};
use crate::engine::{Engine, measured, wait_for};

fn query(port: u16) -> SimulationQuery {
    SimulationQuery {
        from: SimulationSource::Interface("lan0".to_owned()),
        to: Some(zone_id("wan")),
        source: "192.168.0.10".parse().expect("address"),
        destination: "203.0.113.9".parse().expect("address"),
        protocol: protocol::TCP,
        source_port: 40_000,
        destination_port: port,
        icmp: (0, 0),
    }
}

fn probe(action: Action, counter: u32) -> Probe {
    Probe {
        reason: Reason::Pass,
        classification: Classification::Decided { action, counter },
        mark: 0,
        from: ZoneNumber::new(2),
        to: ZoneNumber::new(3),
        destination: None,
        destination_port: 80,
    }
}

#[tokio::test]
async fn a_simulation_asks_program_and_reference_and_tells_when_they_differ() {
    let engine = Engine::start().await;
    let nothing = engine.control.simulate(query(80)).await;
    assert!(matches!(
        nothing,
        Err(ravelin_control::ControlError::CannotSimulate(_))
    ));
    zoned(&engine).await;
    commit(
        &engine,
        vec![rule("first", Action::Drop, 81), rule("web", Action::Accept, 80)],
    )
    .await;
    engine.plane.now().probe = Some(probe(Action::Accept, counter(&engine, "web")));
    let simulated = engine.control.simulate(query(80)).await.expect("simulate");
    assert!(simulated.agree, "{simulated:?}");
    assert_eq!(simulated.action, Action::Accept);
    assert_eq!(
        simulated.by_reference.origin,
        ravelin_control::Origin::Rule(rule_id("web"))
    );
    assert_eq!(
        (simulated.from.name.as_str(), simulated.to.name.as_str()),
        ("lan", "wan")
    );
    let looked_at: Vec<(bool, bool)> = simulated
        .explanation
        .iter()
        .map(|line| (line.matched, line.mismatch.is_some()))
        .collect();
    assert_eq!(looked_at, [(false, true), (true, false)]);
    engine.plane.now().probe = Some(probe(Action::Drop, counter(&engine, "first")));
    let simulated = engine.control.simulate(query(80)).await.expect("simulate");
    assert!(!simulated.agree);
    let by_program = simulated.by_program.expect("asked");
    assert_eq!(by_program.action, Some(Action::Drop));
    assert_eq!(
        by_program.origin,
        Some(ravelin_control::Origin::Rule(rule_id("first")))
    );
    let metrics = engine.control.policy_metrics().await.expect("metrics");
    assert_eq!(metrics.simulation_differences, 1);
}

fn logged(engine: &Engine, verdict: u32) -> LoggedPacket {
    LoggedPacket {
        at: OffsetDateTime::now_utc(),
        revision: Revision(2),
        mark: verdict << 30 | 3 << 24 | counter(engine, "web"),
        input: Some(2),
        output: Some(3),
        source: "192.168.0.10".parse().expect("address"),
        destination: "203.0.113.9".parse().expect("address"),
        protocol: protocol::TCP,
        source_port: 40_000,
        destination_port: 80,
        packet_bytes: 60,
    }
}

fn dropped(engine: &Engine) -> RawEvent {
    let mut source = [0; 16];
    source[..4].copy_from_slice(&[192, 168, 0, 66]);
    RawEvent(ravelin_abi::rv_event {
        kind: 3,
        version: 2,
        length: 344,
        ktime_ns: 1,
        ifindex: 2,
        frame_length: 74,
        reason: Reason::PolicyRule.number(),
        family: 4,
        protocol: protocol::TCP,
        source_port: 40_001,
        destination_port: 81,
        source,
        destination: source,
        object: counter(engine, "first"),
        list: 0,
        revision: 2,
        name_length: 0,
        from_zone: 2,
        to_zone: 3,
        pad: [0; 5],
        name: [0; 256],
    })
}

#[tokio::test]
async fn verdicts_of_both_back_ends_are_streamed_and_kept() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(
        &engine,
        vec![rule("first", Action::Drop, 81), rule("web", Action::Accept, 80)],
    )
    .await;
    let mut events = engine.control.subscribe(None);
    engine.logged.send(logged(&engine, 1)).await.expect("send");
    let heard = |event: &Event| match event {
        Event::PolicyVerdict(verdict) => Some(verdict.clone()),
        _ => None,
    };
    let verdict: PolicyVerdict = wait_for(&mut events, heard).await;
    assert_eq!(verdict.action, Action::Accept);
    assert_eq!(verdict.line, Some(VerdictLine::Rule(rule_id("web"))));
    assert_eq!(
        (verdict.from, verdict.to),
        (Some(zone_id("lan")), Some(zone_id("wan")))
    );
    assert_eq!(
        (verdict.backend, verdict.revision),
        (VerdictBackend::Nftables, Revision(2))
    );
    engine.plane.events.send(dropped(&engine)).await.expect("send");
    let verdict: PolicyVerdict = wait_for(&mut events, heard).await;
    assert_eq!(
        (verdict.action, verdict.backend),
        (Action::Drop, VerdictBackend::Ebpf)
    );
    assert_eq!(verdict.line, Some(VerdictLine::Rule(rule_id("first"))));
    assert_eq!(verdict.packet_bytes, 60);
    let log = async {
        loop {
            let all = VerdictQuery {
                limit: 10,
                ..VerdictQuery::default()
            };
            let page = engine.control.verdict_log(all).await.expect("log");
            if page.items.len() == 2 {
                return page;
            }
            tokio::task::yield_now().await;
        }
    };
    let page = tokio::time::timeout(std::time::Duration::from_secs(20), log)
        .await
        .expect("stored");
    assert_eq!(page.items[0].verdict, verdict, "newest first");
    // A batch is counted once it is written.
    let told = measured(&engine, |reading| reading.verdict_batches.rows >= 2).await;
    let batches = told.verdict_batches;
    assert!(
        matches!((batches.batches, batches.rows), (1 | 2, 2)),
        "{batches:?}"
    );
    assert!(
        !batches.total.is_zero() && batches.longest <= batches.total,
        "{batches:?}"
    );
    assert_eq!(told.flow_record_batches.batches, 0);
    let check = async |query: VerdictQuery, expected: usize| {
        let query = VerdictQuery { limit: 10, ..query };
        let found = engine.control.verdict_log(query.clone()).await.expect("log");
        assert_eq!(found.items.len(), expected, "{query:?}");
    };
    let all = VerdictQuery::default;
    check(
        VerdictQuery {
            action: Some(Action::Drop),
            ..all()
        },
        1,
    )
    .await;
    check(
        VerdictQuery {
            rule: Some(rule_id("web")),
            ..all()
        },
        1,
    )
    .await;
    check(
        VerdictQuery {
            zone: Some(zone_id("wan")),
            ..all()
        },
        2,
    )
    .await;
    check(
        VerdictQuery {
            zone: Some(zone_id("dmz")),
            ..all()
        },
        0,
    )
    .await;
    check(
        VerdictQuery {
            address: Some("192.168.0.64/28".parse().expect("net")),
            ..all()
        },
        1,
    )
    .await;
    check(
        VerdictQuery {
            since: Some(OffsetDateTime::now_utc() + time::Duration::HOUR),
            ..all()
        },
        0,
    )
    .await;
    let first = VerdictQuery { limit: 1, ..all() };
    let page = engine.control.verdict_log(first).await.expect("log");
    let next = page.next.expect("another page");
    check(
        VerdictQuery {
            before: Some(next),
            ..all()
        },
        1,
    )
    .await;
}
