//! The lab without an engine: what the other tests see must come from the engine and not from the lab.

use std::time::Duration;

use ravelin_test_harness::{DnsAnswer, Dnsmasq, Flood, Lab, Question, wait_until};

use crate::support::{Sinks, lab, sink_address};

#[test]
fn without_an_engine_every_packet_arrives_and_every_name_resolves() {
    let Some(lab) = lab() else { return };
    let _dns = Dnsmasq::start(
        &lab.server,
        &lab.dir,
        &Lab::server_addresses(),
        &Lab::server_addresses(),
    );
    for server in Lab::server_addresses() {
        let question = Question::new(server, "blocked.example");
        for question in [question.clone(), question.clone().plain(), question.tcp()] {
            assert_eq!(
                question.ask(&lab.client),
                DnsAnswer::Address(server),
                "{question:?}"
            );
        }
    }
    let sinks = Sinks::open(&lab);
    let sources = [lab.add_client_host(66), Lab::client_addresses()].concat();
    let pairs: Vec<_> = sources
        .iter()
        .map(|source| (*source, sink_address(*source)))
        .collect();
    let flood = Flood::start(&lab.client, &pairs, 5000);
    wait_until("packets flow", Duration::from_secs(5), || {
        sources.iter().all(|source| sinks.count(*source) > 1000)
    });
    let sent = flood.stop();
    for source in sources {
        wait_until(
            &format!("every packet of {source} has arrived"),
            Duration::from_secs(5),
            || sinks.count(source) == sent[&source],
        );
    }
}
