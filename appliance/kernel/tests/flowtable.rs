//! The flowtable, under a kernel that has one: that of the image. Needs root.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ravelin_compile::{
    AddressTerm, CounterId, Line, NftRuleset, NftSettings, Origin, ResolvedZone, Ruleset, fixed_counter,
};
use ravelin_kernel::{ConnectionKey, Conntrack, ConntrackSettings, NewConnection, Nftables};
use ravelin_model::{
    Action, Connection, ConnectionStatus, FlowTuple, Revision, TcpState, ZoneNumber, protocol,
};
use ravelin_test_harness::{Namespace, privileged, routed, wait_until};
use tokio::runtime::Runtime;

const LIMIT: Duration = Duration::from_secs(60);
/// Questions and answers of a flow.
const EXCHANGES: u64 = 40;
/// Octets of each.
const PAYLOAD: usize = 100;
const COUNTER: CounterId = fixed_counter::FIRST_FREE;
const FAMILIES: [(&str, &str); 2] = [("10.1.0.2", "10.2.0.2"), ("fd00:1::2", "fd00:2::2")];

/// Client, box, server; the box has the policy and the flowtable.
///
/// ```text
/// 10.1.0.2, fd00:1::2 ── lan0 box wan0 ── 10.2.0.2, fd00:2::2
/// ```
struct Crossing {
    client: Namespace,
    router: Namespace,
    server: Namespace,
    runtime: Runtime,
    nftables: Nftables,
    conntrack: Conntrack,
}

impl Crossing {
    /// None: this kernel has no flowtables, and need not have any.
    fn new() -> Option<Self> {
        if !privileged("netns") {
            return None;
        }
        let [client, router, server] = routed();
        let (runtime, nftables, conntrack) = router.within(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime");
            let nftables = runtime.block_on(async { Nftables::open().expect("open") });
            ConntrackSettings::enable().expect("enable");
            (runtime, nftables, Conntrack::open().expect("open"))
        });
        let mut crossing = Self {
            client,
            router,
            server,
            runtime,
            nftables,
            conntrack,
        };
        let has = crossing.router.within(|| {
            let asked = crossing.runtime.block_on(crossing.nftables.has_flowtables());
            asked.expect("an answer")
        });
        let listed = crossing.router.run("nft", &["list", "tables"]);
        assert_eq!(listed.trim(), "", "asking leaves nothing behind");
        if !has {
            let required = std::env::var("RAVELIN_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|tier| tier == "flowtable"),
                "no flowtables"
            );
            eprintln!("skipped: this kernel has no flowtables");
            return None;
        }
        crossing.apply(Revision(1), Action::Accept, Some(&["lan0", "wan0"]));
        Some(crossing)
    }

    /// A policy with one line for everything.
    fn apply(&mut self, revision: Revision, action: Action, flowtable: Option<&[&str]>) {
        let settings = NftSettings {
            flowtable: flowtable.map(|names| names.iter().map(ToString::to_string).collect()),
            ..NftSettings::default()
        };
        let table = Arc::new(NftRuleset::new(&ruleset(revision, action), &settings));
        self.router.within(|| {
            let applied = self.runtime.block_on(self.nftables.apply(&table));
            applied.expect("apply");
        });
    }

    fn flowtable(&mut self) -> BTreeSet<String> {
        self.router.within(|| {
            let read = self.runtime.block_on(self.nftables.flowtable());
            read.expect("read")
        })
    }

    /// Packets the chains counted on the line.
    fn counted(&mut self) -> u64 {
        self.router.within(|| {
            let counters = self.runtime.block_on(self.nftables.counters());
            counters
                .expect("counters")
                .get(&COUNTER)
                .map_or(0, |count| count.packets)
        })
    }

    fn udp(&self, (from, to): (&str, &str), port: u16) -> Flow {
        let answering = bind(&self.server, to, port);
        let asking = bind(&self.client, from, 0);
        asking.connect((to, port)).expect("connect");
        let asker = asking.local_addr().expect("address");
        let mut flow = Flow {
            original: tuple(protocol::UDP, asker, answering.local_addr().expect("address")),
            exchange: Box::new(move || {
                asking.send(&[1; PAYLOAD])?;
                let (_, peer) = answering.recv_from(&mut [0; PAYLOAD])?;
                answering.send_to(&[2; PAYLOAD], peer)?;
                asking.recv(&mut [0; PAYLOAD]).map(drop)
            }),
        };
        flow.go_on();
        flow
    }

    fn tcp(&self, (_, to): (&str, &str), port: u16) -> (Flow, TcpStream) {
        let to = SocketAddr::new(to.parse().expect("address"), port);
        let listener = self.server.within(|| TcpListener::bind(to).expect("listen"));
        let mut asking = self.client.within(|| TcpStream::connect(to).expect("connect"));
        let (mut answering, asker) = listener.accept().expect("accept");
        for stream in [&asking, &answering] {
            stream.set_nodelay(true).expect("no delay");
            stream.set_read_timeout(Some(LIMIT)).expect("limit");
        }
        let end = asking.try_clone().expect("clone");
        let mut flow = Flow {
            original: tuple(protocol::TCP, asker, to),
            exchange: Box::new(move || {
                let mut buffer = [0; PAYLOAD];
                asking.write_all(&[1; PAYLOAD])?;
                answering.read_exact(&mut buffer)?;
                answering.write_all(&[2; PAYLOAD])?;
                asking.read_exact(&mut buffer)
            }),
        };
        flow.go_on();
        (flow, end)
    }

    fn connection(&mut self, flow: &Flow) -> Option<Connection> {
        self.conntrack.get(&flow.original, 0).expect("get")
    }
}

