//! The generator reaches what it is there for.

use std::collections::{BTreeSet, HashSet};

use ravelin_compile::generate::{Random, Shape, World, packet, packet_to_published};
use ravelin_compile::{Line, NotInForce, Origin};
use ravelin_model::Action;

#[test]
fn a_seed_brings_back_the_policy_and_its_packets() {
    let make = || {
        let mut random = Random::new(7);
        let world = World::new(&mut random, &Shape::rules(50));
        let ruleset = world.resolve();
        let packets: Vec<_> = (0..100).map(|_| packet(&mut random, &ruleset)).collect();
        (world.policy, world.inventory, ruleset.lines, packets)
    };
    assert_eq!(make(), make());
}

#[test]
fn packets_reach_most_lines_both_families_and_every_way_to_miss() {
    let mut random = Random::seeded();
    let (mut lines, mut deciding) = (0, 0);
    let mut decided = BTreeSet::new();
    let mut missed = HashSet::new();
    for (worlds, rules, packets) in [(40, 40, 1500), (2, 600, 20_000)] {
        for _ in 0..worlds {
            let ruleset = World::new(&mut random, &Shape::rules(rules)).resolve();
            let mut counters = BTreeSet::new();
            for _ in 0..packets {
                let packet = packet(&mut random, &ruleset);
                assert_eq!(
                    packet.source.is_ipv4(),
                    packet.destination.is_ipv4(),
                    "{packet:?}"
                );
                let decision = ruleset.evaluate(&packet);
                let by_rule = matches!(decision.origin, Origin::Rule(_));
                decided.insert((packet.source.is_ipv4(), by_rule, decision.action));
                counters.insert(decision.counter);
                let some = ruleset.lines.iter().take(5);
                missed.extend(some.filter_map(|line| line.mismatch(&packet, &ruleset.lists)));
            }
            lines += ruleset.lines.len();
            deciding += ruleset
                .lines
                .iter()
                .filter(|line| counters.contains(&line.counter))
                .count();
        }
    }
    assert!(deciding * 2 > lines, "{deciding} of {lines} lines decided");
    assert_eq!(
        decided.len(),
        2 * 2 * Action::ALL.len(),
        "families, rules or defaults, actions"
    );
    assert_eq!(missed.len(), 5, "{missed:?}");
}

#[test]
fn policies_have_every_kind_of_line_and_of_absence() {
    let mut random = Random::seeded();
    let rulesets: Vec<_> = (0..50)
        .map(|_| World::new(&mut random, &Shape::rules(60)).resolve())
        .collect();
    let absent = |why| {
        let mut left_out = rulesets.iter().flat_map(|ruleset| &ruleset.left_out);
        left_out.any(|left_out| left_out.why == why)
    };
    for why in [NotInForce::Disabled, NotInForce::Expired, NotInForce::OffSchedule] {
        assert!(absent(why), "{why:?}");
    }
    let there = |is: fn(&Line) -> bool| {
        rulesets
            .iter()
            .flat_map(|ruleset| &ruleset.lines)
            .any(|line| is(line))
    };
    assert!(there(|line| line.source.negate));
    assert!(there(|line| line.source.is_any() && line.from.is_none()));
    assert!(there(|line| !line.destination.lists.is_empty()));
    assert!(there(|line| line.rate_limit.is_some()));
    assert!(there(|line| line.services.len() > 2));
}

#[test]
fn packets_to_published_addresses_are_translated_and_are_not() {
    let mut random = Random::seeded();
    let (mut translated, mut left) = (0, 0);
    for _ in 0..200 {
        let world = World::new(&mut random, &Shape::rules(4));
        let ruleset = world.resolve();
        for _ in 0..20 {
            let Some(packet) = packet_to_published(&mut random, &ruleset) else {
                continue;
            };
            match ruleset.translate(
                packet.from,
                packet.destination,
                packet.protocol,
                packet.destination_port,
            ) {
                Some((entry, target, _)) => {
                    assert_eq!(target.is_ipv4(), packet.destination.is_ipv4());
                    assert!(entry.network.contains(&packet.destination));
                    translated += 1;
                }
                None => left += 1,
            }
        }
    }
    assert!(
        translated > 500 && left > 300,
        "{translated} translated, {left} not"
    );
}
