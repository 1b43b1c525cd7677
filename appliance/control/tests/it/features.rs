use std::time::Duration;

use ravelin_control::{Config, ControlError, LinkSource, Parts, Precondition, spawn};
use ravelin_datapath::{EventBatches, FlowSummary, FlowSweep, FlowTimeouts, HitCounter};
use ravelin_model::{
    DdosProtectionConfig, DnsBlockAction, DnsBlocklistConfig, Feature, FeatureConfig, FeatureState,
    FlowMonitoringConfig, FlowSettings, Hook, HwOffloadStatus, InterfaceScope, ListKind, Reason, Revision,
    StatisticsConfig,
};
use ravelin_store::Store;
use tokio::sync::{mpsc, watch};

use crate::datapath::{Call, Told};
use crate::engine::{Engine, actor, id, links};

#[tokio::test]
async fn features_start_as_the_model_says() {
    let engine = Engine::start().await;
    let features = engine.control.features().await.expect("features");
    let found: Vec<_> = features
        .iter()
        .map(|f| (f.feature, f.enabled, f.state, f.revision))
        .collect();
    let none = Revision(0);
    assert_eq!(
        found,
        [
            (Feature::Statistics, true, FeatureState::Active, none),
            (Feature::FlowMonitoring, true, FeatureState::Active, none),
            (Feature::DdosProtection, false, FeatureState::Disabled, none),
            (Feature::DnsBlocklist, false, FeatureState::Disabled, none),
            (Feature::PolicyClassifier, true, FeatureState::Active, none),
            (Feature::ConntrackSync, true, FeatureState::Active, none),
            (Feature::FlowOffload, true, FeatureState::Active, none),
            (Feature::FlowRecords, true, FeatureState::Active, none),
            (Feature::HwOffload, false, FeatureState::Disabled, none),
        ]
    );
    assert!(engine.control.readiness().ready);
    assert!(engine.plane.now().switches.statistics && engine.plane.now().switches.flow_monitoring);
}

#[tokio::test]
async fn a_switch_reaches_the_data_plane_and_is_idempotent() {
    let engine = Engine::start().await;
    let first = engine.enable(Feature::DnsBlocklist).await;
    assert_eq!(
        (first.enabled, first.state, first.revision),
        (true, FeatureState::Active, Revision(1))
    );
    assert!(engine.plane.now().switches.dns_blocklist);
    let second = engine.enable(Feature::DnsBlocklist).await;
    assert_eq!(second, first);
    assert_eq!(engine.control.revision(), Revision(1));
    let off = engine
        .control
        .set_enabled(Feature::DnsBlocklist, false, &actor())
        .await
        .expect("disable");
    assert_eq!(
        (off.state, off.hooks.len(), off.revision),
        (FeatureState::Disabled, 0, Revision(2))
    );
    assert!(!engine.plane.now().switches.dns_blocklist);
}

#[tokio::test]
async fn dependencies_hold_both_ways() {
    let engine = Engine::start().await;
    engine.enable(Feature::DdosProtection).await;
    let refused = engine
        .control
        .set_enabled(Feature::Statistics, false, &actor())
        .await;
    let users = vec![Feature::DdosProtection];
    assert!(matches!(refused, Err(ControlError::NeededBy { users: u, .. }) if u == users));

    engine
        .control
        .set_enabled(Feature::DdosProtection, false, &actor())
        .await
        .expect("disable");
    engine
        .control
        .set_enabled(Feature::Statistics, false, &actor())
        .await
        .expect("disable");
    let revision = engine.control.revision();
    let refused = engine
        .control
        .set_enabled(Feature::DnsBlocklist, true, &actor())
        .await;
    let missing = vec![Feature::Statistics];
    assert!(matches!(refused, Err(ControlError::MissingDependency { missing: m, .. }) if m == missing));
    assert_eq!(engine.control.revision(), revision);
}

