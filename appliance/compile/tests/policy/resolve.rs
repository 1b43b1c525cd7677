//! What is in force of a policy.

use std::collections::BTreeSet;
use std::sync::Arc;

use ravelin_compile::{NotInForce, Origin, fixed_counter};
use ravelin_model::{
    Action, AddressMatch, Day, MinuteOfDay, Policy, Schedule, ServiceMatch, ZoneMatch, ZoneNumber,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::support::{FIRST_RULE, Firewall, NOW, packet, parsed, zone_id, zone_number};

/// Counters of the lines, and what is left out with the counter of the line behind it.
fn check(firewall: &Firewall, lines: &[u32], left_out: &[(u32, usize, NotInForce)]) {
    let ruleset = firewall.resolve();
    let counters: Vec<u32> = ruleset.lines.iter().map(|line| line.counter).collect();
    assert_eq!(counters, lines);
    let found: Vec<_> = ruleset
        .left_out
        .iter()
        .map(|left_out| (left_out.counter, left_out.before, left_out.why))
        .collect();
    assert_eq!(found, left_out);
}

fn daily(from: (u8, u8), to: (u8, u8)) -> Schedule {
    let minute = |(hour, minute)| MinuteOfDay::new(hour, minute).expect("a minute");
    Schedule {
        days: Day::ALL.into_iter().collect(),
        from: minute(from),
        to: minute(to),
        timezone: "UTC".to_owned(),
    }
}

#[test]
fn rules_that_are_not_in_force_have_no_line_but_a_reason() {
    let mut firewall = Firewall::with_rules(&["any any any any any accept"; 8]);
    firewall.edit_rule(1, |rule| rule.enabled = false);
    firewall.edit_rule(2, |rule| rule.expires_at = Some(NOW));
    firewall.edit_rule(3, |rule| rule.expires_at = Some(NOW + Duration::NANOSECOND));
    firewall.edit_rule(4, |rule| rule.schedule = Some(daily((12, 1), (12, 0))));
    firewall.edit_rule(5, |rule| rule.schedule = Some(daily((12, 0), (12, 1))));
    firewall.edit_rule(6, |rule| rule.to = ZoneMatch::Zone(zone_id("empty")));
    check(
        &firewall,
        &[100, 103, 105, 107],
        &[
            (101, 1, NotInForce::Disabled),
            (102, 1, NotInForce::Expired),
            (104, 2, NotInForce::OffSchedule),
            (106, 3, NotInForce::Zone),
        ],
    );
}

#[test]
fn what_names_something_that_is_not_there_is_left_out_rather_than_widened() {
    let mut firewall = Firewall::with_rules(&[
        "any any @gone any any accept",
        "any any any !@gone any accept",
        "any any any any $gone accept",
        "any any any any $nothing accept",
        "gone any any any any accept",
    ]);
    firewall.add_service("nothing", Vec::new());
    check(
        &firewall,
        &[],
        &[
            (100, 0, NotInForce::Reference),
            (101, 0, NotInForce::Reference),
            (102, 0, NotInForce::Reference),
            (103, 0, NotInForce::Reference),
            (104, 0, NotInForce::Zone),
        ],
    );
    // Not of the model; the wider reading would be that of nothing named, which is any.
    firewall.edit_rule(0, |rule| {
        rule.source = AddressMatch {
            negate: true,
            ..AddressMatch::default()
        };
        rule.services = vec![ServiceMatch::Entry(crate::support::service_entry("tcp"))];
    });
    assert!(firewall.resolve().lines[0].source.is_any());
}

#[test]
fn the_next_change_is_the_first_of_all_expiries_and_schedules_that_matter() {
    let check = |firewall: &Firewall, expected: Option<OffsetDateTime>| {
        assert_eq!(firewall.resolve_at(NOW).next_change, expected);
    };
    let mut firewall = Firewall::with_rules(&["any any any any any accept"; 4]);
    check(&firewall, None);
    firewall.edit_rule(0, |rule| rule.expires_at = Some(NOW + Duration::hours(5)));
    check(&firewall, Some(NOW + Duration::hours(5)));
    firewall.edit_rule(1, |rule| rule.schedule = Some(daily((16, 0), (18, 0))));
    check(&firewall, Some(NOW + Duration::hours(4)));
    firewall.edit_rule(2, |rule| rule.schedule = Some(daily((9, 0), (15, 0))));
    check(&firewall, Some(NOW + Duration::hours(3)));
    // Over before it would begin: nothing changes by either.
    firewall.edit_rule(3, |rule| {
        rule.schedule = Some(daily((14, 0), (15, 0)));
        rule.expires_at = Some(NOW + Duration::hours(1));
    });
    check(&firewall, Some(NOW + Duration::hours(3)));
    // What is off or over has no say.
    firewall.edit_rule(0, |rule| rule.expires_at = Some(NOW - Duration::HOUR));
    firewall.edit_rule(1, |rule| rule.enabled = false);
    firewall.edit_rule(2, |rule| rule.from = ZoneMatch::Zone(zone_id("empty")));
    check(&firewall, None);
}

#[test]
fn the_ruleset_changes_at_the_next_change_and_not_before() {
    let mut firewall = Firewall::with_rules(&["any any any any any accept"; 3]);
    firewall.edit_rule(0, |rule| {
        rule.expires_at = Some(datetime!(2026-11-21 03:00:30 UTC))
    });
    firewall.edit_rule(1, |rule| rule.schedule = Some(daily((22, 0), (6, 0))));
    firewall.edit_rule(2, |rule| {
        rule.schedule = Some(Schedule {
            days: BTreeSet::from([Day::Saturday]),
            ..daily((0, 0), (0, 0))
        });
    });
    let mut at = NOW;
    let mut changes = Vec::new();
    for _ in 0..6 {
        let resolved = firewall.resolve_at(at);
        let next = resolved.next_change.expect("schedules go on");
        let counters = |at| -> Vec<u32> {
            let ruleset = firewall.resolve_at(at).ruleset;
            ruleset.lines.iter().map(|line| line.counter).collect()
        };
        assert_eq!(counters(next - Duration::NANOSECOND), counters(at));
        assert_ne!(counters(next), counters(at));
        changes.push(next);
        at = next;
    }
    assert_eq!(
        changes,
        [
            datetime!(2026-11-20 22:00 UTC),
            datetime!(2026-11-21 00:00 UTC),
            datetime!(2026-11-21 03:00:30 UTC),
            datetime!(2026-11-21 06:00 UTC),
            datetime!(2026-11-21 22:00 UTC),
            datetime!(2026-11-22 00:00 UTC),
        ]
    );
}

#[test]
fn management_zones_reach_the_management_ports_whatever_the_rules_say() {
    let mut firewall = Firewall::with_rules(&["any any any any any drop"]);
    let zones = ["lan", "dmz", "local", "empty"];
    for name in zones {
        let zone = firewall.policy.zones.get_mut(&zone_id(name)).expect("a zone");
        Arc::make_mut(zone).spec.management = true;
    }
    // No ports: nothing to reach, which must not become every port.
    check(&firewall, &[FIRST_RULE], &[]);
    firewall.inventory.management_ports = vec![22, 8443];
    let fixed = fixed_counter::ANTI_LOCKOUT;
    check(&firewall, &[fixed, fixed, FIRST_RULE], &[]);
    let ruleset = firewall.resolve();
    for (text, accepted) in [
        ("lan local 10.0.0.9 10.0.0.1 tcp 1 22", true),
        ("lan local fd00::9 fd00::1 tcp 1 8443", true),
        ("dmz local 10.0.0.9 10.0.0.1 tcp 1 22", true),
        ("lan local 10.0.0.9 10.0.0.1 tcp 1 23", false),
        ("lan local 10.0.0.9 10.0.0.1 udp 1 22", false),
        ("wan local 10.0.0.9 10.0.0.1 tcp 1 22", false),
        ("lan wan 10.0.0.9 10.0.0.1 tcp 1 22", false),
    ] {
        let decision = ruleset.evaluate(&packet(text));
        assert_eq!(decision.origin == Origin::AntiLockout, accepted, "{text}");
        assert_eq!(decision.action == Action::Accept, accepted, "{text}");
    }
}

#[test]
fn every_pair_of_zones_has_a_default() {
    let mut firewall = Firewall::default();
    firewall.add_pair("lan wan accept", 500);
    firewall.add_pair("local wan reject log", 501);
    firewall.add_pair("lan lan accept", 502);
    firewall.add_pair("lan empty accept", 503);
    let ruleset = firewall.resolve();
    let zones: Vec<ZoneNumber> = ruleset.zones.keys().copied().collect();
    assert_eq!(zones, ["local", "lan", "wan", "dmz"].map(zone_number));
    assert_eq!(ruleset.defaults.len(), zones.len() * zones.len());
    for (&(from, to), default) in &ruleset.defaults {
        let (counter, action, log) = match (from.get(), to.get()) {
            (2, 3) => (500, Action::Accept, false),
            (1, 3) => (501, Action::Reject, true),
            (2, 2) => (502, Action::Accept, false),
            (1, _) => (fixed_counter::UNWRITTEN_PAIR, Action::Accept, false),
            _ => (fixed_counter::UNWRITTEN_PAIR, Action::Drop, false),
        };
        assert_eq!(
            (default.counter, default.action, default.log),
            (counter, action, log),
            "{from:?} {to:?}"
        );
    }
}

#[test]
fn interfaces_that_exist_and_are_in_a_zone_have_its_number() {
    let ruleset = Firewall::default().resolve();
    let found: Vec<(u32, u8)> = ruleset
        .zone_of_interface
        .iter()
        .map(|(index, zone)| (*index, zone.get()))
        .collect();
    assert_eq!(found, [(5, 2), (7, 3)]);
    let dmz = &ruleset.zones[&zone_number("dmz")];
    assert_eq!(
        (dmz.name.as_str(), dmz.interfaces.as_slice()),
        ("dmz", ["dmz0".to_owned()].as_slice())
    );
}

#[test]
fn an_interface_that_is_not_the_card_its_name_stands_for_is_in_no_zone() {
    let zones = |pinned: &[(&str, Option<u32>)]| {
        let mut firewall = Firewall::default();
        let pinned = pinned.iter().map(|(name, index)| ((*name).to_owned(), *index));
        firewall.inventory.pinned = pinned.collect();
        let ruleset = firewall.resolve();
        assert_eq!(ruleset.pinned, firewall.inventory.pinned);
        let zones = ruleset.zone_of_interface.iter();
        zones
            .map(|(index, zone)| (*index, zone.get()))
            .collect::<Vec<_>>()
    };
    let all = [(5, 2), (7, 3)];
    assert_eq!(
        zones(&[("lan0", Some(5)), ("wan0", Some(7)), ("dmz0", None)]),
        all
    );
    assert_eq!(zones(&[("lan0", Some(6))]), all[1..]);
    assert_eq!(zones(&[("lan0", None), ("spare0", Some(8))]), all[1..]);
}

#[test]
fn only_lists_that_lines_name_are_taken_along() {
    let mut firewall =
        Firewall::with_rules(&["any any @b,@a,@b any any accept", "any any any @off any accept"]);
    for (number, name) in [(7, "a"), (3, "b"), (4, "off"), (5, "unused")] {
        firewall.add_list(name, number, [parsed("10.0.0.0/8")]);
    }
    firewall.edit_rule(1, |rule| rule.enabled = false);
    let ruleset = firewall.resolve();
    assert_eq!(ruleset.lines[0].source.lists, [3, 7]);
    assert_eq!(ruleset.lists.keys().copied().collect::<Vec<_>>(), [3, 7]);
}

#[test]
fn an_empty_policy_lets_only_the_box_itself_speak() {
    let mut firewall = Firewall::default();
    firewall.policy = Policy {
        zones: firewall.policy.zones,
        ..Policy::default()
    };
    let ruleset = firewall.resolve();
    assert_eq!(ruleset.revision.0, 3);
    assert!(ruleset.lines.is_empty() && ruleset.dnat.is_empty());
    for (text, action) in [
        ("lan wan 10.0.0.1 1.1.1.1 tcp 1 1", Action::Drop),
        ("wan local 10.0.0.1 1.1.1.1 tcp 1 1", Action::Drop),
        ("local wan 10.0.0.1 1.1.1.1 tcp 1 1", Action::Accept),
    ] {
        assert_eq!(ruleset.evaluate(&packet(text)).action, action, "{text}");
    }
}
