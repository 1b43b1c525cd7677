//! Daemons of others.

use ravelin_model::{DhcpClient, LanServices, NetworkServices};

use super::*;

fn client() -> NetworkSettings {
    NetworkSettings {
        dhcp_client: DhcpClient {
            ipv4: true,
            ipv6: true,
        },
        ..NetworkSettings::default()
    }
}

fn clients(engine: &Engine) -> Option<Vec<String>> {
    let script = engine.daemons.now();
    let NetworkServices { dhcp_clients, .. } = script.told.last()?;
    Some(dhcp_clients.iter().map(|(name, _)| name.clone()).collect())
}

#[tokio::test]
async fn daemons_are_told_what_the_policy_wants_of_them() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::over(store.clone()).await;
    // What ran before this start ends, too.
    until("they are told", async || {
        clients(&engine).is_some_and(|names| names.is_empty())
    })
    .await;
    let lan = NetworkSettings {
        lan_services: LanServices {
            dns: true,
            ..LanServices::default()
        },
        ..addresses(&["10.0.0.1/24"])
    };
    commit(&engine, vec![create("wan0", client()), create("lan0", lan)]).await;
    until("they are told", async || {
        clients(&engine) == Some(vec!["wan0".to_owned()])
    })
    .await;
    {
        let script = engine.daemons.now();
        let served = &script.told.last().expect("told").lan_services;
        let network = served[0].ipv4.map(|network| network.to_string());
        assert_eq!((served.len(), network.as_deref()), (1, Some("10.0.0.1/24")));
    }
    // Nothing else is said of them.
    let told = engine.daemons.now().told.len();
    commit(&engine, vec![zone("lan", &["lan0"])]).await;
    assert_eq!(engine.daemons.now().told.len(), told);
    let engine = engine.restarted(store, Config::default()).await;
    until("they are told again", async || {
        engine.daemons.now().told.len() == told + 1
    })
    .await;
}

#[tokio::test]
async fn daemons_that_fail_fail_no_commit_and_are_told_again() {
    let engine = Engine::start().await;
    engine.daemons.now().broken = Some("the agent does not answer".to_owned());
    commit(
        &engine,
        vec![
            create("wan0", client()),
            create("lan0", addresses(&["10.0.0.1/24"])),
        ],
    )
    .await;
    let failed = (
        SettingsState::Failed,
        Some("the agent does not answer".to_owned()),
    );
    until("it is told", async || state(&engine, "wan0") == failed).await;
    assert_eq!(state(&engine, "lan0"), (SettingsState::Applied, None));
    engine.daemons.now().broken = None;
    until("they are told again", async || {
        state(&engine, "wan0") == (SettingsState::Applied, None)
    })
    .await;
    assert_eq!(clients(&engine), Some(vec!["wan0".to_owned()]));
}