/// A connection through the box.
struct Flow {
    original: FlowTuple,
    exchange: Box<dyn FnMut() -> std::io::Result<()> + Send>,
}

impl Flow {
    fn go_on(&mut self) {
        for _ in 0..EXCHANGES {
            (self.exchange)().expect("an exchange");
        }
    }
}

fn bind(namespace: &Namespace, address: &str, port: u16) -> UdpSocket {
    let address: IpAddr = address.parse().expect("address");
    let socket = namespace.within(|| UdpSocket::bind((address, port)).expect("bind"));
    socket.set_read_timeout(Some(LIMIT)).expect("limit");
    socket
}

fn tuple(number: u8, source: SocketAddr, destination: SocketAddr) -> FlowTuple {
    FlowTuple {
        source: source.ip(),
        destination: destination.ip(),
        protocol: number,
        source_port: source.port(),
        destination_port: destination.port(),
    }
}

fn ruleset(revision: Revision, action: Action) -> Ruleset {
    let zone = |number: u32, name: &str, interfaces: &[&str]| {
        let number = ZoneNumber::new(number).expect("a zone");
        let zone = ResolvedZone {
            number,
            id: format!("zon_{name}").parse().expect("an id"),
            name: name.to_owned(),
            interfaces: interfaces.iter().map(ToString::to_string).collect(),
        };
        (number, zone)
    };
    let line = Line {
        origin: Origin::UnwrittenPair,
        counter: COUNTER,
        from: None,
        to: None,
        source: AddressTerm::default(),
        destination: AddressTerm::default(),
        services: Vec::new(),
        action,
        log: false,
        rate_limit: None,
    };
    Ruleset {
        revision,
        zones: [
            zone(1, "local", &[]),
            zone(2, "lan", &["lan0"]),
            zone(3, "wan", &["wan0"]),
        ]
        .into(),
        lines: vec![Arc::new(line)],
        left_out: Vec::new(),
        defaults: BTreeMap::new(),
        lists: BTreeMap::new(),
        translations: Vec::new(),
        dnat: Vec::new(),
        zone_of_interface: BTreeMap::new(),
        pinned: BTreeMap::new(),
    }
}

