//! Random connections, ends, limits and failures: what is in the card is what should be, always in both directions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use ravelin_kernel::{FlowerRule, RouteRule, RuleName};
use ravelin_model::{FlowCount, FlowTuple, HwOffloadConfig, protocol};

use super::memory::MemoryRules;
use super::{LAN, WAN, cached, cards, tuple};
use crate::hardware::cards::Cards;
use crate::hardware::plan::plan;
use crate::hardware::table::{Candidate, Table};

const IDLE: Duration = Duration::from_secs(30);

fn connection(number: u8) -> FlowTuple {
    let ports = [1000 + u16::from(number), 443];
    if number.is_multiple_of(2) {
        tuple("10.0.0.7", "203.0.113.9", ports, protocol::TCP)
    } else {
        tuple("2001:db8:1::7", "2001:db8:2::9", ports, protocol::UDP)
    }
}

fn candidate(number: u8, rate: u64, cards: &Cards) -> Candidate {
    let original = connection(number);
    let tags = [None, number.is_multiple_of(3).then_some(100)];
    Candidate {
        original,
        connection: number.into(),
        rate,
        rules: plan(&cached(original, tags), cards).expect("fits"),
    }
}

fn config(limit: u32) -> HwOffloadConfig {
    HwOffloadConfig {
        min_packets_per_second: 10,
        max_flows: Some(limit),
        ..HwOffloadConfig::default()
    }
}

/// What is in the card: which directions of which connection.
fn directions(card: &MemoryRules) -> BTreeMap<FlowTuple, usize> {
    directions_but(card, &BTreeSet::new())
}

/// The same without these rules.
fn directions_but(card: &MemoryRules, without: &BTreeSet<RuleName>) -> BTreeMap<FlowTuple, usize> {
    let mut found = BTreeMap::new();
    for (name, (rule, _)) in &card.memory().rules {
        if let FlowerRule::Route(RouteRule { tuple, .. }) = rule
            && !without.contains(name)
        {
            let name = if tuple.destination_port == 443 {
                *tuple
            } else {
                tuple.inverted()
            };
            *found.entry(name).or_default() += 1;
        }
    }
    found
}

/// Both directions of a connection are in the card or neither, but for what the card would not let go of yet.
#[track_caller]
fn check_pairs(table: &Table<MemoryRules>, card: &MemoryRules) {
    let found = directions_but(card, table.doomed());
    let half = found.iter().find(|(_, directions)| **directions != 2);
    assert_eq!(half, None, "of {found:?}");
}

#[track_caller]
fn check(table: &Table<MemoryRules>, card: &MemoryRules, limit: u32) {
    let expected: BTreeMap<FlowTuple, usize> = table.installed().keys().map(|name| (*name, 2)).collect();
    assert_eq!(directions(card), expected);
    let memory = card.memory();
    for installed in table.installed().values() {
        for (name, rule) in installed.names.iter().zip(installed.rules) {
            let (there, state) = &memory.rules[name];
            assert_eq!(*there, FlowerRule::Route(rule));
            assert!(state.in_hardware);
        }
        for interface in [LAN, WAN] {
            let guards = memory
                .rules
                .keys()
                .filter(|name| name.interface == interface && name.preference < 4);
            assert_eq!(guards.count(), 4, "packets at their last hop must go up");
        }
    }
    for interface in [LAN, WAN] {
        assert!(table.used(interface) <= limit.into());
    }
}

