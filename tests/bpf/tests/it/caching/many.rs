use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ravelin_datapath::kernel::{KernelDatapath, KernelParts};
use ravelin_datapath::{CachedFlow, CachedState, Datapath as _, FlowCache, Inserted, Path};
use ravelin_model::{FlowTuple, protocol};
use ravelin_test_harness::packet::FIN;

use super::ground::{
    Router, XDP_PASS, XDP_REDIRECT, across, forwarded, frames, masqueraded, segment_of, xdp,
};
use crate::clock::thread_ns;

/// Buckets of a full map may run over, once in a while.
const FULL_AT_MOST: usize = 8;

/// The connections that come and go, a quarter of them IPv6.
fn crowd(connections: u32) -> Vec<CachedFlow> {
    let flow = |number: u32| {
        let [a, b, c, d] = number.to_be_bytes();
        let six = number.is_multiple_of(4);
        let (source, destination) = if six {
            let client = Ipv6Addr::new(
                0x2001,
                0xdb8,
                9,
                0,
                0,
                0,
                u16::from_be_bytes([a, b]),
                u16::from_be_bytes([c, d]),
            );
            (
                client.into(),
                Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x53).into(),
            )
        } else {
            (
                Ipv4Addr::new(10, b, c, d).into(),
                Ipv4Addr::new(198, 51, 100, 53).into(),
            )
        };
        let original = FlowTuple {
            source,
            destination,
            protocol: protocol::TCP,
            source_port: 1024 + u16::from_be_bytes([c, d]) / 2,
            destination_port: 443,
        };
        CachedFlow {
            connection: number,
            original,
            reply: original.inverted(),
            counter: 0,
        }
    };
    (0..connections).map(flow).collect()
}

/// As many as the goals are about, or fewer for the short form.
fn many() -> u32 {
    match std::env::var_os("RAVELIN_FULL") {
        Some(_) => 250_000,
        None => 20_000,
    }
}

#[test]
fn masses_move_to_another_cache_and_back() {
    let connections = many();
    Router::run(connections, |mut router| {
        router.attach();
        router.tell_ports();
        for flow in crowd(connections) {
            router.parts.cache.insert(&flow);
        }
        let mut before = router.states();
        let crowd = before.len();
        assert!(crowd + FULL_AT_MOST >= connections as usize);
        for room in [2 * connections, connections] {
            let datapath = &mut router.parts.datapath;
            let mut staged = timed("staged for", room as usize, || datapath.stage_cache(room)).unwrap();
            let refused = timed("copied", crowd, || router.copy_to(&mut *staged));
            assert!(refused.len() <= FULL_AT_MOST, "{}", refused.len());
            let datapath = &mut router.parts.datapath;
            timed("used by two links", crowd, || datapath.use_staged_cache()).unwrap();
            timed("given up", crowd, || router.parts.cache = staged);
            before.retain(|state| !refused.contains(&state.flow));
            let flows = |states: &[CachedState]| states.iter().map(|state| state.flow).collect::<Vec<_>>();
            assert!(flows(&router.states()) == flows(&before));
        }
    });
}

#[test]
fn connections_that_come_and_go_in_masses_disturb_none_that_stay() {
    let connections = many();
    Router::run(262_144, |mut router| {
        router.tell_ports();
        let stay: Vec<CachedFlow> = (1..=16)
            .flat_map(|port| [(4, port), (6, port)])
            .map(|(family, port)| match port % 2 {
                0 => across(family, protocol::TCP, port),
                _ => masqueraded(family, protocol::UDP, port, 50_000 + port),
            })
            .collect();
        for flow in &stay {
            assert_eq!(router.parts.cache.insert(flow), Inserted::New);
        }
        let packets = Packets::of(&stay, [router.lan0, router.wan0]);
        packets.teach(&router.parts.datapath);
        let KernelParts { datapath, cache, .. } = &mut router.parts;
        let ended = AtomicBool::new(false);
        let turns = std::thread::scope(|scope| {
            let sender = scope.spawn(|| packets.send(datapath, &ended));
            let end = AtEnd(&ended);
            for _ in 0..2 {
                come_and_go(&crowd(connections), cache.as_mut(), datapath);
            }
            drop(end);
            sender.join().unwrap()
        });
        assert!(turns > 0);
        for flow in &stay {
            let counts = router
                .state(flow)
                .unwrap()
                .directions
                .map(|way| way.count.packets);
            assert_eq!(counts, [turns; 2], "{flow:?}");
        }
        eprintln!(
            "{} packets of {} flows forwarded meanwhile",
            turns * 2 * stay.len() as u64,
            stay.len()
        );
    });
}

