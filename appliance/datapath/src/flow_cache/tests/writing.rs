use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ravelin_abi::rv_fast_flag::RV_FAST_TRANSLATED;
use ravelin_abi::rv_fast_limit::RV_FAST_LEARNING;
use ravelin_abi::rv_fast_refusal::{RV_FAST_ASYMMETRIC, RV_FAST_NO_NEIGHBOUR};
use ravelin_model::{FlowCount, protocol};

use super::ground::{Ground, all, plain, translated};
use crate::{
    CacheOccupancy, CacheTiming, CachedFlow, FlowCache as _, Inserted, Path, PathRefusal, RemovedFlow,
};

const ENDED: u8 = 2;
const IDLE: u8 = 3;

#[test]
fn a_connection_is_found_by_either_direction_with_what_was_put_in() {
    for family in [4, 6] {
        let ground = Ground::new(8, 4);
        let mut cache = ground.open();
        for flow in [translated(family, 1, 50_000), plain(family, 2)] {
            assert_eq!(cache.insert(&flow), Inserted::New);
            for tuple in [flow.original, flow.reply] {
                let state = cache.reader().get(&tuple).expect("it is there");
                assert_eq!(state.flow, flow);
                for direction in state.directions {
                    assert_eq!(direction.count, FlowCount::default());
                    assert_eq!((direction.idle, direction.path), (None, Path::Unknown));
                }
            }
        }
        let occupancy = cache.occupancy();
        assert_eq!((occupancy.ipv4 + occupancy.ipv6, occupancy.capacity), (2, 8));
        assert_eq!([occupancy.ipv4, occupancy.ipv6][usize::from(family == 6)], 2);
        let figures = [&ground.figures.connections4, &ground.figures.connections6];
        assert_eq!(figures[usize::from(family == 6)].load(Relaxed), 2);
    }
}

#[test]
fn what_is_translated_is_told_with_how_checksums_change() {
    let ground = Ground::new(8, 4);
    let mut cache = ground.open();
    let flow = translated(4, 1, 50_000);
    cache.insert(&flow);
    let [original, reply] = ground.slots4(&flow).map(|slot| ground.flow4(slot));
    for there in [original, reply] {
        assert_eq!(u32::from(there.flags), RV_FAST_TRANSLATED);
        assert_eq!((there.protocol, there.counter), (protocol::TCP, 5));
    }
    assert_eq!(original.translated.source_port, 50_000u16.to_be());
    assert_eq!(original.translated.destination_port, 443u16.to_be());
    assert_eq!(reply.translated.destination, original.key.source);
    assert_eq!(reply.translated.destination_port, original.key.source_port);
    // What one direction adds, the other takes away: 0 in ones' complement.
    let sum = |deltas: [u16; 2]| {
        let sum = u32::from(deltas[0]) + u32::from(deltas[1]);
        (sum & 0xffff) + (sum >> 16)
    };
    assert_eq!(
        sum([original.rest.network_delta, reply.rest.network_delta]),
        0xffff
    );
    assert_eq!(
        sum([original.rest.transport_delta, reply.rest.transport_delta]),
        0xffff
    );

    let flow = plain(4, 2);
    cache.insert(&flow);
    for slot in ground.slots4(&flow) {
        let there = ground.flow4(slot);
        assert_eq!((there.flags, there.key), (0, there.translated));
    }
}

#[test]
fn a_connection_put_in_again_is_known_and_counts_on_its_new_line() {
    let ground = Ground::new(8, 4);
    let mut cache = ground.open();
    let flow = translated(6, 1, 50_000);
    cache.insert(&flow);
    let flow = CachedFlow { counter: 9, ..flow };
    assert_eq!(cache.insert(&flow), Inserted::Known);
    assert_eq!(all(&cache)[0].flow, flow);
    assert_eq!(cache.occupancy().ipv6, 1);
    assert_eq!(cache.collect().expect("free"), []);
}