#[derive(Debug, Clone)]
enum Step {
    Fill(Vec<(u8, u64)>),
    End(Vec<u8>),
    /// Packets the card forwards of a connection.
    Traffic(u8, u32),
    Wait(u8),
    Limit(u32),
    Refuse(u64),
    Miss(u64),
    Keep(u64),
    Blind(u64),
    /// Somebody flushes the rules.
    Flush,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let bits = any::<u64>().prop_map(|bits| bits & (bits >> 1));
    prop_oneof![
        4 => prop::collection::vec((0_u8..24, 0_u64..5000), 0..12).prop_map(Step::Fill),
        2 => prop::collection::vec(0_u8..24, 0..6).prop_map(Step::End),
        3 => (0_u8..24, 1_u32..1000).prop_map(|(number, packets)| Step::Traffic(number, packets)),
        2 => (1_u8..40).prop_map(Step::Wait),
        1 => (0_u32..20).prop_map(Step::Limit),
        1 => bits.clone().prop_map(Step::Refuse),
        1 => bits.clone().prop_map(Step::Miss),
        1 => bits.clone().prop_map(Step::Keep),
        1 => bits.prop_map(Step::Blind),
        1 => Just(Step::Flush),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn the_card_has_what_it_should_and_both_directions_of_it(steps in prop::collection::vec(step(), 1..40)) {
        let (cards, card) = (cards(), MemoryRules::default());
        let mut table = Table::new(card.clone());
        let (mut now, mut limit) = (Instant::now(), 12);
        let mut forwarded: HashMap<FlowTuple, u64> = HashMap::new();
        let mut counted: HashMap<FlowTuple, u64> = HashMap::new();
        for step in steps {
            match step {
                Step::Fill(wanted) => {
                    let unique: BTreeMap<u8, u64> = wanted.into_iter().collect();
                    let wanted = unique.into_iter().map(|(number, rate)| candidate(number, rate, &cards));
                    table.fill(wanted.collect(), &cards, &config(limit), now);
                }
                Step::End(gone) => {
                    let gone: Vec<FlowTuple> = gone.into_iter().map(connection).collect();
                    table.keep_only(|original, _| !gone.contains(original));
                    prop_assert!(gone.iter().all(|gone| !table.installed().contains_key(gone)));
                }
                Step::Traffic(number, packets) => {
                    let Some(installed) = table.installed().get(&connection(number)) else { continue };
                    let name = installed.names[0];
                    if let Some((_, state)) = card.memory().rules.get_mut(&name) {
                        state.packets += u64::from(packets);
                        state.bytes += u64::from(packets) * 114;
                        *forwarded.entry(connection(number)).or_default() += u64::from(packets);
                    }
                }
                Step::Wait(seconds) => {
                    now += Duration::from_secs(seconds.into());
                    for more in table.read(&[LAN, WAN], IDLE, now) {
                        let [FlowCount { packets, bytes }, other] = more.counts;
                        prop_assert_eq!((bytes, other), (packets * 100, FlowCount::default()));
                        *counted.entry(more.original).or_default() += packets;
                    }
                }
                Step::Limit(other) => {
                    limit = other;
                    table.trim(&cards, &config(limit));
                }
                Step::Refuse(bits) => card.memory().refuse = bits,
                Step::Miss(bits) => card.memory().miss = bits,
                Step::Keep(bits) => card.memory().keep = bits,
                Step::Blind(bits) => card.memory().blind = bits,
                Step::Flush => card.memory().rules.clear(),
                Step::Restart => {
                    table = Table::new(card.clone());
                    // The thread begins with nothing else before this is so.
                    while !table.clear([LAN, WAN]) {}
                }
            }
            check_pairs(&table, &card);
            for (original, packets) in &counted {
                prop_assert!(packets <= &forwarded[original], "counted twice");
            }
        }
        // Once nothing fails any more, a few readings put everything right.
        {
            let mut memory = card.memory();
            (memory.refuse, memory.miss, memory.keep, memory.blind) = (0, 0, 0, 0);
        }
        table.trim(&cards, &config(limit));
        table.read(&[LAN, WAN], IDLE, now);
        table.read(&[LAN, WAN], IDLE, now);
        check(&table, &card, limit);
        prop_assert!(table.clear([LAN, WAN]));
        prop_assert!(card.memory().rules.is_empty());
    }
}

#[test]
fn the_busiest_are_in_and_the_least_busy_make_room() {
    let (cards, card) = (cards(), MemoryRules::default());
    let mut table = Table::new(card.clone());
    let now = Instant::now();
    let put_in = |table: &mut Table<MemoryRules>, wanted: &[(u8, u64)]| {
        let wanted = wanted
            .iter()
            .map(|(number, rate)| candidate(*number, *rate, &cards));
        table.fill(wanted.collect(), &cards, &config(2), now);
        let mut rates: Vec<u64> = table
            .installed()
            .values()
            .map(|installed| installed.rate)
            .collect();
        rates.sort_unstable();
        rates
    };
    assert_eq!(
        put_in(&mut table, &[(1, 9), (2, 100), (3, 300), (4, 200)]),
        [200, 300]
    );
    assert_eq!(put_in(&mut table, &[(5, 400)]), [200, 300], "not twice as busy");
    assert_eq!(put_in(&mut table, &[(5, 401)]), [300, 401]);
    check(&table, &card, 2);
    assert_eq!((table.sums.installs, table.sums.removals), (3, 1));
}

#[test]
fn one_direction_alone_is_never_left() {
    for (refuse, miss, blind, expected) in [
        // Eight guards come first.
        (0b01_0000_0000, 0, 0, [1, 0, 0]),
        (0b10_0000_0000, 0, 0, [1, 0, 0]),
        (0, 0b01_0000_0000, 0, [0, 1, 0]),
        (0, 0b10_0000_0000, 0, [0, 1, 0]),
        // Guards are read back at both interfaces.
        (0, 0, 0b0100, [0, 0, 1]),
        (0, 0, 0b1000, [0, 0, 1]),
        // Without its guards an interface gets nothing.
        (0b0001, 0, 0, [1, 0, 0]),
        (0, 0b1000_0000, 0, [1, 0, 0]),
    ] {
        let (cards, card) = (cards(), MemoryRules::default());
        {
            let mut memory = card.memory();
            (memory.refuse, memory.miss, memory.blind) = (refuse, miss, blind);
        }
        let mut table = Table::new(card.clone());
        table.fill(
            vec![candidate(2, 5000, &cards)],
            &cards,
            &config(8),
            Instant::now(),
        );
        assert_eq!(
            directions(&card),
            BTreeMap::new(),
            "{refuse:#b} {miss:#b} {blind:#b}"
        );
        assert_eq!(table.sums.failures, expected, "{refuse:#b} {miss:#b} {blind:#b}");
        table.fill(
            vec![candidate(2, 5000, &cards)],
            &cards,
            &config(8),
            Instant::now(),
        );
        check(&table, &card, 8);
        assert_eq!(table.installed().len(), 1);
    }
}

#[test]
fn rules_of_an_earlier_process_do_not_take_those_of_this_one_with_them() {
    let (cards, card) = (cards(), MemoryRules::default());
    let now = Instant::now();
    let fill = |table: &mut Table<MemoryRules>, number| {
        let wanted = vec![candidate(number, 5000, &cards)];
        table.fill(wanted, &cards, &config(8), now);
    };
    fill(&mut Table::new(card.clone()), 2);
    let mut table = Table::new(card.clone());
    // The card lets go of nothing when the next one starts.
    card.memory().keep = u64::MAX;
    assert!(table.clear([LAN, WAN]));
    assert_eq!(table.doomed().len(), card.memory().rules.len());
    card.memory().keep = 0;
    fill(&mut table, 4);
    check(&table, &card, 8);
    // What cannot be read is not taken for nothing.
    card.memory().blind = 0b10;
    assert!(!Table::new(card.clone()).clear([LAN, WAN]));
}

#[test]
fn what_is_idle_leaves() {
    let (cards, card) = (cards(), MemoryRules::default());
    let mut table = Table::new(card.clone());
    let begin = Instant::now();
    table.fill(vec![candidate(2, 5000, &cards)], &cards, &config(8), begin);
    let name = table.installed()[&connection(2)].names[1];
    let at = |seconds| begin + Duration::from_secs(seconds);
    card.memory().rules.get_mut(&name).expect("rule").1.packets = 60;
    assert_eq!(table.read(&[LAN, WAN], IDLE, at(20)).len(), 1);
    assert_eq!(table.installed()[&connection(2)].rate, 3);
    assert!(table.read(&[LAN, WAN], IDLE, at(49)).is_empty());
    assert_eq!(table.installed().len(), 1);
    table.read(&[LAN, WAN], IDLE, at(50));
    assert!(table.installed().is_empty());
    check(&table, &card, 8);
}
