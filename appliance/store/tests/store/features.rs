use ravelin_model::{
    DdosProtectionConfig, DnsBlockAction, DnsBlocklistConfig, Feature, FeatureConfig, FlowMonitoringConfig,
    InterfaceScope, Revision, StatisticsConfig,
};
use ravelin_store::{Store, StoredFeature};

use crate::support::{at, author, blocklist, change, dns_blocklist, store};

async fn check(store: &Store, feature: Feature, enabled: bool, config: FeatureConfig, revision: u64) {
    let features = store.features().await.expect("features");
    assert_eq!(
        features.iter().map(|stored| stored.feature).collect::<Vec<_>>(),
        Feature::ALL
    );
    let found = features.into_iter().find(|stored| stored.feature == feature);
    assert_eq!(
        found,
        Some(StoredFeature {
            feature,
            enabled,
            config,
            revision: Revision(revision)
        })
    );
}

#[tokio::test]
async fn what_was_never_set_is_the_default() {
    let store = store().await;
    for feature in Feature::ALL {
        check(
            &store,
            feature,
            feature.enabled_by_default(),
            FeatureConfig::default_of(feature),
            0,
        )
        .await;
    }
}

#[tokio::test]
async fn switch_and_configuration_are_kept_apart() {
    let store = store().await;
    let config = FeatureConfig::Statistics(StatisticsConfig {
        measure_run_time: true,
    });
    let default = FeatureConfig::default_of(Feature::Statistics);

    let mut switched = change(&store, 1).await;
    switched
        .set_feature_enabled(Feature::Statistics, false)
        .await
        .expect("switch");
    switched.commit().await.expect("commit");
    check(&store, Feature::Statistics, false, default, 1).await;

    let mut configured = change(&store, 2).await;
    configured.set_feature_config(&config).await.expect("configure");
    configured.commit().await.expect("commit");
    check(&store, Feature::Statistics, false, config.clone(), 2).await;

    let mut switched = change(&store, 3).await;
    switched
        .set_feature_enabled(Feature::Statistics, true)
        .await
        .expect("switch");
    switched.commit().await.expect("commit");
    check(&store, Feature::Statistics, true, config, 3).await;
}

#[tokio::test]
async fn every_configuration_comes_back_as_it_was_stored() {
    let store = store().await;
    let mut lists = vec![blocklist()];
    lists.push("lst_0123456789abcdef".parse().expect("id"));
    for config in [
        FeatureConfig::Statistics(StatisticsConfig {
            measure_run_time: true,
        }),
        FeatureConfig::FlowMonitoring(FlowMonitoringConfig {
            tcp_established_timeout_seconds: 1,
            tcp_transitory_timeout_seconds: 2,
            udp_timeout_seconds: 3,
            other_timeout_seconds: 4,
        }),
        FeatureConfig::DdosProtection(DdosProtectionConfig {
            lists,
            interfaces: InterfaceScope::External,
        }),
        FeatureConfig::DdosProtection(DdosProtectionConfig {
            lists: vec![],
            interfaces: InterfaceScope::All,
        }),
        FeatureConfig::DnsBlocklist(DnsBlocklistConfig {
            lists: vec![dns_blocklist()],
            action: DnsBlockAction::Drop,
        }),
        FeatureConfig::DnsBlocklist(DnsBlocklistConfig {
            lists: vec![],
            action: DnsBlockAction::Nxdomain,
        }),
    ] {
        let mut change = change(&store, 1).await;
        let revision = change.revision();
        change.set_feature_config(&config).await.expect("configure");
        change.commit().await.expect("commit");
        let feature = config.feature();
        check(&store, feature, feature.enabled_by_default(), config, revision.0).await;
    }
}

#[tokio::test]
async fn interfaces_are_external_by_name() {
    let store = store().await;
    let mut change = store
        .change(&author(), "flag interfaces", at(0))
        .await
        .expect("begin");
    for (name, external) in [("wan0", true), ("wan1", true), ("lan0", false), ("wan1", false)] {
        change.set_interface_external(name, external).await.expect("flag");
    }
    change.commit().await.expect("commit");
    let external = store.external_interfaces().await.expect("interfaces");
    assert_eq!(external.into_iter().collect::<Vec<_>>(), ["wan0"]);
}
