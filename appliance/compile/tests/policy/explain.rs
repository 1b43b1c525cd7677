//! What an explanation tells.

use ravelin_compile::generate::{self, Random, Shape, World};
use ravelin_compile::{EXPLAINED_LINES_MAX, Mismatch, NotInForce, WhyNot};

use crate::support::{FIRST_RULE, Firewall, packet};

/// The counter that decides, and the lines in front of it.
fn check(firewall: &Firewall, text: &str, counter: u32, considered: &[(u32, WhyNot)]) {
    let explanation = firewall.resolve().explain(&packet(text));
    assert_eq!(explanation.decision.counter, counter, "{text}");
    let found: Vec<_> = explanation
        .considered
        .iter()
        .map(|considered| (considered.counter, considered.why))
        .collect();
    assert_eq!(found, considered, "{text}");
    assert_eq!(explanation.more, 0);
}

#[test]
fn every_line_in_front_says_the_first_thing_that_did_not_fit() {
    let mut firewall = Firewall::with_rules(&[
        "wan lan any any any accept",
        "lan dmz any any any accept",
        "any any 10.9.0.0/16 192.0.2.9 udp accept",
        "any any any 192.0.2.9 udp accept",
        "any any any any any accept",
        "any any any any udp accept",
        "any any any any any reject",
        "any any any any any drop",
    ]);
    firewall.edit_rule(4, |rule| rule.enabled = false);
    let mismatch = WhyNot::Mismatch;
    let before = [
        (100, mismatch(Mismatch::FromZone)),
        (101, mismatch(Mismatch::ToZone)),
        (102, mismatch(Mismatch::Source)),
        (103, mismatch(Mismatch::Destination)),
        (104, WhyNot::NotInForce(NotInForce::Disabled)),
        (105, mismatch(Mismatch::Service)),
    ];
    check(&firewall, "lan wan 10.0.0.1 192.0.2.1 tcp 1 80", 106, &before);
    // Where the default decides, lines behind all in force are told too.
    firewall.edit_rule(6, |rule| rule.enabled = false);
    firewall.edit_rule(7, |rule| rule.enabled = false);
    firewall.add_pair("lan wan reject", 700);
    let off = |n| (n, WhyNot::NotInForce(NotInForce::Disabled));
    let all = [before.as_slice(), &[off(106), off(107)]].concat();
    check(&firewall, "lan wan 10.0.0.1 192.0.2.1 tcp 1 80", 700, &all);
}

#[test]
fn what_happens_over_a_rate_limit_is_told_where_it_differs() {
    let firewall = Firewall::with_rules(&["lan wan any any tcp accept limit", "lan wan any any any reject"]);
    let ruleset = firewall.resolve();
    let over = |text| {
        let explanation = ruleset.explain(&packet(text));
        explanation.over_limits.map(|decision| decision.counter)
    };
    assert_eq!(over("lan wan 10.0.0.1 192.0.2.1 tcp 1 80"), Some(FIRST_RULE + 1));
    assert_eq!(over("lan wan 10.0.0.1 192.0.2.1 udp 1 80"), None);
}

#[test]
fn an_explanation_is_bounded_and_keeps_lines_of_the_same_zones() {
    let mut rules = Vec::new();
    for _ in 0..EXPLAINED_LINES_MAX {
        rules.extend(["wan dmz any any any accept", "lan wan 192.0.2.1 any any accept"]);
    }
    let decides = "lan wan any any any accept";
    let firewall = Firewall::with_rules(&[&rules[..], &[decides]].concat());
    let explanation = firewall
        .resolve()
        .explain(&packet("lan wan 10.0.0.1 192.0.2.1 tcp 1 80"));
    assert_eq!(explanation.considered.len(), EXPLAINED_LINES_MAX);
    assert_eq!(explanation.more, EXPLAINED_LINES_MAX);
    assert!(
        explanation
            .considered
            .iter()
            .all(|considered| considered.why == WhyNot::Mismatch(Mismatch::Source))
    );
    // With room left, those of other zones are told, in order.
    let few = [&rules[..400], &[decides]].concat();
    let explanation = Firewall::with_rules(&few)
        .resolve()
        .explain(&packet("lan wan 10.0.0.1 192.0.2.1 tcp 1 80"));
    assert_eq!(
        (explanation.considered.len(), explanation.more),
        (EXPLAINED_LINES_MAX, 400 - EXPLAINED_LINES_MAX)
    );
    assert!(
        explanation
            .considered
            .is_sorted_by_key(|considered| considered.counter)
    );
}

#[test]
fn an_explanation_agrees_with_the_evaluation() {
    let mut random = Random::seeded();
    for _ in 0..40 {
        let ruleset = World::new(&mut random, &Shape::rules(30)).resolve();
        for _ in 0..50 {
            let packet = generate::packet(&mut random, &ruleset);
            let explanation = ruleset.explain(&packet);
            assert_eq!(explanation.decision, ruleset.evaluate(&packet), "{packet:?}");
            let decides = explanation.decision.origin;
            assert!(
                explanation
                    .considered
                    .iter()
                    .all(|considered| considered.origin != decides
                        || considered.origin == ravelin_compile::Origin::AntiLockout)
            );
        }
    }
}
