use std::collections::BTreeSet;

use ravelin_datapath::{CachedFlow, simulate_cache};
use ravelin_model::{FlowCount, FlowTuple, protocol};

use super::*;

/// A connection by number, with counts that are its own.
fn state(number: u32, idle: Option<u64>) -> CachedState {
    let [_, _, high, low] = number.to_be_bytes();
    let original = FlowTuple {
        source: if number.is_multiple_of(2) {
            [10, 1, high, low].into()
        } else {
            [0x2001, 0xdb8, 1, 0, 0, 0, high.into(), low.into()].into()
        },
        destination: if number.is_multiple_of(2) {
            [10, 2, 0, 1].into()
        } else {
            [0x2001, 0xdb8, 2, 0, 0, 0, 0, 1].into()
        },
        protocol: protocol::UDP,
        source_port: 4000,
        destination_port: 53,
    };
    let mut one = simulate_cache(1);
    one.insert(&CachedFlow {
        connection: number,
        original,
        reply: original.inverted(),
        counter: number % 7,
    });
    let mut state = one.reader().get(&original).expect("it was put in just now");
    for (direction, packets) in state.directions.iter_mut().zip([1, 3]) {
        let packets = packets * u64::from(number);
        direction.count = FlowCount {
            packets,
            bytes: packets * 100,
        };
        direction.idle = idle.map(Duration::from_millis);
    }
    state
}

/// A cache with these connections.
fn filled(room: u32, states: impl IntoIterator<Item = CachedState>) -> Box<dyn FlowCache> {
    let mut cache = simulate_cache(room);
    for state in states {
        assert_eq!(cache.restore(&state), Inserted::New);
    }
    cache
}

/// Numbers and counts of what is in a cache.
fn held(cache: &dyn FlowCache) -> BTreeSet<(u32, u32, [u64; 4])> {
    let mut held = BTreeSet::new();
    cache.for_each(&mut |state| {
        let [there, back] = state.directions.map(|direction| direction.count);
        held.insert((
            state.flow.connection,
            state.flow.counter,
            [there.packets, there.bytes, back.packets, back.bytes],
        ));
    });
    held
}

#[test]
fn a_cache_with_room_gets_everything() {
    let old = filled(1000, (1..=1000).map(|number| state(number, Some(5))));
    let mut new = simulate_cache(4000);
    let copied = copy(old.as_ref(), new.as_mut());
    assert_eq!((copied.moved, copied.refused.len()), (1000, 0));
    assert_eq!(held(new.as_ref()), held(old.as_ref()));
}

#[test]
fn a_smaller_cache_gets_what_was_used_last_and_what_is_left_behind_is_told_with_its_counts() {
    // Those in the middle were never used; of the others the higher numbers are the ones last used.
    let idle = |number: u32| (!(200..300).contains(&number)).then_some(u64::from(1000 - number));
    let old = filled(1000, (0..600).map(|number| state(number, idle(number))));
    let mut new = simulate_cache(64);
    let copied = copy(old.as_ref(), new.as_mut());
    let held = held(new.as_ref());
    assert_eq!(copied.moved, held.len() as u64);
    assert_eq!(copied.moved + copied.refused.len() as u64, 600);
    // A bucket may be full before the map is.
    assert!(copied.moved > 100, "{}", copied.moved);
    let oldest = held.iter().map(|(number, ..)| *number).min();
    assert!(oldest >= Some(460), "{oldest:?} of {}", copied.moved);
    for left in &copied.refused {
        let number = left.flow.connection;
        assert!(!held.iter().any(|(there, ..)| *there == number));
        let packets = left.counts.map(|count| count.packets);
        assert_eq!(packets, [number.into(), u64::from(number) * 3]);
    }
}