#[test]
fn known_connections_go_by_the_flowtable_and_are_counted_all_the_same() {
    let Some(mut crossing) = Crossing::new() else {
        return;
    };
    for (port, family) in (8000..).zip(FAMILIES) {
        let before = crossing.counted();
        let header = if family.0.contains(':') { 48 } else { 28 };
        let mut flow = crossing.udp(family, port);
        let seen = crossing.connection(&flow).expect("it is there");
        assert!(seen.status.has(ConnectionStatus::OFFLOADED), "{seen:?}");
        let said = crossing.router.run(
            "conntrack",
            &[
                "-L",
                "-p",
                "udp",
                "-f",
                if header == 48 { "ipv6" } else { "ipv4" },
            ],
        );
        assert!(said.contains("[OFFLOAD]"), "{said}");
        flow.go_on();
        let seen = crossing.connection(&flow).expect("it is there");
        for count in seen.counts.expect("counts") {
            let bytes = 2 * EXCHANGES * (PAYLOAD as u64 + header);
            assert_eq!((count.packets, count.bytes), (2 * EXCHANGES, bytes), "{family:?}");
        }
        let slow = crossing.counted() - before;
        assert!(
            slow < 8,
            "{slow} of {} packets went through the chains",
            4 * EXCHANGES
        );

        let before = crossing.counted();
        let (mut flow, end) = crossing.tcp(family, port);
        flow.go_on();
        let seen = crossing.connection(&flow).expect("it is there");
        assert!(seen.status.has(ConnectionStatus::OFFLOADED), "{seen:?}");
        let [sent, answered] = seen.counts.expect("counts");
        let least = 2 * EXCHANGES * PAYLOAD as u64;
        assert!(sent.packets >= 2 * EXCHANGES && sent.bytes > least, "{sent:?}");
        assert!(
            answered.packets >= 2 * EXCHANGES && answered.bytes > least,
            "{answered:?}"
        );
        let slow = crossing.counted() - before;
        assert!(slow < 16, "{slow} packets went through the chains");

        // Its end is seen by conntrack.
        end.shutdown(std::net::Shutdown::Both).expect("shut down");
        drop(end);
        wait_until("the end is seen", LIMIT, || {
            crossing.connection(&flow).is_none_or(|seen| {
                !seen.status.has(ConnectionStatus::OFFLOADED) && seen.tcp_state != Some(TcpState::Established)
            })
        });
    }
}

#[test]
fn a_policy_that_denies_them_stops_them() {
    let Some(mut crossing) = Crossing::new() else {
        return;
    };
    for (port, family) in (8000..).zip(FAMILIES) {
        let revision = Revision(u64::from(port));
        crossing.apply(revision, Action::Accept, Some(&["lan0", "wan0"]));
        let sink = bind(&crossing.server, family.1, port);
        let source = bind(&crossing.client, family.0, 0);
        source.connect((family.1, port)).expect("connect");
        source.send(b"question").expect("send");
        let (_, asker) = sink.recv_from(&mut [0; PAYLOAD]).expect("question");
        sink.send_to(b"answer", asker).expect("answer");
        source.recv(&mut [0; PAYLOAD]).expect("answer");
        let original = tuple(protocol::UDP, asker, sink.local_addr().expect("address"));
        wait_until("it goes by the flowtable", LIMIT, || {
            source.send(b"more").expect("send");
            sink.recv(&mut [0; PAYLOAD]).expect("more");
            let seen = crossing.conntrack.get(&original, 0).expect("get").expect("there");
            seen.status.has(ConnectionStatus::OFFLOADED)
        });

        // What a commit does: the new table, then the connections it no longer allows are deleted.
        crossing.apply(
            Revision(u64::from(port) + 100),
            Action::Drop,
            Some(&["lan0", "wan0"]),
        );
        let key = ConnectionKey {
            original,
            zone: 0,
            id: None,
        };
        assert_eq!(crossing.conntrack.delete(&[key]).expect("delete"), 1);
        let before = crossing.counted();
        for _ in 0..20 {
            source.send(b"denied").expect("send");
        }
        wait_until("all are dropped", LIMIT, || crossing.counted() == before + 20);
        sink.set_nonblocking(true).expect("no waiting");
        let got = sink.recv(&mut [0; PAYLOAD]).map_err(|error| error.kind());
        assert_eq!(got, Err(ErrorKind::WouldBlock), "nothing came after the denial");
        assert!(crossing.conntrack.get(&original, 0).expect("get").is_none());
    }
}

