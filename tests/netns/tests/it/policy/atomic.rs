//! No packet is judged by parts of two policies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::case::Group;
use super::draft::{Rule, hosts, list, not, rule, tcp, udp as udp_ports};
use super::engine::Mode;
use super::ground::{Ground, crossing};
use super::shot::*;
use super::traffic::{Tally, kinds, stream};
use crate::support::repetitions;

/// New connections of each kind a second.
const RATE: u32 = 150;

const GOOD: Host = Port::Lan.host(10);
const BAD: Host = Port::Lan.host(11);
const EVEN: u16 = 2000;
const ODD: u16 = 2001;

/// Two policies that agree about the good and the bad host and about nothing on the way there: the one names the good
/// one by an address, the other one by not being bad; the same slots of their images mean the opposite.
fn generations() -> [Vec<Rule>; 2] {
    let web = |name: &str| rule(name).from("lan").to("wan");
    let ports = |one: Rule, ports: &[&str]| one.service(tcp(ports)).service(udp_ports(ports));
    [
        vec![
            ports(web("first").source(hosts(&[GOOD])), &["80"]).accept(),
            ports(web("second").source(hosts(&[BAD])), &["80"]).drop(),
            ports(web("third"), &["2000"]).accept(),
            ports(web("fourth"), &["2001"]).drop(),
        ],
        vec![
            ports(web("first").source(list("bad-hosts")), &["80"]).drop(),
            ports(
                web("second").source(not(hosts(&[BAD, Port::Lan.host(12)]))),
                &["80"],
            )
            .accept(),
            ports(web("third"), &["2000"]).drop(),
            ports(web("fourth"), &["2001"]).accept(),
        ],
    ]
}

#[test]
fn policies_are_exchanged_as_a_whole() {
    let Some(crossing) = crossing() else { return };
    let ground = Ground::start(&crossing);
    let generations = generations();
    let group = generations[0]
        .iter()
        .fold(Group::new("generations"), |group, rule| group.rule(rule.clone()))
        .list("bad-hosts", &["10.77.1.11", "fd77:1::b"]);
    ground.engine.apply(&group);
    let ids = ["first", "second", "third", "fourth"].map(|name| ground.engine.rule_id(name));
    let shots = [GOOD, BAD]
        .iter()
        .flat_map(|host| [syn(*host, WAN, 80), udp(*host, WAN, 80)])
        .chain([EVEN, ODD].map(|port| syn(LAN2, WAN, port)))
        .collect::<Vec<_>>();
    // Two families each.
    let (good, bad, even, odd) = (0..4, 4..8, 8..10, 10..12);
    let kinds = kinds(&shots);
    for mode in Mode::ALL {
        ground.engine.judge_by(mode);
        let stop = AtomicBool::new(false);
        let flips = repetitions(50, 1000);
        let start = Instant::now();
        let arrived = |tallies: &[Tally]| {
            tallies[good.clone()]
                .iter()
                .all(|tally| tally.received == tally.sent)
        };
        let tallies = std::thread::scope(|scope| {
            let traffic = scope.spawn(|| stream(&crossing, &kinds, RATE, &stop, arrived));
            for flip in 0..flips {
                let next = &generations[usize::from(flip % 2 == 0)];
                let operations: Vec<_> = ids
                    .iter()
                    .zip(next)
                    .map(|(id, rule)| json!({ "op": "replace", "kind": "rule", "id": id, "value": rule.value() }))
                    .collect();
                ground.engine.change(&operations);
                // Some packets see each policy; when exactly does not matter.
                std::thread::sleep(Duration::from_millis(u64::from(flip % 10)));
            }
            stop.store(true, Ordering::Relaxed);
            traffic.join().expect("traffic")
        });
        eprintln!("{mode:?}: {flips} flips in {:?}: {tallies:?}", start.elapsed());
        for tally in &tallies[good.clone()] {
            assert!(tally.sent > 0);
            assert_eq!(tally.received, tally.sent, "{mode:?}: packets of the good host");
        }
        for tally in &tallies[bad.clone()] {
            assert!(tally.sent > 0);
            assert_eq!(tally.received, 0, "{mode:?}: packets of the bad host");
        }
        // Each policy was in force for some of the packets.
        for tally in tallies[even.clone()].iter().chain(&tallies[odd.clone()]) {
            assert!((1..tally.sent).contains(&tally.received), "{mode:?}: {tally:?}");
        }
    }
}
