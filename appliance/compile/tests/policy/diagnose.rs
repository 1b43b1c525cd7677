//! What is said about odd policies, and that it is true.

use std::collections::HashSet;
use std::sync::Arc;

use ravelin_compile::generate::{self, Random, Shape, World};
use ravelin_compile::{
    DIAGNOSTICS_MAX, Diagnosis, DiagnosticCode, Line, Origin, Ruleset, Severity, diagnose,
};
use ravelin_model::{
    Dnat, MinuteOfDay, ObjectKind, PublishedAddress, PublishedServiceSpec, Schedule, Translation, ZoneNumber,
};
use time::Duration;

use crate::support::{
    Firewall, NOW, address, address_match, packet, parsed, port_range, service_entry, zone_id, zone_match,
};

fn diagnosis(firewall: &Firewall) -> Diagnosis {
    diagnose(&firewall.policy, &firewall.resolve(), &firewall.lists, NOW)
}

/// What is said about rules: `code subject: related …` by their places, in this order.
fn check_rules(rules: &[&str], expected: &[&str]) {
    let mut firewall = Firewall::with_rules(rules);
    firewall.add_list("hosts", 1, ["10.0.0.1", "10.0.0.2", "fd00::1"].map(parsed));
    firewall.add_list("more", 2, ["10.0.0.0/25", "fd00::/64"].map(parsed));
    firewall.add_list("none", 3, []);
    let place = |id: &str| id.strip_prefix("rul_").expect("a rule").to_owned();
    let mut found: Vec<String> = diagnosis(&firewall)
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.subject.kind == ObjectKind::Rule)
        .map(|diagnostic| {
            let related: Vec<String> = diagnostic.related.iter().map(|other| place(&other.id)).collect();
            let (code, subject) = (diagnostic.code.name(), place(&diagnostic.subject.id));
            format!("{code} {subject}: {}", related.join(" "))
                .trim_end()
                .to_owned()
        })
        .collect();
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected, "{rules:#?}");
}

#[test]
fn a_rule_one_in_front_covers_is_shadowed_or_redundant() {
    check_rules(
        &[
            "lan wan 10.0.0.0/24 any any drop",
            "lan wan 10.0.0.7 any tcp/80 accept",
            "lan wan 10.0.0.9 192.0.2.1 any drop",
            "lan wan 10.0.1.9 192.0.2.1 any drop",
            "lan any 10.0.0.9 any any reject",
            "lan wan any any any drop",
        ],
        &["shadowed 1: 0", "redundant 2: 0"],
    );
    // Neither zones nor services nor limits may be wider or less sure.
    check_rules(
        &[
            "lan wan any any tcp drop limit",
            "dmz wan any any tcp drop",
            "lan wan 0.0.0.0/0 any tcp drop",
            "lan wan any any tcp/80-90 accept",
        ],
        &[],
    );
    check_rules(
        &["any any any any any drop", "lan wan any any any accept limit"],
        &["shadowed 1: 0"],
    );
}

#[test]
fn families_are_compared_each_for_itself() {
    check_rules(
        &[
            "lan wan 0.0.0.0/0 any any drop",
            "lan wan any 192.0.2.0/24 any accept",
            "lan wan any any icmp accept",
            "lan wan any any icmpv6 accept",
            "lan wan 10.0.0.1,fd00::1 any any accept",
        ],
        &["shadowed 1: 0", "shadowed 2: 0"],
    );
    check_rules(
        &[
            "lan wan 0.0.0.0/0 any any drop",
            "lan wan ::/0 any any drop",
            "lan wan any any any accept",
        ],
        &["shadowed 2: 0 1"],
    );
}

#[test]
fn several_rules_cover_one_along_the_addresses_of_a_side() {
    check_rules(
        &[
            "lan wan 10.0.0.128/25 any any accept",
            "lan wan 10.0.0.0/26 any any drop",
            "lan wan 10.0.0.50-10.0.0.127 any any drop",
            "lan wan 10.0.0.0/24 any tcp drop",
            "lan wan 10.0.0.0/23 any tcp drop",
        ],
        &["shadowed 3: 0 1 2"],
    );
    check_rules(
        &[
            "lan wan any 192.0.2.0/25 tcp accept",
            "lan wan any 192.0.2.128/25 tcp accept",
            "lan wan 10.0.0.1 192.0.2.0/24 tcp/80 accept",
            // Half by source and half by destination is more than is looked at.
            "lan wan 10.0.0.0/25 198.51.100.0/24 any accept",
            "lan wan 10.0.0.128/25 198.51.100.0/25 any accept",
            "lan wan 10.0.0.128/25 198.51.100.128/25 any accept",
            "lan wan 10.0.0.0/24 198.51.100.0/24 any accept",
        ],
        &["redundant 2: 0 1"],
    );
    // One address is missing.
    check_rules(
        &[
            "lan wan 10.0.0.0/25 any any drop",
            "lan wan 10.0.0.129-10.0.0.255 any any drop",
            "lan wan 10.0.0.0/24 any any accept",
        ],
        &["generalisation 2: 0 1"],
    );
}

