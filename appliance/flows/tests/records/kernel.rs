//! Connections of the kernel that end in every way, counted by somebody else as well. Needs root.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use ravelin_flows::records::{Ended, StoredFlowRecord};
use ravelin_kernel::{
    ConnectionKey, Conntrack, ConntrackEvent, ConntrackEvents, ConntrackSettings, EventsRead,
};
use ravelin_model::{Connection, EndReason, FlowCount, FlowRecordsConfig, Offload, TcpState, protocol};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::support::{Recording, ended, run, until};
use ravelin_test_harness::{in_fresh_namespace, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

/// Where servers listen; the translated port leads to the same.
const SERVER: u16 = 5000;
const TRANSLATED: u16 = 5001;
/// Seconds after which the silent are forgotten.
const SHORT: u32 = 2;
/// Nobody listens.
const CLOSED: u16 = 5999;

fn set(name: &str, value: u32) {
    std::fs::write(
        format!("/proc/sys/net/netfilter/nf_conntrack_{name}"),
        value.to_string(),
    )
    .expect("setting");
}

/// Has conntrack follow connections, count and translate them, and nftables count packets of these client ports.
fn prepare(ports: &[u16]) {
    run("ip", &["link", "set", "lo", "up"], "");
    let counters: String = ports
        .iter()
        .flat_map(|port| {
            [
                format!("counter sent{port} {{}}\n"),
                format!("counter received{port} {{}}\n"),
            ]
        })
        .collect();
    let rules: String = ports
        .iter()
        .flat_map(|port| {
            [
                format!("th sport {port} counter name sent{port}\n"),
                format!("th dport {port} counter name received{port}\n"),
            ]
        })
        .collect();
    let ruleset = format!(
        "table inet count {{
            {counters}
            chain output {{ type filter hook output priority 0; ct state new
            {rules} }}
            chain translate {{ type nat hook output priority -100; udp dport {TRANSLATED} redirect to :{SERVER}; }}
        }}"
    );
    run("nft", &["-f", "-"], &ruleset);
    ConntrackSettings::enable().expect("settings");
    for name in [
        "tcp_timeout_time_wait",
        "tcp_timeout_close",
        "tcp_timeout_last_ack",
    ] {
        set(name, 1);
    }
}

/// What nftables counted of a client port, both ways.
fn counted() -> HashMap<String, FlowCount> {
    let listed: serde_json::Value =
        serde_json::from_str(&run("nft", &["-j", "list", "counters"], "")).expect("JSON");
    let counters = listed["nftables"].as_array().expect("objects").iter();
    let counter = |object: &serde_json::Value| {
        let counter = object.get("counter")?;
        let count = FlowCount {
            packets: counter["packets"].as_u64()?,
            bytes: counter["bytes"].as_u64()?,
        };
        Some((counter["name"].as_str()?.to_owned(), count))
    };
    counters.filter_map(counter).collect()
}

/// A client with a port of its own; the other side is the server of the same address.
fn client(address: &str, kind: Type, port: u16) -> Socket {
    let address: IpAddr = address.parse().expect("address");
    let protocol = match kind {
        Type::STREAM => Protocol::TCP,
        _ => Protocol::UDP,
    };
    let socket = Socket::new(Domain::for_address((address, 0).into()), kind, Some(protocol)).expect("socket");
    socket
        .bind(&SockAddr::from(SocketAddr::from((address, port))))
        .expect("bind");
    socket.set_read_timeout(Some(PATIENCE)).expect("patience");
    socket
}

fn connect(address: &str, port: u16, to: u16) -> std::io::Result<TcpStream> {
    let server: IpAddr = address.parse().expect("address");
    let socket = client(address, Type::STREAM, port);
    socket.connect(&SockAddr::from(SocketAddr::from((server, to))))?;
    Ok(socket.into())
}

/// A connection whose both sides have said something.
fn talk(listener: &TcpListener, address: &str, port: u16) -> (TcpStream, TcpStream) {
    let mut client = connect(address, port, SERVER).expect("connect");
    let (mut server, _) = listener.accept().expect("accept");
    let mut buffer = [0; 1000];
    client.write_all(&[7; 1000]).expect("send");
    server.read_exact(&mut buffer).expect("receive");
    server.write_all(&[8; 300]).expect("send");
    client.read_exact(&mut buffer[..300]).expect("receive");
    until_acknowledged(&server);
    (client, server)
}

/// Waits until nothing is under way: an acknowledgement may take a while, and must not come after the end.
fn until_acknowledged(socket: &TcpStream) {
    wait_until("somebody acknowledges", PATIENCE, || unacknowledged(socket) == 0);
}