#[test]
fn what_takes_the_tuple_of_another_replaces_it() {
    let flow = translated(4, 1, 50_000);
    let other_translation = translated(4, 1, 50_001);
    let other_connection = CachedFlow {
        connection: 1,
        ..flow
    };
    let other_client = CachedFlow {
        reply: flow.reply,
        ..translated(4, 2, 0)
    };
    for other in [other_translation, other_connection, other_client] {
        let ground = Ground::new(8, 4);
        let mut cache = ground.open();
        cache.insert(&flow);
        assert_eq!(cache.insert(&other), Inserted::New);
        let there: Vec<CachedFlow> = all(&cache).iter().map(|state| state.flow).collect();
        assert_eq!(there, [other]);
        assert_eq!(ground.named(0).len(), 2);
        let removed: Vec<CachedFlow> = (cache.collect().expect("free").iter())
            .map(|removed| removed.flow)
            .collect();
        assert_eq!(removed, [flow]);
    }
}

#[test]
fn a_connection_taken_out_is_told_with_its_last_counts_and_its_room_is_free() {
    let ground = Ground::new(1, 1);
    let mut cache = ground.open();
    let flow = translated(4, 1, 50_000);
    cache.insert(&flow);
    let slots = ground.slots4(&flow);
    assert!(cache.remove(&flow.reply));
    assert!(!cache.remove(&flow.original), "it is gone");
    assert_eq!(cache.reader().get(&flow.original), None);
    assert_eq!(
        cache.occupancy(),
        CacheOccupancy {
            capacity: 1,
            ..CacheOccupancy::default()
        }
    );
    // A program that found it before may still count on it.
    assert_eq!(cache.insert(&plain(4, 2)), Inserted::Full);
    ground.change4(slots[1], |there| {
        there.counts.packets = 3;
        there.counts.bytes = 300;
    });
    let counts = [
        FlowCount::default(),
        FlowCount {
            packets: 3,
            bytes: 300,
        },
    ];
    assert_eq!(cache.collect().expect("free"), [RemovedFlow { flow, counts }]);
    assert_eq!(cache.collect().expect("free"), []);
    assert_eq!(cache.insert(&plain(4, 2)), Inserted::New);
}

#[test]
fn a_full_bucket_refuses_both_directions() {
    // One bucket: eight connections.
    let ground = Ground::new(100, 1);
    let mut cache = ground.open();
    for number in 0..8 {
        assert_eq!(cache.insert(&plain(4, number)), Inserted::New);
    }
    assert_eq!(cache.insert(&plain(4, 8)), Inserted::Full);
    assert_eq!(
        cache.insert(&plain(6, 8)),
        Inserted::New,
        "another family has its own"
    );
    assert_eq!(ground.named(0).len(), 16);
    assert_eq!(cache.occupancy().ipv4, 8);
    cache.remove(&plain(4, 3).original);
    assert_eq!(cache.insert(&plain(4, 8)), Inserted::New);
}

#[test]
fn only_tcp_and_udp_of_one_family_are_taken() {
    let mut cache = Ground::new(8, 4).open();
    let flow = plain(4, 1);
    let with_protocol = |protocol| {
        let mut flow = flow;
        flow.original.protocol = protocol;
        flow.reply.protocol = protocol;
        flow
    };
    assert_eq!(cache.insert(&with_protocol(protocol::ICMP)), Inserted::Unsuited);
    let mixed = CachedFlow {
        reply: plain(6, 1).reply,
        ..flow
    };
    assert_eq!(cache.insert(&mixed), Inserted::Unsuited);
    let to_itself = CachedFlow {
        reply: flow.original,
        ..flow
    };
    assert_eq!(cache.insert(&to_itself), Inserted::Unsuited);
    assert_eq!(cache.insert(&with_protocol(protocol::UDP)), Inserted::New);
    assert_eq!(
        cache.insert(&flow),
        Inserted::New,
        "the same ports, another protocol"
    );
}

