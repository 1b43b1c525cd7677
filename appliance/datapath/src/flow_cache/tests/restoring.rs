//! Connections that come from another cache.

use std::time::Duration;

use ravelin_model::FlowCount;

use super::ground::{Ground, all, plain, translated};
use crate::{
    CachedDirection, CachedFlow, CachedState, FlowCache as _, Inserted, Path, PathRefusal, RemovedFlow,
};

const ENDED: u8 = 2;
const LIVE: u8 = 1;

fn counted(packets: u64) -> FlowCount {
    FlowCount {
        packets,
        bytes: 1000 * packets,
    }
}

/// A state whose reply ended; the original was forwarded 3 s ago and told conntrack 8 s ago.
fn state(flow: CachedFlow) -> CachedState {
    let direction = |packets, path| CachedDirection {
        count: counted(packets),
        idle: Some(Duration::from_secs(3)),
        refreshed: Some(Duration::from_secs(8)),
        path,
    };
    let way = Path::Forwarded {
        ingress: 2,
        egress: 3,
    };
    CachedState {
        flow,
        directions: [direction(5, way), direction(7, Path::Ended)],
    }
}

#[test]
fn counts_times_and_the_end_come_along_and_the_way_does_not() {
    let ground = Ground::new(8, 4);
    let mut cache = ground.open();
    let flow = translated(4, 1, 50_000);
    assert_eq!(cache.restore(&state(flow)), Inserted::New);
    let [restored] = all(&cache)[..] else {
        panic!("one connection");
    };
    assert_eq!(restored.flow, flow);
    let [original, reply] = restored.directions;
    assert_eq!((original.count, reply.count), (counted(5), counted(7)));
    assert_eq!((original.path, reply.path), (Path::Unknown, Path::Ended));
    for direction in [original, reply] {
        let (idle, refreshed) = (direction.idle.expect("seen"), direction.refreshed.expect("told"));
        let since = idle - Duration::from_secs(3);
        assert!(since < Duration::from_secs(60), "{idle:?}");
        assert_eq!(refreshed - idle, Duration::from_secs(5));
    }
    // It has been idle since its last packet, not since it came here.
    let [original, reply] = ground.slots4(&flow).map(|slot| ground.flow4(slot));
    assert_eq!(original.rest.inserted_ns, original.counts.last_seen_ns);
    assert_eq!((original.state, reply.state), (LIVE, ENDED));
    assert_eq!(original.path.generation, 0);
    assert_eq!(cache.insert(&flow), Inserted::New, "what ended begins anew");
    let counts = [counted(5), counted(7)];
    assert_eq!(cache.collect().expect("free"), [RemovedFlow { flow, counts }]);
}

#[test]
fn what_never_told_conntrack_is_as_new() {
    let ground = Ground::new(8, 4);
    let mut cache = ground.open();
    let flow = plain(4, 1);
    let direction = CachedDirection {
        count: counted(1),
        idle: Some(Duration::from_secs(1)),
        refreshed: None,
        path: Path::Refused(PathRefusal::NoRoute),
    };
    let state = CachedState {
        flow,
        directions: [direction; 2],
    };
    assert_eq!(cache.restore(&state), Inserted::New);
    for there in ground.slots4(&flow).map(|slot| ground.flow4(slot)) {
        assert_eq!((there.state, there.counts.refreshed_ns), (LIVE, 0));
        let since = there.rest.inserted_ns - there.counts.last_seen_ns;
        assert_eq!(since, 1_000_000_000);
    }
}

#[test]
fn what_was_there_makes_way_with_its_counts() {
    for other in [
        translated(6, 1, 50_000),
        CachedFlow {
            connection: 1,
            ..translated(6, 1, 50_000)
        },
        translated(6, 2, 50_000),
    ] {
        let flow = translated(6, 1, 50_000);
        let mut cache = Ground::new(8, 4).open();
        cache.restore(&state(other));
        assert_eq!(cache.restore(&state(flow)), Inserted::New);
        let there: Vec<CachedFlow> = all(&cache).iter().map(|state| state.flow).collect();
        // The reply has the client's port in it, so only the first two are in its way.
        let gone: Vec<CachedFlow> = (cache.collect().expect("free").iter())
            .map(|removed| removed.flow)
            .collect();
        let meets = other.original == flow.original || other.reply == flow.reply;
        assert_eq!(gone, if meets { vec![other] } else { vec![] });
        assert_eq!(there.len(), if meets { 1 } else { 2 });
    }
}

#[test]
fn what_there_is_no_room_for_is_refused_and_what_makes_no_sense_too() {
    let mut cache = Ground::new(1, 4).open();
    assert_eq!(cache.restore(&state(plain(4, 1))), Inserted::New);
    assert_eq!(cache.restore(&state(plain(4, 2))), Inserted::Full);
    assert_eq!(cache.restore(&state(plain(6, 2))), Inserted::New);
    let mut icmp = plain(4, 3);
    icmp.original.protocol = 1;
    icmp.reply.protocol = 1;
    let mut same = plain(4, 3);
    same.reply = same.original;
    for flow in [icmp, same] {
        assert_eq!(cache.restore(&state(flow)), Inserted::Unsuited);
    }
    assert_eq!((cache.occupancy().ipv4, cache.occupancy().ipv6), (1, 1));
}
