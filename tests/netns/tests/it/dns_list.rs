//! One REST call makes a listed name unreachable and another brings it back.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ravelin_test_harness::{DnsAnswer, Dnsmasq, Lab, Question, Raveld, wait_until};
use serde_json::json;

use crate::support::{cell, feature, lab, number};

/// How soon a switch must show.
const AT_ONCE: Duration = Duration::from_secs(1);

const LISTED: [&str; 3] = ["blocked.example", "BLOCKED.Example.", "a.blocked.example"];
const UNLISTED: [&str; 2] = ["notblocked.example", "example"];

/// What the client is to see of listed names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Resolves,
    NoSuchName,
    Silence,
}

/// DNS servers behind the router and on the router itself, both families.
fn resolvers() -> [IpAddr; 4] {
    let [v4, v6] = Lab::server_addresses();
    [v4, v6, router_addresses()[0], router_addresses()[1]]
}

fn router_addresses() -> [IpAddr; 2] {
    ["10.77.1.1", "fd77:1::1"].map(|text| text.parse().expect("address"))
}

fn start_resolvers(lab: &Lab) -> [Dnsmasq; 2] {
    [
        Dnsmasq::start(
            &lab.server,
            &lab.dir,
            &Lab::server_addresses(),
            &Lab::server_addresses(),
        ),
        Dnsmasq::start(
            &lab.router,
            &lab.dir,
            &router_addresses(),
            &Lab::server_addresses(),
        ),
    ]
}

/// Asks for listed and unlisted names over UDP and TCP, with and without EDNS, at every resolver, all at once because
/// silence takes a second.
#[track_caller]
fn check(lab: &Lab, expected: Expected) {
    let mut questions = Vec::new();
    for resolver in resolvers() {
        let resolved = DnsAnswer::Address(Lab::server_addresses()[usize::from(resolver.is_ipv6())]);
        for name in UNLISTED {
            let question = Question::new(resolver, name);
            for question in [question.clone(), question.clone().plain(), question.tcp()] {
                questions.push((question, vec![resolved.clone()]));
            }
        }
        for name in LISTED {
            let question = Question::new(resolver, name);
            for (question, edns) in [(question.clone(), true), (question.clone().plain(), false)] {
                let wanted = match expected {
                    Expected::Resolves => resolved.clone(),
                    Expected::NoSuchName => DnsAnswer::NoSuchName { edns },
                    Expected::Silence => DnsAnswer::Silence,
                };
                questions.push((question, vec![wanted]));
            }
            let wanted = match expected {
                Expected::Resolves => vec![resolved.clone()],
                // How a TCP query ends is up to the engine, only not with the address.
                _ => vec![DnsAnswer::Silence, DnsAnswer::NoSuchName { edns: true }],
            };
            questions.push((question.tcp(), wanted));
        }
    }
    std::thread::scope(|scope| {
        let asked: Vec<_> = questions
            .iter()
            .map(|(question, wanted)| (question, wanted, scope.spawn(|| question.ask(&lab.client))))
            .collect();
        for (question, wanted, thread) in asked {
            let answer = thread.join().expect("dig");
            assert!(
                wanted.contains(&answer),
                "{question:?}: {answer:?}, not {wanted:?}"
            );
        }
    });
}

/// Waits until the first listed name is answered as expected, which must be so within a second.
#[track_caller]
fn check_at_once(lab: &Lab, since: Instant, wanted: &DnsAnswer) {
    let question = Question::new(Lab::server_addresses()[0], LISTED[0]);
    wait_until(&format!("{} is {wanted:?}", LISTED[0]), AT_ONCE, || {
        question.ask(&lab.client) == *wanted
    });
    assert!(since.elapsed() < AT_ONCE, "it took {:?}", since.elapsed());
}

#[test]
fn a_listed_name_is_gone_while_the_feature_is_on() {
    let Some(lab) = lab() else { return };
    let _resolvers = start_resolvers(&lab);
    let raveld = Raveld::start(&lab.router);
    raveld.add_entry("dns-blocklist", "blocked.example");
    check(&lab, Expected::Resolves);

    let begin = Instant::now();
    let status = raveld.switch("dns_blocklist", true);
    check_at_once(&lab, begin, &DnsAnswer::NoSuchName { edns: true });
    assert_eq!(status["enabled"], true);
    assert_eq!(feature(&raveld, "dns_blocklist")["state"], "active");
    check(&lab, Expected::NoSuchName);

    let begin = Instant::now();
    raveld.switch("dns_blocklist", false);
    check_at_once(&lab, begin, &DnsAnswer::Address(Lab::server_addresses()[0]));
    assert_eq!(feature(&raveld, "dns_blocklist")["state"], "disabled");
    check(&lab, Expected::Resolves);
}

#[test]
fn the_action_drop_answers_nothing() {
    let Some(lab) = lab() else { return };
    let _resolvers = start_resolvers(&lab);
    let raveld = Raveld::start(&lab.router);
    raveld.add_entry("dns-blocklist", "blocked.example");
    raveld.switch("dns_blocklist", true);
    let config = "/api/v1/ebpf/features/dns_blocklist/config";
    raveld
        .api()
        .patch(config, &json!({ "action": "drop" }))
        .expect(200);
    check(&lab, Expected::Silence);
    raveld
        .api()
        .patch(config, &json!({ "action": "nxdomain" }))
        .expect(200);
    check(&lab, Expected::NoSuchName);
}

#[test]
fn every_scope_covers_what_it_says() {
    let Some(lab) = lab() else { return };
    let _resolvers = start_resolvers(&lab);
    let raveld = Raveld::start(&lab.router);
    raveld.import(
        "dns-blocklist",
        "suffix.example\n=exact.example\n*.below.example\n",
    );
    raveld.switch("dns_blocklist", true);
    for (name, blocked) in [
        ("suffix.example", true),
        ("a.b.suffix.example", true),
        ("xsuffix.example", false),
        ("exact.example", true),
        ("a.exact.example", false),
        ("below.example", false),
        ("a.below.example", true),
        ("a.b.below.example", true),
    ] {
        for resolver in Lab::server_addresses() {
            let answer = Question::new(resolver, name).ask(&lab.client);
            assert_eq!(
                answer == DnsAnswer::NoSuchName { edns: true },
                blocked,
                "{name}: {answer:?}"
            );
        }
    }
}

#[test]
fn answered_queries_are_counted() {
    let Some(lab) = lab() else { return };
    let _resolvers = start_resolvers(&lab);
    let raveld = Raveld::start(&lab.router);
    raveld.add_entry("dns-blocklist", "blocked.example");
    raveld.switch("dns_blocklist", true);
    let asked = 7;
    for resolver in Lab::server_addresses() {
        for _ in 0..asked {
            let answer = Question::new(resolver, "blocked.example").ask(&lab.client);
            assert_eq!(answer, DnsAnswer::NoSuchName { edns: true });
        }
    }
    assert_eq!(cell(&raveld, "lan0", "ipv4_udp", "dns_answered").0, asked);
    assert_eq!(cell(&raveld, "lan0", "ipv6_udp", "dns_answered").0, asked);
    let counters = feature(&raveld, "dns_blocklist")["counters"].clone();
    let counted = counters
        .as_array()
        .expect("counters")
        .iter()
        .any(|counter| number(&counter["value"]) == 2 * asked);
    assert!(counted, "no counter says {}: {counters}", 2 * asked);
}
