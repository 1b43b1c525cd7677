//! A box between two networks, a policy, and connections as conntrack would have them.
//!
//! ```text
//! lan0 10.1.0.1/16, fd01::1/64 ── box ── wan0 198.51.100.1/24, 2001:db8:f::1/64, default route
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ravelin_compile::{
    AddressTerm, CounterId, Judge, Line, Origin, PairDefault, ResolvedZone, Ruleset, fixed_counter,
};
use ravelin_datapath::{FlowTimeouts, simulate_cache};
use ravelin_flows::live::{FlowPage, FlowQuery, FlowSort, FlowView};
use ravelin_flows::{FlowsHandle, Parts};
use ravelin_kernel::{Conntrack, Link, Links, NewConnection};
use ravelin_model::{
    Action, ConnectionStatus, FlowFilter, FlowSettings, FlowTuple, PortRange, Revision, ServiceEntry,
    TcpState, ZoneNumber, protocol,
};
use ravelin_store::Store;
use ravelin_test_harness::{Namespace, privileged};
use tokio::sync::watch;

/// Counters of the rules, and their ids `rul_…`.
pub const WEB: CounterId = 100;
pub const DNS: CounterId = 101;
pub const PUBLISHED: CounterId = 102;

/// Seconds until connections made here are forgotten.
pub const TIMEOUT: u32 = 900;

pub struct World {
    pub flows: FlowsHandle,
    pub judge: watch::Sender<Option<Arc<Judge>>>,
    pub links: Vec<Link>,
    _links: Links,
    pub settings: watch::Sender<FlowSettings>,
    _timeouts: watch::Sender<FlowTimeouts>,
}

/// Runs a test on threads of a namespace of its own.
pub fn run<F: Future<Output = ()>>(test: impl FnOnce(World) -> F + Send) {
    if !privileged("netns") {
        return;
    }
    let namespace = Namespace::new("live");
    for (name, addresses) in [
        ("lan0", ["10.1.0.1/16", "fd01::1/64"]),
        ("wan0", ["198.51.100.1/24", "2001:db8:f::1/64"]),
    ] {
        let far = name.replace('0', "1");
        namespace.ip(&format!("link add {name} type veth peer name {far}"));
        namespace.ip(&format!("link set {far} up"));
        for address in addresses {
            namespace.ip(&format!("address add {address} dev {name}"));
        }
        namespace.ip(&format!("link set {name} up"));
    }
    namespace.write_sysctl("ipv4/ip_forward", "1");
    namespace.write_sysctl("ipv6/conf/all/forwarding", "1");
    namespace.ip("route add default via 198.51.100.254");
    namespace.ip("-6 route add default via 2001:db8:f::fe");
    namespace.ip("route add unreachable 192.0.2.0/24");
    namespace.within(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("runtime");
        runtime.block_on(async { test(World::new().await).await });
    });
}

impl World {
    async fn new() -> Self {
        let links = Links::open().await.expect("links");
        let known = links.watch().borrow().to_vec();
        let longest = Duration::from_secs(3600);
        let (timeouts, timeouts_receiver) = watch::channel(FlowTimeouts {
            tcp_established: longest,
            tcp_transitory: longest,
            udp: longest,
            other: longest,
        });
        let (settings, settings_receiver) = watch::channel(FlowSettings::default());
        let (judge, judge_receiver) = watch::channel(None);
        let (flows, _) = ravelin_flows::spawn(Parts {
            table: None,
            timeouts: timeouts_receiver,
            cache: Some(simulate_cache(4096)),
            links: links.watch(),
            settings: settings_receiver,
            judge: judge_receiver,
            store: Store::in_memory().await.expect("store"),
            conntrack: true,
            event_buffer_bytes: 8 << 20,
        });
        Self {
            flows,
            judge,
            links: known,
            _links: links,
            settings,
            _timeouts: timeouts,
        }
    }

    /// Kernel index of a link.
    pub fn index(&self, name: &str) -> u32 {
        let link = self.links.iter().find(|link| link.name == name);
        link.expect("a link of the rig").index
    }

