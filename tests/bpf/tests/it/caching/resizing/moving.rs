use ravelin_datapath::{Datapath as _, DatapathError, Inserted, Path, Switches};
use ravelin_model::protocol::{TCP, UDP};
use ravelin_test_harness::wait_until;

use super::{LIMIT, OF_CACHE, ROOM, check, counts, forward, learn, maps, programs, rig, with_traffic};
use crate::caching::ground::{across, frames, port, segment_of};
use crate::datapath::rig::target;

const FIN: u8 = 0x01;

#[test]
fn connections_go_on_in_another_cache_with_all_that_was_counted() {
    for connections in [4, 1000] {
        with_traffic(|mut router, flows| {
            check(&router, &flows, ROOM);
            let ended = across(4, TCP, 9);
            router.parts.cache.insert(&ended);
            learn(&router, &ended);
            forward(&router, &ended);
            router.xdp(&segment_of(&ended.original, FIN), router.lan0);
            let before = counts(&router);
            let links = rig(&router).links();
            let old_maps = maps(&router);

            assert_eq!(router.resize(connections), []);
            assert_eq!(counts(&router), before);
            let state = router.state(&ended).unwrap();
            assert_eq!(state.directions.map(|direction| direction.path), [Path::Ended; 2]);
            router.parts.cache.remove(&ended.original);
            let removed = router.parts.cache.collect().unwrap();
            assert_eq!(removed.len(), 1);
            assert_eq!(removed[0].counts.map(|count| count.packets), [1, 1]);

            let new_maps = maps(&router);
            for (name, (link, program)) in rig(&router).links() {
                assert_eq!(link, links[&name].0, "{name} is another link");
                assert_eq!(program != links[&name].1, name.starts_with("xdp"), "{name}");
            }
            for (name, map) in &new_maps {
                let is_other = map.id != old_maps[name].id;
                assert_eq!(is_other, OF_CACHE.contains(&name.as_str()), "{name}");
            }
            // Of the first packet of each only its way is to be learned.
            let unknown = router.state(&flows[0]).unwrap().directions[0].path;
            assert_eq!(unknown, Path::Unknown);
            flows.iter().for_each(|flow| learn(&router, flow));
            check(&router, &flows, connections);
            for (flow, before) in flows.iter().zip((1..=4).rev()) {
                let state = router.state(flow).unwrap();
                // Once in each check.
                let packets = state.directions.map(|direction| direction.count.packets);
                assert_eq!(packets, [before + 2; 2], "{flow:?}");
            }
            wait_until("the old maps are gone", LIMIT, || {
                let there: Vec<u32> = aya::maps::loaded_maps().flatten().map(|map| map.id()).collect();
                OF_CACHE.iter().all(|name| !there.contains(&old_maps[*name].id))
            });
        });
    }
}

#[test]
fn what_a_smaller_cache_has_no_room_for_goes_the_way_of_the_kernel() {
    with_traffic(|mut router, flows| {
        let refused = router.resize(1);
        assert_eq!(refused.len(), 2, "one of each family");
        let kept: Vec<_> = flows.into_iter().filter(|flow| !refused.contains(flow)).collect();
        kept.iter().for_each(|flow| learn(&router, flow));
        check(&router, &kept, 1);
        for flow in &refused {
            assert_eq!(router.state(flow), None);
            learn(&router, flow);
            learn(&router, flow);
        }
    });
}

#[test]
fn a_cache_that_is_only_staged_changes_nothing() {
    with_traffic(|mut router, flows| {
        let links = rig(&router).links();
        let mut staged = router.parts.datapath.stage_cache(100).unwrap();
        assert_eq!(staged.occupancy().capacity, 100);
        assert_eq!(staged.insert(&across(4, UDP, 77)), Inserted::New);
        assert_eq!(rig(&router).links(), links);
        assert_eq!(maps(&router)["fast_flow4"].occupancy, Some(4));
        // Another is staged in its place.
        let other = router.parts.datapath.stage_cache(200).unwrap();
        assert_eq!((other.occupancy().ipv4, other.occupancy().capacity), (0, 200));
        router.parts.datapath.drop_staged_cache();
        assert!(matches!(
            router.parts.datapath.use_staged_cache(),
            Err(DatapathError::NoStagedCache)
        ));
        assert_eq!(rig(&router).links(), links);
        check(&router, &flows, ROOM);
    });
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    with_traffic(|mut router, flows| {
        for connections in [0, ROOM, 2_097_151, u32::MAX] {
            let refused = router.parts.datapath.stage_cache(connections);
            assert!(
                matches!(refused, Err(DatapathError::CacheSize { .. })),
                "{connections}"
            );
        }
        check(&router, &flows, ROOM);
    });
}

#[test]
fn interfaces_that_come_meanwhile_or_later_run_the_program_at_work() {
    with_traffic(|mut router, flows| {
        let mut staged = router.parts.datapath.stage_cache(16).unwrap();
        let meanwhile = router.parts.datapath.attach(&target("lan1")).unwrap();
        assert_eq!(meanwhile.problems, Vec::<String>::new());
        router.parts.datapath.detach(router.wan0).unwrap();
        assert_eq!(router.copy_to(&mut *staged), []);
        router.parts.datapath.use_staged_cache().unwrap();
        router.parts.cache = staged;
        router.parts.cache.keep_alive(LIMIT);
        let later = router.parts.datapath.attach(&target("wan0")).unwrap();
        assert_eq!(later.problems, Vec::<String>::new());
        let id = later.attachments[0].program_id;
        assert_eq!(programs(&router, "xdp"), [id; 3]);
        router.parts.datapath.detach(target("lan1").index).unwrap();
        flows.iter().for_each(|flow| learn(&router, flow));
        check(&router, &flows, 16);
    });
}

#[test]
fn ports_told_to_either_cache_hold_for_both() {
    with_traffic(|mut router, flows| {
        let mut staged = router.parts.datapath.stage_cache(16).unwrap();
        // By the old one after the new one was made; then by the new one, which has to know.
        let one = [port(router.lan0)];
        router.parts.cache.set_ports(&one).unwrap();
        assert_eq!(maps(&router)["ports"].occupancy, Some(1));
        let both = [router.lan0, router.wan0].map(port);
        assert_eq!(staged.set_ports(&both).unwrap(), Vec::<u32>::new());
        assert_eq!(maps(&router)["ports"].occupancy, Some(2));
        router.copy_to(&mut *staged);
        router.parts.datapath.use_staged_cache().unwrap();
        router.parts.cache = staged;
        router.parts.cache.keep_alive(LIMIT);
        flows.iter().for_each(|flow| learn(&router, flow));
        check(&router, &flows, 16);
    });
}

#[test]
fn a_probe_leaves_no_trace_in_another_cache_either() {
    with_traffic(|mut router, flows| {
        router.resize(16);
        flows.iter().for_each(|flow| learn(&router, flow));
        router
            .parts
            .datapath
            .set_switches(Switches {
                statistics: true,
                flow_offload: true,
                ..Switches::default()
            })
            .unwrap();
        let before = counts(&router);
        for flow in &flows {
            router
                .parts
                .datapath
                .probe(&frames(flow)[0], router.lan0)
                .unwrap();
        }
        assert_eq!(counts(&router), before);
        for interface in router.parts.datapath.statistics().unwrap() {
            assert_eq!(interface.cells, []);
        }
    });
}
