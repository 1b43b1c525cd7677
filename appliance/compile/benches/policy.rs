//! What a policy costs to compile, what its images take, and how far a packet has to go in them.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use ravelin_compile::generate::{Random, Shape, World, packet};
use ravelin_compile::{AddressSet, ImageReader, ListAddresses, PolicyImages, Ruleset};
use ravelin_model::{
    Action, AddressMatch, AddressRange, Object, PortRange, Revision, RuleSpec, ServiceEntry, ServiceMatch,
    ZoneMatch, protocol,
};
use rustix::time::{ClockId, clock_gettime};

const RUNS: usize = 5;
const MIB: usize = 1 << 20;

/// How the addresses of rules are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Addresses {
    V4,
    V6,
    /// Half of the rules each.
    Both,
    /// The same, and every tenth side is several addresses.
    Groups,
}

/// A policy as administrators write them: hosts and networks of a few sites, well-known services, few wildcards.
struct Maker<'a> {
    random: &'a mut Random,
    addresses: Addresses,
    zones: Vec<ravelin_model::ZoneId>,
}

impl Maker<'_> {
    fn rule(&mut self, n: usize) -> Object<RuleSpec> {
        let v6 = match self.addresses {
            Addresses::V4 => false,
            Addresses::V6 => true,
            _ => self.random.once_in(2),
        };
        let spec = RuleSpec {
            name: format!("rule {n}").parse().expect("a name"),
            enabled: true,
            from: self.zone(),
            to: self.zone(),
            source: self.side(v6, 4),
            destination: self.side(v6, 12),
            services: self.services(),
            action: *self
                .random
                .of(&[Action::Accept, Action::Accept, Action::Drop, Action::Reject]),
            log: false,
            rate_limit: None,
            schedule: None,
            expires_at: None,
            comment: String::new(),
            tags: BTreeSet::new(),
        };
        Object {
            id: format!("rul_{n}").parse().expect("an id"),
            number: u32::try_from(n + 1000).expect("few"),
            spec,
            updated_at: time::OffsetDateTime::UNIX_EPOCH,
            revision: Revision(1),
        }
    }

    fn zone(&mut self) -> ZoneMatch {
        if self.random.once_in(6) {
            ZoneMatch::Any
        } else {
            ZoneMatch::Zone(self.random.of(&self.zones).clone())
        }
    }

    fn side(&mut self, v6: bool, any_once_in: usize) -> AddressMatch {
        let mut side = AddressMatch::default();
        if !self.random.once_in(any_once_in) {
            let several = self.addresses == Addresses::Groups && self.random.once_in(10);
            let count = if several { self.random.below(8) + 2 } else { 1 };
            side.addresses.extend((0..count).map(|_| self.prefix(v6)));
        }
        side
    }

    fn prefix(&mut self, v6: bool) -> AddressRange {
        let bits = *self
            .random
            .of(&[8, 16, 16, 20, 24, 24, 24, 24, 24, 26, 28, 32, 32, 32, 32, 32]);
        let net = if v6 {
            let site = u128::from(self.random.below(32) as u64);
            let rest = self.random.wide() >> 40;
            let bits = [32, 40, 48, 56, 64, 64, 64, 128][(bits / 4) as usize - 1];
            IpNet::new(Ipv6Addr::from(0x2001_0db8 << 96 | site << 88 | rest).into(), bits)
        } else {
            let site = *self
                .random
                .of(&[0x0a00_0000, 0x0a00_0000, 0xac10_0000, 0xc0a8_0000, 0xc633_0000]);
            let address = if self.random.once_in(5) {
                self.random.word()
            } else {
                site | self.random.word() & 0x000f_ffff
            };
            IpNet::new(IpAddr::from(Ipv4Addr::from(address)), bits)
        };
        net.expect("a length of the family").trunc().into()
    }

    fn services(&mut self) -> Vec<ServiceMatch> {
        let known = [
            22, 25, 53, 80, 123, 143, 389, 443, 445, 636, 993, 1433, 3306, 3389, 5432, 6443, 8080, 8443,
        ];
        let one = |port| PortRange::new(port, port).expect("a port");
        let ports = match self.random.below(10) {
            0 => {
                let first = self.random.short() / 2;
                vec![PortRange::new(first, first + self.random.short() / 8).expect("in order")]
            }
            1 | 2 => vec![one(self.random.short())],
            3 => vec![one(*self.random.of(&known)), one(*self.random.of(&known))],
            _ => vec![one(*self.random.of(&known))],
        };
        let number = match self.random.below(20) {
            0 => return Vec::new(),
            1 => {
                return vec![
                    entry(protocol::ICMP, Vec::new()),
                    entry(protocol::ICMPV6, Vec::new()),
                ];
            }
            2..6 => protocol::UDP,
            _ => protocol::TCP,
        };
        vec![entry(number, ports)]
    }
}