fn unacknowledged(socket: &TcpStream) -> u32 {
    // SAFETY: tcp_info consists of integers only.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).expect("small");
    // SAFETY: the kernel writes at most `length` bytes to `info`, which is as long.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    info.tcpi_unacked
}

/// So many datagrams there and one back; the last is sent by the caller.
fn exchange(server: &UdpSocket, address: &str, port: u16, to: u16, datagrams: usize) -> UdpSocket {
    let client: UdpSocket = client(address, Type::DGRAM, port).into();
    client.connect((address, to)).expect("connect");
    let mut buffer = [0; 2000];
    for _ in 0..datagrams {
        client.send(&[1; 500]).expect("send");
        server.recv_from(&mut buffer).expect("receive");
    }
    let from = SocketAddr::from((address.parse::<IpAddr>().expect("address"), port));
    server.send_to(&[2; 100], from).expect("answer");
    client.recv(&mut buffer).expect("receive");
    client
}

/// Connections conntrack has, by client port.
fn live(conntrack: &mut Conntrack) -> HashMap<u16, Connection> {
    let mut found = HashMap::new();
    conntrack
        .dump(&mut |connection| {
            found.insert(connection.original.source_port, connection);
        })
        .expect("dump");
    found
}

fn delete(conntrack: &mut Conntrack, port: u16) {
    let connection = live(conntrack).remove(&port).expect("lives");
    let key = ConnectionKey {
        original: connection.original,
        zone: connection.zone,
        id: Some(connection.id),
    };
    assert_eq!(conntrack.delete(&[key]).expect("delete"), 1);
}

/// Ends of connections from these client ports, each once.
fn ends(events: &mut ConntrackEvents, conntrack: &mut Conntrack, ports: &[u16]) -> HashMap<u16, Connection> {
    let mut ended: HashMap<u16, Connection> = HashMap::new();
    let end = Instant::now() + PATIENCE;
    while ended.len() < ports.len() {
        assert!(Instant::now() < end, "only {:?} of {ports:?}", ended.keys());
        let read = events.read(Duration::from_millis(100), &mut |event| {
            if let ConntrackEvent::Destroyed(connection) = event {
                let port = connection.original.source_port;
                assert!(ports.contains(&port), "{connection:?}");
                assert_eq!(ended.insert(port, connection), None, "one end each");
            }
        });
        assert_ne!(read.expect("read"), EventsRead::Overrun);
        // Reading all has the kernel throw out what timed out.
        live(conntrack);
    }
    ended
}

struct Expected {
    port: u16,
    hint: Option<EndReason>,
    reason: EndReason,
    tcp_state: Option<TcpState>,
}

