//! Events of real packets on their way to who reads them.

use std::time::{Duration, Instant};

use aya::util::nr_cpus;
use ravelin_datapath::kernel::KernelParts;
use ravelin_datapath::{Datapath as _, EventFigures, EventTuning, RawEvent, Switches};
use ravelin_test_harness::packet::Packet;
use ravelin_test_harness::wait_until;

use super::rig::{Rig, WATCH, image, send, xdp};

const LIMIT: Duration = Duration::from_secs(20);

/// So many are never over the rate.
const UNLIMITED: u32 = 1_000_000;

/// Its packets are dropped and told.
const LISTED: &str = "203.0.113.9";

fn load(rig: &Rig) -> KernelParts {
    let mut parts = rig.start(Switches {
        ddos_protection: true,
        ..WATCH
    });
    parts
        .datapath
        .load_addresses(&image(&["203.0.113.0/24"]))
        .unwrap();
    parts
}

fn figures(parts: &KernelParts) -> EventFigures {
    parts.datapath.event_figures().unwrap()
}

fn tune(parts: &mut KernelParts, buffers: u32, batch: u32, rate: u32) {
    let tuning = EventTuning { buffers, batch, rate };
    assert_eq!(parts.datapath.tune_events(&tuning).unwrap(), tuning);
}

fn frame(port: u16) -> Vec<u8> {
    Packet::udp(4, port, 2, b"x".as_slice()).from(LISTED).build()
}

/// Has XDP drop so many packets, which are told by their ports.
fn flood(parts: &KernelParts, ports: std::ops::Range<u16>) {
    for port in ports {
        xdp(&parts.datapath, &frame(port), 0);
    }
}

/// Ports of the events there are until `count` were read.
fn take(parts: &KernelParts, count: usize) -> Vec<u16> {
    let mut ports = Vec::new();
    wait_until("the events are there", LIMIT, || {
        while let Some(batch) = parts.events.try_next() {
            ports.extend(batch.iter().map(|RawEvent(event)| event.source_port));
        }
        ports.len() >= count
    });
    ports
}

#[test]
fn a_pool_too_small_is_missed_and_a_larger_one_is_not() {
    Rig::run(|rig| {
        let mut parts = load(rig);
        tune(&mut parts, 2, 4, UNLIMITED);
        // Fits into the ring, which waits as long as nobody gives a buffer back.
        flood(&parts, 0..600);
        wait_until("a buffer is missed", LIMIT, || figures(&parts).buffer_misses > 0);
        let small = figures(&parts);
        assert_eq!((small.waiting, small.lost), (2, 0), "{small:?}");
        assert!(small.read <= 8, "{small:?}");
        assert_eq!(take(&parts, 600), (0..600).collect::<Vec<u16>>());
        let small = figures(&parts);
        assert_eq!(
            (small.read, small.lost, small.suppressed),
            (600, 0, 0),
            "{small:?}"
        );

        tune(&mut parts, 64, 64, UNLIMITED);
        flood(&parts, 600..1200);
        wait_until("all are read", LIMIT, || figures(&parts).read == 1200);
        let large = figures(&parts);
        assert_eq!(
            (large.buffer_misses, large.lost),
            (small.buffer_misses, 0),
            "{large:?}"
        );
        assert!(large.buffer_hits > small.buffer_hits);
        assert_eq!(take(&parts, 600), (600..1200).collect::<Vec<u16>>());
    });
}

#[test]
fn what_neither_buffers_nor_ring_can_hold_is_counted_as_lost() {
    Rig::run(|rig| {
        let mut parts = load(rig);
        tune(&mut parts, 1, 1, UNLIMITED);
        flood(&parts, 0..2000);
        let lost = figures(&parts).lost;
        assert!(lost > 0, "the ring holds fewer than 1999 events");
        tune(&mut parts, 64, 64, UNLIMITED);
        let told = take(&parts, 2000 - usize::try_from(lost).unwrap());
        assert!(told.is_sorted(), "{told:?}");
        let now = figures(&parts);
        assert_eq!((now.read + now.lost, now.suppressed), (2000, 0), "{now:?}");
    });
}

#[test]
fn the_rate_is_what_real_packets_are_told_by() {
    Rig::run(|rig| {
        const RATE: u32 = 5;
        let mut parts = load(rig);
        assert_eq!(figures(&parts).tuning, EventTuning::default());
        let settled = |parts: &KernelParts, sent: u64| {
            wait_until("all packets were looked at", LIMIT, || {
                let now = figures(parts);
                now.read + now.suppressed == sent
            });
            figures(parts)
        };
        tune(&mut parts, 16, 64, RATE);
        let began = Instant::now();
        send("wan1", &frame(1), 500);
        let few = settled(&parts, 500);
        // A budget for each CPU and each second that may have begun.
        let budgets = u64::try_from(nr_cpus().unwrap()).unwrap() * (began.elapsed().as_secs() + 2);
        assert!(
            few.read >= u64::from(RATE) && few.read <= u64::from(RATE) * budgets,
            "{few:?}"
        );
        tune(&mut parts, 16, 64, UNLIMITED);
        send("wan1", &frame(2), 500);
        let all = settled(&parts, 1000);
        assert_eq!((all.read, all.suppressed), (few.read + 500, few.suppressed));
        tune(&mut parts, 16, 64, 1);
        let began = Instant::now();
        send("wan1", &frame(3), 500);
        let none = settled(&parts, 1500);
        let budgets = u64::try_from(nr_cpus().unwrap()).unwrap() * (began.elapsed().as_secs() + 2);
        assert!(none.read - all.read <= budgets, "{none:?}");
        assert_eq!(none.lost, 0);
    });
}

#[test]
fn the_next_process_has_the_events_that_were_not_read_and_begins_to_tune_anew() {
    Rig::run(|rig| {
        let mut parts = load(rig);
        tune(&mut parts, 1, 1, UNLIMITED);
        flood(&parts, 0..100);
        wait_until("a buffer is missed", LIMIT, || figures(&parts).buffer_misses == 1);
        let KernelParts { datapath, events, .. } = parts;
        // Ends the thread, though it waits for a buffer.
        drop(datapath);
        assert_eq!(events.try_next().unwrap()[0].0.source_port, 0);
        assert!(events.is_closed());
        let parts = rig.load();
        assert_eq!(take(&parts, 99), (1..100).collect::<Vec<u16>>());
        let now = figures(&parts);
        assert_eq!((now.read, now.lost), (99, 0));
        assert_eq!(now.tuning, EventTuning::default());
    });
}
