//! News of conntrack are lost: that is seen, and soon everything is right again.

use std::time::{Duration, Instant};

use ravelin_test_harness::packet::Packet;
use ravelin_test_harness::{Datagrams, Frames, Lab, Pace, Setup, Talk};

use super::ground::{Ground, OTHER, Traffic, Way, lab, routes};
use crate::support::{feature, number, optimised, repetitions};

/// Longest until the cache is right again.
const RIGHT: Duration = Duration::from_secs(5);

fn counter(ground: &Ground<'_>, name: &str) -> u64 {
    let feature = feature(ground.raveld(), "conntrack_sync");
    let counters = feature["counters"].as_array().expect("counters").clone();
    let found = counters.iter().find(|counter| counter["name"] == name);
    number(&found.unwrap_or_else(|| panic!("no {name} in {counters:?}"))["value"])
}

#[test]
fn lost_news_are_seen_and_made_good() {
    let Some(lab) = lab() else { return };
    let setup = Setup {
        config: "[flows]\nevent_buffer_bytes = 4096".to_owned(),
        ..Setup::default()
    };
    let ground = Ground::start_with(&lab, setup);
    let traffic = Traffic::start(&lab, 3, 600, Talk::default());
    let mut tuples = traffic.tuples();
    ground.offloaded(&tuples);
    let (overruns, readings) = (counter(&ground, "overruns"), counter(&ground, "readings"));
    let frames = Frames::open(&lab.client, "eth0", 1);
    let [server, _] = Lab::server_addresses();
    // Each is a connection nobody answers; the kernel tells of each.
    let start = Instant::now();
    let many = repetitions(30_000, 150_000);
    for flow in 0..many {
        let own = u16::try_from(1024 + flow / 200).expect("a port");
        let mut packet = Packet::udp(4, own, OTHER, vec![0; 8]);
        packet.source = [10, 77, 1, u8::try_from(50 + flow % 200).expect("a byte")].into();
        packet.destination = server;
        frames.send(&packet);
    }
    eprintln!("{many} connections in {:?}", start.elapsed());
    let late = Datagrams::establish(
        &lab.client,
        &lab.server,
        &routes(Way::Plain, OTHER, 5),
        Pace::default(),
    );
    let end = Instant::now();
    tuples.extend(late.tuples());
    ground.in_step();
    ground.cached(&tuples);
    let took = end.elapsed();
    assert!(counter(&ground, "overruns") > overruns, "no news were lost");
    assert!(
        counter(&ground, "readings") > readings,
        "conntrack was not read anew"
    );
    eprintln!("right again after {took:?}");
    // The long form is about the engine as it is shipped.
    let bound = repetitions(1, 4) * RIGHT;
    let bound = if optimised() { RIGHT } else { bound };
    assert!(took <= bound, "right again after {took:?}");
    ground.offloaded(&tuples);
    // So many frames at once are more than the queue they share holds, so datagrams may be lost there.
    late.go_on(3);
    traffic.go_on();
    for streams in traffic.streams {
        streams.close();
    }
}
