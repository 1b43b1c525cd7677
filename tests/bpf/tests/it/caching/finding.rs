use std::net::{Ipv4Addr, Ipv6Addr};

use ravelin_datapath::{CachedFlow, Inserted, Path};
use ravelin_model::{FlowTuple, protocol};
use ravelin_test_harness::packet::FIN;

use super::ground::{Router, XDP_PASS, XDP_REDIRECT, across, forwarded, frames, masqueraded, segment_of};
use crate::random::Random;

/// Connections of each kind.
const CONNECTIONS: u32 = 400;

/// Any connection from anywhere to anywhere, translated at will.
fn any_flow(random: &mut Random, connection: u32, six: bool, protocol: u8) -> CachedFlow {
    let mut tuple = || {
        let mut port = || u16::from_ne_bytes([random.byte(), random.byte()]) | 0x400;
        let (source_port, destination_port) = (port(), port());
        let mut address = || {
            let [high, low] = [random.number(), random.number()];
            if six {
                // Of the global unicast range: any other is not forwarded.
                Ipv6Addr::from((u128::from(high) << 64 | u128::from(low)) >> 3 | 1 << 125).into()
            } else {
                let [a, b, c, d, ..] = low.to_be_bytes();
                Ipv4Addr::new(a % 100 + 11, b, c, d).into()
            }
        };
        FlowTuple {
            source: address(),
            destination: address(),
            protocol,
            source_port,
            destination_port,
        }
    };
    let original = tuple();
    let reply = if connection.is_multiple_of(2) {
        original.inverted()
    } else {
        tuple()
    };
    CachedFlow {
        connection,
        original,
        reply,
        counter: 0,
    }
}

#[test]
fn the_programs_find_every_connection_by_either_direction() {
    Router::run(4 * CONNECTIONS, |mut router| {
        let mut random = Random::new();
        let kinds = [
            (false, protocol::TCP),
            (false, protocol::UDP),
            (true, protocol::TCP),
            (true, protocol::UDP),
        ];
        let flows: Vec<CachedFlow> = (0..CONNECTIONS)
            .flat_map(|connection| kinds.map(|(six, protocol)| (connection, six, protocol)))
            .map(|(connection, six, protocol)| any_flow(&mut random, connection, six, protocol))
            .collect();
        for flow in &flows {
            assert_eq!(router.parts.cache.insert(flow), Inserted::New, "{flow:?}");
        }
        for (number, flow) in flows.iter().enumerate() {
            let tuple = if number % 8 < 4 { flow.original } else { flow.reply };
            let before = router.state(flow).unwrap();
            assert!(
                before.directions.iter().all(|way| way.path == Path::Unknown),
                "{before:?}"
            );
            // FIN ends both directions of the connection it is found to be of, and of no other.
            let frame = segment_of(&tuple, FIN);
            assert_eq!(router.xdp(&frame, router.lan0), (XDP_PASS, frame));
            let paths = router.state(flow).unwrap().directions.map(|way| way.path);
            match tuple.protocol {
                protocol::TCP => assert_eq!(paths, [Path::Ended; 2], "{flow:?}"),
                // UDP has no end, but it has no way either: nobody told of the interfaces.
                _ => assert!(
                    paths.iter().any(|path| matches!(path, Path::Refused(_))),
                    "{flow:?}: {paths:?}"
                ),
            }
        }
    });
}

#[test]
fn a_connection_is_forwarded_from_when_it_is_put_in_until_it_is_taken_out() {
    Router::run(16, |mut router| {
        router.tell_ports();
        for family in [4, 6] {
            for protocol in [protocol::TCP, protocol::UDP] {
                for flow in [
                    across(family, protocol, 3000),
                    masqueraded(family, protocol, 3001, 40_000),
                ] {
                    check_forwarding(&mut router, &flow);
                }
            }
        }
    });
}

fn check_forwarding(router: &mut Router, flow: &CachedFlow) {
    let [there, back] = frames(flow);
    let ways = [(there, router.lan0), (back, router.wan0)];
    for (frame, interface) in &ways {
        assert_eq!(router.xdp(frame, *interface).0, XDP_PASS, "{flow:?}");
    }
    router.parts.cache.insert(flow);
    for (direction, (frame, interface)) in ways.iter().enumerate() {
        // The first packet teaches the way.
        assert_eq!(router.xdp(frame, *interface).0, XDP_PASS, "{flow:?}");
        let (code, sent) = router.xdp(frame, *interface);
        assert_eq!(code, XDP_REDIRECT, "{:?}", router.state(flow));
        assert_eq!(sent, forwarded(flow)[direction], "{flow:?}");
        let state = router.state(flow).unwrap().directions[direction];
        let other = ways[1 - direction].1;
        assert_eq!(
            state.path,
            Path::Forwarded {
                ingress: *interface,
                egress: other
            }
        );
        assert_eq!(
            (state.count.packets, state.count.bytes),
            (1, frame.len() as u64 - 14)
        );
        assert!(state.idle.is_some());
    }
    assert!(router.parts.cache.remove(&flow.reply));
    for (frame, interface) in &ways {
        assert_eq!(router.xdp(frame, *interface).0, XDP_PASS, "{flow:?}");
    }
    let removed = router.parts.cache.collect().unwrap();
    assert_eq!(removed.len(), 1);
    assert_eq!(removed[0].flow, *flow);
    assert_eq!(removed[0].counts.map(|count| count.packets), [1, 1]);
}
