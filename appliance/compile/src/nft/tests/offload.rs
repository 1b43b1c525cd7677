//! The flowtable takes up what is accepted, and changes nothing of what is decided.

use std::collections::BTreeSet;

use super::*;

/// Bit of the connection's mark: what is sent is the answer to a rejected packet.
const ANSWERED: u32 = 0x0010_0000;

fn with_flowtable(ruleset: &Ruleset, interfaces: &BTreeSet<String>) -> NftRuleset {
    let settings = NftSettings {
        flowtable: Some(interfaces.clone()),
        ..NftSettings::default()
    };
    NftRuleset::new(ruleset, &settings)
}

#[test]
fn only_forwarded_connections_of_tcp_and_udp_are_offloaded() {
    let mut random = Random::seeded();
    let ruleset = World::new(&mut random, &Shape::rules(20)).resolve();
    // Every other interface.
    let all = ruleset
        .zones
        .values()
        .flat_map(|zone| zone.interfaces.iter().cloned());
    let interfaces: BTreeSet<String> = all.step_by(2).collect();
    let (plain, table) = (compiled(&ruleset), with_flowtable(&ruleset, &interfaces));
    let known: Vec<u32> = table.counters().iter().copied().collect();
    let (mut offloaded, mut left) = (0, 0);
    for _ in 0..2_000 {
        let packet = packet(&mut random, &ruleset);
        let Some((hook, mut probe)) = probe(&mut random, &ruleset, packet) else {
            continue;
        };
        let mut sides = [probe.input, probe.output].into_iter().flatten();
        let mine = sides.any(|name| interfaces.contains(name));
        for state in [
            None,
            Some(ConnectionState::Established),
            Some(ConnectionState::Related),
            Some(ConnectionState::Invalid),
        ] {
            probe.state = state;
            for (bits, live) in [
                (0, true),
                (FOREIGN_CONNECTION, true),
                (RESET, false),
                (ANSWERED, false),
            ] {
                probe.connection_mark = *random.of(&known) | bits;
                let (expected, before) = run(&plain, hook, &probe);
                let (fate, walk) = run(&table, hook, &probe);
                assert_eq!((&fate, &walk.counted), (&expected, &before.counted), "{probe:?}");
                assert_eq!(walk.connection_mark, before.connection_mark, "{probe:?}");
                let could = hook == Hook::Forward
                    && state == Some(ConnectionState::Established)
                    && live
                    && matches!(packet.protocol, protocol::TCP | protocol::UDP);
                let should = could && mine;
                assert_eq!(walk.offloaded, should, "{hook:?} {bits:x} {probe:?}");
                assert!(!before.offloaded, "without a flowtable nothing is");
                offloaded += usize::from(should);
                left += usize::from(could && !mine);
            }
        }
    }
    assert!(offloaded > 0 && left > 0, "{offloaded} {left}");
}

#[test]
fn a_flowtable_that_comes_and_goes_is_a_small_difference() {
    let mut random = Random::seeded();
    let ruleset = World::new(&mut random, &Shape::rules(200)).resolve();
    let interfaces = BTreeSet::from(["lan0", "wan0"].map(str::to_owned));
    let (plain, table) = (compiled(&ruleset), with_flowtable(&ruleset, &interfaces));
    assert!(plain.flowtable().is_empty());
    assert_eq!(table.flowtable(), &interfaces);
    for (from, to) in [(&plain, &table), (&table, &plain)] {
        let difference = to.difference(from);
        let rules = difference.added() + difference.removed();
        let forward = to.table.chains["forward"].rules.len();
        // Its own chain has three rules, its set two elements.
        assert!(rules <= 2 * forward + 5, "{rules}");
    }
    let told = table.difference(&plain).to_json();
    assert!(
        told.contains(r#"{"flow":{"flowtable":"@fast_path","op":"add"}}"#),
        "{told}"
    );

    let no_interfaces = NftSettings {
        flowtable: Some(BTreeSet::new()),
        ..NftSettings::default()
    };
    assert_eq!(NftRuleset::new(&ruleset, &no_interfaces), plain);
    let offloads = |table: &NftRuleset| {
        let chains = table
            .table
            .chains
            .values()
            .flat_map(|chain| chain.rules.iter().flatten());
        chains
            .filter(|statement| **statement == Statement::Offload)
            .count()
    };
    assert_eq!((offloads(&plain), offloads(&table)), (0, 2));
}
