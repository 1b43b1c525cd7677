//! XDP forwards translated connections, and the kernel keeps them alive meanwhile.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ravelin_test_harness::{
    Datagrams, Lab, Link, Namespace, Pace, Route, Streams, Talk, Tracked, Tuple, conntrack_statistic,
    wait_until,
};

use super::ground::{Ground, IN_STEP, MASQUERADED, PLAIN, Traffic, lab};
use crate::support::{feature, repetitions};

/// Least share of packets XDP forwards in the long run.
const SHARE: f64 = 0.9;
/// Longest until what has ended is out of the cache.
const GONE: Duration = Duration::from_secs(20);

fn slow_packets(tracked: &BTreeMap<Tuple, Tracked>) -> u64 {
    let count = |tracked: &Tracked| {
        let [there, back] = tracked.counts.expect("conntrack counts");
        there.0 + back.0
    };
    tracked.values().map(count).sum()
}

fn fast_packets(ground: &Ground<'_>, tuples: &[Tuple]) -> u64 {
    let (there, back) = ground.forwarded(tuples);
    there + back
}

#[test]
fn the_kernel_keeps_what_xdp_forwards_alive() {
    let Some(lab) = lab() else { return };
    // Each passes several times: ten minutes in the long form.
    let (tcp, udp) = (repetitions(8, 100), repetitions(6, 60));
    let length = Duration::from_secs(u64::from(repetitions(20, 600)));
    for (name, seconds) in [("tcp_timeout_established", tcp), ("udp_timeout_stream", udp)] {
        lab.router
            .write_sysctl(&format!("netfilter/nf_conntrack_{name}"), &seconds.to_string());
    }
    let ground = Ground::start(&lab);
    let invalid = || conntrack_statistic(&lab.router, "invalid");
    let (invalid_before, counted_before) = (invalid(), ground.engine.counters());
    let talk = Talk {
        bytes: 10_000,
        interval: Duration::from_millis(20),
    };
    let traffic = Traffic::start(&lab, 2, 600, talk);
    let tuples = traffic.tuples();
    ground.offloaded(&tuples);

    let (slow, fast) = (
        slow_packets(&ground.tracked(&tuples)),
        fast_packets(&ground, &tuples),
    );
    let end = Instant::now() + length;
    while Instant::now() < end {
        for tracked in ground.tracked(&tuples).values() {
            // What conntrack does not know any more has failed already.
            let tcp = tracked.original.protocol == 6;
            assert!(
                !tcp || tracked.assured && tracked.state.as_deref() == Some("ESTABLISHED"),
                "{tracked:?}"
            );
        }
        traffic.go_on();
    }
    let slow = slow_packets(&ground.tracked(&tuples)) - slow;
    let fast = fast_packets(&ground, &tuples) - fast;
    #[allow(clippy::cast_precision_loss, reason = "a share")]
    let share = fast as f64 / (fast + slow) as f64;
    eprintln!("XDP forwarded {fast} packets, the kernel {slow}");
    assert!(share >= SHARE, "XDP forwarded {fast} packets, the kernel {slow}");

    let streams: Vec<Tuple> = traffic.streams.iter().flat_map(Streams::tuples).collect();
    traffic.nothing_is_lost();
    let closing = ground.tracked(&streams);
    let open = closing
        .values()
        .find(|tracked| tracked.state.as_deref() == Some("ESTABLISHED"));
    assert_eq!(open, None, "conntrack did not see it close");
    wait_until("what has ended is out of the cache", GONE, || {
        let cache = ground.cache();
        !closing
            .values()
            .any(|tracked| cache.contains_key(&tracked.original) || cache.contains_key(&tracked.reply))
    });
    assert_eq!(invalid() - invalid_before, 0, "packets conntrack found invalid");
    let counted = ground.engine.counters();
    assert_eq!(
        counted["fixed invalid_state"], counted_before["fixed invalid_state"],
        "packets the policy found invalid"
    );
}

/// Between namespaces frames come without their checksums, as those of a guest do to its host. XDP would pass them on
/// like that, so they are the kernel's.
#[test]
fn frames_without_checksums_are_left_to_the_kernel() {
    let Some(lab) = crate::support::lab() else { return };
    lab.add_client_host(MASQUERADED);
    let ground = Ground::start(&lab);
    let traffic = Traffic::start(&lab, 1, 300, Talk::default());
    let tuples = traffic.tuples();
    let directions = ground.cached(&tuples);
    let checksum = 6;
    wait_until("XDP has found that they lack their checksums", IN_STEP, || {
        let cache = ground.cache();
        directions
            .iter()
            .all(|tuple| cache.get(tuple).is_some_and(|flow| flow.refusal == checksum))
    });
    traffic.go_on();
    assert_eq!(ground.forwarded(&tuples), (0, 0));
    traffic.nothing_is_lost();
}

/// Without an XDP program or GRO at its other end a veth port takes no frame from XDP.
#[test]
fn an_interface_xdp_cannot_send_by_is_told_and_used_by_the_kernel() {
    let Some(lab) = lab() else { return };
    let aside = Namespace::new("aside");
    let link = Link {
        port: "dmz0",
        far: "eth0",
        number: 4,
        // Longer than what the harness has an XDP program for.
        mtu: 1600,
    };
    let _cable = lab.join(link, &aside);
    aside.ip("route add default via 10.77.4.1");
    aside.ip("-6 route add default via fd77:4::1");
    aside.run("ethtool", &["--offload", "eth0", "tx", "off"]);
    let ground = Ground::start(&lab);
    let told = || feature(ground.raveld(), "flow_offload")["offload_interfaces"].clone();
    let problem = |name: &str| {
        let told = told();
        let all = told.as_array().expect("interfaces");
        let found = all.iter().find(|one| one["interface"] == name);
        let found = found.unwrap_or_else(|| panic!("no {name} in {told}"));
        assert_eq!(found["eligible"] == true, found["problem"].is_null(), "{found}");
        found["problem"].as_str().map(ToOwned::to_owned)
    };
    assert_eq!((problem("lan0"), problem("wan0")), (None, None));
    let why = problem("dmz0").expect("it cannot be sent by");
    eprintln!("dmz0: {why}");

    let servers: [IpAddr; 2] = [[10, 77, 4, 2].into(), [0xfd77, 4, 0, 0, 0, 0, 0, 2].into()];
    let clients = Lab::client_addresses();
    let to = |family: usize| Route::new(clients[family], (servers[family], PLAIN).into());
    let datagrams = Datagrams::establish(&lab.client, &aside, &[to(0), to(1)], Pace::default());
    let streams = Streams::connect(&lab.client, &aside, &[to(0), to(1)], Talk::default());
    let tuples = [datagrams.tuples(), streams.tuples()].concat();
    ground.cached(&tuples);
    let port = 5;
    wait_until("XDP has found that it cannot send there", IN_STEP, || {
        let cache = ground.cache();
        tuples
            .iter()
            .all(|tuple| cache.get(tuple).is_some_and(|flow| flow.refusal == port))
    });
    datagrams.go_on(3);
    assert_eq!(
        ground.forwarded(&tuples).0,
        0,
        "packets by an interface that takes none"
    );
    datagrams.nothing_is_lost();
    streams.close();
}
