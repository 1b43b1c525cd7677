//! The table against the reference, packet by packet.

mod crowded;
mod offload;
mod pinned;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ravelin_model::{Action, Translation, ZoneNumber, protocol};

use super::chains::LINEAR_RULES;
use super::interpret::{Fate, Probe, run};
use super::lines::mark;
use super::table::{ConnectionState, Family, Hook, Reject, Statement, Verdict, VerdictMap};
use super::{NftFound, NftRuleset, NftSettings};
use crate::generate::{Random, Shape, World, packet, packet_to_published};
use crate::{Decision, Origin, PolicyPacket, Ruleset, fixed_counter};

/// Flags of TCP.
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Bits of the connection's mark that are others'.
const FOREIGN_CONNECTION: u32 = 0xffc0_0000;

/// Bit of the connection's mark: it was ended on request.
const RESET: u32 = 0x0020_0000;

/// Stands for an interface that is in no zone.
const STRANGER: &str = "stranger";

fn compiled(ruleset: &Ruleset) -> NftRuleset {
    NftRuleset::new(ruleset, &NftSettings::default())
}

/// An interface of a zone; none of `local`.
fn interface<'a>(random: &mut Random, ruleset: &'a Ruleset, zone: ZoneNumber) -> Option<&'a str> {
    let interfaces = &ruleset.zones.get(&zone)?.interfaces;
    (!interfaces.is_empty()).then(|| random.of(interfaces).as_str())
}

/// The hook that judges a packet, with its interfaces; None: it stays within the box.
fn probe<'a>(random: &mut Random, ruleset: &'a Ruleset, packet: PolicyPacket) -> Option<(Hook, Probe<'a>)> {
    let input = interface(random, ruleset, packet.from);
    let output = interface(random, ruleset, packet.to);
    let hook = match (input, output) {
        (Some(_), Some(_)) => Hook::Forward,
        (Some(_), None) => Hook::Input,
        (None, Some(_)) => Hook::Output,
        (None, None) => return None,
    };
    let foreign = random.word() & 0x00f0_0000;
    let foreign_connection = if random.once_in(2) {
        random.word() & FOREIGN_CONNECTION
    } else {
        0
    };
    let probe = Probe {
        input,
        output,
        indices: (0, 0),
        packet,
        mark: foreign,
        connection_mark: foreign_connection,
        state: None,
        translated: false,
        tcp_flags: SYN,
        over_limits: false,
    };
    Some((hook, probe))
}

/// What a link needs is accepted before the policy is asked.
fn is_infrastructure(hook: Hook, packet: &PolicyPacket) -> bool {
    let kind = packet.icmp.0;
    let link = packet.source.is_ipv6() && matches!(kind, 130..=136 | 143);
    let error = match packet.source {
        IpAddr::V4(_) => matches!(kind, 3 | 11 | 12),
        IpAddr::V6(_) => matches!(kind, 1..=4),
    };
    let redirect = packet.source.is_ipv6() && kind == 137 && hook == Hook::Output;
    packet.is_icmp() && (redirect || link && hook != Hook::Forward || error && hook == Hook::Output)
}

fn fate_of(action: Action, packet: &PolicyPacket) -> Fate {
    match action {
        Action::Accept => Fate::Accepted,
        Action::Drop => Fate::Dropped,
        Action::Reject if packet.protocol == protocol::TCP => Fate::Rejected(Reject::Reset),
        Action::Reject => Fate::Rejected(Reject::Prohibited),
    }
}

/// A new packet has the fate the reference says and is counted once, on what decided.
#[track_caller]
fn check_judged(ruleset: &Ruleset, table: &NftRuleset, hook: Hook, probe: &Probe<'_>) {
    let packet = &probe.packet;
    let decision = if probe.over_limits {
        ruleset.evaluate_over_limits(packet)
    } else {
        ruleset.evaluate(packet)
    };
    let Decision {
        origin: _,
        counter,
        action,
        log,
        rate_limited: _,
    } = decision;
    let (counter, action, log) = if is_infrastructure(hook, packet) {
        (fixed_counter::INFRASTRUCTURE, Action::Accept, false)
    } else {
        (counter, action, log)
    };
    let (fate, walk) = run(table, hook, probe);
    assert_eq!(
        (fate, &walk.counted[..], walk.logged),
        (fate_of(action, packet), &[counter][..], log),
        "{probe:?}"
    );
    assert_eq!(
        walk.mark & 0x00f0_0000,
        probe.mark & 0x00f0_0000,
        "foreign bits stay: {probe:?}"
    );
    if action == Action::Accept {
        assert_eq!(
            walk.connection_mark,
            counter | probe.connection_mark,
            "the connection counts on its rule, and bits of others stay: {probe:?}"
        );
    }
    assert!(walk.deepest < 16, "the kernel goes 16 deep: {}", walk.deepest);
}