    /// From `lan` to `wan` TCP to port 443 and UDP to port 53, from `wan` to `lan` TCP to port 80; everything from
    /// the box; nothing else. Rules that are not named are not there.
    pub fn policy(&self, rules: &[CounterId]) -> Arc<Judge> {
        let [local, lan, wan] = [1, 2, 3].map(|number| ZoneNumber::new(number).expect("zone"));
        let zone = |number, name: &str, interfaces: &[&str]| ResolvedZone {
            number,
            id: format!("zon_{name}").parse().expect("id"),
            name: name.to_owned(),
            interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
        };
        let zones = [
            zone(local, "local", &[]),
            zone(lan, "lan", &["lan0"]),
            zone(wan, "wan", &["wan0"]),
        ];
        let all = [
            (WEB, lan, wan, protocol::TCP, 443),
            (DNS, lan, wan, protocol::UDP, 53),
            (PUBLISHED, wan, lan, protocol::TCP, 80),
        ];
        let lines = all.into_iter().filter(|row| rules.contains(&row.0));
        let lines = lines.map(|(counter, from, to, protocol, port)| {
            Arc::new(Line {
                origin: Origin::Rule(format!("rul_{counter}").parse().expect("id")),
                counter,
                from: Some(from),
                to: Some(to),
                source: AddressTerm::default(),
                destination: AddressTerm::default(),
                services: vec![ServiceEntry {
                    protocol: Some(protocol),
                    source_ports: Vec::new(),
                    destination_ports: vec![PortRange::new(port, port).expect("port")],
                    icmp_types: Vec::new(),
                }],
                action: Action::Accept,
                log: false,
                rate_limit: None,
            })
        });
        let numbers = [local, lan, wan];
        let pairs = numbers.iter().flat_map(|from| numbers.map(|to| (*from, to)));
        let default = |(from, to): (ZoneNumber, ZoneNumber)| {
            let action = if from == local {
                Action::Accept
            } else {
                Action::Drop
            };
            let pair = PairDefault {
                origin: Origin::UnwrittenPair,
                counter: fixed_counter::UNWRITTEN_PAIR,
                action,
                log: false,
            };
            ((from, to), pair)
        };
        let ruleset = Ruleset {
            revision: Revision(1),
            zones: zones.into_iter().map(|zone| (zone.number, zone)).collect(),
            lines: lines.collect(),
            left_out: Vec::new(),
            defaults: pairs.map(default).collect(),
            lists: BTreeMap::new(),
            translations: Vec::new(),
            dnat: Vec::new(),
            zone_of_interface: BTreeMap::from([(self.index("lan0"), lan), (self.index("wan0"), wan)]),
            pinned: BTreeMap::new(),
        };
        Arc::new(Judge::new(Arc::new(ruleset), None))
    }

    /// Everything that fits a filter, in the order of ids.
    pub async fn list(&self, filter: FlowFilter) -> Vec<FlowView> {
        let query = FlowQuery {
            filter,
            sort: FlowSort::Name,
            descending: true,
            after: None,
            limit: 1000,
        };
        let FlowPage { items, next, matched } = self.flows.flows(query).await.expect("page");
        assert!(next.is_none());
        assert_eq!(matched, items.len() as u64);
        items
    }
}

/// `10.1.0.7:40000`, `[fd01::7]:40000`.
pub fn tuple(protocol: u8, source: &str, destination: &str) -> FlowTuple {
    let [source, destination]: [std::net::SocketAddr; 2] =
        [source, destination].map(|text| text.parse().expect("address and port"));
    FlowTuple {
        source: source.ip(),
        destination: destination.ip(),
        protocol,
        source_port: source.port(),
        destination_port: destination.port(),
    }
}

/// A connection that goes both ways for a while.
pub fn connection(original: FlowTuple, mark: u32) -> NewConnection {
    NewConnection {
        original,
        reply: original.inverted(),
        zone: 0,
        status: ConnectionStatus(ConnectionStatus::SEEN_REPLY | ConnectionStatus::ASSURED),
        mark,
        timeout_seconds: TIMEOUT,
        tcp_state: (original.protocol == protocol::TCP).then_some(TcpState::Established),
    }
}

/// The same behind a translation.
pub fn translated(original: FlowTuple, reply: FlowTuple, mark: u32) -> NewConnection {
    NewConnection {
        reply,
        ..connection(original, mark)
    }
}

/// One of each kind, named.
pub fn kinds() -> BTreeMap<&'static str, NewConnection> {
    const TCP: u8 = protocol::TCP;
    const UDP: u8 = protocol::UDP;
    BTreeMap::from([
        (
            "web",
            translated(
                tuple(TCP, "10.1.0.7:40000", "203.0.113.7:443"),
                tuple(TCP, "203.0.113.7:443", "198.51.100.1:40000"),
                WEB,
            ),
        ),
        (
            "web6",
            connection(tuple(TCP, "[fd01::7]:40000", "[2001:db8:7::7]:443"), WEB),
        ),
        (
            "dns",
            connection(tuple(UDP, "10.1.0.8:5353", "203.0.113.53:53"), DNS),
        ),
        (
            "published",
            translated(
                tuple(TCP, "203.0.113.9:50000", "198.51.100.1:8080"),
                tuple(TCP, "10.1.0.80:80", "203.0.113.9:50000"),
                PUBLISHED,
            ),
        ),
        (
            "shell",
            connection(tuple(TCP, "203.0.113.10:50001", "198.51.100.1:22"), 0),
        ),
        (
            "own",
            connection(tuple(UDP, "198.51.100.1:123", "203.0.113.123:123"), 0),
        ),
        (
            "itself",
            connection(tuple(TCP, "127.0.0.1:6000", "127.0.0.1:7000"), 0),
        ),
        (
            "lost",
            connection(tuple(UDP, "10.1.0.9:9000", "192.0.2.9:9000"), DNS),
        ),
    ])
}

/// Makes connections.
pub fn make<'a>(connections: impl IntoIterator<Item = &'a NewConnection>) {
    let connections: Vec<NewConnection> = connections.into_iter().copied().collect();
    let made = Conntrack::open().expect("conntrack").create(&connections);
    assert_eq!(made.expect("create"), connections.len());
}

/// The connection as it is now.
pub fn now(of: &NewConnection) -> Option<ravelin_model::Connection> {
    let mut conntrack = Conntrack::open().expect("conntrack");
    conntrack.get(&of.original, of.zone).expect("get")
}