#[test]
fn lists_and_negation_are_seen_through() {
    check_rules(
        &[
            "lan wan @more any any drop",
            "lan wan @hosts any any accept",
            "lan wan !@more any any reject",
            "lan wan 10.0.0.128 any any drop",
            "lan wan !10.0.0.0/24,fd00::/16 any any accept",
            "lan wan any any any accept",
        ],
        &[
            "shadowed 1: 0",
            "shadowed 3: 2",
            "shadowed 4: 2",
            "shadowed 5: 0 2",
        ],
    );
    check_rules(
        &[
            "lan wan @none any any drop",
            "lan wan !@none any any drop",
            "lan wan any any any drop",
        ],
        &["never_matches 0:", "redundant 2: 1"],
    );
}

#[test]
fn a_rule_behind_that_covers_one_with_another_action_is_told_once() {
    check_rules(
        &[
            "lan wan 10.0.0.0/24 any tcp/22 accept",
            "lan wan any any tcp/23 reject",
            "lan wan any any tcp/24 drop",
            "lan wan any any tcp drop",
            "any any any any any reject",
        ],
        &["generalisation 3: 0 1", "generalisation 4: 2 3"],
    );
}

#[test]
fn what_fits_no_packet_is_told() {
    check_rules(
        &[
            "lan wan 10.0.0.1 fd00::1 any accept",
            "lan wan fd00::1 any icmp accept",
            "lan wan any 10.0.0.1 icmpv6/128 accept",
            "lan wan !0.0.0.0/0,::/0 any any accept",
            "lan wan fd00::1 any icmp,icmpv6 accept",
        ],
        &[
            "never_matches 0:",
            "never_matches 1:",
            "never_matches 2:",
            "never_matches 3:",
        ],
    );
}

#[test]
fn rules_whose_time_never_comes_are_told() {
    let daily = |from: u8, to: u8, timezone: &str| {
        let minute = |hour| MinuteOfDay::new(hour, 0).expect("a minute");
        Some(Schedule {
            days: ravelin_model::Day::ALL.into_iter().collect(),
            from: minute(from),
            to: minute(to),
            timezone: timezone.to_owned(),
        })
    };
    let mut firewall = Firewall::with_rules(&["lan wan 10.0.0.1 any any accept"; 6]);
    firewall.edit_rule(0, |rule| rule.expires_at = Some(NOW));
    firewall.edit_rule(1, |rule| rule.schedule = daily(1, 2, "Nowhere/Town"));
    firewall.edit_rule(2, |rule| rule.schedule = daily(14, 15, "UTC"));
    firewall.edit_rule(3, |rule| {
        rule.schedule = daily(14, 15, "UTC");
        rule.expires_at = Some(NOW + Duration::hours(2));
    });
    firewall.edit_rule(4, |rule| {
        rule.expires_at = Some(NOW);
        rule.enabled = false;
    });
    let found: Vec<_> = diagnosis(&firewall)
        .diagnostics
        .into_iter()
        .filter(|diagnostic| diagnostic.subject.kind == ObjectKind::Rule)
        .map(|diagnostic| (diagnostic.subject.id, diagnostic.code, diagnostic.severity))
        .collect();
    assert_eq!(
        found,
        [
            (
                "rul_1".to_owned(),
                DiagnosticCode::NeverMatches,
                Severity::Warning
            ),
            (
                "rul_3".to_owned(),
                DiagnosticCode::NeverMatches,
                Severity::Warning
            ),
            ("rul_0".to_owned(), DiagnosticCode::Expired, Severity::Info),
        ]
    );
}

