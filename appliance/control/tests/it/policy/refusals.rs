//! What is refused, and that all of it is told at once.

use ravelin_control::{ControlError, Operation, PolicyOperation, Precondition, RefusalReason};
use ravelin_model::{
    Action, AddressMatch, Dnat, LOCAL_ZONE, ListKind, NatRuleSpec, PublishedAddress, Revision, Schedule,
    ServiceEntry, ServiceMatch, ServiceSpec, Translation, ZoneMatch, protocol,
};

use super::{ANY, commit, name, pair, rule, rule_id, rule_spec, try_commit, zone, zone_id, zone_spec, zoned};
use crate::engine::{Engine, actor};

/// Operations are refused for exactly this: (operation, code, pointer).
async fn check(engine: &Engine, operations: Vec<PolicyOperation>, expected: &[(usize, &str, &str)]) {
    let before = engine.control.policy();
    let refused = try_commit(engine, operations).await;
    let Err(ControlError::PolicyRefused { refusals }) = refused else {
        panic!("not refused: {refused:?}");
    };
    let found: Vec<(usize, &str, &str)> = refusals
        .iter()
        .map(|refusal| (refusal.operation, refusal.reason.code(), refusal.pointer.as_str()))
        .collect();
    assert_eq!(found, expected, "{refusals:?}");
    let after = engine.control.policy();
    assert_eq!((&before.policy, before.revision), (&after.policy, after.revision));
    assert_eq!(engine.control.revision(), before.revision);
}

fn replaced_zone(id: &str, interfaces: &[&str]) -> PolicyOperation {
    PolicyOperation::Zone(Operation::Replace {
        id: zone_id(id),
        spec: zone_spec(id, interfaces),
        precondition: ANY,
    })
}