fn entry(number: u8, destination_ports: Vec<PortRange>) -> ServiceMatch {
    ServiceMatch::Entry(ServiceEntry {
        protocol: Some(number),
        source_ports: Vec::new(),
        destination_ports,
        icmp_types: Vec::new(),
    })
}

fn world(random: &mut Random, rules: usize, addresses: Addresses) -> World {
    let shape = Shape {
        zones: 6,
        rules: 0,
        lists: 0,
        list_ranges: 0,
        services: 0,
        nat_rules: 6,
        published_services: 3,
    };
    let mut world = World::new(random, &shape);
    let zones = world.policy.zones.keys().cloned().collect();
    let mut maker = Maker {
        random,
        addresses,
        zones,
    };
    world.policy.rules = (0..rules).map(|n| Arc::new(maker.rule(n))).collect();
    world
}

/// Time of the processor the best of some runs took: others use the machine too.
fn timed<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut best = Duration::MAX;
    let mut last = None;
    for _ in 0..RUNS {
        let start = processor_time();
        last = Some(run());
        best = best.min(processor_time() - start);
    }
    (best, last.expect("ran"))
}

fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(now).expect("not before the start")
}

fn bar(what: &str, is_met: bool) {
    println!("    {}: {what}", if is_met { "met" } else { "MISSED" });
}

fn bytes(images: &PolicyImages) -> usize {
    images.policy.bytes().len() + images.classes.bytes().len()
}

/// Prints what the images of a ruleset are; the time to make them.
fn measure(name: &str, random: &mut Random, ruleset: &Ruleset) -> Option<(Duration, PolicyImages)> {
    let (time, images) = timed(|| PolicyImages::build(ruleset, None));
    let images = match images {
        Ok(images) => images,
        Err(error) => {
            println!("{name}: refused after {time:.1?}: {error}");
            return None;
        }
    };
    let sizes = images.sizes;
    #[expect(clippy::cast_precision_loss, reason = "ratios")]
    let copies = sizes.copies as f64 / sizes.boxes.max(1) as f64;
    println!(
        "{name}: compile {time:.1?}, {} KiB; {} boxes, copies x{copies:.2}, {} nodes, depth {}, {} terms, {} classes",
        bytes(&images) / 1024,
        sizes.boxes,
        sizes.nodes,
        sizes.depth,
        sizes.terms,
        sizes.classes,
    );
    let reader = ImageReader::new(&images);
    let mut nodes: Vec<usize> = Vec::new();
    let mut boxes: Vec<usize> = Vec::new();
    for _ in 0..20_000 {
        let (_, steps) = reader.trace(&packet(random, ruleset));
        nodes.push(steps.nodes);
        boxes.push(steps.boxes);
    }
    let tell = |counts: &mut Vec<usize>| {
        counts.sort_unstable();
        let mean = counts.iter().sum::<usize>() / counts.len();
        format!(
            "mean {mean}, 99 % {}, most {}",
            counts[counts.len() * 99 / 100],
            counts[counts.len() - 1]
        )
    };
    println!(
        "    a packet: nodes {}; boxes {}",
        tell(&mut nodes),
        tell(&mut boxes)
    );
    Some((time, images))
}

fn realistic(random: &mut Random) {
    for addresses in [Addresses::V4, Addresses::V6, Addresses::Both, Addresses::Groups] {
        for rules in [10, 100, 1000, 10_000, 100_000] {
            let world = world(random, rules, addresses);
            let (resolve, ruleset) = timed(|| world.resolve());
            let name = format!("{addresses:?}, {rules} rules: resolve {resolve:.1?}");
            let Some((compile, images)) = measure(&name, random, &ruleset) else {
                continue;
            };
            let (time, size) = match rules {
                10_000 => (Duration::from_millis(60), MIB),
                100_000 => (Duration::from_secs(1), 20 * MIB),
                _ => continue,
            };
            bar(
                &format!("resolve and compile within {time:?}"),
                resolve + compile <= time,
            );
            bar(&format!("at most {} MiB", size / MIB), bytes(&images) <= size);
        }
    }
}

