//! What bringing the kernel to a plan costs with 50 links and 1000 routes: the first time, when nothing is to be done, and
//! for one change. Needs root. Medians of several rounds.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::time::{Duration, Instant};

use ravelin_kernel::Network;
use ravelin_model::{LinkIdentity, NetworkPlan, RouteTarget, WantedLink, WantedRoute};
use ravelin_test_harness::{Namespace, privileged};

/// veth pairs, of two links each.
const PAIRS: u8 = 25;
const ROUTES: u16 = 1000;
const ROUNDS: usize = 21;

fn main() {
    if !privileged("netns") {
        return;
    }
    let namespace = Namespace::new("bench");
    for pair in 0..PAIRS {
        namespace.ip(&format!("link add card{pair} type veth peer name card{pair}-far"));
        namespace.ip(&format!("link set card{pair}-far up"));
    }
    namespace.within(measure);
}

fn measure() {
    let whole = plan(ROUTES);
    let [mut first, mut idle, mut one] = [const { Vec::new() }; 3];
    first.push(apply(&whole));
    for _ in 0..ROUNDS {
        idle.push(apply(&whole));
        one.push(apply(&plan(ROUTES - 1)));
        one.push(apply(&whole));
    }
    println!("{} links, {ROUTES} routes, median of {ROUNDS}", 2 * PAIRS);
    for (name, durations) in [
        ("everything", first),
        ("nothing to be done", idle),
        ("one route", one),
    ] {
        println!("{name:>20} {:>10.2} ms", median(durations).as_secs_f64() * 1000.0);
    }
}

fn plan(routes: u16) -> NetworkPlan {
    let links = (0..PAIRS).map(|pair| WantedLink {
        name: format!("card{pair}"),
        identity: LinkIdentity::default(),
        virtual_link: None,
        enabled: Some(true),
        mtu_bytes: None,
        addresses: vec![
            format!("10.{pair}.0.1/24").parse().expect("address"),
            format!("fd00:{pair}::1/64").parse().expect("address"),
        ],
    });
    let routes = (0..routes).map(|number| {
        let [high, low] = number.to_be_bytes();
        let pair = low % PAIRS;
        let (destination, gateway) = if number % 2 == 0 {
            (format!("172.{high}.{low}.0/24"), format!("10.{pair}.0.2"))
        } else {
            (format!("2001:db8:{number:x}::/48"), format!("fd00:{pair}::2"))
        };
        WantedRoute {
            destination: destination.parse().expect("prefix"),
            table: 254,
            metric: 100,
            target: RouteTarget::Gateway {
                gateway: gateway.parse().expect("address"),
                interface: None,
            },
            mtu_bytes: None,
        }
    });
    NetworkPlan {
        links: links.collect(),
        routes: routes.collect(),
        ..NetworkPlan::default()
    }
}

fn apply(plan: &NetworkPlan) -> Duration {
    let begin = Instant::now();
    let mut network = Network::open().expect("open");
    let faults = network.apply(plan).expect("apply");
    let took = begin.elapsed();
    assert_eq!(faults, []);
    took
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}