#[test]
fn tables_judge_as_the_reference_does() {
    let mut random = Random::seeded();
    for rules in [0, 1, 5, 20, 60, 60, 200, 500] {
        let ruleset = World::new(&mut random, &Shape::rules(rules)).resolve();
        let table = compiled(&ruleset);
        for _ in 0..3_000 {
            let packet = packet(&mut random, &ruleset);
            if let Some((hook, mut probe)) = probe(&mut random, &ruleset, packet) {
                probe.over_limits = random.once_in(4);
                check_judged(&ruleset, &table, hook, &probe);
            }
        }
    }
}

/// Few addresses and ports and many lines: everything overlaps, and every packet there is comes by.
#[test]
fn trees_judge_as_the_reference_does() {
    let mut random = Random::seeded();
    for round in 0..12 {
        let ruleset = match round % 3 {
            0 => crowded::gappy(&mut random, 100 + 10 * round),
            _ => crowded::ruleset(&mut random, 100 + 40 * round),
        };
        let table = compiled(&ruleset);
        check_short_chains(&table);
        for _ in 0..4_000 {
            let packet = crowded::packet(&mut random);
            let (hook, mut probe) =
                probe(&mut random, &ruleset, packet).expect("from a zone with interfaces");
            probe.over_limits = random.once_in(2);
            check_judged(&ruleset, &table, hook, &probe);
        }
    }
}

#[test]
fn crowded_destinations_are_translated_as_the_reference_does() {
    let mut random = Random::seeded();
    for _ in 0..400 {
        let mut ruleset = crowded::ruleset(&mut random, 0);
        let entries = 1 + random.below(8);
        ruleset.dnat = (0..entries).map(|_| crowded::dnat(&mut random)).collect();
        let table = compiled(&ruleset);
        for _ in 0..200 {
            let packet = crowded::packet_to_published(&mut random);
            let (_, probe) = probe(&mut random, &ruleset, packet).expect("from a zone with interfaces");
            check_destination(&ruleset, &table, &probe);
        }
    }
}

#[test]
fn what_is_in_no_zone_is_dropped_and_counted() {
    let mut random = Random::seeded();
    let ruleset = World::new(&mut random, &Shape::rules(20)).resolve();
    let table = compiled(&ruleset);
    for _ in 0..1_000 {
        let packet = packet(&mut random, &ruleset);
        let Some((hook, mut probe)) = probe(&mut random, &ruleset, packet) else {
            continue;
        };
        if hook == Hook::Output || hook == Hook::Forward && random.once_in(2) {
            probe.output = Some(STRANGER);
        } else {
            probe.input = Some(STRANGER);
        }
        if !is_infrastructure(hook, &packet) {
            let (fate, walk) = run(&table, hook, &probe);
            assert_eq!(
                (fate, &walk.counted[..]),
                (Fate::Dropped, &[fixed_counter::NO_ZONE][..]),
                "{probe:?}"
            );
        }
    }
}

#[test]
fn verdicts_of_ebpf_hold_only_from_its_interfaces_and_for_the_zone_they_are_for() {
    let mut random = Random::seeded();
    let ruleset = World::new(&mut random, &Shape::rules(40)).resolve();
    let all = ruleset
        .zones
        .values()
        .flat_map(|zone| zone.interfaces.iter().cloned());
    let settings = NftSettings {
        classified: all.collect(),
        ..NftSettings::default()
    };
    let (believing, not_believing) = (NftRuleset::new(&ruleset, &settings), compiled(&ruleset));
    let counters: Vec<u32> = believing.counters().iter().copied().collect();
    let zones: Vec<ZoneNumber> = ruleset.zones.keys().copied().collect();
    for _ in 0..4_000 {
        let packet = packet(&mut random, &ruleset);
        let Some((hook, mut probe)) = probe(&mut random, &ruleset, packet) else {
            continue;
        };
        if is_infrastructure(hook, &packet) {
            continue;
        }
        let (action, counter) = (*random.of(&Action::ALL), *random.of(&counters));
        let zone = *random.of(&zones);
        probe.mark |= mark(action, counter) | u32::from(zone.get()) << 24;
        check_judged(&ruleset, &not_believing, hook, &probe);
        let management = ruleset.evaluate(&packet).origin == Origin::AntiLockout;
        if hook == Hook::Output || zone != packet.to || management {
            check_judged(&ruleset, &believing, hook, &probe);
        } else {
            let (fate, walk) = run(&believing, hook, &probe);
            let expected = (fate_of(action, &packet), &[counter][..]);
            assert_eq!((fate, &walk.counted[..]), expected, "{probe:?}");
        }
    }
}

