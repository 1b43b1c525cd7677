//! The flowtable takes up what is accepted, and changes nothing of what is decided.

use std::collections::BTreeSet;

use super::*;

/// Bit of the connection's mark: what is sent is the answer to a rejected packet.
const ANSWERED: u32 = 0x0010_0000;

fn with_flowtable(ruleset: &Ruleset) -> NftRuleset {
    let settings = NftSettings {
        flowtable: Some(["lan0".to_owned(), "wan0".to_owned()].into()),
        ..NftSettings::default()
    };
    NftRuleset::new(ruleset, &settings)
}

#[test]
fn only_forwarded_connections_of_tcp_and_udp_are_offloaded() {
    let mut random = Random::seeded();
    let ruleset = World::new(&mut random, &Shape::rules(20)).resolve();
    let (plain, table) = (compiled(&ruleset), with_flowtable(&ruleset));
    let known: Vec<u32> = table.counters().iter().copied().collect();
    let mut offloaded = 0;
    for _ in 0..2_000 {
        let packet = packet(&mut random, &ruleset);
        let Some((hook, mut probe)) = probe(&mut random, &ruleset, packet) else {
            continue;
        };
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
                let should = hook == Hook::Forward
                    && state == Some(ConnectionState::Established)
                    && live
                    && matches!(packet.protocol, protocol::TCP | protocol::UDP);
                assert_eq!(walk.offloaded, should, "{hook:?} {bits:x} {probe:?}");
                assert!(!before.offloaded, "without a flowtable nothing is");
                offloaded += usize::from(should);
            }
        }
    }
    assert!(offloaded > 0);
}

#[test]
fn a_flowtable_that_comes_and_goes_is_a_small_difference() {
    let mut random = Random::seeded();
    let ruleset = World::new(&mut random, &Shape::rules(200)).resolve();
    let (plain, table) = (compiled(&ruleset), with_flowtable(&ruleset));
    assert!(plain.flowtable().is_empty());
    assert_eq!(table.flowtable().iter().collect::<Vec<_>>(), ["lan0", "wan0"]);
    for (from, to) in [(&plain, &table), (&table, &plain)] {
        let difference = to.difference(from);
        let rules = difference.added() + difference.removed();
        let forward = to.table.chains["forward"].rules.len();
        assert!(rules <= 2 * forward + 2, "{rules}");
    }
    let told = table.difference(&plain).to_json();
    assert!(
        told.contains(r#"{"flow":{"flowtable":"@offload","op":"add"}}"#),
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
    assert_eq!((offloads(&plain), offloads(&table)), (0, 1));
}