/// Ends the sender, also where a test fails.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Packets that must be forwarded, each with where it comes in and what it leaves as.
struct Packets(Vec<(Vec<u8>, u32, Vec<u8>)>);

impl Packets {
    fn of(flows: &[CachedFlow], interfaces: [u32; 2]) -> Self {
        let of_flow = |flow| {
            let pairs = frames(flow).into_iter().zip(forwarded(flow));
            pairs
                .zip(interfaces)
                .map(|((frame, expected), interface)| (frame, interface, expected))
        };
        Self(flows.iter().flat_map(of_flow).collect())
    }

    /// The first of each goes up.
    fn teach(&self, datapath: &KernelDatapath) {
        for (frame, interface, _) in &self.0 {
            assert_eq!(xdp(datapath, frame, *interface).0, XDP_PASS);
        }
    }

    /// Sends all of them again and again; returns how often.
    fn send(&self, datapath: &KernelDatapath, ended: &AtomicBool) -> u64 {
        let mut turns = 0;
        while !ended.load(Relaxed) {
            for (frame, interface, expected) in &self.0 {
                let (code, sent) = xdp(datapath, frame, *interface);
                assert_eq!((code, &sent), (XDP_REDIRECT, expected), "turn {turns}");
            }
            turns += 1;
        }
        turns
    }
}

/// Puts connections in, has readers and programs find each, and takes them out.
fn come_and_go(crowd: &[CachedFlow], cache: &mut dyn FlowCache, datapath: &KernelDatapath) {
    let others = cache.occupancy();
    let there: Vec<&CachedFlow> = timed("inserted", crowd.len(), || {
        let is_new = |flow: &&CachedFlow| match cache.insert(flow) {
            Inserted::New => true,
            Inserted::Full => false,
            other => panic!("{flow:?}: {other:?}"),
        };
        crowd.iter().filter(is_new).collect()
    });
    let full = crowd.len() - there.len();
    assert!(full <= FULL_AT_MOST, "{full} did not fit");
    let occupancy = cache.occupancy();
    let added = occupancy.ipv4 + occupancy.ipv6 - others.ipv4 - others.ipv6;
    assert_eq!(added, there.len() as u64);

    let reader = cache.reader();
    timed("read", there.len(), || {
        for flow in &there {
            assert_eq!(reader.get(&flow.reply).map(|state| state.flow), Some(**flow));
        }
    });
    let mut seen = 0;
    timed("walked", there.len(), || cache.for_each(&mut |_| seen += 1));
    assert_eq!(seen, occupancy.ipv4 + occupancy.ipv6);
    timed("found by the programs", there.len(), || {
        for flow in &there {
            xdp(datapath, &segment_of(&flow.original, FIN), 0);
        }
    });
    for flow in &there {
        let state = reader.get(&flow.original).unwrap();
        assert!(
            state.directions.iter().all(|way| way.path == Path::Ended),
            "{state:?}"
        );
    }

    timed("removed", there.len(), || {
        for flow in &there {
            assert!(cache.remove(&flow.original), "{flow:?}");
        }
    });
    let mut removed = timed("collected", there.len(), || cache.collect().unwrap());
    removed.sort_by_key(|removed| removed.flow.connection);
    assert!(
        removed
            .iter()
            .map(|removed| removed.flow)
            .eq(there.into_iter().copied())
    );
    assert_eq!(cache.occupancy(), others);
}

/// Says how long it took, and how much of that this thread was at work.
fn timed<T>(what: &str, connections: usize, work: impl FnOnce() -> T) -> T {
    let (start, cpu) = (Instant::now(), thread_ns());
    let result = work();
    let cpu = Duration::from_nanos(thread_ns() - cpu);
    eprintln!(
        "{connections} connections {what} in {:?}, CPU {cpu:?}",
        start.elapsed()
    );
    result
}
