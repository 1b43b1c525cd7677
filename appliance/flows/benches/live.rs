//! What it costs to run a policy of 10,000 rules over live connections, and to show a page of them. Needs root. Names
//! of parts as arguments choose: `judge`, `list`. Medians of several rounds; only ratios travel.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_compile::{
    AddressSet, AddressTerm, Judge, Line, Origin, PairDefault, PolicyImages, ResolvedZone, Ruleset,
    fixed_counter,
};
use ravelin_datapath::FlowTimeouts;
use ravelin_flows::live::{FlowQuery, FlowSort};
use ravelin_flows::{FlowsHandle, Parts};
use ravelin_kernel::{Conntrack, Links, NewConnection};
use ravelin_model::{
    Action, AddressRange, ConnectionStatus, FlowFilter, FlowSettings, FlowTuple, PortRange, Revision,
    ServiceEntry, TcpState, ZoneNumber, protocol,
};
use ravelin_store::Store;
use ravelin_test_harness::{Namespace, privileged};
use tokio::sync::watch;

const RULES: u32 = 10_000;
const JUDGED: u32 = 100_000;
const LISTED: u32 = 200_000;
const ROUNDS: usize = 5;

fn main() {
    if !privileged("netns") {
        return;
    }
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with("--"))
        .collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|chosen| chosen == name);
    for (name, connections) in [("judge", JUDGED), ("list", LISTED)] {
        if !wanted(name) {
            continue;
        }
        let namespace = namespace();
        namespace.within(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("runtime");
            runtime.block_on(async {
                let world = World::new().await;
                make(connections);
                match name {
                    "judge" => judge(&world).await,
                    _ => list(&world).await,
                }
                end(connections);
            });
        });
    }
}

fn namespace() -> Namespace {
    let namespace = Namespace::new("bench");
    for (name, far, v4, v6) in [
        ("lan0", "lan1", "10.0.0.1/8", "fd01::1/64"),
        ("wan0", "wan1", "198.51.100.1/24", "2001:db8:f::1/64"),
    ] {
        namespace.ip(&format!("link add {name} type veth peer name {far}"));
        namespace.ip(&format!("address add {v4} dev {name}"));
        namespace.ip(&format!("address add {v6} dev {name}"));
        namespace.ip(&format!("link set {name} up"));
        namespace.ip(&format!("link set {far} up"));
    }
    namespace.write_sysctl("ipv4/ip_forward", "1");
    namespace.write_sysctl("ipv6/conf/all/forwarding", "1");
    namespace.ip("route add default via 198.51.100.254");
    namespace.ip("-6 route add default via 2001:db8:f::fe");
    namespace
}

struct World {
    flows: FlowsHandle,
    zones: BTreeMap<u32, ZoneNumber>,
    _links: Links,
    _kept: (
        watch::Sender<FlowTimeouts>,
        watch::Sender<FlowSettings>,
        watch::Sender<Option<Arc<Judge>>>,
    ),
}

impl World {
    async fn new() -> Self {
        let links = Links::open().await.expect("links");
        let zone = |name: &str| match name {
            "lan0" => ZoneNumber::new(2),
            "wan0" => ZoneNumber::new(3),
            _ => None,
        };
        let known = links.watch();
        let zones = known
            .borrow()
            .iter()
            .filter_map(|link| Some((link.index, zone(&link.name)?)))
            .collect();
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
            cache: None,
            links: known,
            settings: settings_receiver,
            judge: judge_receiver,
            store: Store::in_memory().await.expect("store"),
            conntrack: true,
            event_buffer_bytes: 64 << 20,
        });
        Self {
            flows,
            zones,
            _links: links,
            _kept: (timeouts, settings, judge),
        }
    }
}

/// Client `n` of a few thousand talks to a server of its own, every fourth over IPv6, every second by UDP.
fn connection(n: u32) -> NewConnection {
    let (client, server) = (n % 4_000 + 2, n);
    let (source, destination): (IpAddr, IpAddr) = if n.is_multiple_of(4) {
        let lan = u128::from(u64::MAX) & u128::from(client);
        (
            Ipv6Addr::from(0xfd01 << 112 | lan).into(),
            Ipv6Addr::from(0x2001_0db8_0001 << 80 | u128::from(server)).into(),
        )
    } else {
        (
            Ipv4Addr::from(0x0a00_0000 + client).into(),
            Ipv4Addr::from(0xcb00_0000 + server).into(),
        )
    };
    let tcp = n.is_multiple_of(2);
    let original = FlowTuple {
        source,
        destination,
        protocol: if tcp { protocol::TCP } else { protocol::UDP },
        source_port: 40_000,
        destination_port: 443,
    };
    NewConnection {
        original,
        reply: original.inverted(),
        zone: 0,
        status: ConnectionStatus(ConnectionStatus::SEEN_REPLY | ConnectionStatus::ASSURED),
        mark: 100,
        timeout_seconds: 3600,
        tcp_state: tcp.then_some(TcpState::Established),
    }
}

fn make(connections: u32) {
    let all: Vec<NewConnection> = (0..connections).map(connection).collect();
    let made = Conntrack::open()
        .expect("conntrack")
        .create(&all)
        .expect("create");
    assert_eq!(made, all.len());
}