#[test]
fn an_idle_connection_comes_back_and_an_ended_one_begins_anew() {
    let ground = Ground::new(8, 4);
    let mut cache = ground.open();
    let flow = plain(4, 1);
    cache.insert(&flow);
    let slots = ground.slots4(&flow);
    let inserted = ground.flow4(slots[1]).rest.inserted_ns;
    ground.change4(slots[1], |there| {
        there.state = IDLE;
        there.rest.inserted_ns = 1;
        there.counts.refreshed_ns = 1;
    });
    assert_eq!(
        all(&cache)[0].directions.map(|direction| direction.path),
        [Path::Unknown, Path::Ended]
    );
    assert_eq!(cache.insert(&flow), Inserted::Known);
    let there = ground.flow4(slots[1]);
    assert!(there.rest.inserted_ns >= inserted && there.counts.refreshed_ns == 0);
    assert_eq!(
        all(&cache)[0].directions.map(|direction| direction.path),
        [Path::Unknown; 2]
    );

    for direction in [0, 1] {
        let slots = ground.slots4(&flow);
        ground.change4(slots[direction], |there| there.state = ENDED);
        let anew = CachedFlow { counter: 9, ..flow };
        assert_eq!(cache.insert(&anew), Inserted::New);
        assert_ne!(ground.slots4(&flow), slots);
        let removed = cache.collect().expect("free");
        assert_eq!(
            removed.iter().map(|removed| removed.flow).collect::<Vec<_>>(),
            [flow]
        );
        cache.insert(&flow);
    }
}

#[test]
fn the_way_of_a_direction_is_told_while_it_is_current() {
    let ground = Ground::new(8, 4);
    let mut cache = ground.open();
    let flow = plain(4, 1);
    cache.insert(&flow);
    let [slot, _] = ground.slots4(&flow);
    let check = |cache: &dyn crate::FlowCache, generation, refusal: u32, vlan, expected| {
        ground.change4(slot, |there| {
            there.path.generation = generation;
            there.path.refusal = u8::try_from(refusal).expect("small");
            (there.path.ingress, there.path.egress) = (3, 4);
            there.rest.egress_vlan = vlan;
        });
        let state = cache.reader().get(&flow.original).expect("it is there");
        assert_eq!(state.directions[0].path, expected);
    };
    let forwarded = |egress| Path::Forwarded { ingress: 3, egress };
    check(&cache, 1, 0, 0, forwarded(4));
    check(&cache, 1, 0, 9, forwarded(9));
    check(
        &cache,
        1,
        RV_FAST_ASYMMETRIC,
        0,
        Path::Refused(PathRefusal::Asymmetric),
    );
    check(
        &cache,
        0,
        RV_FAST_NO_NEIGHBOUR,
        0,
        Path::Refused(PathRefusal::NoNeighbour),
    );
    check(&cache, RV_FAST_LEARNING, 0, 0, Path::Unknown);
    cache.forget_paths();
    check(&cache, 1, 0, 0, Path::Unknown);
    check(&cache, 2, 0, 0, forwarded(4));
}

#[test]
fn generations_leave_out_the_numbers_that_mean_something_else() {
    let ground = Ground::new(1, 1);
    let mut cache = ground.open();
    let generation = || ground.control().generation;
    assert_eq!(generation(), 1);
    ground.set_generation(RV_FAST_LEARNING - 1);
    cache.forget_paths();
    assert_eq!(generation(), 1);
    assert_eq!(ground.control().bucket_mask4, 0);
}

#[test]
fn times_reach_the_programs() {
    let ground = Ground::new(1, 4);
    let mut cache = ground.open();
    assert_eq!(
        ground.control().alive_until_ns,
        0,
        "nothing is forwarded before somebody says so"
    );
    cache.set_timing(&CacheTiming {
        tcp_refresh: Duration::from_nanos(1),
        udp_refresh: Duration::from_nanos(2),
        tcp_idle: Duration::from_nanos(3),
        udp_idle: Duration::MAX,
    });
    cache.keep_alive(Duration::from_secs(10));
    let control = ground.control();
    assert_eq!((control.tcp_refresh_ns, control.udp_refresh_ns), (1, 2));
    assert_eq!((control.tcp_idle_ns, control.udp_idle_ns), (3, u64::MAX));
    assert_eq!((control.bucket_mask4, control.bucket_mask6), (3, 3));
    let now = crate::clock::now().expect("a clock");
    let left = Duration::from_nanos(control.alive_until_ns).saturating_sub(now);
    assert!(
        left <= Duration::from_secs(10) && left > Duration::ZERO,
        "{left:?}"
    );
    cache.keep_alive(Duration::ZERO);
    assert_eq!(ground.control().alive_until_ns, 0);
}
