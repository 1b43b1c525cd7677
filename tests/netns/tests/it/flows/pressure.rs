//! Connections that live are not in the way of those somebody only pretends to make.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::Method;
use ravelin_test_harness::packet::{Packet, SYN, Transport};
use ravelin_test_harness::{Datagrams, Frames, Lab, Pace, Request, Setup, Streams, Talk};
use serde_json::json;

use super::ground::{Ground, PLAIN, Traffic, Way, lab, routes};
use crate::support::{Random, feature, number, repetitions};

/// First segments a second.
const RATE: u32 = 5000;

fn counter(ground: &Ground<'_>, name: &str) -> u64 {
    let feature = feature(ground.raveld(), "conntrack_sync");
    let counters = feature["counters"].as_array().expect("counters").clone();
    let found = counters.iter().find(|counter| counter["name"] == name);
    number(&found.unwrap_or_else(|| panic!("no {name} in {counters:?}"))["value"])
}

/// A first segment from nobody.
fn random_syn(random: &mut Random) -> Packet {
    let [a, b, c, d, family, ..] = random.next().to_le_bytes();
    let family = if family % 2 == 0 { 4 } else { 6 };
    let mut packet = Packet::tcp(family, u16::from_le_bytes([a, b]) | 1, PLAIN, Vec::new());
    let Transport::Tcp(tcp) = &mut packet.transport else {
        unreachable!("it was made just now")
    };
    (tcp.flags, tcp.sequence) = (SYN, u32::from_le_bytes([a, b, c, d]));
    let [server4, server6] = Lab::server_addresses();
    (packet.source, packet.destination) = if family == 4 {
        ([10, 77, 1, 100 + c % 150].into(), server4)
    } else {
        let source = [0xfd77, 1, 0, 0, 0, 0, u16::from(d), 0x1000 + u16::from(c)];
        (IpAddr::from(source), server6)
    };
    packet
}

#[test]
fn a_flood_of_first_segments_costs_established_connections_nothing() {
    let Some(lab) = lab() else { return };
    // Few at a time, whatever the flood: the kernel's limit is that of the whole machine.
    for state in ["syn_sent", "syn_recv"] {
        lab.router
            .write_sysctl(&format!("netfilter/nf_conntrack_tcp_timeout_{state}"), "2");
    }
    let ground = Ground::start(&lab);
    let traffic = Traffic::start(&lab, 5, 1000, Talk::default());
    let tuples = traffic.tuples();
    ground.offloaded(&tuples);
    let before = ground.cache().len();
    let mut random = Random::new();
    let frames = Frames::open(&lab.client, "eth0", 1);
    let start = Instant::now();
    let flood = repetitions(20_000, 300_000);
    for number in 0..flood {
        // Faster than the machine can take, what is lost would be the queues' loss.
        let due = Duration::from_secs(number.into()) / RATE;
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        frames.send(&random_syn(&mut random));
    }
    eprintln!("{flood} first segments in {:?}", start.elapsed());
    traffic.go_on();
    let cache = ground.cache();
    assert!(
        cache.len() <= before,
        "{} directions were cached, now {}",
        before,
        cache.len()
    );
    ground.offloaded(&tuples);
    assert_eq!(counter(&ground, "refused_entries"), 0);
    traffic.nothing_is_lost();
}

#[test]
fn connections_a_full_cache_has_no_room_for_take_the_slow_way() {
    let Some(lab) = lab() else { return };
    let setup = Setup {
        config: "[capacity]\ncached_connections = 64".to_owned(),
        ..Setup::default()
    };
    let ground = Ground::start_with(&lab, setup);
    // Tuning would make room.
    let limits = json!({ "limits": { "flow_cache_connections": { "min": 64, "max": 64 } } });
    let patch = Request::new(Method::PATCH, "/api/v1/tuning").header("if-match", "*");
    ground.engine.ask(&patch.json(&limits)).expect(200);
    ravelin_test_harness::wait_until("the cache is small", super::ground::IN_STEP, || {
        counter(&ground, "capacity_entries") == 64
    });
    let (client, server) = (&lab.client, &lab.server);
    let all = routes(Way::Plain, PLAIN, 100);
    let datagrams = Datagrams::establish(client, server, &all, Pace::default());
    let streams = Streams::connect(client, server, &all, Talk::default());
    ravelin_test_harness::wait_until("the cache is full", super::ground::IN_STEP, || {
        counter(&ground, "refused_entries") > 0
    });
    datagrams.go_on(3);
    streams.go_on(3);
    let capacity = counter(&ground, "capacity_entries");
    for family in ["ipv4_entries", "ipv6_entries"] {
        let entries = counter(&ground, family);
        assert!(
            0 < entries && entries <= capacity,
            "{family}: {entries} of {capacity}"
        );
    }
    let cache = ground.cache();
    let forwarded = cache.values().filter(|flow| flow.count.0 > 0).count();
    assert!(forwarded > 0, "XDP forwards none of {}", cache.len());
    datagrams.nothing_is_lost();
    streams.close();
}
