//! Interfaces whose names stand for one card each.

use super::*;

/// Every interface of the zones is a card, of the index that comes with it; None: its card is not there.
fn pinned(ruleset: &Ruleset, missing: usize) -> BTreeMap<String, Option<u32>> {
    let names = ruleset.zones.values().flat_map(|zone| zone.interfaces.iter());
    let indices = names.enumerate().map(|(at, name)| {
        let index = u32::try_from(at + 10).expect("few");
        (name.clone(), (at != missing).then_some(index))
    });
    indices.collect()
}

#[test]
fn what_has_the_name_of_a_card_and_is_another_is_in_no_zone() {
    let mut random = Random::seeded();
    let plain = World::new(&mut random, &Shape::rules(40)).resolve();
    let names: usize = plain.zones.values().map(|zone| zone.interfaces.len()).sum();
    let missing = random.below(names);
    let ruleset = Ruleset {
        pinned: pinned(&plain, missing),
        ..plain.clone()
    };
    let all = ruleset.pinned.keys().cloned();
    let settings = NftSettings {
        classified: all.collect(),
        ..NftSettings::default()
    };
    let table = NftRuleset::new(&ruleset, &settings);
    let (mut itself, mut other) = (0, 0);
    for _ in 0..8_000 {
        let packet = packet(&mut random, &plain);
        let Some((hook, mut probe)) = probe(&mut random, &plain, packet) else {
            continue;
        };
        let mut strange = false;
        let mut index = |name: Option<&str>| match name.map(|name| ruleset.pinned[name]) {
            None => 0,
            Some(Some(index)) if !random.once_in(4) => index,
            Some(_) => {
                strange = true;
                7
            }
        };
        probe.indices = (index(probe.input), index(probe.output));
        if !strange {
            itself += 1;
            if !is_infrastructure(hook, &packet) {
                check_judged(&plain, &table, hook, &probe);
            }
            continue;
        }
        other += 1;
        // Neither a connection nor a verdict in the mark helps.
        probe.mark |= mark(Action::Accept, fixed_counter::ANTI_LOCKOUT) | u32::from(packet.to.get()) << 24;
        probe.state = random.once_in(2).then_some(ConnectionState::Established);
        let (fate, walk) = run(&table, hook, &probe);
        assert_eq!(
            (fate, &walk.counted[..]),
            (Fate::Dropped, &[fixed_counter::NO_ZONE][..]),
            "{probe:?}"
        );
    }
    assert!(itself > 100 && other > 100, "{itself} {other}");
}

#[test]
fn a_card_that_comes_costs_one_element() {
    let mut random = Random::seeded();
    let plain = World::new(&mut random, &Shape::rules(10)).resolve();
    let table = |missing| {
        compiled(&Ruleset {
            pinned: pinned(&plain, missing),
            ..plain.clone()
        })
    };
    let difference = table(usize::MAX).difference(&table(0));
    assert_eq!((difference.added(), difference.removed()), (1, 0));
}
