//! A list is replaced while packets flow: at no packet is it empty, half, or a mixture.

use std::net::IpAddr;
use std::time::Duration;

use ravelin_test_harness::{Flood, Raveld, wait_until};

use crate::support::{Random, Sinks, lab, repetitions, sink_address};

/// Packets a second altogether.
const RATE: u32 = 5000;

/// Prefixes below and above the ones that matter, of another number in every version, so that the whole index moves.
fn filler(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..2000 + random.next() % 2000 {
        let [a, b, c, d, e, ..] = random.next().to_le_bytes();
        text += &format!(
            "{}.{b}.{c}.0/24\n2001:db8:{d:x}:{e:x}::/64\n",
            [7, 203][usize::from(a % 2)]
        );
    }
    text
}

fn version(random: &mut Random, listed: &[IpAddr]) -> String {
    let mut text = filler(random);
    for address in listed {
        text += &format!("{address}\n");
    }
    text
}

#[test]
fn no_packet_sees_a_mixture_while_a_list_is_replaced() {
    let Some(lab) = lab() else { return };
    let mut random = Random::new();
    let sinks = Sinks::open(&lab);
    let [never, always, only_even, only_odd] = [65, 66, 67, 68].map(|host| lab.add_client_host(host));
    let raveld = Raveld::start(&lab.router);
    let even: Vec<IpAddr> = [always, only_even].concat();
    let odd: Vec<IpAddr> = [always, only_odd].concat();
    raveld.import("blocklist", &version(&mut random, &even));
    raveld.switch("ddos_protection", true);

    // What must not go wrong is sent most.
    let sources = [[never, always].repeat(3), vec![only_even, only_odd]]
        .concat()
        .concat();
    let pairs: Vec<_> = sources
        .iter()
        .map(|source| (*source, sink_address(*source)))
        .collect();
    let flood = Flood::start(&lab.client, &pairs, RATE);
    for round in 0..repetitions(40, 200) {
        let listed = if round % 2 == 0 { &odd } else { &even };
        let report = raveld.import("blocklist", &version(&mut random, listed));
        assert_eq!(report["invalid"], 0, "{report}");
    }
    let sent = flood.stop();

    for source in never {
        wait_until(
            &format!("every packet of {source} has arrived"),
            Duration::from_secs(5),
            || sinks.count(source) == sent[&source],
        );
    }
    for source in always {
        assert_eq!(
            sinks.count(source),
            0,
            "{source} is in both versions; {} sent",
            sent[&source]
        );
    }
    // The test bites: the versions did differ in the data plane.
    for source in [only_even, only_odd].concat() {
        let arrived = sinks.count(source);
        assert!(
            0 < arrived && arrived < sent[&source],
            "{source}: {arrived} of {}",
            sent[&source]
        );
    }
}
