//! What is told to whoever follows connections, and what is made of what it tells.

use std::time::Duration;

use ravelin_control::{ControlError, Precondition};
use ravelin_model::{
    ConntrackSyncConfig, Event, Feature, FeatureConfig, FeatureDetail, FeatureState, FlowRecordsConfig,
    FlowSettings, HwOffloadConfig, HwOffloadMode, HwOffloadPort, HwOffloadStatus, OffloadPort, SyncState,
    SyncStatus,
};
use tokio::sync::{oneshot, watch};

use crate::engine::{Engine, actor, id, in_step, until, wait_for};

fn seeding() -> watch::Sender<SyncStatus> {
    watch::Sender::new(SyncStatus {
        state: SyncState::Seeding,
        ..SyncStatus::default()
    })
}

#[tokio::test]
async fn switches_and_configuration_reach_whoever_follows_connections() {
    let engine = Engine::start().await;
    let told = |engine: &Engine| engine.flow_settings.borrow().clone();
    let all = FlowSettings {
        sync: Some(ConntrackSyncConfig::default()),
        offload: true,
        records: Some(FlowRecordsConfig::default()),
        retention: Some(FlowRecordsConfig::default().retention()),
        hardware: None,
    };
    assert_eq!(told(&engine), all);
    assert!(engine.plane.now().switches.flow_offload);
    let configure = async |config| {
        engine
            .control
            .set_config(config, Precondition::Exists, &actor())
            .await
    };
    let often = ConntrackSyncConfig { check_seconds: 5 };
    let status = configure(FeatureConfig::ConntrackSync(often.clone())).await;
    assert_eq!(
        status.expect("configure").config,
        FeatureConfig::ConntrackSync(often.clone())
    );
    let collected = FlowRecordsConfig {
        keep_hours: 5,
        collector: Some("[2001:db8::9]:4739".parse().expect("address")),
        ..FlowRecordsConfig::default()
    };
    configure(FeatureConfig::FlowRecords(collected.clone()))
        .await
        .expect("configure");
    let switch = async |feature, on| engine.control.set_enabled(feature, on, &actor()).await;
    let asked = HwOffloadConfig {
        mode: HwOffloadMode::DryRun,
        max_flows: Some(4096),
        ..HwOffloadConfig::default()
    };
    configure(FeatureConfig::HwOffload(asked.clone()))
        .await
        .expect("configure");
    switch(Feature::HwOffload, true).await.expect("on");
    assert_eq!(told(&engine).hardware, Some(asked));
    let needed = switch(Feature::FlowOffload, false).await;
    assert!(
        matches!(&needed, Err(ControlError::NeededBy { users, .. }) if *users == [Feature::HwOffload]),
        "{needed:?}"
    );
    switch(Feature::HwOffload, false).await.expect("off");
    switch(Feature::FlowOffload, false).await.expect("off");
    assert!(!engine.plane.now().switches.flow_offload);
    let expected = FlowSettings {
        sync: Some(often),
        offload: false,
        retention: Some(collected.retention()),
        records: Some(collected.clone()),
        hardware: None,
    };
    assert_eq!(told(&engine), expected);
    let needed = switch(Feature::ConntrackSync, false).await;
    assert!(
        matches!(&needed, Err(ControlError::NeededBy { users, .. }) if *users == [Feature::FlowRecords]),
        "{needed:?}"
    );
    switch(Feature::FlowRecords, false).await.expect("off");
    switch(Feature::ConntrackSync, false).await.expect("off");
    let off = FlowSettings {
        retention: Some(collected.retention()),
        ..FlowSettings::default()
    };
    assert_eq!(told(&engine), off);
    let missing = switch(Feature::FlowOffload, true).await;
    assert!(matches!(missing, Err(ControlError::MissingDependency { .. })));
}