#[tokio::test]
async fn hooks_are_those_the_feature_uses() {
    let engine = Engine::start().await;
    engine.enable(Feature::DdosProtection).await;
    engine.enable(Feature::DnsBlocklist).await;
    for (feature, hooks) in [
        (Feature::Statistics, &Hook::ALL[..]),
        (Feature::FlowMonitoring, &Hook::ALL[..]),
        (Feature::DdosProtection, &[Hook::Xdp]),
        (Feature::DnsBlocklist, &[Hook::Xdp, Hook::TcIngress]),
    ] {
        let found: Vec<_> = engine.feature(feature).await.hooks;
        let expected: Vec<_> = [("lan0", 2), ("wan0", 3)]
            .into_iter()
            .flat_map(|(name, index)| hooks.iter().map(move |hook| (name.to_owned(), index, *hook)))
            .collect();
        let found: Vec<_> = found
            .into_iter()
            .map(|a| (a.interface, a.interface_index, a.hook))
            .collect();
        assert_eq!(found, expected, "{feature}");
    }
}

#[tokio::test]
async fn a_configuration_is_applied_and_survives_a_restart() {
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::over(store.clone()).await;
    let configs = [
        FeatureConfig::Statistics(StatisticsConfig {
            measure_run_time: true,
        }),
        FeatureConfig::FlowMonitoring(FlowMonitoringConfig {
            udp_timeout_seconds: 7,
            ..FlowMonitoringConfig::default()
        }),
        FeatureConfig::DdosProtection(DdosProtectionConfig {
            lists: vec![id("blocklist")],
            interfaces: InterfaceScope::External,
        }),
        FeatureConfig::DnsBlocklist(DnsBlocklistConfig {
            lists: vec![id("dns-blocklist")],
            action: DnsBlockAction::Drop,
        }),
    ];
    for config in configs.clone() {
        let status = engine
            .control
            .set_config(config.clone(), Precondition::Exists, &actor())
            .await;
        assert_eq!(status.expect("configure").config, config);
    }
    let check = |engine: &Engine| {
        let told = engine.plane.now();
        assert!(told.measures_run_time && told.switches.ddos_external_only && told.switches.dns_drop);
        assert_eq!(engine.flow_timeouts.borrow().udp, Duration::from_secs(7));
    };
    check(&engine);
    let engine = Engine::over(store).await;
    check(&engine);
    for config in configs {
        assert_eq!(engine.feature(config.feature()).await.config, config);
    }
}

#[tokio::test]
async fn a_stale_precondition_changes_nothing() {
    let engine = Engine::start().await;
    let config = |on| FeatureConfig::Statistics(StatisticsConfig { measure_run_time: on });
    let at = |revision| Precondition::Revision(Revision(revision));
    let status = engine
        .control
        .set_config(config(true), at(0), &actor())
        .await
        .expect("current");
    assert_eq!(status.revision, Revision(1));
    let refused = engine.control.set_config(config(false), at(0), &actor()).await;
    assert!(
        matches!(refused, Err(ControlError::Stale { current: Revision(1) })),
        "{refused:?}"
    );
    assert!(engine.plane.now().measures_run_time);
    // The same again is no change.
    let same = engine
        .control
        .set_config(config(true), at(1), &actor())
        .await
        .expect("same");
    assert_eq!(
        (same.revision, engine.control.revision()),
        (Revision(1), Revision(1))
    );
}

#[tokio::test]
async fn an_invalid_configuration_is_refused_with_every_problem() {
    let engine = Engine::start().await;
    let other = engine.create("names", ListKind::Domain).await;
    let config = FeatureConfig::DdosProtection(DdosProtectionConfig {
        lists: vec![id("blocklist"), id("lst_0"), other.id.clone(), id("blocklist")],
        interfaces: InterfaceScope::All,
    });
    let revision = engine.control.revision();
    let refused = engine
        .control
        .set_config(config, Precondition::Exists, &actor())
        .await;
    let Err(ControlError::InvalidConfig {
        feature: Feature::DdosProtection,
        problems,
    }) = refused
    else {
        panic!("{refused:?}");
    };
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let wrong_kind = format!("lists names '{}', which is of the wrong kind", other.id);
    assert_eq!(
        texts,
        [
            "lists names 'lst_0', which does not exist",
            wrong_kind.as_str(),
            "lists names 'blocklist' twice"
        ]
    );
    let config = FeatureConfig::FlowMonitoring(FlowMonitoringConfig {
        udp_timeout_seconds: 0,
        other_timeout_seconds: 864_001,
        ..FlowMonitoringConfig::default()
    });
    let refused = engine
        .control
        .set_config(config, Precondition::Exists, &actor())
        .await;
    assert!(matches!(refused, Err(ControlError::InvalidConfig { problems, .. }) if problems.len() == 2));
    assert_eq!(engine.control.revision(), revision);
}