/// Rules that are hard to tell apart.
fn hard(random: &mut Random) {
    let count = 10_000;
    let mut change = |name: &str, change: &mut dyn FnMut(&mut Random, usize, &mut RuleSpec)| {
        let mut world = world(random, count, Addresses::V4);
        for (n, rule) in world.policy.rules.iter_mut().enumerate() {
            change(random, n, &mut Arc::make_mut(rule).spec);
        }
        let ruleset = world.resolve();
        measure(name, random, &ruleset);
    };
    let any = AddressMatch::default;
    change("hard: nothing but wildcards", &mut |_, _, rule| {
        (rule.source, rule.destination, rule.services) = (any(), any(), Vec::new());
        (rule.from, rule.to) = (ZoneMatch::Any, ZoneMatch::Any);
    });
    change("hard: one prefix, different ports", &mut |_, n, rule| {
        let port = u16::try_from(n).expect("fewer than ports");
        (rule.source, rule.destination) = (any(), side("10.1.2.3/32"));
        rule.services = vec![entry(
            protocol::TCP,
            vec![PortRange::new(port, port).expect("one")],
        )];
    });
    change(
        "hard: wide ranges of ports on both sides",
        &mut |random, _, rule| {
            (rule.source, rule.destination) = (any(), any());
            (rule.from, rule.to) = (ZoneMatch::Any, ZoneMatch::Any);
            let mut range = || {
                let (one, other) = (random.short(), random.short());
                PortRange::new(one.min(other), one.max(other)).expect("in order")
            };
            rule.services = vec![ServiceMatch::Entry(ServiceEntry {
                protocol: Some(protocol::TCP),
                source_ports: vec![range()],
                destination_ports: vec![range()],
                icmp_types: Vec::new(),
            })];
        },
    );
    change(
        "hard: a cross of hosts to anywhere and anywhere to hosts",
        &mut |random, n, rule| {
            let host = side(&Ipv4Addr::from(random.word()).to_string());
            (rule.source, rule.destination) = if n % 2 == 0 { (host, any()) } else { (any(), host) };
            (rule.from, rule.to, rule.services) = (ZoneMatch::Any, ZoneMatch::Any, Vec::new());
        },
    );
    change("hard: prefixes in prefixes", &mut |random, n, rule| {
        let bits = u8::try_from(n % 33).expect("a length");
        let mut nested = |address: u32| {
            let at = address ^ random.word() & 0xff;
            let net = IpNet::new(IpAddr::from(Ipv4Addr::from(at)), bits).expect("a length");
            AddressMatch {
                addresses: vec![net.trunc().into()],
                ..any()
            }
        };
        (rule.source, rule.destination) = (nested(0x0a01_0203), nested(0xc0a8_0101));
    });
    change(
        "hard: every rule has groups of its own",
        &mut |random, _, rule| {
            let mut group = || AddressMatch {
                addresses: (0..5)
                    .map(|_| IpAddr::from(Ipv4Addr::from(random.word())).into())
                    .collect(),
                ..any()
            };
            (rule.source, rule.destination) = (group(), group());
        },
    );
    change("hard: groups that share their hosts", &mut |random, _, rule| {
        let mut group = || AddressMatch {
            addresses: (0..20)
                .map(|_| IpAddr::from(Ipv4Addr::from(0x0a00_0000 | random.word() & 0x7ff)).into())
                .collect(),
            ..any()
        };
        (rule.source, rule.destination) = (group(), group());
    });
    change("hard: every rule but for a group", &mut |random, _, rule| {
        rule.source = AddressMatch {
            addresses: (0..5)
                .map(|_| IpAddr::from(Ipv4Addr::from(random.word())).into())
                .collect(),
            negate: true,
            ..any()
        };
    });
}

fn side(address: &str) -> AddressMatch {
    AddressMatch {
        addresses: vec![address.parse().expect("a range")],
        ..AddressMatch::default()
    }
}

/// A rule with a list of a million prefixes.
fn large_list(random: &mut Random) {
    let mut world = world(random, 10_000, Addresses::Groups);
    let mut prefix = |n: u32| -> AddressRange {
        let net = if n.is_multiple_of(4) {
            let address = 0x2001_0db8 << 96 | random.wide() >> 40 << 8;
            IpNet::new(IpAddr::from(Ipv6Addr::from(address)), 64)
        } else {
            IpNet::new(IpAddr::from(Ipv4Addr::from(random.word())), 32)
        };
        net.expect("a length of the family").trunc().into()
    };
    let list = AddressSet::new((0..1_000_000).map(&mut prefix));
    let id: ravelin_model::ListId = "lst_1".parse().expect("an id");
    world.lists.insert(
        id.clone(),
        ListAddresses {
            number: 1,
            addresses: Arc::new(list),
        },
    );
    let first = Arc::make_mut(&mut world.policy.rules[0]);
    (first.spec.source, first.spec.destination) = (AddressMatch::default(), AddressMatch::default());
    first.spec.source.lists = vec![id];
    let ruleset = world.resolve();
    let Some((time, images)) = measure("Groups, 10000 rules, a list of 1000000", random, &ruleset) else {
        return;
    };
    bar(
        "a list of a million within 0.5 s",
        time <= Duration::from_millis(500),
    );
    world.policy.rules.swap(1, 2);
    let ruleset = world.resolve();
    let (time, edited) = timed(|| PolicyImages::build(&ruleset, Some(&images)).expect("as before"));
    println!("    after a change of rules: {time:.1?}");
    bar(
        "a change of rules does not pay for it again",
        Arc::ptr_eq(&edited.classes, &images.classes),
    );
}

fn main() {
    let mut random = Random::new(7);
    realistic(&mut random);
    hard(&mut random);
    large_list(&mut random);
}
