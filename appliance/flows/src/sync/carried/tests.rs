use std::net::Ipv4Addr;

use super::*;

fn tuple(port: u16) -> FlowTuple {
    FlowTuple {
        source: Ipv4Addr::new(10, 0, 0, 1).into(),
        destination: Ipv4Addr::new(10, 0, 0, 2).into(),
        protocol: 17,
        source_port: port,
        destination_port: 53,
    }
}

fn connection(port: u16, id: u32) -> Connection {
    Connection {
        id,
        zone: 0,
        original: tuple(port),
        reply: tuple(port).inverted(),
        status: ConnectionStatus(0),
        mark: 0,
        timeout_seconds: None,
        tcp_state: None,
        counts: None,
        started_at: None,
        ended_at: None,
        master: None,
        syn_proxy: false,
        labels: 0,
    }
}

fn counts(packets: u64) -> [FlowCount; 2] {
    [1, 2].map(|factor| FlowCount {
        packets: packets * factor,
        bytes: packets * factor * 100,
    })
}

#[track_caller]
fn check(ended: Option<Ended>, packets: u64) {
    let ended = ended.expect("it ended");
    assert_eq!(ended.cached, counts(packets));
    let offload = if packets > 0 { Offload::Xdp } else { Offload::None };
    assert_eq!(ended.offload, offload);
}

#[test]
fn an_end_waits_for_the_counts_and_the_counts_for_the_end() {
    let (carried, identity) = (Carried::default(), (tuple(1), 1));
    carried.expect(identity);
    assert_eq!(carried.end(connection(1, 1), None), None);
    check(carried.add(identity, counts(5)), 5);
    carried.expect(identity);
    assert_eq!(carried.add(identity, counts(7)), None);
    assert_eq!(carried.counts(&identity), counts(7));
    check(carried.end(connection(1, 1), None), 7);
    assert!(carried.is_empty());
}

#[test]
fn what_was_in_the_cache_twice_has_the_counts_of_both_times() {
    let (carried, identity) = (Carried::default(), (tuple(1), 1));
    carried.expect(identity);
    assert_eq!(carried.add(identity, counts(5)), None);
    carried.expect(identity);
    carried.expect(identity);
    assert_eq!(carried.end(connection(1, 1), None), None);
    assert_eq!(carried.add(identity, counts(2)), None);
    check(carried.add(identity, counts(3)), 10);
    assert!(carried.is_empty());
}

#[test]
fn connections_of_the_same_ports_or_the_same_number_are_apart() {
    let carried = Carried::default();
    for (port, id, packets) in [(1, 1, 5), (1, 2, 6), (2, 1, 7)] {
        carried.expect((tuple(port), id));
        assert_eq!(carried.add((tuple(port), id), counts(packets)), None);
    }
    for (port, id, packets) in [(2, 1, 7), (1, 1, 5), (1, 2, 6), (3, 3, 0)] {
        check(carried.end(connection(port, id), None), packets);
    }
}

#[test]
fn who_forwarded_it_is_who_conntrack_says_it_is() {
    let status = |bits| Connection {
        status: ConnectionStatus(bits),
        ..connection(1, 1)
    };
    for (bits, offload) in [
        (ConnectionStatus::OFFLOADED, Offload::Flowtable),
        (
            ConnectionStatus::OFFLOADED | ConnectionStatus::HARDWARE,
            Offload::Hardware,
        ),
        (0, Offload::None),
    ] {
        let ended = Carried::default().end(status(bits), Some(EndReason::Killed));
        let told = ended.map(|ended| (ended.offload, ended.reason_hint));
        assert_eq!(told, Some((offload, Some(EndReason::Killed))));
    }
}

#[test]
fn counts_without_packets_are_not_kept() {
    let (carried, identity) = (Carried::default(), (tuple(1), 1));
    carried.expect(identity);
    assert_eq!(carried.add(identity, counts(0)), None);
    assert!(carried.is_empty());
}

#[test]
fn what_two_readings_miss_is_forgotten() {
    let carried = Carried::default();
    for port in [1, 2] {
        carried.expect((tuple(port), 1));
        assert_eq!(carried.add((tuple(port), 1), counts(5)), None);
    }
    let seen = HashSet::from([(tuple(2), 1)]);
    carried.retain(&seen);
    assert_eq!(carried.counts(&(tuple(1), 1)), counts(5));
    carried.retain(&seen);
    assert_eq!(carried.counts(&(tuple(1), 1)), counts(0));
    assert_eq!(carried.counts(&(tuple(2), 1)), counts(5));
}