#[test]
fn connections_that_end_in_every_way_leave_their_record() {
    let expected = |port, reason, tcp_state| Expected {
        port,
        hint: None,
        reason,
        tcp_state,
    };
    use EndReason::{Closed, Killed, Policy, Removed, Reset, Timeout};
    let cases = [
        expected(40_001, Closed, Some(TcpState::TimeWait)),
        expected(40_002, Closed, Some(TcpState::TimeWait)),
        expected(40_003, Reset, Some(TcpState::Close)),
        expected(40_004, Reset, Some(TcpState::Close)),
        expected(40_005, Timeout, Some(TcpState::Established)),
        expected(40_006, Removed, Some(TcpState::Established)),
        expected(40_007, Timeout, None),
        expected(40_008, Timeout, None),
        expected(40_009, Removed, None),
        Expected {
            hint: Some(Killed),
            ..expected(40_010, Killed, None)
        },
        Expected {
            hint: Some(Policy),
            ..expected(40_011, Policy, Some(TcpState::Established))
        },
    ];
    in_fresh_namespace(move || async move {
        let ports = cases.each_ref().map(|case| case.port);
        prepare(&ports);
        let mut events = ConntrackEvents::open(1 << 20).expect("events");
        let mut conntrack = Conntrack::open().expect("conntrack");
        let began = time::OffsetDateTime::now_utc();

        let v4 = TcpListener::bind(("127.0.0.1", SERVER)).expect("listen");
        let v6 = TcpListener::bind(("::1", SERVER)).expect("listen");
        let udp4 = UdpSocket::bind(("127.0.0.1", SERVER)).expect("bind");
        let udp6 = UdpSocket::bind(("::1", SERVER)).expect("bind");
        for socket in [&udp4, &udp6] {
            socket.set_read_timeout(Some(PATIENCE)).expect("patience");
        }
        for (listener, address, port) in [(&v4, "127.0.0.1", 40_001), (&v6, "::1", 40_002)] {
            let (client, mut server) = talk(listener, address, port);
            drop(client);
            assert_eq!(server.read(&mut [0]).expect("end"), 0);
        }
        let (client, server) = talk(&v4, "127.0.0.1", 40_003);
        Socket::from(client)
            .set_linger(Some(Duration::ZERO))
            .expect("linger");
        drop(server);
        assert!(connect("::1", 40_004, CLOSED).is_err());
        let (mut silent, _silent_server) = talk(&v6, "::1", 40_005);
        let _removed = talk(&v4, "127.0.0.1", 40_006);
        let _cut = talk(&v6, "::1", 40_011);
        let lonely = exchange(&udp4, "127.0.0.1", 40_007, SERVER, 9);
        let translated = exchange(&udp6, "::1", 40_008, TRANSLATED, 19);
        exchange(&udp6, "::1", 40_009, SERVER, 3);
        exchange(&udp4, "127.0.0.1", 40_010, SERVER, 4);
        for port in [40_006, 40_009, 40_010, 40_011] {
            delete(&mut conntrack, port);
        }
        // Only what is sent from now on is short-lived, however slow the machine.
        for name in ["udp_timeout", "udp_timeout_stream", "tcp_timeout_established"] {
            set(name, SHORT);
        }
        lonely.send(&[1; 500]).expect("send");
        translated.send(&[1; 500]).expect("send");
        silent.write_all(&[7; 10]).expect("send");
        until_acknowledged(&silent);

        let ended = ends(&mut events, &mut conntrack, &ports);
        let counted = counted();
        let recording = Recording::begin(Some(FlowRecordsConfig::default())).await;
        for case in &cases {
            recording.sink.add(Ended {
                connection: ended[&case.port].clone(),
                cached: [FlowCount::default(); 2],
                reason_hint: case.hint,
                offload: Offload::None,
            });
        }
        let records = recording.end().await;
        assert_eq!(records.len(), cases.len());
        for (case, stored) in cases.iter().zip(&records) {
            check(case, stored, &counted, began);
        }
        // By hand: ten datagrams of 500 bytes and one of 100 back, with 28 bytes of headers, or 48 of IPv6.
        let count = |packets, bytes| FlowCount { packets, bytes };
        assert_eq!(records[6].record.counts, [count(10, 5280), count(1, 128)]);
        assert_eq!(records[7].record.counts, [count(20, 10_960), count(1, 148)]);
        let translated = &records[7].record;
        assert_eq!(translated.original.destination_port, TRANSLATED);
        assert_eq!(translated.reply.source_port, SERVER);
        drop((silent, lonely));
    });
}

fn check(
    case: &Expected,
    stored: &StoredFlowRecord,
    counted: &HashMap<String, FlowCount>,
    began: time::OffsetDateTime,
) {
    let Expected {
        port,
        hint: _,
        reason,
        tcp_state,
    } = case;
    let record = &stored.record;
    assert_eq!(record.original.source_port, *port);
    assert_eq!(
        (record.end_reason, record.tcp_state),
        (*reason, *tcp_state),
        "{port}"
    );
    let by_nftables = [
        counted[&format!("sent{port}")],
        counted[&format!("received{port}")],
    ];
    assert_eq!(record.counts, by_nftables, "{port}");
    let protocol = match tcp_state {
        Some(_) => protocol::TCP,
        None => protocol::UDP,
    };
    assert_eq!(record.original.protocol, protocol);
    let started_at = record.started_at.expect("conntrack notes times");
    // The clocks of the kernel and of the test are read one after the other.
    let slack = Duration::from_millis(100);
    assert!(started_at >= began - slack, "{port}: {started_at} before {began}");
    assert!(record.ended_at >= started_at, "{port}");
    if *reason == EndReason::Timeout {
        let silent = Duration::from_secs(SHORT.into());
        assert!(
            record.ended_at - started_at >= silent - slack,
            "{port}: {record:?}"
        );
    }
}

/// The neighbour never answers, so that what is sent waits in the kernel.
#[test]
fn a_collector_that_is_not_there_costs_no_record() {
    in_fresh_namespace(|| async {
        for arguments in [
            "link add far0 type veth peer name near0",
            "link set far0 up",
            "link set near0 up",
            "address add 192.0.2.1/24 dev near0",
            "address add 2001:db8::1/64 dev near0 nodad",
        ] {
            run("ip", &arguments.split(' ').collect::<Vec<_>>(), "");
        }
        for collector in ["192.0.2.9:4739", "[2001:db8::9]:4739", "198.51.100.1:4739"] {
            let recording = Recording::begin(Some(FlowRecordsConfig {
                collector: Some(collector.parse().expect("address")),
                ..FlowRecordsConfig::default()
            }))
            .await;
            for port in 0..20_000 {
                recording.sink.add(ended(port, 1));
            }
            until("stored", || recording.counters.stored() == 20_000).await;
            assert_eq!(recording.end().await.len(), 20_000, "{collector}");
        }
    });
}