#[test]
fn zones_nothing_may_go_to_are_told() {
    let check = |rules: &[&str], pairs: &[&str], expected: &[(&str, Severity)]| {
        let mut firewall = Firewall::with_rules(rules);
        for (n, pair) in (700..).zip(pairs) {
            firewall.add_pair(pair, n);
        }
        let found: Vec<_> = diagnosis(&firewall)
            .diagnostics
            .into_iter()
            .filter(|diagnostic| diagnostic.code == DiagnosticCode::UnreachableZone)
            .map(|diagnostic| (diagnostic.subject.name, diagnostic.severity))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, severity)| ((*name).to_owned(), *severity))
            .collect();
        assert_eq!(found, expected, "{rules:?} {pairs:?}");
    };
    use Severity::{Info, Warning};
    let none = [
        ("dmz", Warning),
        ("empty", Warning),
        ("lan", Warning),
        ("wan", Warning),
    ];
    check(&[], &[], &none);
    check(
        &["any any any any any drop", "lan lan any any any accept"],
        &["local lan accept"],
        &none,
    );
    check(
        &["lan wan any any any accept"],
        &[],
        &[("dmz", Warning), ("empty", Warning), ("lan", Info)],
    );
    check(
        &["any dmz any any any accept"],
        &["lan wan accept"],
        &[("empty", Warning), ("lan", Info)],
    );
    check(
        &["lan local any any any accept"],
        &["wan dmz accept", "dmz lan reject"],
        &[("empty", Warning), ("lan", Info), ("wan", Info)],
    );
    check(&["any any any any any accept"], &[], &[("empty", Warning)]);
}

#[test]
fn lists_and_services_with_nothing_in_them_are_told_with_who_uses_them() {
    let mut firewall = Firewall::with_rules(&[
        "lan wan @none any any accept",
        "lan wan any !@none $nothing accept",
        "lan wan any @some $some accept",
    ]);
    firewall.add_list("none", 1, []);
    firewall.add_list("unused", 2, []);
    firewall.add_list("some", 3, [parsed("10.0.0.0/8")]);
    firewall.add_service("nothing", Vec::new());
    firewall.add_service("unused", Vec::new());
    firewall.add_service("some", vec![service_entry("tcp/80")]);
    let found: Vec<_> = diagnosis(&firewall)
        .diagnostics
        .into_iter()
        .filter(|diagnostic| diagnostic.code == DiagnosticCode::EmptyObject)
        .map(|diagnostic| {
            let users: Vec<String> = diagnostic.related.into_iter().map(|user| user.id).collect();
            (diagnostic.subject.id, users.join(" "))
        })
        .collect();
    let text = |id: &str, users: &str| (id.to_owned(), users.to_owned());
    assert_eq!(
        found,
        [text("svc_nothing", "rul_1"), text("lst_none", "rul_0 rul_1")]
    );
}

fn dnat(from: &str, to: &str, ports: &str, target: &str) -> Dnat {
    Dnat {
        from: zone_match(from),
        address: PublishedAddress::Address(address(to)),
        protocol: Some(ravelin_model::protocol::TCP),
        ports: (ports != "any").then(|| port_range(ports)),
        target: address(target),
        target_port: None,
        hairpin: false,
    }
}

fn published(translation: Dnat) -> PublishedServiceSpec {
    PublishedServiceSpec {
        name: parsed("web"),
        enabled: true,
        translation,
        source: address_match("any"),
        log: false,
        comment: String::new(),
    }
}