#[tokio::test]
async fn without_a_data_plane_features_fail_with_the_reason_and_can_still_be_set() {
    let (timeouts, _) = watch::channel(FlowTimeouts {
        tcp_established: Duration::ZERO,
        tcp_transitory: Duration::ZERO,
        udp: Duration::ZERO,
        other: Duration::ZERO,
    });
    let links = watch::Sender::new(links(&[("lo", 1), ("lan0", 2)]));
    let parts = Parts {
        store: Store::in_memory().await.expect("store"),
        datapath: Err("the process lacks CAP_BPF".to_owned()),
        events: EventBatches::none(),
        packet_filter: Err("nft is not installed".to_owned()),
        packet_log: ravelin_control::PacketLogSource::Told(mpsc::channel(1).1),
        links: LinkSource::Told(links.subscribe()),
        flow_timeouts: timeouts,
        flow_summary: watch::channel(FlowSummary::default()).1,
        flow_settings: watch::channel(FlowSettings::default()).0,
        judge: watch::channel(None).0,
        sync: watch::channel(crate::engine::in_step()).1,
        hw_offload: watch::channel(HwOffloadStatus::default()).1,
        live: None,
        flow_cache: None,
        hardware: None,
        network: None,
        network_daemons: None,
        config: Config::default(),
    };
    let (control, _) = spawn(parts).await.expect("spawn");
    control.started().await;
    let reason = "there is no data plane: the process lacks CAP_BPF";
    let status = control
        .set_enabled(Feature::DdosProtection, true, &actor())
        .await
        .expect("enable");
    assert_eq!(
        (status.state, status.state_reason.as_deref()),
        (FeatureState::Failed, Some(reason))
    );
    assert_eq!(status.revision, Revision(1));
    let values = vec![crate::engine::value("192.0.2.1")];
    control
        .add_entries(&id("blocklist"), values, &actor())
        .await
        .expect("add");
    let readiness = control.readiness();
    assert!(!readiness.ready);
    assert!(
        readiness
            .problems
            .contains(&format!("ddos_protection failed: {reason}")),
        "{readiness:?}"
    );
    let interfaces = control.interfaces().await.expect("interfaces");
    let errors: Vec<_> = interfaces.iter().map(|i| i.attach_error.as_deref()).collect();
    assert_eq!(errors, [None, Some(reason)]);
    assert!(matches!(
        control.programs().await,
        Err(ControlError::NoDatapath(_))
    ));
}

#[tokio::test]
async fn a_feature_tells_what_it_counted() {
    let engine = Engine::start().await;
    engine.add("blocklist", &["192.0.2.0/24"]).await;
    engine.add("dns-blocklist", &["example.com"]).await;
    engine.enable(Feature::DdosProtection).await;
    engine.enable(Feature::DnsBlocklist).await;
    {
        let mut told = engine.plane.now();
        let row = told.row_of("192.0.2.1");
        told.hits.insert(
            row,
            HitCounter {
                packets: 5,
                bytes: 500,
            },
        );
        let (set, _) = told
            .names
            .as_ref()
            .and_then(|t| t.lookup(&"example.com".parse().ok()?))
            .expect("listed");
        told.name_hits.insert(set, HitCounter { packets: 3, bytes: 0 });
        told.statistics.insert(
            2,
            vec![
                (Reason::Pass, 10),
                (Reason::SourceListed, 5),
                (Reason::DnsAnswered, 3),
            ],
        );
        told.statistics.insert(3, vec![(Reason::Pass, 1)]);
    }
    engine.flows.send_replace(FlowSummary {
        last: FlowSweep {
            entries4: 4,
            entries6: 6,
            capacity: 100,
            ..FlowSweep::default()
        },
        expired: 9,
        ..FlowSummary::default()
    });
    for (feature, name, value) in [
        (Feature::Statistics, "packets", 19),
        (Feature::Statistics, "bytes", 1900),
        (Feature::Statistics, "pass_packets", 11),
        (Feature::Statistics, "drop_packets", 5),
        (Feature::Statistics, "answer_packets", 3),
        (Feature::FlowMonitoring, "ipv4_entries", 4),
        (Feature::FlowMonitoring, "ipv6_entries", 6),
        (Feature::FlowMonitoring, "capacity_entries", 100),
        (Feature::FlowMonitoring, "expired_entries", 9),
        (Feature::DdosProtection, "dropped_packets", 5),
        (Feature::DdosProtection, "list.blocklist.packets", 5),
        (Feature::DdosProtection, "list.blocklist.bytes", 500),
        (Feature::DdosProtection, "loaded_entries", 1),
        (Feature::DdosProtection, "capacity_entries", 8),
        (Feature::DnsBlocklist, "answered_queries", 3),
        (Feature::DnsBlocklist, "loaded_names", 1),
        (Feature::DnsBlocklist, "list.dns-blocklist.queries", 3),
    ] {
        assert_eq!(engine.counter(feature, name).await, value, "{feature} {name}");
    }
}