#[tokio::test]
async fn configurations_out_of_bounds_are_refused() {
    let engine = Engine::start().await;
    let cases: [(FeatureConfig, &[&str]); 6] = [
        (
            FeatureConfig::ConntrackSync(ConntrackSyncConfig { check_seconds: 4 }),
            &["check_seconds"],
        ),
        (
            FeatureConfig::ConntrackSync(ConntrackSyncConfig { check_seconds: 3601 }),
            &["check_seconds"],
        ),
        (
            FeatureConfig::FlowRecords(FlowRecordsConfig {
                keep_records: 999,
                keep_hours: 0,
                collector: Some("224.0.0.1:4739".parse().expect("address")),
                observation_domain: 1,
            }),
            &["keep_records", "keep_hours", "collector"],
        ),
        (
            FeatureConfig::FlowRecords(FlowRecordsConfig {
                collector: Some("192.0.2.1:0".parse().expect("address")),
                ..FlowRecordsConfig::default()
            }),
            &["collector"],
        ),
        (
            FeatureConfig::HwOffload(HwOffloadConfig {
                mode: HwOffloadMode::Active,
                min_packets_per_second: 0,
                max_flows: Some(1),
                idle_seconds: 9,
            }),
            &["min_packets_per_second", "max_flows", "idle_seconds"],
        ),
        (
            FeatureConfig::HwOffload(HwOffloadConfig {
                max_flows: Some(1 << 25),
                ..HwOffloadConfig::default()
            }),
            &["max_flows"],
        ),
    ];
    for (config, expected) in cases {
        let refused = engine
            .control
            .set_config(config.clone(), Precondition::Exists, &actor())
            .await;
        match refused {
            Err(ControlError::InvalidConfig { problems, .. }) => {
                let fields: Vec<_> = problems.iter().map(|problem| problem.field).collect();
                assert_eq!(fields, expected, "{config:?}");
            }
            other => panic!("{config:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_cards_do_is_the_state_of_forwarding_by_them() {
    let engine = Engine::start().await;
    let asked = engine.enable(Feature::HwOffload).await;
    assert_eq!(asked.state, FeatureState::Starting, "no card is known yet");
    let mut events = engine.control.subscribe(None);
    let card = |interface: &str, problem: Option<&str>, installed| HwOffloadPort {
        interface: interface.to_owned(),
        index: 2,
        problem: problem.map(str::to_owned),
        installed,
        limit: problem.is_none().then_some(1000),
    };
    let ports = vec![card("lan0", Some("veth has no card"), 0)];
    engine.hw_offload.send_replace(HwOffloadStatus {
        ports: ports.clone(),
        ..HwOffloadStatus::default()
    });
    let state = wait_for(&mut events, |event| match event {
        Event::FeatureChanged { feature, state, .. } if *feature == Feature::HwOffload => Some(*state),
        _ => None,
    });
    assert_eq!(state.await, FeatureState::Degraded);
    let shown = engine.feature(Feature::HwOffload).await;
    assert_eq!(shown.detail, FeatureDetail::HwOffload(ports.clone()));
    assert_eq!(shown.state_reason.as_deref(), Some("lan0: veth has no card"));
    engine.hw_offload.send_replace(HwOffloadStatus {
        ports: [ports, vec![card("wan0", None, 4)]].concat(),
        installed: 2,
        installs: 3,
        removals: 1,
        failures: [5, 6, 7],
        packets: 8,
        bytes: 9,
        install_time: Duration::from_millis(10),
        ..HwOffloadStatus::default()
    });
    let shown = engine.feature(Feature::HwOffload).await;
    assert_eq!(shown.state, FeatureState::Active, "one card is enough");
    for (name, value) in [
        ("installed_connections", 2),
        ("installs", 3),
        ("removals", 1),
        ("refused_failures", 5),
        ("not_in_hardware_failures", 6),
        ("unreadable_failures", 7),
        ("packets", 8),
        ("bytes", 9),
        ("install_microseconds", 10_000),
        ("interfaces", 2),
        ("supported_interfaces", 1),
        ("capacity_flows", 1000),
    ] {
        assert_eq!(engine.counter(Feature::HwOffload, name).await, value, "{name}");
    }
}

#[tokio::test]
async fn the_state_of_the_flow_cache_is_the_state_of_its_features() {
    let engine = Engine::start().await;
    let mut events = engine.control.subscribe(None);
    let ports = vec![
        OffloadPort {
            interface: "lan0".to_owned(),
            index: 2,
            problem: None,
        },
        OffloadPort {
            interface: "tun0".to_owned(),
            index: 9,
            problem: Some("its frames are not Ethernet".to_owned()),
        },
    ];
    engine.sync.send_replace(SyncStatus {
        state: SyncState::Resyncing,
        epoch: 2,
        overruns: 1,
        entries4: 7,
        drift: 3,
        ports: ports.clone(),
        records_stored: 11,
        ..in_step()
    });
    let state = wait_for(&mut events, |event| match event {
        Event::FeatureChanged { feature, state, .. } if *feature == Feature::ConntrackSync => Some(*state),
        _ => None,
    });
    assert_eq!(state.await, FeatureState::Degraded);
    assert!(!engine.control.readiness().ready);
    let counted = [
        (Feature::ConntrackSync, "readings", 2),
        (Feature::ConntrackSync, "overruns", 1),
        (Feature::ConntrackSync, "ipv4_entries", 7),
        (Feature::ConntrackSync, "drifted_entries", 3),
        (Feature::FlowOffload, "interfaces", 2),
        (Feature::FlowOffload, "eligible_interfaces", 1),
        (Feature::FlowRecords, "stored_records", 11),
    ];
    for (feature, name, value) in counted {
        assert_eq!(engine.counter(feature, name).await, value, "{feature} {name}");
    }
    let offload = engine.feature(Feature::FlowOffload).await;
    assert_eq!(offload.detail, FeatureDetail::FlowOffload(ports));
    engine.sync.send_replace(in_step());
    let sync = engine.feature(Feature::ConntrackSync).await;
    assert_eq!(
        sync.state,
        FeatureState::Active,
        "as of now, not of the last event"
    );
    assert!(matches!(
        sync.detail,
        FeatureDetail::ConntrackSync {
            state: SyncState::Synced,
            synced_at: Some(_)
        }
    ));
    assert!(engine.control.readiness().ready);
}

#[tokio::test]
async fn programs_are_attached_once_connections_are_known() {
    let sync = seeding();
    let (sender, plane) = oneshot::channel();
    let starting = Engine::beside(sync.clone(), |plane| {
        sender.send(plane.clone()).expect("the test waits");
    });
    let seeding = async {
        let plane = plane.await.expect("a data plane");
        until("the switch", async || plane.now().switches.statistics).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(plane.now().attached.len(), 0, "conntrack is not read yet");
        sync.send_replace(in_step());
    };
    let (engine, ()) = tokio::join!(starting, seeding);
    assert_eq!(engine.plane.now().attached.len(), 2);
    assert!(engine.control.readiness().ready);
}

#[tokio::test]
async fn a_broken_conntrack_keeps_no_program_from_its_interface() {
    let sync = watch::Sender::new(SyncStatus {
        state: SyncState::Unavailable("ctnetlink is missing".to_owned()),
        ..SyncStatus::default()
    });
    let engine = Engine::beside(sync, |_| {}).await;
    assert_eq!(engine.plane.now().attached.len(), 2);
    let status = engine.feature(Feature::ConntrackSync).await;
    assert_eq!(status.state, FeatureState::Failed);
    assert_eq!(status.state_reason.as_deref(), Some("ctnetlink is missing"));
    let never = Engine::beside(seeding(), |_| {}).await;
    assert_eq!(never.plane.now().attached.len(), 2, "after some seconds");
    let status = never.feature(Feature::ConntrackSync).await;
    assert_eq!(status.state, FeatureState::Starting);
}

#[tokio::test]
async fn ways_are_learned_again_where_listed_sources_are_others() {
    let engine = Engine::start().await;
    let forgotten = || std::mem::take(&mut engine.plane.now().connections.forgotten) > 0;
    forgotten();
    engine.add("blocklist", &["192.0.2.1"]).await;
    assert!(!forgotten(), "nobody looks at the list");
    engine.enable(Feature::DdosProtection).await;
    assert!(forgotten(), "switched on");
    let entry = engine.add("blocklist", &["192.0.2.2"]).await[0].id;
    assert!(forgotten(), "an entry more");
    let deleted = engine
        .control
        .delete_entry(&id("blocklist"), entry, &actor())
        .await;
    deleted.expect("delete");
    assert!(forgotten(), "an entry less");
    engine.add("dns-blocklist", &["blocked.example"]).await;
    assert!(!forgotten(), "names have no sources");
    let config = FeatureConfig::DdosProtection(ravelin_model::DdosProtectionConfig {
        lists: vec![id("blocklist")],
        interfaces: ravelin_model::InterfaceScope::External,
    });
    let configured = engine
        .control
        .set_config(config, Precondition::Exists, &actor())
        .await;
    configured.expect("configure");
    assert!(forgotten(), "only some interfaces");
    let flagged = engine
        .control
        .set_interface_external("wan0", true, &actor())
        .await;
    flagged.expect("flag");
    assert!(forgotten(), "another interface");
    let off = engine
        .control
        .set_enabled(Feature::DdosProtection, false, &actor())
        .await;
    off.expect("off");
    assert!(forgotten(), "switched off");
}

#[tokio::test]
async fn a_flowtable_takes_what_xdp_cannot() {
    let sync = watch::Sender::new(in_step());
    let engine = Engine::beside(sync, |plane| plane.now().has_flowtables = true).await;
    let interfaces = |engine: &Engine| -> Vec<String> {
        let filter = engine.plane.now().filter.clone().expect("a table");
        filter.flowtable().iter().cloned().collect()
    };
    crate::policy::zoned(&engine).await;
    assert_eq!(interfaces(&engine).len(), 0, "XDP forwards everywhere");
    let judged = engine.plane.judgements().len();
    let problem = OffloadPort {
        interface: "wan0".to_owned(),
        index: 3,
        problem: Some("its driver cannot".to_owned()),
    };
    engine.sync.send_modify(|sync| sync.ports = vec![problem]);
    until("the flowtable of wan0", async || interfaces(&engine) == ["wan0"]).await;
    let broken = SyncState::Unavailable("no ctnetlink".to_owned());
    engine.sync.send_modify(|sync| sync.state = broken);
    until("the flowtable of both", async || {
        interfaces(&engine) == ["lan0", "wan0"]
    })
    .await;
    let off = engine
        .control
        .set_enabled(Feature::FlowOffload, false, &actor())
        .await;
    off.expect("off");
    assert_eq!(interfaces(&engine).len(), 0, "switched off");
    assert!(judged > 0 && engine.plane.judgements().is_empty());
}
