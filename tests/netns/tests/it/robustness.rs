//! Whatever happens to the process, what was set stays in force.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use ravelin_test_harness::{Client, Flood, Raveld, Request, wait_until};

use crate::support::{Random, Sinks, feature, lab, repetitions, sink_address};

const RATE: u32 = 2000;

fn pairs(sources: &[IpAddr]) -> Vec<(IpAddr, SocketAddr)> {
    sources
        .iter()
        .map(|source| (*source, sink_address(*source)))
        .collect()
}

/// Replaces the list over and over, always with `listed` in it; nobody may answer at any moment.
fn keep_changing(api: &Client, listed: &[IpAddr], stop: &AtomicBool) {
    let mut round = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        let mut text = format!("198.51.100.{}\n", round % 256);
        for address in listed {
            text += &format!("{address}\n");
        }
        let request = Request::new(Method::PUT, "/api/v1/lists/blocklist/entries")
            .header("if-match", "*")
            .text(text);
        let _ = api.try_send(&request);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn no_listed_packet_passes_while_the_engine_is_killed_again_and_again() {
    let Some(lab) = lab() else { return };
    let mut random = Random::new();
    let sinks = Sinks::open(&lab);
    let listed = lab.add_client_host(66);
    let own = ravelin_test_harness::Lab::client_addresses();
    let mut raveld = Raveld::start(&lab.router);
    for address in listed {
        raveld.add_entry("blocklist", &address.to_string());
    }
    raveld.switch("ddos_protection", true);
    raveld.switch("flow_monitoring", false);

    let flood = Flood::start(&lab.client, &pairs(&[listed, own].concat()), RATE);
    for round in 0..repetitions(8, 50) {
        let stop = AtomicBool::new(false);
        let api = raveld.api();
        std::thread::scope(|scope| {
            scope.spawn(|| keep_changing(&api, &listed, &stop));
            // The moment of the kill is the point, so here time is waited for.
            std::thread::sleep(random.up_to(Duration::from_millis(400)));
            raveld.kill();
            stop.store(true, Ordering::Relaxed);
        });
        for source in listed {
            assert_eq!(sinks.count(source), 0, "{source} passed in round {round}");
        }
        raveld.start_again();
        // Every other round it is killed while it still starts.
        if round % 2 == 0 {
            raveld.wait_ready();
            assert_eq!(feature(&raveld, "ddos_protection")["state"], "active");
            assert_eq!(feature(&raveld, "statistics")["state"], "active");
            assert_eq!(feature(&raveld, "flow_monitoring")["state"], "disabled");
        }
    }
    raveld.wait_ready();
    let sent = flood.stop();
    for source in own {
        wait_until(
            &format!("every packet of {source} has arrived"),
            Duration::from_secs(5),
            || sinks.count(source) == sent[&source],
        );
    }
    for source in listed {
        assert!(sent[&source] > 0);
        assert_eq!(sinks.count(source), 0, "{source} passed");
    }
    let report = raveld.import("blocklist", &format!("{}\n{}\n", listed[0], listed[1]));
    assert_eq!(report["accepted"], 2, "the store takes changes");
}
