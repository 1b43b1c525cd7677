use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::sync::Arc;

use ravelin_model::{
    Action, AddressMatch, AnyObject, BondMode, Day, DhcpClient, DhcpRange, Dnat, HardwareAddress,
    HardwareSettings, IcmpType, Id, InterfaceSettingsSpec, Kind, LanServices, LinkIdentity, MinuteOfDay,
    NatRuleSpec, NetworkSettings, Object, ObjectName, PortRange, PublishedAddress, PublishedServiceSpec,
    RateLimit, RateLimitScope, Revision, RuleSpec, Schedule, ServiceEntry, ServiceMatch, ServiceSpec,
    Translation, VirtualLink, ZoneMatch, ZonePairSpec, ZoneSpec,
};
use ravelin_store::{
    CounterEpoch, PolicyWrite, Store, StoredCounter, StoredCounters, StoredPolicy, Unconfirmed,
};

use crate::support::{at, change, store};

fn name(text: &str) -> ObjectName {
    text.parse().expect("name")
}

fn id<S: Kind>(text: &str) -> Id<S> {
    format!("{}{text}", S::PREFIX).parse().expect("id")
}

pub(crate) fn object<S: Kind>(text: &str, number: u32, revision: u64, spec: S) -> Arc<Object<S>> {
    Arc::new(Object {
        id: id(text),
        number,
        spec,
        updated_at: at(0),
        revision: Revision(revision),
    })
}

fn plain_rule(text: &str) -> RuleSpec {
    RuleSpec {
        name: name(text),
        enabled: true,
        from: ZoneMatch::Any,
        to: ZoneMatch::Any,
        source: AddressMatch::default(),
        destination: AddressMatch::default(),
        services: Vec::new(),
        action: Action::Accept,
        log: false,
        rate_limit: None,
        schedule: None,
        expires_at: None,
        comment: String::new(),
        tags: BTreeSet::new(),
    }
}

pub(crate) fn rule(text: &str, number: u32, revision: u64, position: i64) -> PolicyWrite {
    PolicyWrite::Put {
        object: AnyObject::Rule(object(text, number, revision, plain_rule(text))),
        position: Some(position),
    }
}

/// A rule that says everything a rule can say.
fn full_rule() -> RuleSpec {
    let entry = ServiceEntry {
        protocol: Some(6),
        source_ports: vec![PortRange::ALL],
        destination_ports: PortRange::new(80, 443).into_iter().collect(),
        icmp_types: Vec::new(),
    };
    let icmp = ServiceEntry {
        protocol: Some(1),
        source_ports: Vec::new(),
        destination_ports: Vec::new(),
        icmp_types: vec![
            IcmpType { kind: 8, code: None },
            IcmpType {
                kind: 3,
                code: Some(4),
            },
        ],
    };
    RuleSpec {
        enabled: false,
        from: ZoneMatch::Zone(id("lan")),
        to: ZoneMatch::Zone(id("local")),
        source: AddressMatch {
            addresses: ["10.0.0.0/8", "2001:db8::1-2001:db8::9", "::ffff:192.0.2.1"]
                .map(|text| text.parse().expect(text))
                .into(),
            lists: vec!["blocklist".parse().expect("list")],
            negate: true,
        },
        services: vec![
            ServiceMatch::Entry(entry),
            ServiceMatch::Entry(icmp),
            ServiceMatch::Named(id("web")),
        ],
        action: Action::Reject,
        log: true,
        rate_limit: Some(RateLimit {
            rate: 5,
            per: RateLimitScope::Source,
            burst: 9,
        }),
        schedule: Some(Schedule {
            days: [Day::Monday, Day::Sunday].into(),
            from: MinuteOfDay::new(22, 30).expect("minute"),
            to: MinuteOfDay::new(6, 0).expect("minute"),
            timezone: "Europe/Vienna".to_owned(),
        }),
        expires_at: Some(at(60)),
        comment: "says \"everything\"".to_owned(),
        tags: ["a", "b"].map(str::to_owned).into(),
        ..plain_rule("full")
    }
}

fn dnat() -> Dnat {
    Dnat {
        from: ZoneMatch::Any,
        address: PublishedAddress::Interface("wan0".to_owned()),
        protocol: Some(17),
        ports: PortRange::new(1, 2),
        target: "2001:db8::5".parse().expect("address"),
        target_port: Some(53),
        hairpin: true,
    }
}

/// No two of the same kind of value are equal.
pub(crate) fn every_hardware_setting() -> HardwareSettings {
    HardwareSettings {
        large_receive_offload: Some(false),
        ntuple_filters: Some(true),
        symmetric_receive_hash: Some(true),
        hw_tc_offload: Some(false),
        rx_vlan_offload: None,
        rx_ring_descriptors: Some(1),
        tx_ring_descriptors: Some(2),
        rx_channels: Some(0),
        tx_channels: Some(3),
        combined_channels: Some(4),
    }
}