#[test]
fn packets_of_connections_count_on_the_rule_of_the_connection() {
    let mut random = Random::seeded();
    let ruleset = World::new(&mut random, &Shape::rules(20)).resolve();
    let table = compiled(&ruleset);
    let known: Vec<u32> = table.counters().iter().copied().collect();
    let gone = known.last().map_or(1000, |last| last + 1);
    for _ in 0..1_000 {
        let packet = packet(&mut random, &ruleset);
        let Some((hook, mut probe)) = probe(&mut random, &ruleset, packet) else {
            continue;
        };
        for state in [ConnectionState::Established, ConnectionState::Related] {
            probe.state = Some(state);
            for (connection, counted) in [
                (*random.of(&known), None),
                (gone, Some(fixed_counter::EARLIER_CONNECTION)),
                (0, Some(fixed_counter::EARLIER_CONNECTION)),
            ] {
                probe.connection_mark = connection | 0x0100_0000;
                let counted = counted.unwrap_or(connection);
                let (fate, walk) = run(&table, hook, &probe);
                assert_eq!(
                    (fate, &walk.counted[..]),
                    (Fate::Accepted, &[counted][..]),
                    "{probe:?}"
                );
                assert_eq!(
                    walk.connection_mark,
                    counted | 0x0100_0000,
                    "the next one finds its counter"
                );
            }
        }
        probe.state = Some(ConnectionState::Invalid);
        if !is_infrastructure(hook, &packet) {
            let (fate, walk) = run(&table, hook, &probe);
            assert_eq!(
                (fate, &walk.counted[..]),
                (Fate::Dropped, &[fixed_counter::INVALID][..]),
                "{probe:?}"
            );
        }
    }
}

