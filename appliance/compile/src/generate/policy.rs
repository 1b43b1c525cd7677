//! Random policies.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use ravelin_model::{
    Action, AddressMatch, AddressRange, Day, Dnat, IcmpType, Id, Kind, LOCAL_ZONE, ListId, MinuteOfDay,
    NatRuleSpec, Object, ObjectName, Policy, PortRange, PublishedAddress, PublishedServiceSpec, RateLimit,
    RateLimitScope, Revision, RuleSpec, Schedule, ServiceEntry, ServiceId, ServiceMatch, ServiceSpec,
    Translation, ZoneId, ZoneMatch, ZoneNumber, ZonePairSpec, ZoneSpec, protocol,
};
use time::{Duration, OffsetDateTime};

use super::Random;
use super::address::Places;
use crate::{AddressSet, Inventory, InventoryInterface, ListAddresses, Lists, Ruleset, fixed_counter};

/// How large a policy shall be.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Zones beside `local`, at most 62. Each gets one or two interfaces.
    pub zones: usize,
    /// Rules, in force or not.
    pub rules: usize,
    /// Lists rules may name.
    pub lists: usize,
    /// Most ranges of a list.
    pub list_ranges: usize,
    /// Named services.
    pub services: usize,
    /// NAT rules of every kind.
    pub nat_rules: usize,
    /// Published services.
    pub published_services: usize,
}

impl Shape {
    /// So many rules, and of everything else as much as goes with it.
    pub fn rules(rules: usize) -> Self {
        Self {
            zones: 4,
            rules,
            lists: 4,
            list_ranges: 40,
            services: 6,
            nat_rules: 6,
            published_services: 3,
        }
    }
}

/// A policy with all that [`Ruleset::resolve`] asks for. Its parts may be changed at will before that.
#[derive(Debug, Clone)]
pub struct World {
    /// The policy.
    pub policy: Policy,
    /// Interfaces `gen0`, `gen1` … with kernel indices from 100 on and addresses of both families. The last one is
    /// in no zone.
    pub inventory: Inventory,
    /// Lists, some of them empty.
    pub lists: Lists,
    /// The moment schedules and expiries lie about.
    pub now: OffsetDateTime,
}

/// 2026-11-20 13:40 in Vienna, a Friday.
const NOW: i64 = 1_795_178_400;

const PORTS: [u16; 10] = [0, 1, 22, 53, 80, 443, 1024, 8080, 32768, u16::MAX];

const PROTOCOLS: [u8; 10] = [
    protocol::TCP,
    protocol::TCP,
    protocol::UDP,
    protocol::SCTP,
    protocol::ICMP,
    protocol::ICMPV6,
    protocol::GRE,
    protocol::ESP,
    0,
    255,
];

impl World {
    /// A random policy of this shape.
    pub fn new(random: &mut Random, shape: &Shape) -> Self {
        let mut maker = Maker {
            places: Places::new(random, shape.rules / 4 + 4),
            random,
            wide_once_in: (shape.rules / 16).max(3),
            next_counter: fixed_counter::FIRST_FREE,
            zones: Vec::new(),
            services: Vec::new(),
            lists: Vec::new(),
        };
        maker.world(shape)
    }

    /// What of the policy is in force.
    pub fn resolve(&self) -> Ruleset {
        Ruleset::resolve(&self.policy, Revision(1), &self.inventory, &self.lists, self.now).ruleset
    }
}

struct Maker<'a> {
    random: &'a mut Random,
    places: Places,
    /// How rarely a side of a rule is all addresses. Large policies of wide rules would end with the first few.
    wide_once_in: usize,
    next_counter: u32,
    zones: Vec<ZoneId>,
    services: Vec<ServiceId>,
    lists: Vec<ListId>,
}