#[tokio::test]
async fn totals_do_not_fall_when_entries_tables_and_interfaces_go() {
    let engine = Engine::start().await;
    let entries = engine.add("blocklist", &["192.0.2.1", "192.0.2.2"]).await;
    engine.add("dns-blocklist", &["example.com"]).await;
    engine.enable(Feature::DdosProtection).await;
    engine.enable(Feature::DnsBlocklist).await;
    {
        let mut told = engine.plane.now();
        for address in ["192.0.2.1", "192.0.2.2"] {
            let row = told.row_of(address);
            told.hits.insert(
                row,
                HitCounter {
                    packets: 5,
                    bytes: 500,
                },
            );
        }
        let (set, _) = told
            .names
            .as_ref()
            .and_then(|t| t.lookup(&"example.com".parse().ok()?))
            .expect("listed");
        told.name_hits.insert(set, HitCounter { packets: 3, bytes: 0 });
        told.statistics.insert(3, vec![(Reason::Pass, 10)]);
    }
    engine
        .control
        .delete_entry(&id("blocklist"), entries[0].id, &actor())
        .await
        .expect("delete");
    engine.add("dns-blocklist", &["example.net"]).await;
    let mut stream = engine.control.subscribe(None);
    engine.links.send_replace(links(&[("lo", 1), ("lan0", 2)]));
    crate::engine::wait_for(&mut stream, |event| {
        matches!(
            event,
            ravelin_model::Event::InterfaceChanged { present: false, .. }
        )
        .then_some(())
    })
    .await;
    assert_eq!(
        engine
            .counter(Feature::DdosProtection, "list.blocklist.packets")
            .await,
        10
    );
    assert_eq!(
        engine
            .counter(Feature::DnsBlocklist, "list.dns-blocklist.queries")
            .await,
        3
    );
    assert_eq!(engine.counter(Feature::Statistics, "packets").await, 10);
}

#[tokio::test]
async fn run_times_that_cannot_be_measured_degrade_the_statistics_and_hold_up_nothing() {
    let store = Store::in_memory().await.expect("store");
    let refuse = |told: &Told| told.now().refuse = [Call::MeasureRunTime].into();
    let engine = Engine::with(store.clone(), Config::default(), refuse).await;
    let config = |on| FeatureConfig::Statistics(StatisticsConfig { measure_run_time: on });
    let any = Precondition::Exists;
    let set = engine
        .control
        .set_config(config(true), any, &actor())
        .await
        .expect("configure");
    assert_eq!((set.state, set.config), (FeatureState::Degraded, config(true)));
    let reason = set.state_reason.expect("a reason");
    assert!(reason.starts_with("run times are not measured: "), "{reason}");

    let again = Engine::with(store, Config::default(), refuse).await;
    assert_eq!(
        again.feature(Feature::Statistics).await.state,
        FeatureState::Degraded
    );
    assert!(again.plane.now().switches.statistics);
    let set = again
        .control
        .set_config(config(false), any, &actor())
        .await
        .expect("configure");
    assert_eq!(set.state, FeatureState::Active);
}

#[tokio::test]
async fn what_a_feature_needs_is_loaded_before_it_is_switched_on() {
    let engine = Engine::start().await;
    for (feature, image) in [
        (Feature::DdosProtection, Call::Addresses),
        (Feature::DnsBlocklist, Call::Names),
    ] {
        engine.plane.now().calls.clear();
        engine.enable(feature).await;
        assert_eq!(engine.plane.now().calls, [image, Call::Switches], "{feature}");
    }
    engine.plane.now().calls.clear();
    engine.add("blocklist", &["192.0.2.1"]).await;
    assert_eq!(engine.plane.now().calls, [Call::Addresses]);
}
