use std::time::Duration;

use ravelin_datapath::{CachedState, Datapath as _, Inserted};
use ravelin_model::protocol;
use ravelin_test_harness::wait_until;

use super::ground::{Router, XDP_PASS, XDP_REDIRECT, across, masqueraded, packet_of};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn the_next_process_goes_on_with_the_flows_of_the_one_before() {
    Router::run(8, |mut router| {
        router.tell_ports();
        let kept = [
            across(4, protocol::TCP, 1),
            masqueraded(6, protocol::UDP, 2, 50_000),
        ];
        let removed = across(4, protocol::UDP, 3);
        for flow in kept.iter().chain([&removed]) {
            assert_eq!(router.parts.cache.insert(flow), Inserted::New);
        }
        for (flow, expected) in kept.iter().zip([1, 1]) {
            let frame = packet_of(&flow.original).build();
            assert_eq!(router.xdp(&frame, router.lan0).0, XDP_PASS);
            assert_eq!(router.xdp(&frame, router.lan0).0, XDP_REDIRECT);
            assert_eq!(router.state(flow).unwrap().directions[0].count.packets, expected);
        }
        router.parts.cache.remove(&removed.original);
        let before = router.states();

        // Killed, before it could collect.
        let mut router = router.restart();
        let without_age = |mut states: Vec<CachedState>| {
            for state in &mut states {
                for direction in &mut state.directions {
                    direction.idle = direction.idle.map(|_| Duration::ZERO);
                    direction.refreshed = direction.refreshed.map(|_| Duration::ZERO);
                }
            }
            states
        };
        assert_eq!(without_age(router.states()), without_age(before));
        assert_eq!(router.state(&removed), None);
        assert_eq!(router.parts.cache.collect().unwrap(), []);
        let occupancy = |name: &str| {
            let maps = router.parts.datapath.maps().unwrap();
            maps.into_iter().find(|map| map.name == name).unwrap().occupancy
        };
        assert_eq!(
            (occupancy("fast_flow4"), occupancy("fast_flow6")),
            (Some(2), Some(2))
        );
        for flow in &kept {
            let frame = packet_of(&flow.original).build();
            assert_eq!(
                router.xdp(&frame, router.lan0).0,
                XDP_REDIRECT,
                "the way is still known"
            );
            assert_eq!(router.parts.cache.insert(flow), Inserted::Known);
        }
        // The slots of what was taken out are free.
        let mut inserted = 0;
        while router
            .parts
            .cache
            .insert(&across(4, protocol::UDP, 100 + inserted))
            == Inserted::New
        {
            inserted += 1;
        }
        assert_eq!(inserted, 7);
    });
}

#[test]
fn nothing_is_forwarded_once_user_space_says_so_or_falls_silent() {
    Router::run(8, |mut router| {
        router.tell_ports();
        let flow = across(6, protocol::TCP, 1);
        let frame = packet_of(&flow.original).build();
        router.parts.cache.insert(&flow);
        let check = |router: &mut Router, time, expected| {
            router.parts.cache.keep_alive(time);
            router.xdp(&frame, router.lan0);
            assert_eq!(router.xdp(&frame, router.lan0).0, expected, "{time:?}");
        };
        let long = Duration::from_secs(3600);
        check(&mut router, long, XDP_REDIRECT);
        check(&mut router, Duration::ZERO, XDP_PASS);
        check(&mut router, long, XDP_REDIRECT);
        router.parts.cache.keep_alive(Duration::from_millis(50));
        wait_until("nothing is forwarded any more", LIMIT, || {
            router.xdp(&frame, router.lan0).0 == XDP_PASS
        });
    });
}