impl Maker<'_> {
    fn world(&mut self, shape: &Shape) -> World {
        let (zones, inventory) = self.zones(shape.zones);
        let services = keyed((0..shape.services).map(|n| {
            let count = self.random.below(3) + 1;
            let spec = ServiceSpec {
                name: name("service", n),
                description: String::new(),
                entries: (0..count).map(|_| self.service_entry()).collect(),
            };
            object(n, 0, spec)
        }));
        self.services = services.keys().cloned().collect();
        let lists = self.lists(shape);
        let policy = Policy {
            interface_settings: BTreeMap::new(),
            zones,
            zone_pairs: self.zone_pairs(),
            rules: (0..shape.rules).map(|n| Arc::new(self.rule(n))).collect(),
            services,
            nat_rules: (0..shape.nat_rules).map(|n| Arc::new(self.nat_rule(n))).collect(),
            published_services: keyed((0..shape.published_services).map(|n| self.published_service(n))),
            routes: BTreeMap::new(),
            policy_routes: BTreeMap::new(),
            dns_servers: BTreeMap::new(),
        };
        World {
            policy,
            inventory,
            lists,
            now: now(),
        }
    }

    fn counter(&mut self) -> u32 {
        let counter = self.next_counter;
        self.next_counter += 1;
        counter
    }

    fn zones(&mut self, count: usize) -> (BTreeMap<ZoneId, Arc<Object<ZoneSpec>>>, Inventory) {
        let zone = |id: ZoneId, number: u32, interfaces: BTreeSet<String>, management| {
            let spec = ZoneSpec {
                name: parsed(&format!("zone {number}")),
                description: String::new(),
                interfaces,
                management,
            };
            Arc::new(Object {
                id,
                number,
                spec,
                updated_at: now(),
                revision: Revision(1),
            })
        };
        let local: ZoneId = parsed(LOCAL_ZONE);
        let number = u32::from(ZoneNumber::LOCAL.get());
        let mut zones =
            BTreeMap::from([(local.clone(), zone(local.clone(), number, BTreeSet::new(), false))]);
        let mut inventory = Inventory {
            interfaces: Vec::new(),
            pinned: BTreeMap::new(),
            management_ports: if self.random.once_in(4) {
                Vec::new()
            } else {
                vec![22, 8443]
            },
        };
        let mut free: Vec<u32> = (2..=u32::from(ZoneNumber::MAX)).collect();
        for _ in 0..count {
            let number = free.swap_remove(self.random.below(free.len()));
            let names = (0..=self.random.below(2))
                .map(|_| self.interface(&mut inventory))
                .collect();
            let id: ZoneId = parsed(&format!("zon_{number}"));
            let management = self.random.once_in(3);
            zones.insert(id.clone(), zone(id, number, names, management));
        }
        self.interface(&mut inventory);
        self.zones = zones.keys().cloned().collect();
        (zones, inventory)
    }

    fn interface(&mut self, inventory: &mut Inventory) -> String {
        let n = u32::try_from(inventory.interfaces.len()).expect("few");
        let name = format!("gen{n}");
        let net = |address, bits| IpNet::new(address, bits).expect("a length of the family");
        inventory.interfaces.push(InventoryInterface {
            name: name.clone(),
            index: 100 + n,
            addresses: vec![
                net(self.places.address(self.random, false), 24),
                net(self.places.address(self.random, true), 64),
            ],
        });
        name
    }

    fn lists(&mut self, shape: &Shape) -> Lists {
        let lists: Lists = (1..=u32::try_from(shape.lists).expect("few"))
            .map(|number| {
                let count = self.random.below(shape.list_ranges + 1);
                let ranges: Vec<AddressRange> = (0..count).map(|_| self.range(true)).collect();
                let addresses = ListAddresses {
                    number,
                    addresses: Arc::new(AddressSet::new(ranges)),
                };
                (parsed(&format!("lst_{number}")), addresses)
            })
            .collect();
        self.lists = lists.keys().cloned().collect();
        lists
    }

    fn zone_pairs(&mut self) -> BTreeMap<Id<ZonePairSpec>, Arc<Object<ZonePairSpec>>> {
        let mut pairs = Vec::new();
        for from in self.zones.clone() {
            for to in self.zones.clone() {
                if self.random.once_in(2) {
                    let spec = ZonePairSpec {
                        from: from.clone(),
                        to,
                        default_action: *self.random.of(&Action::ALL),
                        log: self.random.once_in(3),
                    };
                    pairs.push(object(pairs.len(), self.counter(), spec));
                }
            }
        }
        keyed(pairs)
    }

    fn rule(&mut self, n: usize) -> Object<RuleSpec> {
        let spec = RuleSpec {
            name: name("rule", n),
            enabled: !self.random.once_in(20),
            from: self.zone_match(),
            to: self.zone_match(),
            source: self.address_match(),
            destination: self.address_match(),
            services: self.service_matches(),
            action: *self.random.of(&Action::ALL),
            log: self.random.once_in(3),
            rate_limit: self.random.once_in(12).then(|| self.rate_limit()),
            schedule: self.random.once_in(12).then(|| self.schedule()),
            expires_at: self
                .random
                .once_in(15)
                .then(|| now() + Duration::minutes(i64::from(self.random.within(0..=4)) - 2)),
            comment: String::new(),
            tags: BTreeSet::new(),
        };
        object(n, self.counter(), spec)
    }

    fn rate_limit(&mut self) -> RateLimit {
        RateLimit {
            rate: self.random.within(1..=1000),
            per: *self.random.of(&[RateLimitScope::Rule, RateLimitScope::Source]),
            burst: self.random.within(1..=100),
        }
    }

    fn schedule(&mut self) -> Schedule {
        let mut days: BTreeSet<Day> = Day::ALL.into_iter().filter(|_| self.random.once_in(2)).collect();
        days.insert(*self.random.of(&Day::ALL));
        Schedule {
            days,
            from: self.minute(),
            to: self.minute(),
            timezone: (*self
                .random
                .of(&["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "UTC"]))
            .to_owned(),
        }
    }

    fn minute(&mut self) -> MinuteOfDay {
        let minute = self.random.of(&[0, 15, 59]);
        MinuteOfDay::new(self.random.byte() % 24, *minute).expect("a minute of the day")
    }

    fn zone_match(&mut self) -> ZoneMatch {
        if self.random.once_in(4) {
            ZoneMatch::Any
        } else {
            ZoneMatch::Zone(self.zone())
        }
    }

    fn zone(&mut self) -> ZoneId {
        self.random.of(&self.zones).clone()
    }

    fn range(&mut self, narrow: bool) -> AddressRange {
        let v6 = self.random.once_in(2);
        self.places.range(self.random, v6, narrow)
    }

    fn address_match(&mut self) -> AddressMatch {
        if self.random.once_in(self.wide_once_in) {
            return AddressMatch::default();
        }
        let narrow = !self.random.once_in(self.wide_once_in);
        let mut side = AddressMatch::default();
        match self.random.below(8) {
            0..4 => side.addresses.push(self.range(narrow)),
            4..6 => {
                let count = self.random.below(6) + 2;
                side.addresses.extend((0..count).map(|_| self.range(narrow)));
            }
            6 => side.lists.extend(self.list()),
            _ => {
                side.lists.extend(self.list());
                side.lists.extend(self.list());
                side.addresses.push(self.range(narrow));
            }
        }
        side.negate = !side.is_any() && self.random.once_in(self.wide_once_in.max(6));
        side
    }

    fn list(&mut self) -> Option<ListId> {
        (!self.lists.is_empty()).then(|| self.random.of(&self.lists).clone())
    }

    fn service_matches(&mut self) -> Vec<ServiceMatch> {
        if self.random.once_in(4) {
            return Vec::new();
        }
        (0..=self.random.below(3))
            .map(|_| {
                if self.random.once_in(4) && !self.services.is_empty() {
                    ServiceMatch::Named(self.random.of(&self.services).clone())
                } else {
                    ServiceMatch::Entry(self.service_entry())
                }
            })
            .collect()
    }

    fn service_entry(&mut self) -> ServiceEntry {
        let number = *self.random.of(&PROTOCOLS);
        let mut entry = ServiceEntry {
            protocol: (!self.random.once_in(12)).then_some(number),
            source_ports: Vec::new(),
            destination_ports: Vec::new(),
            icmp_types: Vec::new(),
        };
        match entry.protocol {
            Some(number) if protocol::has_ports(number) => {
                if self.random.once_in(5) {
                    entry.source_ports = self.ports();
                }
                if !self.random.once_in(5) {
                    entry.destination_ports = self.ports();
                }
            }
            Some(protocol::ICMP | protocol::ICMPV6) => {
                entry.icmp_types = (0..self.random.below(3))
                    .map(|_| IcmpType {
                        kind: *self.random.of(&[0, 3, 8, 128, 255]),
                        code: self.random.once_in(2).then(|| *self.random.of(&[0, 1, 255])),
                    })
                    .collect();
            }
            _ => {}
        }
        entry
    }

    fn ports(&mut self) -> Vec<PortRange> {
        (0..=self.random.below(3)).map(|_| self.port_range()).collect()
    }

    fn port_range(&mut self) -> PortRange {
        let first = *self.random.of(&PORTS);
        let last = match self.random.below(4) {
            0 => first.saturating_add(self.random.short() % 16),
            1 => (*self.random.of(&PORTS)).max(first),
            _ => first,
        };
        PortRange::new(first, last).expect("in order")
    }

    fn nat_rule(&mut self, n: usize) -> Object<NatRuleSpec> {
        let v6 = self.random.once_in(2);
        let translation = match self.random.below(4) {
            0 => Translation::Masquerade {
                to: self.zone(),
                source: self.ranges(v6),
            },
            1 => Translation::Snat {
                to: self.zone(),
                source: self.ranges(v6),
                destination: self.ranges(v6),
                address: self.places.address(self.random, v6),
                ports: None,
            },
            2 => Translation::Dnat(self.dnat(v6)),
            _ => {
                let bits = if v6 {
                    *self.random.of(&[48, 64, 128])
                } else {
                    *self.random.of(&[24, 30, 32])
                };
                let net =
                    |address: IpAddr| IpNet::new(address, bits).expect("a length of the family").trunc();
                Translation::OneToOne {
                    zone: self.outside_zone(),
                    external: net(self.places.address(self.random, v6)),
                    internal: net(self.places.address(self.random, v6)),
                    hairpin: self.random.once_in(2),
                }
            }
        };
        let spec = NatRuleSpec {
            name: name("translation", n),
            enabled: !self.random.once_in(10),
            translation,
            comment: String::new(),
        };
        object(n, 0, spec)
    }

    fn published_service(&mut self, n: usize) -> Object<PublishedServiceSpec> {
        let v6 = self.random.once_in(2);
        let spec = PublishedServiceSpec {
            name: name("published", n),
            enabled: !self.random.once_in(10),
            translation: self.dnat(v6),
            source: self.address_match(),
            log: self.random.once_in(2),
            comment: String::new(),
        };
        object(n, self.counter(), spec)
    }

    fn dnat(&mut self, v6: bool) -> Dnat {
        let address = self.places.address(self.random, v6);
        let number = *self.random.of(&PROTOCOLS);
        let number = (!self.random.once_in(5)).then_some(number);
        let ports = number
            .filter(|number| protocol::has_ports(*number) && !self.random.once_in(5))
            .map(|_| self.port_range());
        let target_port = ports.filter(|_| self.random.once_in(2)).map(|ports| {
            let room = u16::MAX - (ports.last() - ports.first());
            (*self.random.of(&PORTS)).clamp(1.min(room), room)
        });
        Dnat {
            from: if self.random.once_in(3) {
                ZoneMatch::Any
            } else {
                ZoneMatch::Zone(self.outside_zone())
            },
            address: if self.random.once_in(4) {
                PublishedAddress::Interface("gen0".to_owned())
            } else {
                PublishedAddress::Address(address)
            },
            protocol: number,
            ports,
            target: self.places.address(self.random, v6),
            target_port,
            hairpin: self.random.once_in(2),
        }
    }

    fn outside_zone(&mut self) -> ZoneId {
        let outside: Vec<&ZoneId> = self.zones.iter().filter(|id| id.as_str() != LOCAL_ZONE).collect();
        match outside.as_slice() {
            [] => self.zone(),
            outside => (*self.random.of(outside)).clone(),
        }
    }

    fn ranges(&mut self, v6: bool) -> Vec<AddressRange> {
        (0..self.random.below(3))
            .map(|_| self.places.range(self.random, v6, false))
            .collect()
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW).expect("in range")
}

fn name(kind: &str, n: usize) -> ObjectName {
    parsed(&format!("{kind} {n}"))
}

fn object<S: Kind>(n: usize, number: u32, spec: S) -> Object<S> {
    Object {
        id: parsed(&format!("{}{n:06}", S::PREFIX)),
        number,
        spec,
        updated_at: now(),
        revision: Revision(1),
    }
}

fn keyed<S: Kind>(objects: impl IntoIterator<Item = Object<S>>) -> BTreeMap<Id<S>, Arc<Object<S>>> {
    objects
        .into_iter()
        .map(|object| (object.id.clone(), Arc::new(object)))
        .collect()
}

fn parsed<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("well formed")
}
