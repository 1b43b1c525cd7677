//! Another cache in place of the one at work: connections come along, and whatever fails or is killed on the way leaves
//! a whole one.

mod failing;
mod moving;

use std::collections::BTreeMap;
use std::time::Duration;

use ravelin_datapath::{CachedFlow, Datapath as _, Inserted};
use ravelin_model::protocol::{TCP, UDP};
use ravelin_model::{FlowCount, MapInfo};

use super::ground::{Router, XDP_PASS, XDP_REDIRECT, across, forwarded, frames, masqueraded};
use crate::datapath::rig::{Rig, names};

/// Of the cache a test begins with, each family.
pub const ROOM: u32 = 8;

pub const LIMIT: Duration = Duration::from_secs(30);

/// A router with links, and connections of which packets were forwarded: as many as the first has it, one less the
/// next.
pub fn with_traffic(test: impl FnOnce(Router, Vec<CachedFlow>) + Send) {
    Router::run(ROOM, |mut router| {
        router.attach();
        router.tell_ports();
        let flows = vec![
            across(4, TCP, 1),
            masqueraded(4, UDP, 2, 50_000),
            across(6, UDP, 3),
            masqueraded(6, TCP, 4, 50_001),
        ];
        for (flow, packets) in flows.iter().zip((1..=flows.len()).rev()) {
            assert_eq!(router.parts.cache.insert(flow), Inserted::New);
            learn(&router, flow);
            for _ in 0..packets {
                forward(&router, flow);
            }
        }
        test(router, flows);
    });
}

/// The first packets of both directions, which go up.
pub fn learn(router: &Router, flow: &CachedFlow) {
    for (frame, interface) in frames(flow).iter().zip([router.lan0, router.wan0]) {
        assert_eq!(router.xdp(frame, interface), (XDP_PASS, frame.clone()));
    }
}

pub fn forward(router: &Router, flow: &CachedFlow) {
    let sent = frames(flow).into_iter().zip(forwarded(flow));
    for ((frame, expected), interface) in sent.zip([router.lan0, router.wan0]) {
        assert_eq!(router.xdp(&frame, interface), (XDP_REDIRECT, expected));
    }
}

/// What XDP forwarded of each connection, both directions.
pub fn counts(router: &Router) -> Vec<(CachedFlow, [FlowCount; 2])> {
    let states = router.states().into_iter();
    states
        .map(|state| (state.flow, state.directions.map(|direction| direction.count)))
        .collect()
}

pub fn rig(router: &Router) -> Rig {
    Rig {
        config: router.config.clone(),
    }
}

/// Kernel ids of the programs behind the links of a hook.
pub fn programs(router: &Router, hook: &str) -> Vec<u32> {
    let links = rig(router).links().into_iter();
    links
        .filter(|(pin, _)| pin.starts_with(hook))
        .map(|(_, (_, program))| program)
        .collect()
}

pub fn maps(router: &Router) -> BTreeMap<String, MapInfo> {
    let maps = router.parts.datapath.maps().unwrap().into_iter();
    maps.map(|map| (map.name.clone(), map)).collect()
}

pub const OF_CACHE: [&str; 5] = [
    "fast_control",
    "fast_flow4",
    "fast_flow6",
    "fast_index4",
    "fast_index6",
];

/// Everything is as for a cache of that size which all links use, and it forwards.
pub fn check(router: &Router, flows: &[CachedFlow], connections: u32) {
    let datapath = &router.parts.datapath;
    assert_eq!(datapath.cache_capacity(), connections);
    let capacity = router.parts.cache.occupancy().capacity;
    assert_eq!(capacity, u64::from(connections));
    let maps = maps(router);
    for name in ["fast_flow4", "fast_flow6"] {
        assert_eq!(maps[name].max_entries, 2 * connections + 2);
    }
    let bytes: u64 = OF_CACHE.iter().map(|name| maps[*name].memory_bytes).sum();
    assert_eq!(datapath.cache_bytes(connections), bytes);
    let of_family = |six| flows.iter().filter(|flow| flow.original.is_ipv6() == six).count() as u64;
    assert_eq!(maps["fast_flow4"].occupancy, Some(2 * of_family(false)));
    assert_eq!(maps["fast_flow6"].occupancy, Some(2 * of_family(true)));
    assert_eq!(maps["ports"].occupancy, Some(2));

    let xdp = programs(router, "xdp");
    assert_eq!(xdp.len(), 2);
    assert!(xdp.iter().all(|program| *program == xdp[0]), "{xdp:?}");
    let told = datapath.programs().unwrap();
    let told = told.iter().find(|program| program.id == xdp[0]);
    assert_eq!(told.map(|program| program.attachments.len()), Some(2));
    assert_eq!(names(&router.maps().join("cache")), OF_CACHE);
    assert!(!router.maps().join("staged").exists());
    for flow in flows {
        forward(router, flow);
    }
}