#[test]
fn what_was_ended_on_request_is_answered_with_resets_and_counted_nowhere() {
    let mut random = Random::seeded();
    let ruleset = World::new(&mut random, &Shape::rules(20)).resolve();
    let table = compiled(&ruleset);
    let known: Vec<u32> = table.counters().iter().copied().collect();
    for _ in 0..1_000 {
        let packet = packet(&mut random, &ruleset);
        let Some((hook, mut probe)) = probe(&mut random, &ruleset, packet) else {
            continue;
        };
        probe.connection_mark = *random.of(&known) | RESET | random.word() & FOREIGN_CONNECTION;
        for state in [ConnectionState::Established, ConnectionState::Related] {
            probe.state = Some(state);
            probe.tcp_flags = ACK;
            let expected = if packet.protocol == protocol::TCP {
                Fate::Rejected(Reject::Reset)
            } else {
                Fate::Dropped
            };
            let (fate, walk) = run(&table, hook, &probe);
            assert_eq!((fate, walk.counted.len()), (expected.clone(), 0), "{probe:?}");
            assert_eq!(walk.connection_mark, probe.connection_mark, "{probe:?}");
            // The answer, and what an end says itself.
            if expected != Fate::Dropped {
                probe.tcp_flags = RST | ACK;
                for hook in [Hook::Output, hook] {
                    let (fate, walk) = run(&table, hook, &probe);
                    assert_eq!(
                        (fate, walk.counted.len()),
                        (Fate::Accepted, 0),
                        "{hook:?} {probe:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_answer_to_a_rejected_packet_goes_out_and_is_not_counted_again() {
    let mut random = Random::seeded();
    let ruleset = World::new(&mut random, &Shape::rules(60)).resolve();
    let table = compiled(&ruleset);
    let mut rejected = 0;
    for _ in 0..3_000 {
        let packet = packet(&mut random, &ruleset);
        let Some((hook, mut probe)) = probe(&mut random, &ruleset, packet) else {
            continue;
        };
        let (fate, walk) = run(&table, hook, &probe);
        if matches!(fate, Fate::Rejected(_)) {
            rejected += 1;
            probe.connection_mark = walk.connection_mark;
            probe.state = Some(ConnectionState::Related);
            let (fate, walk) = run(&table, Hook::Output, &probe);
            assert_eq!((fate, walk.counted.len()), (Fate::Accepted, 0), "{probe:?}");
        }
    }
    assert!(rejected > 0);
}

/// The packet goes where the reference says; whether that is elsewhere.
#[track_caller]
fn check_destination(ruleset: &Ruleset, table: &NftRuleset, probe: &Probe<'_>) -> bool {
    let packet = &probe.packet;
    let (fate, _) = run(table, Hook::Prerouting, probe);
    let found = match fate {
        Fate::Accepted => None,
        Fate::Destination(address, port) => Some((address, port.unwrap_or(packet.destination_port))),
        other => panic!("{other:?}"),
    };
    let expected = ruleset.translate(
        packet.from,
        packet.destination,
        packet.protocol,
        packet.destination_port,
    );
    let expected = expected.map(|(_, address, port)| (address, port));
    assert_eq!(found, expected, "{packet:?} {:#?}", ruleset.dnat);
    found.is_some()
}

#[test]
fn destinations_are_translated_as_the_reference_does() {
    let mut random = Random::seeded();
    let mut translated = 0;
    for _ in 0..60 {
        let shape = Shape {
            nat_rules: 30,
            published_services: 10,
            ..Shape::rules(4)
        };
        let ruleset = World::new(&mut random, &shape).resolve();
        let table = compiled(&ruleset);
        for _ in 0..300 {
            let Some(packet) = packet_to_published(&mut random, &ruleset) else {
                break;
            };
            let Some(input) = interface(&mut random, &ruleset, packet.from) else {
                continue;
            };
            let probe = Probe {
                input: Some(input),
                output: None,
                indices: (0, 0),
                packet,
                mark: 0,
                connection_mark: 0,
                state: None,
                translated: false,
                tcp_flags: SYN,
                over_limits: false,
            };
            translated += usize::from(check_destination(&ruleset, &table, &probe));
        }
    }
    assert!(translated > 0);
}

/// The first source translation for packets that leave by a zone, in the words of the model.
fn source_translation(ruleset: &Ruleset, packet: &PolicyPacket) -> Fate {
    let zone = &ruleset.zones[&packet.to].id;
    let family = Family::of(packet.source);
    for resolved in &ruleset.translations {
        match &resolved.translation {
            Translation::Masquerade { to, source }
                if to == zone
                    && (source.is_empty() || source.iter().any(|range| range.contains(packet.source))) =>
            {
                return Fate::Masqueraded;
            }
            Translation::Snat {
                to,
                source,
                destination,
                address,
                ports,
            } if to == zone => {
                let from = source.is_empty() || source.iter().any(|range| range.contains(packet.source));
                let onto = destination.is_empty()
                    || destination.iter().any(|range| range.contains(packet.destination));
                if Family::of(*address) == family && from && onto {
                    return Fate::Source(*address, ports.filter(|_| protocol::has_ports(packet.protocol)));
                }
            }
            Translation::OneToOne {
                zone: outside,
                external,
                internal,
                ..
            } if outside == zone && internal.contains(&packet.source) => {
                let distance = super::term::number(packet.source) - super::term::number(internal.network());
                let first = super::term::number(external.network());
                return Fate::Source(super::term::address(first + distance, family), None);
            }
            _ => {}
        }
    }
    Fate::Accepted
}

#[test]
fn sources_are_translated_by_the_first_that_matches() {
    let mut random = Random::seeded();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for nat_rules in [3, 10, 40, 400, 1_000] {
        for _ in 0..4 {
            let shape = Shape {
                nat_rules,
                ..Shape::rules(60)
            };
            let ruleset = World::new(&mut random, &shape).resolve();
            let table = compiled(&ruleset);
            check_short_chains(&table);
            for _ in 0..500 {
                let packet = packet(&mut random, &ruleset);
                let Some((_, probe)) = probe(&mut random, &ruleset, packet) else {
                    continue;
                };
                if probe.output.is_some() {
                    let (fate, _) = run(&table, Hook::Postrouting, &probe);
                    let name = format!("{fate:?}")
                        .split('(')
                        .next()
                        .unwrap_or_default()
                        .to_owned();
                    *seen.entry(name).or_default() += 1;
                    assert_eq!(fate, source_translation(&ruleset, &packet), "{packet:?}");
                }
            }
        }
    }
    for kind in ["Accepted", "Masqueraded", "Source"] {
        assert!(seen.contains_key(kind), "{seen:?}");
    }
}

#[test]
fn what_comes_back_out_of_its_own_zone_after_translation_gets_the_address_of_the_box() {
    let mut random = Random::seeded();
    let shape = Shape {
        nat_rules: 0,
        published_services: 6,
        ..Shape::rules(4)
    };
    let ruleset = World::new(&mut random, &shape).resolve();
    assert!(!ruleset.dnat.is_empty(), "something is published");
    let table = compiled(&ruleset);
    let interfaces: Vec<(ZoneNumber, &str)> = ruleset
        .zones
        .values()
        .flat_map(|zone| zone.interfaces.iter().map(|name| (zone.number, name.as_str())))
        .collect();
    for (from, input) in &interfaces {
        for (to, output) in &interfaces {
            let packet = packet(&mut random, &ruleset);
            for translated in [false, true] {
                let probe = Probe {
                    input: Some(input),
                    output: Some(output),
                    indices: (0, 0),
                    packet,
                    mark: 0,
                    connection_mark: 0,
                    state: None,
                    translated,
                    tcp_flags: SYN,
                    over_limits: false,
                };
                let (fate, _) = run(&table, Hook::Postrouting, &probe);
                let back = translated && from == to;
                assert_eq!(fate == Fate::Masqueraded, back, "{probe:?}");
            }
        }
    }
}

/// No chain is longer than it may be, none is deeper than the kernel takes, and every one is reached.
#[track_caller]
fn check_short_chains(table: &NftRuleset) {
    let chains = &table.table.chains;
    for (name, chain) in chains {
        assert!(
            chain.rules.len() <= LINEAR_RULES,
            "{name} has {} rules",
            chain.rules.len()
        );
    }
    // Depth of each chain, found from those that go nowhere on.
    fn depth(table: &NftRuleset, name: &str, known: &mut BTreeMap<String, usize>) -> usize {
        if let Some(depth) = known.get(name) {
            return *depth;
        }
        let chain = table
            .table
            .chains
            .get(name)
            .unwrap_or_else(|| panic!("no chain {name}"));
        let mut deepest = 0;
        for target in chain
            .rules
            .iter()
            .flatten()
            .flat_map(|statement| targets(table, statement))
        {
            deepest = deepest.max(1 + depth(table, &target, known));
        }
        known.insert(name.to_owned(), deepest);
        deepest
    }
    let mut known = BTreeMap::new();
    for (name, _) in chains.iter().filter(|(_, chain)| chain.base.is_some()) {
        let depth = depth(table, name, &mut known);
        assert!(depth < 16, "{name} goes {depth} deep");
    }
    for name in chains.keys() {
        // Pairs of a zone without interfaces, and what only they lead to.
        let reached = known.contains_key(&**name);
        assert!(
            reached || name.starts_with("pair_") || name.starts_with('c'),
            "{name} is never reached"
        );
    }
}

fn targets(table: &NftRuleset, statement: &Statement) -> Vec<String> {
    let of = |verdict: &Verdict| match verdict {
        Verdict::Jump(name) | Verdict::Goto(name) => Some(name.to_string()),
        Verdict::Accept | Verdict::Drop => None,
    };
    match statement {
        Statement::Verdict(verdict) => of(verdict).into_iter().collect(),
        Statement::Dispatch { map, .. } => match map {
            VerdictMap::Elements(elements) => {
                elements.iter().filter_map(|(_, verdict)| of(verdict)).collect()
            }
            VerdictMap::States(states) => states.iter().filter_map(|(_, verdict)| of(verdict)).collect(),
            VerdictMap::Set(name) => match &table.table.sets[name] {
                super::table::SetBody::InterfaceVerdicts(verdicts) => {
                    verdicts.values().filter_map(of).collect()
                }
                super::table::SetBody::PairVerdicts(verdicts) => verdicts.values().filter_map(of).collect(),
                other => panic!("{other:?}"),
            },
        },
        _ => Vec::new(),
    }
}

#[test]
fn no_chain_is_long() {
    let mut random = Random::seeded();
    for rules in [64, 65, 300, 1_000] {
        let ruleset = World::new(&mut random, &Shape::rules(rules)).resolve();
        check_short_chains(&compiled(&ruleset));
    }
}

#[test]
fn a_difference_of_equal_tables_is_nothing_and_of_a_new_revision_one_rule() {
    let mut random = Random::seeded();
    let mut ruleset = World::new(&mut random, &Shape::rules(200)).resolve();
    let table = compiled(&ruleset);
    assert!(table.difference(&table).is_empty());
    assert!(!table.replacement(&NftFound::default()).is_empty());
    ruleset.revision.0 += 1;
    let next = compiled(&ruleset);
    let difference = next.difference(&table);
    assert_eq!((difference.added(), difference.removed()), (1, 1));
}