#[tokio::test]
async fn every_refusal_comes_at_once() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(&engine, vec![rule("a", Action::Accept, 1)]).await;
    let mut odd = rule_spec("a", Action::Accept, 1);
    odd.from = ZoneMatch::Zone(zone_id("dmz"));
    odd.source.negate = true;
    odd.schedule = Some(Schedule {
        days: [].into(),
        from: ravelin_model::MinuteOfDay::new(8, 0).expect("minute"),
        to: ravelin_model::MinuteOfDay::new(9, 0).expect("minute"),
        timezone: "Europe/Wien".to_owned(),
    });
    let odd = PolicyOperation::Rule(Operation::Create { id: None, spec: odd });
    let stale = PolicyOperation::Rule(Operation::Delete {
        id: rule_id("a"),
        precondition: Precondition::Revision(Revision(1)),
    });
    let unknown = PolicyOperation::Rule(Operation::Delete {
        id: rule_id("b"),
        precondition: ANY,
    });
    check(
        &engine,
        vec![odd, stale, unknown, zone("dmz2", &["lan0"])],
        &[
            (0, "bad_reference", "/from_zone"),
            (0, "invalid", "/source/negate"),
            (0, "invalid", "/schedule/days"),
            (0, "invalid", "/schedule/timezone"),
            (0, "taken", "/name"),
            (1, "stale", ""),
            (2, "unknown", ""),
            (3, "taken", "/interfaces"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_used_is_not_deleted_and_the_users_are_named() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    let service = PolicyOperation::Service(Operation::Create {
        id: Some("svc_web".parse().expect("id")),
        spec: ServiceSpec {
            name: name("web"),
            description: String::new(),
            entries: vec![ServiceEntry {
                protocol: Some(protocol::TCP),
                source_ports: Vec::new(),
                destination_ports: Vec::new(),
                icmp_types: Vec::new(),
            }],
        },
    });
    let list = engine.create("office", ListKind::Address).await;
    let mut spec = rule_spec("user", Action::Accept, 80);
    spec.to = ZoneMatch::Zone(zone_id("wan"));
    spec.source = AddressMatch {
        lists: vec![list.id.clone()],
        ..AddressMatch::default()
    };
    spec.services = vec![ServiceMatch::Named("svc_web".parse().expect("id"))];
    let user = PolicyOperation::Rule(Operation::Create {
        id: Some(rule_id("user")),
        spec,
    });
    commit(&engine, vec![user, service]).await;
    let deletions = || {
        vec![
            PolicyOperation::Service(Operation::Delete {
                id: "svc_web".parse().expect("id"),
                precondition: ANY,
            }),
            PolicyOperation::Zone(Operation::Delete {
                id: zone_id("wan"),
                precondition: ANY,
            }),
        ]
    };
    check(&engine, deletions(), &[(0, "in_use", ""), (1, "in_use", "")]).await;
    let Err(ControlError::PolicyRefused { refusals }) = try_commit(&engine, deletions()).await else {
        panic!("deleted");
    };
    let RefusalReason::InUse { users } = &refusals[0].reason else {
        panic!("{refusals:?}");
    };
    assert_eq!(
        (users[0].id.as_str(), users[0].name.as_str()),
        ("rul_user", "user")
    );
    let refused = engine.control.delete_list(&list.id, ANY, &actor()).await;
    let Err(ControlError::ListInUse { users, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(users[0].id, "rul_user");
    // With their user, they go.
    let with_user = PolicyOperation::Rule(Operation::Delete {
        id: rule_id("user"),
        precondition: ANY,
    });
    commit(&engine, [deletions(), vec![with_user]].concat()).await;
    engine
        .control
        .delete_list(&list.id, ANY, &actor())
        .await
        .expect("nobody uses it any more");
}

#[tokio::test]
async fn the_local_zone_stays_what_it_is() {
    let engine = Engine::start().await;
    let delete = PolicyOperation::Zone(Operation::Delete {
        id: LOCAL_ZONE.parse().expect("id"),
        precondition: ANY,
    });
    let mut spec = zone_spec("home", &["lan0"]);
    spec.management = true;
    let replace = PolicyOperation::Zone(Operation::Replace {
        id: LOCAL_ZONE.parse().expect("id"),
        spec,
        precondition: ANY,
    });
    check(&engine, vec![delete], &[(0, "built_in", "")]).await;
    check(
        &engine,
        vec![replace],
        &[
            (0, "built_in", "/name"),
            (0, "built_in", "/interfaces"),
            (0, "built_in", "/management"),
        ],
    )
    .await;
    let mut described = zone_spec("local", &[]);
    described.description = "the box".to_owned();
    let describe = PolicyOperation::Zone(Operation::Replace {
        id: LOCAL_ZONE.parse().expect("id"),
        spec: described,
        precondition: ANY,
    });
    commit(&engine, vec![describe]).await;
}

#[tokio::test]
async fn a_pair_of_zones_has_one_default() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(&engine, vec![pair("lan", "wan", Action::Accept)]).await;
    let again = PolicyOperation::ZonePair(Operation::Create {
        id: None,
        spec: ravelin_model::ZonePairSpec {
            from: zone_id("lan"),
            to: zone_id("wan"),
            default_action: Action::Drop,
            log: false,
        },
    });
    check(&engine, vec![again], &[(0, "taken", "/to")]).await;
    check(
        &engine,
        vec![pair("wan", "dmz", Action::Drop)],
        &[(0, "bad_reference", "/to")],
    )
    .await;
    check(&engine, vec![zone("any", &[])], &[(0, "invalid", "/name")]).await;
    check(
        &engine,
        vec![replaced_zone("lan", &["lo"])],
        &[(0, "invalid", "/interfaces/0")],
    )
    .await;
    check(
        &engine,
        vec![replaced_zone("lan", &["a/b"])],
        &[(0, "invalid", "/interfaces/0")],
    )
    .await;
}

#[tokio::test]
async fn interfaces_and_names_can_be_swapped_in_one_commit() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    commit(
        &engine,
        vec![replaced_zone("lan", &["wan0"]), replaced_zone("wan", &["lan0"])],
    )
    .await;
    commit(
        &engine,
        vec![rule("a", Action::Accept, 1), rule("b", Action::Accept, 2)],
    )
    .await;
    let renamed = |id: &str, to: &str, port| {
        PolicyOperation::Rule(Operation::Replace {
            id: rule_id(id),
            spec: rule_spec(to, Action::Accept, port),
            precondition: ANY,
        })
    };
    commit(&engine, vec![renamed("a", "b", 1), renamed("b", "a", 2)]).await;
    let names: Vec<String> = engine
        .control
        .policy()
        .policy
        .rules
        .iter()
        .map(|rule| rule.spec.name.to_string())
        .collect();
    assert_eq!(names, ["b", "a"]);
}

#[tokio::test]
async fn translations_that_cannot_be_are_refused() {
    let engine = Engine::start().await;
    zoned(&engine).await;
    let nat = |text: &str, translation| {
        PolicyOperation::NatRule(Operation::Create {
            id: None,
            spec: NatRuleSpec {
                name: name(text),
                enabled: true,
                translation,
                comment: String::new(),
            },
        })
    };
    let address = |text: &str| text.parse().expect("address");
    let range = |text: &str| text.parse().expect("range");
    let ports = |first, last| ravelin_model::PortRange::new(first, last);
    let dnat = Dnat {
        from: ZoneMatch::Zone(zone_id("wan")),
        address: PublishedAddress::Address(address("203.0.113.1")),
        protocol: Some(protocol::TCP),
        ports: ports(8000, 8009),
        target: address("192.168.0.5"),
        target_port: Some(80),
        hairpin: false,
    };
    let operations = vec![
        nat(
            "families",
            Translation::Snat {
                to: zone_id("wan"),
                source: vec![range("2001:db8::/64")],
                destination: vec![range("192.0.2.0/24")],
                address: address("203.0.113.1"),
                ports: None,
            },
        ),
        nat(
            "sizes",
            Translation::OneToOne {
                zone: zone_id("wan"),
                external: "203.0.113.0/28".parse().expect("net"),
                internal: "192.168.0.0/29".parse().expect("net"),
                hairpin: false,
            },
        ),
        nat(
            "local",
            Translation::Masquerade {
                to: LOCAL_ZONE.parse().expect("id"),
                source: Vec::new(),
            },
        ),
        nat(
            "dnat families",
            Translation::Dnat(Dnat {
                target: address("2001:db8::5"),
                ..dnat.clone()
            }),
        ),
        nat(
            "ports of no protocol",
            Translation::Dnat(Dnat {
                protocol: None,
                ..dnat.clone()
            }),
        ),
        nat(
            "no room",
            Translation::Dnat(Dnat {
                target_port: Some(65_530),
                ..dnat.clone()
            }),
        ),
    ];
    check(
        &engine,
        operations,
        &[
            (0, "invalid", "/source_addresses/0"),
            (1, "invalid", "/internal"),
            (2, "invalid", "/to_zone"),
            (3, "invalid", "/target"),
            (4, "invalid", "/ports"),
            (5, "invalid", "/target_port"),
        ],
    )
    .await;
    commit(&engine, vec![nat("fine", Translation::Dnat(dnat))]).await;
}

#[tokio::test]
async fn there_are_sixty_two_zones_and_no_more() {
    let engine = Engine::start().await;
    let zones = |numbers: std::ops::Range<u32>| numbers.map(|n| zone(&format!("z{n}"), &[])).collect();
    commit(&engine, zones(0..62)).await;
    check(&engine, zones(62..63), &[(0, "full", "")]).await;
}