/// `code subject: related`, of published services and NAT rules.
fn check_published(firewall: &Firewall, expected: &[&str]) {
    let found: Vec<String> = diagnosis(firewall)
        .diagnostics
        .into_iter()
        .filter(|diagnostic| {
            matches!(
                diagnostic.subject.kind,
                ObjectKind::PublishedService | ObjectKind::NatRule
            )
        })
        .map(|diagnostic| {
            let related: Vec<String> = diagnostic.related.into_iter().map(|other| other.id).collect();
            format!(
                "{} {}: {}",
                diagnostic.code.name(),
                diagnostic.subject.id,
                related.join(" ")
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn published_services_a_rule_refuses_are_told() {
    let with = |rule: &str| {
        let mut firewall = Firewall::with_rules(&[rule]);
        firewall.publish("1", 900, published(dnat("wan", "192.0.2.1", "80", "10.0.0.5")));
        firewall
    };
    check_published(
        &with("wan any any any tcp drop"),
        &["published_service_shadowed pub_1: rul_0"],
    );
    check_published(&with("wan any any any tcp accept"), &[]);
    check_published(&with("wan lan any any tcp drop"), &[]);
}

#[test]
fn translations_behind_others_of_the_same_packets_are_told() {
    let mut firewall = Firewall::default();
    firewall.add_nat(Translation::Dnat(dnat("wan", "192.0.2.1", "80-90", "10.0.0.5")));
    firewall.add_nat(Translation::Dnat(dnat("wan", "192.0.2.1", "85", "10.0.0.6")));
    firewall.add_nat(Translation::Dnat(dnat("any", "192.0.2.1", "86", "10.0.0.6")));
    firewall.add_nat(Translation::Dnat(Dnat {
        protocol: Some(ravelin_model::protocol::UDP),
        ..dnat("wan", "192.0.2.1", "85", "10.0.0.6")
    }));
    firewall.add_nat(Translation::OneToOne {
        zone: zone_id("wan"),
        external: parsed("203.0.113.0/24"),
        internal: parsed("10.0.3.0/24"),
        hairpin: false,
    });
    firewall.publish("1", 900, published(dnat("wan", "203.0.113.7", "443", "10.0.0.7")));
    firewall.publish("2", 901, published(dnat("wan", "192.0.2.1", "any", "10.0.0.8")));
    check_published(
        &firewall,
        &["shadowed nat_1: nat_0", "published_service_shadowed pub_1: nat_4"],
    );
}

#[test]
fn management_access_is_no_rule_to_complain_about() {
    let mut firewall = Firewall::with_rules(&["lan local any any tcp/22 drop", "any any any any any drop"]);
    firewall.inventory.management_ports = vec![22];
    let zone = firewall.policy.zones.get_mut(&zone_id("lan")).expect("a zone");
    Arc::make_mut(zone).spec.management = true;
    let diagnosis = diagnosis(&firewall);
    let shadowed: Vec<_> = diagnosis
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.subject.kind == ObjectKind::Rule)
        .collect();
    assert_eq!(shadowed.len(), 1, "{shadowed:#?}");
    assert_eq!(
        (shadowed[0].code, shadowed[0].subject.id.as_str()),
        (DiagnosticCode::Shadowed, "rul_0")
    );
    assert!(shadowed[0].related.is_empty() && shadowed[0].detail.contains("management ports"));
    assert_eq!(
        firewall
            .resolve()
            .evaluate(&packet("lan local 10.0.0.9 10.0.0.1 tcp 1 22"))
            .origin,
        Origin::AntiLockout
    );
}

#[test]
fn no_more_is_told_than_a_reader_can_use_but_how_much_more_there_is() {
    let rules = vec!["lan wan any any any drop"; DIAGNOSTICS_MAX + 8];
    let diagnosis = diagnosis(&Firewall::with_rules(&rules));
    assert_eq!(diagnosis.diagnostics.len(), DIAGNOSTICS_MAX);
    // All but the first are redundant, and dmz, empty, lan and wan are cut off.
    assert_eq!(diagnosis.more, 7 + 4);
    assert_eq!(diagnosis.diagnostics[0].severity, Severity::Warning);
}

/// Whether a reader sees at a glance that `outer` covers `inner`.
fn plainly_covers(outer: &Line, inner: &Line) -> bool {
    let zone = |outer: Option<ZoneNumber>, inner| outer.is_none() || outer == inner;
    outer.rate_limit.is_none()
        && zone(outer.from, inner.from)
        && zone(outer.to, inner.to)
        && (outer.source.is_any() || outer.source == inner.source)
        && (outer.destination.is_any() || outer.destination == inner.destination)
        && (outer.services.is_empty() || outer.services == inner.services)
}

#[test]
fn what_is_said_of_random_policies_is_true_and_misses_nothing_plain() {
    let mut random = Random::seeded();
    let (mut said, mut plain) = (0, 0);
    for _ in 0..60 {
        let world = World::new(&mut random, &Shape::rules(40));
        let ruleset = world.resolve();
        let diagnosis = diagnose(&world.policy, &ruleset, &world.lists, world.now);
        let silent: HashSet<&str> = diagnosis
            .diagnostics
            .iter()
            .filter(|diagnostic| {
                matches!(
                    diagnostic.code,
                    DiagnosticCode::Shadowed | DiagnosticCode::Redundant | DiagnosticCode::NeverMatches
                )
            })
            .map(|diagnostic| diagnostic.subject.id.as_str())
            .collect();
        said += silent.len();
        for _ in 0..1000 {
            let packet = generate::packet(&mut random, &ruleset);
            for decision in [ruleset.evaluate(&packet), ruleset.evaluate_over_limits(&packet)] {
                if let Origin::Rule(id) = decision.origin {
                    assert!(!silent.contains(id.as_str()), "{id} decides {packet:?}");
                }
            }
        }
        plain += check_plain(&ruleset, &silent);
    }
    assert!(said > 20 && plain > 10, "{said} silent, {plain} plainly so");
}

fn check_plain(ruleset: &Ruleset, silent: &HashSet<&str>) -> usize {
    let mut plain = 0;
    for (n, inner) in ruleset.lines.iter().enumerate() {
        if let Origin::Rule(id) = &inner.origin
            && let Some(outer) = ruleset.lines[..n]
                .iter()
                .find(|outer| plainly_covers(outer, inner))
        {
            assert!(
                silent.contains(id.as_str()),
                "{id} is covered by {:?}",
                outer.origin
            );
            plain += 1;
        }
    }
    plain
}