/// No two of the same kind of value are equal.
fn every_network_setting() -> NetworkSettings {
    NetworkSettings {
        enabled: Some(false),
        mtu_bytes: Some(1400),
        addresses: ["192.168.77.1/24", "fd00::1/64", "10.0.0.1/8"]
            .map(|text| text.parse().expect(text))
            .into(),
        dhcp_client: DhcpClient {
            ipv4: false,
            ipv6: true,
        },
        lan_services: LanServices {
            dhcp_range: Some(DhcpRange {
                first: Ipv4Addr::new(192, 168, 77, 100),
                last: Ipv4Addr::new(192, 168, 77, 199),
                lease_seconds: 3600,
            }),
            router_advertisements: true,
            dns: false,
        },
        virtual_link: None,
        identity: LinkIdentity {
            mac: Some(HardwareAddress([2, 0, 0, 0xab, 0, 1])),
            path: Some("pci-0000:00:03.0".to_owned()),
        },
    }
}

fn virtual_links() -> [VirtualLink; 6] {
    let ports = || ["lan1", "lan2"].map(str::to_owned).to_vec();
    let bond = |mode| VirtualLink::Bond { ports: ports(), mode };
    [
        VirtualLink::Vlan {
            parent: "lan0".to_owned(),
            id: NonZeroU16::new(4094).expect("not zero"),
        },
        VirtualLink::Bridge {
            ports: ports(),
            spanning_tree: true,
        },
        VirtualLink::Bridge {
            ports: Vec::new(),
            spanning_tree: false,
        },
        bond(BondMode::ActiveBackup),
        bond(BondMode::Lacp),
        bond(BondMode::BalanceXor),
    ]
}

/// One of every kind and every shape of it.
fn everything() -> Vec<PolicyWrite> {
    let put = |object| PolicyWrite::Put {
        object,
        position: None,
    };
    let zone = ZoneSpec {
        name: name("lan"),
        description: "inside".to_owned(),
        interfaces: ["lan0", "lan1"].map(str::to_owned).into(),
        management: true,
    };
    let pair = ZonePairSpec {
        from: id("lan"),
        to: id("local"),
        default_action: Action::Drop,
        log: true,
    };
    let service = ServiceSpec {
        name: name("web"),
        description: String::new(),
        entries: vec![ServiceEntry {
            protocol: None,
            source_ports: Vec::new(),
            destination_ports: Vec::new(),
            icmp_types: Vec::new(),
        }],
    };
    let published = PublishedServiceSpec {
        name: name("dns"),
        enabled: true,
        translation: Dnat {
            address: PublishedAddress::Address("192.0.2.1".parse().expect("address")),
            target: "10.0.0.1".parse().expect("address"),
            ..dnat()
        },
        source: AddressMatch::default(),
        log: true,
        comment: "c".to_owned(),
    };
    let translations = [
        Translation::Masquerade {
            to: id("lan"),
            source: vec!["10.0.0.0/8".parse().expect("range")],
        },
        Translation::Snat {
            to: id("lan"),
            source: Vec::new(),
            destination: vec!["192.0.2.1-192.0.2.7".parse().expect("range")],
            address: "203.0.113.1".parse().expect("address"),
            ports: PortRange::new(1024, 2048),
        },
        Translation::Dnat(dnat()),
        Translation::OneToOne {
            zone: id("lan"),
            external: "203.0.113.0/28".parse().expect("net"),
            internal: "10.0.0.0/28".parse().expect("net"),
            hairpin: true,
        },
    ];
    let full_settings = InterfaceSettingsSpec {
        interface: "lan0".to_owned(),
        description: "d".to_owned(),
        network: every_network_setting(),
        hardware: every_hardware_setting(),
    };
    let empty_settings = InterfaceSettingsSpec {
        interface: "lan".to_owned(),
        description: String::new(),
        network: NetworkSettings::default(),
        hardware: HardwareSettings::default(),
    };
    let mut writes = vec![
        put(AnyObject::InterfaceSettings(object("a", 0, 1, full_settings))),
        put(AnyObject::InterfaceSettings(object("b", 0, 1, empty_settings))),
        put(AnyObject::Zone(object("lan", 2, 1, zone))),
        put(AnyObject::ZonePair(object("lanlocal", 16, 1, pair))),
        put(AnyObject::Service(object("web", 0, 1, service))),
        put(AnyObject::PublishedService(object("dns", 17, 1, published))),
        PolicyWrite::Put {
            object: AnyObject::Rule(object("full", 18, 1, full_rule())),
            position: Some(-5),
        },
        rule("plain", 19, 1, 7),
    ];
    writes.extend(crate::routes::every_shape().into_iter().map(put));
    for (place, link) in (0..).zip(virtual_links()) {
        let spec = InterfaceSettingsSpec {
            interface: format!("virtual{place}"),
            description: String::new(),
            network: NetworkSettings {
                lan_services: LanServices {
                    dns: place % 2 == 0,
                    ..LanServices::default()
                },
                dhcp_client: DhcpClient {
                    ipv4: true,
                    ipv6: false,
                },
                virtual_link: Some(link),
                ..NetworkSettings::default()
            },
            hardware: HardwareSettings::default(),
        };
        let id = format!("v{place}");
        writes.push(put(AnyObject::InterfaceSettings(object(&id, 0, 1, spec))));
    }
    for (place, translation) in (0..).zip(translations) {
        let spec = NatRuleSpec {
            name: name(&format!("nat {place}")),
            enabled: place % 2 == 0,
            translation,
            comment: String::new(),
        };
        writes.push(PolicyWrite::Put {
            object: AnyObject::NatRule(object(&format!("n{place}"), 0, 1, spec)),
            position: Some(place),
        });
    }
    writes
}