/// Bit of the connection's mark: both ends are told that it is over (`rv_connection_mark`, ravelin/policy.h).
const RESET: u32 = 1 << 21;

/// Packets of the flowtable meet no rule. To have one reset, it is deleted and made anew, marked.
#[test]
fn one_that_is_made_anew_leaves_the_flowtable_and_can_be_reset() {
    let Some(mut crossing) = Crossing::new() else {
        return;
    };
    for (port, family) in (8000..).zip(FAMILIES) {
        let (mut flow, _end) = crossing.tcp(family, port);
        let seen = crossing.connection(&flow).expect("it is there");
        assert!(seen.status.has(ConnectionStatus::OFFLOADED), "{seen:?}");
        let key = ConnectionKey {
            original: flow.original,
            zone: 0,
            id: Some(seen.id),
        };
        assert_eq!(crossing.conntrack.delete(&[key]).expect("delete"), 1);
        let marked = NewConnection {
            original: seen.original,
            reply: seen.reply,
            zone: seen.zone,
            status: seen.status,
            mark: seen.mark | RESET,
            timeout_seconds: 30,
            tcp_state: Some(TcpState::Established),
        };
        assert_eq!(crossing.conntrack.create(&[marked]).expect("create"), 1);
        let ended = (flow.exchange)().map_err(|error| error.kind());
        assert!(
            matches!(
                ended,
                Err(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof)
            ),
            "{ended:?}"
        );
        let left = crossing.connection(&flow);
        assert!(left.is_none_or(|left| !left.status.has(ConnectionStatus::OFFLOADED)));
    }
}

#[test]
fn interfaces_come_to_the_flowtable_and_go() {
    let Some(mut crossing) = Crossing::new() else {
        return;
    };
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(crossing.flowtable(), names(&["lan0", "wan0"]));
    for (revision, wanted, expected) in [
        (2, Some(&["lan0"][..]), &["lan0"][..]),
        (3, Some(&["lan0", "wan0"]), &["lan0", "wan0"]),
        // One that is not there, or strangely called, does not stop the policy.
        (4, Some(&["lan0", "gone0"]), &["lan0"]),
        (5, Some(&["lan0", "\" }; x"]), &["lan0"]),
        (6, None, &[]),
        (7, Some(&["gone0"]), &[]),
        (8, Some(&["wan0"]), &["wan0"]),
        (9, Some(&[]), &[]),
    ] {
        crossing.apply(Revision(revision), Action::Accept, wanted);
        assert_eq!(crossing.flowtable(), names(expected), "{wanted:?}");
        let mut flow = crossing.udp(FAMILIES[0], 8000 + u16::try_from(revision).expect("small"));
        flow.go_on();
        let offloads = wanted.is_some_and(|wanted| wanted.iter().any(|name| ["lan0", "wan0"].contains(name)));
        let seen = crossing.connection(&flow).expect("it is there");
        assert_eq!(
            seen.status.has(ConnectionStatus::OFFLOADED),
            offloads,
            "{wanted:?}"
        );
    }
    // Somebody who does not know what is there finds it.
    crossing.apply(Revision(10), Action::Accept, Some(&["lan0", "wan0"]));
    crossing.nftables = crossing.router.within(|| {
        crossing
            .runtime
            .block_on(async { Nftables::open().expect("open") })
    });
    crossing.apply(Revision(11), Action::Accept, Some(&["wan0"]));
    assert_eq!(crossing.flowtable(), names(&["wan0"]));
    let listed = crossing.router.within(|| {
        Command::new("nft")
            .args(["list", "flowtables"])
            .output()
            .expect("run nft")
    });
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("counter"), "it counts: {listed}");
}
