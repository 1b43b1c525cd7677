//! How long a policy takes to be resolved and diagnosed: both are done in every commit.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ravelin_compile::generate::{Random, Shape, World};
use ravelin_compile::{Ruleset, diagnose};
use ravelin_model::{
    AddressMatch, AddressRange, PortRange, Revision, RuleSpec, ServiceEntry, ServiceMatch, protocol,
};

/// Enough for the mean, as the kernel counts in ticks.
const RUNS: u32 = 5;

fn main() {
    for rules in [1_000, 10_000, 100_000] {
        let mut random = Random::new(rules as u64);
        let mut shape = Shape::rules(rules);
        shape.zones = 8;
        let world = World::new(&mut random, &shape);
        measure("random", &world);
        measure(
            "hosts",
            &edited(&world, |n, rule| {
                rule.source = AddressMatch::default();
                rule.destination = one(AddressRange::from(std::net::IpAddr::V4(Ipv4Addr::from(
                    0x0a00_0000 + n,
                ))));
                rule.services = vec![tcp(443)];
            }),
        );
        // One group of the index, and nothing covers anything: the most there is to compare.
        measure(
            "ports",
            &edited(&world, |n, rule| {
                (rule.source, rule.destination) = Default::default();
                (rule.from, rule.to) = (ravelin_model::ZoneMatch::Any, ravelin_model::ZoneMatch::Any);
                rule.services = vec![tcp(u16::try_from(n % 65_536).expect("less"))];
                rule.services.push(tcp(u16::try_from(n / 65_536).expect("less")));
            }),
        );
        measure(
            "nested",
            &edited(&world, |n, rule| {
                let bits = 32 - n % 25;
                let net = ipnet::Ipv4Net::new(Ipv4Addr::from(n << 8), u8::try_from(bits).expect("less"))
                    .expect("a length");
                rule.destination = one(AddressRange::from(ipnet::IpNet::V4(net.trunc())));
            }),
        );
    }
}

fn measure(name: &str, world: &World) {
    let (mut resolved, mut diagnosed) = (Duration::ZERO, Duration::ZERO);
    let mut said = 0;
    for _ in 0..RUNS {
        let start = processor_time();
        let ruleset = Ruleset::resolve(
            &world.policy,
            Revision(1),
            &world.inventory,
            &world.lists,
            world.now,
        )
        .ruleset;
        resolved += processor_time() - start;
        let start = processor_time();
        let diagnosis = diagnose(&world.policy, &ruleset, &world.lists, world.now);
        diagnosed += processor_time() - start;
        said = diagnosis.diagnostics.len() + diagnosis.more;
    }
    let (resolved, diagnosed) = (resolved / RUNS, diagnosed / RUNS);
    let rules = world.policy.rules.len();
    println!(
        "{rules} {name} rules: resolved in {resolved:?}, diagnosed in {diagnosed:?} ({said} diagnostics)"
    );
}

/// What this thread has had of the processor: the box may be busy with other things too.
fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a kernel with schedstat");
    let nanoseconds = statistics
        .split_whitespace()
        .next()
        .and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.expect("nanoseconds come first"))
}

fn edited(world: &World, edit: impl Fn(u32, &mut RuleSpec)) -> World {
    let mut world = world.clone();
    for (n, rule) in (0..).zip(&mut world.policy.rules) {
        edit(n, &mut Arc::make_mut(rule).spec);
    }
    world
}

fn one(range: AddressRange) -> AddressMatch {
    AddressMatch {
        addresses: vec![range],
        ..AddressMatch::default()
    }
}

fn tcp(port: u16) -> ServiceMatch {
    ServiceMatch::Entry(ServiceEntry {
        protocol: Some(protocol::TCP),
        source_ports: Vec::new(),
        destination_ports: PortRange::new(port, port).into_iter().collect(),
        icmp_types: Vec::new(),
    })
}