/// A namespace that goes with many connections holds up everybody else's.
fn end(connections: u32) {
    let keys: Vec<_> = (0..connections)
        .map(|n| ravelin_kernel::ConnectionKey {
            original: connection(n).original,
            zone: 0,
            id: None,
        })
        .collect();
    Conntrack::open()
        .expect("conntrack")
        .delete(&keys)
        .expect("delete");
}

/// Each rule lets clients to a few servers; a third of the connections has none.
fn ruleset(zones: &BTreeMap<u32, ZoneNumber>) -> Ruleset {
    let number = |number| ZoneNumber::new(number).expect("zone");
    let zone = |at, name: &str, interfaces: &[&str]| ResolvedZone {
        number: number(at),
        id: format!("zon_{name}").parse().expect("id"),
        name: name.to_owned(),
        interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
    };
    let known = [
        zone(1, "local", &[]),
        zone(2, "lan", &["lan0"]),
        zone(3, "wan", &["wan0"]),
    ];
    let lines = (0..RULES).map(|rule| {
        let v4: IpAddr = Ipv4Addr::from(0xcb00_0000 + rule * 16).into();
        let v6: IpAddr = Ipv6Addr::from(0x2001_0db8_0001 << 80 | u128::from(rule * 16)).into();
        let range = |first: IpAddr, bits| ipnet::IpNet::new(first, bits).expect("a length of the family");
        let addresses = [range(v4, 28), range(v6, 124)].map(AddressRange::from);
        Arc::new(Line {
            origin: Origin::Rule(format!("rul_{rule}").parse().expect("id")),
            counter: 100 + rule,
            from: Some(number(2)),
            to: Some(number(3)),
            source: AddressTerm::default(),
            destination: AddressTerm {
                addresses: AddressSet::new(addresses),
                ..AddressTerm::default()
            },
            services: vec![ServiceEntry {
                protocol: (rule % 3 != 0).then_some(protocol::TCP),
                source_ports: Vec::new(),
                destination_ports: if rule % 3 == 0 {
                    Vec::new()
                } else {
                    vec![PortRange::new(443, 443).expect("port")]
                },
                icmp_types: Vec::new(),
            }],
            action: Action::Accept,
            log: false,
            rate_limit: None,
        })
    });
    let default = PairDefault {
        origin: Origin::UnwrittenPair,
        counter: fixed_counter::UNWRITTEN_PAIR,
        action: Action::Drop,
        log: false,
    };
    let pairs = [1, 2, 3]
        .into_iter()
        .flat_map(|from| [1, 2, 3].map(|to| (number(from), number(to))));
    Ruleset {
        revision: Revision(1),
        zones: known.into_iter().map(|zone| (zone.number, zone)).collect(),
        lines: lines.collect(),
        left_out: Vec::new(),
        defaults: pairs.map(|pair| (pair, default.clone())).collect(),
        lists: BTreeMap::new(),
        translations: Vec::new(),
        dnat: Vec::new(),
        zone_of_interface: zones.clone(),
        pinned: BTreeMap::new(),
    }
}

async fn judge(world: &World) {
    let ruleset = Arc::new(ruleset(&world.zones));
    let images = PolicyImages::build(&ruleset, None).expect("images");
    let with = Arc::new(Judge::new(Arc::clone(&ruleset), Some(Arc::new(images))));
    let without = Arc::new(Judge::new(ruleset, None));
    for (name, judge) in [("with images", with), ("images made first", without)] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let judged = world
                .flows
                .judge(Some(Arc::clone(&judge)), false)
                .await
                .expect("judged");
            assert_eq!(judged.kept + judged.cut, u64::from(JUDGED));
            assert_eq!(judged.unjudged, 0);
            times.push((judged.duration, judged.cut));
        }
        times.sort_unstable();
        let (time, cut) = times[ROUNDS / 2];
        println!("judge {JUDGED} connections by {RULES} rules, {name}: {time:?}, {cut} not allowed");
        if name == "images made first" {
            let start = Instant::now();
            let judged = world.flows.judge(Some(judge), true).await.expect("judged");
            println!("the same and {} ended: {:?}", judged.cut, start.elapsed());
        }
    }
}

async fn list(world: &World) {
    for sort in FlowSort::ALL {
        let before = resident();
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let query = FlowQuery {
                filter: FlowFilter::default(),
                sort,
                descending: true,
                after: None,
                limit: 1000,
            };
            let start = Instant::now();
            let page = world.flows.flows(query).await.expect("page");
            assert_eq!((page.items.len(), page.matched), (1000, u64::from(LISTED)));
            times.push(start.elapsed());
        }
        times.sort_unstable();
        println!(
            "the first 1000 of {LISTED} by {}: {:?}, resident {} MiB before, {} MiB at most",
            sort.name(),
            times[ROUNDS / 2],
            before >> 10,
            peak() >> 10
        );
    }
}

/// KiB.
fn resident() -> u64 {
    status("VmRSS:")
}

fn peak() -> u64 {
    status("VmHWM:")
}

fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .expect("line");
    line.trim().trim_end_matches(" kB").parse().expect("number")
}