async fn write(store: &Store, writes: &[PolicyWrite]) -> Revision {
    let mut change = change(store, 0).await;
    change.write_policy(writes).await.expect("write");
    change.commit().await.expect("commit")
}

/// Rules as `id@position`.
fn shown(policy: &StoredPolicy) -> Vec<String> {
    let rules = policy.policy.rules.iter().zip(&policy.rule_positions);
    rules
        .map(|(rule, position)| format!("{}@{position}", rule.id))
        .collect()
}

#[tokio::test]
async fn every_shape_of_every_kind_comes_back_as_it_was_written() {
    let store = store().await;
    let empty = store.policy().await.expect("policy");
    assert_eq!(empty.policy.zones.len(), 1, "the box itself is always there");
    let writes = everything();
    let revision = write(&store, &writes).await;
    let found = store.policy().await.expect("policy");
    assert_eq!(found.revision, revision);
    assert_eq!(shown(&found), ["rul_full@-5", "rul_plain@7"]);
    assert_eq!(found.nat_rule_positions, [0, 1, 2, 3]);
    let mut expected = StoredPolicy {
        revision,
        rule_positions: vec![-5, 7],
        nat_rule_positions: vec![0, 1, 2, 3],
        ..empty.clone()
    };
    for written in writes {
        let PolicyWrite::Put { object, .. } = written else {
            panic!("{written:?}");
        };
        let policy = &mut expected.policy;
        match object {
            AnyObject::Zone(object) => drop(policy.zones.insert(object.id.clone(), object)),
            AnyObject::ZonePair(object) => drop(policy.zone_pairs.insert(object.id.clone(), object)),
            AnyObject::Service(object) => drop(policy.services.insert(object.id.clone(), object)),
            AnyObject::PublishedService(object) => {
                policy.published_services.insert(object.id.clone(), object);
            }
            AnyObject::InterfaceSettings(object) => {
                policy.interface_settings.insert(object.id.clone(), object);
            }
            AnyObject::Route(object) => drop(policy.routes.insert(object.id.clone(), object)),
            AnyObject::PolicyRoute(object) => drop(policy.policy_routes.insert(object.id.clone(), object)),
            AnyObject::DnsServer(object) => drop(policy.dns_servers.insert(object.id.clone(), object)),
            AnyObject::Rule(object) => policy.rules.push(object),
            AnyObject::NatRule(object) => policy.nat_rules.push(object),
        }
    }
    assert_eq!(found, expected);
    assert_eq!(store.policy_at(Revision(0)).await.expect("policy"), Some(empty));
}

#[tokio::test]
async fn a_dropped_change_leaves_the_policy() {
    let store = store().await;
    write(&store, &[rule("a", 16, 1, 1)]).await;
    let before = store.policy().await.expect("policy");
    let mut dropped = change(&store, 0).await;
    let writes = [
        rule("b", 17, 2, 2),
        PolicyWrite::Delete {
            id: "rul_a".to_owned(),
        },
    ];
    dropped.write_policy(&writes).await.expect("write");
    let unconfirmed = Unconfirmed {
        revision: Revision(2),
        previous: Revision(1),
        until: at(60),
    };
    dropped.set_unconfirmed(Some(unconfirmed)).await.expect("note");
    drop(dropped);
    assert_eq!(store.policy().await.expect("policy"), before);
    assert_eq!(store.unconfirmed().await.expect("unconfirmed"), None);
}

#[tokio::test]
async fn every_earlier_policy_can_be_put_together_again() {
    let store = store().await;
    let renamed = |text: &str, to: &str, number, revision| {
        let spec = plain_rule(to);
        PolicyWrite::Put {
            object: AnyObject::Rule(object(text, number, revision, spec)),
            position: Some(10),
        }
    };
    let moved = |id: &str, position| PolicyWrite::Move {
        id: id.to_owned(),
        position,
    };
    let deleted = |id: &str| PolicyWrite::Delete { id: id.to_owned() };
    let rounds: [&[PolicyWrite]; 5] = [
        &[rule("a", 16, 1, 10), rule("b", 17, 1, 20), rule("c", 18, 1, 30)],
        &[moved("rul_c", 5)],
        // Names swapped.
        &[renamed("a", "b", 16, 3), renamed("b", "a", 17, 3)],
        &[deleted("rul_a"), rule("d", 19, 4, 40)],
        &[renamed("a", "x", 16, 5), moved("rul_b", 50)],
    ];
    let mut policies = vec![store.policy().await.expect("policy")];
    for writes in rounds {
        write(&store, writes).await;
        policies.push(store.policy().await.expect("policy"));
    }
    for (revision, policy) in (0..).zip(&policies) {
        let found = store
            .policy_at(Revision(revision))
            .await
            .expect("policy")
            .expect("kept");
        assert_eq!(&found, policy, "revision {revision}");
    }
    assert_eq!(
        policies.iter().map(shown).collect::<Vec<_>>(),
        [
            vec![],
            vec!["rul_a@10", "rul_b@20", "rul_c@30"],
            vec!["rul_c@5", "rul_a@10", "rul_b@20"],
            vec!["rul_c@5", "rul_a@10", "rul_b@10"],
            vec!["rul_c@5", "rul_b@10", "rul_d@40"],
            vec!["rul_c@5", "rul_a@10", "rul_d@40", "rul_b@50"],
        ]
    );
    let revisions = store.revisions(Some(Revision(5)), 2).await.expect("revisions");
    let numbers: Vec<(u64, bool)> = revisions
        .iter()
        .map(|stored| (stored.revision.0, stored.policy))
        .collect();
    assert_eq!(numbers, [(4, true), (3, true)]);
    change(&store, 0).await.commit().await.expect("commit");
    let other = store
        .find_revision(Revision(6))
        .await
        .expect("revision")
        .expect("there");
    assert!(!other.policy);
}

#[tokio::test]
async fn a_name_belongs_to_one_object_of_a_kind_and_a_counter_to_one_object() {
    let store = store().await;
    write(&store, &[rule("a", 16, 1, 1)]).await;
    let same_name = PolicyWrite::Put {
        object: AnyObject::Rule(object("b", 17, 2, plain_rule("a"))),
        position: Some(2),
    };
    for refused in [same_name, rule("c", 16, 2, 2)] {
        let mut change = change(&store, 0).await;
        assert!(
            change.write_policy(std::slice::from_ref(&refused)).await.is_err(),
            "{refused:?}"
        );
    }
    assert_eq!(shown(&store.policy().await.expect("policy")), ["rul_a@1"]);
}

#[tokio::test]
async fn counters_are_kept_with_what_the_back_ends_showed_and_go_with_their_object() {
    let store = store().await;
    assert_eq!(
        store.policy_counters().await.expect("counters"),
        StoredCounters::default()
    );
    write(&store, &[rule("a", 16, 1, 1), rule("b", 17, 1, 2)]).await;
    let epoch = CounterEpoch {
        nft: "boot".to_owned(),
        ebpf: "boot:7".to_owned(),
    };
    let counter = |counter, packets| StoredCounter {
        counter,
        packets,
        bytes: packets * 60,
        last_hit_at: Some(at(5)),
        nft: (packets, 1),
        ebpf: (2, 3),
    };
    store
        .save_policy_counters(&epoch, &[counter(16, 5), counter(17, 6)])
        .await
        .expect("save");
    store
        .save_policy_counters(&epoch, &[counter(17, 7)])
        .await
        .expect("save");
    let found = store.policy_counters().await.expect("counters");
    assert_eq!(found.epoch.as_ref(), Some(&epoch));
    assert_eq!(found.counters, [counter(16, 5), counter(17, 7)]);
    let deleted = PolicyWrite::Delete {
        id: "rul_a".to_owned(),
    };
    write(&store, &[deleted]).await;
    assert_eq!(
        store.policy_counters().await.expect("counters").counters,
        [counter(17, 7)]
    );
}

#[tokio::test]
async fn the_deadline_of_a_commit_is_kept_until_it_is_taken_away() {
    let store = store().await;
    let unconfirmed = Unconfirmed {
        revision: Revision(1),
        previous: Revision(0),
        until: at(60),
    };
    for wanted in [Some(unconfirmed), None] {
        let mut change = change(&store, 0).await;
        change.set_unconfirmed(wanted).await.expect("note");
        change.commit().await.expect("commit");
        assert_eq!(store.unconfirmed().await.expect("unconfirmed"), wanted);
    }
}
