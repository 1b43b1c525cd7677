//! The file in `testdata` was recorded from a 6.18 kernel: connections made by conntrack(8), and one ping.

use super::*;

const RECORDED: &str = include_str!("testdata/nf_conntrack-6.18");
const CONFIRMED: u32 = ConnectionStatus::CONFIRMED;
const SEEN_REPLY: u32 = ConnectionStatus::SEEN_REPLY;
const ASSURED: u32 = ConnectionStatus::ASSURED;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time")
}

fn tuple(protocol: u8, source: &str, destination: &str, ports: (u16, u16)) -> FlowTuple {
    FlowTuple {
        source: source.parse().expect("address"),
        destination: destination.parse().expect("address"),
        protocol,
        source_port: ports.0,
        destination_port: ports.1,
    }
}

/// The recorded connection of this protocol and source port.
#[track_caller]
fn check(
    tuples: [FlowTuple; 2],
    status: u32,
    mark_and_zone: (u32, u16),
    state: Option<TcpState>,
    count: [u64; 2],
) {
    let [original, reply] = tuples;
    let count = FlowCount {
        packets: count[0],
        bytes: count[1],
    };
    let expected = Connection {
        id: 0,
        zone: mark_and_zone.1,
        original,
        reply,
        status: ConnectionStatus(status),
        mark: mark_and_zone.0,
        timeout_seconds: Some(if count.packets == 0 { 299 } else { 29 }),
        tcp_state: state,
        counts: Some([count; 2]),
        started_at: Some(now()),
        ended_at: None,
        master: None,
        syn_proxy: false,
        labels: 0,
    };
    let mut found = RECORDED.lines().filter_map(|line| connection(line, now()));
    assert_eq!(
        found.find(|connection| connection.original == original),
        Some(expected)
    );
}

#[test]
fn recorded_lines_are_read() {
    let (from, to) = ("192.0.2.1", "198.51.100.2");
    check(
        [tuple(6, from, to, (2, 80)), tuple(6, to, "203.0.113.1", (80, 2))],
        CONFIRMED | ConnectionStatus::SNAT,
        (0, 0),
        Some(TcpState::SynSent),
        [0; 2],
    );
    let plain = tuple(6, from, to, (1, 80));
    check(
        [plain, plain.inverted()],
        CONFIRMED | SEEN_REPLY | ASSURED,
        (7, 0),
        Some(TcpState::Established),
        [0; 2],
    );
    let v6 = tuple(6, "2001:db8::1", "2001:db8::2", (3, 80));
    check(
        [v6, v6.inverted()],
        CONFIRMED | SEEN_REPLY,
        (0, 5),
        Some(TcpState::CloseWait),
        [0; 2],
    );
    check(
        [
            tuple(17, from, "203.0.113.9", (5, 53)),
            tuple(17, "10.0.0.53", from, (5353, 5)),
        ],
        CONFIRMED | ConnectionStatus::DNAT,
        (0, 0),
        None,
        [0; 2],
    );
    check(
        [
            tuple(58, "2001:db8::1", "2001:db8::2", (34, 128 << 8)),
            tuple(58, "2001:db8::2", "2001:db8::1", (34, 129 << 8)),
        ],
        CONFIRMED,
        (0, 0),
        None,
        [0; 2],
    );
    let ping = tuple(1, "127.0.0.1", "127.0.0.1", (9584, 8 << 8));
    let pong = FlowTuple {
        destination_port: 0,
        ..ping
    };
    check([ping, pong], CONFIRMED | SEEN_REPLY, (0, 0), None, [1, 84]);
    let tunnel = tuple(47, from, "192.0.2.2", (0x1234, 5));
    check([tunnel, tunnel.inverted()], CONFIRMED, (0, 0), None, [0; 2]);
    let sctp = tuple(132, from, "192.0.2.2", (9, 10));
    check([sctp, sctp.inverted()], CONFIRMED, (0, 0), None, [0; 2]);
}

/// Written after net/netfilter/nf_conntrack_standalone.c: the recording kernel has no flowtable.
#[test]
fn lines_of_a_flowtable_have_neither_time_nor_state() {
    for (word, bits) in [
        ("OFFLOAD", ConnectionStatus::OFFLOADED),
        (
            "HW_OFFLOAD",
            ConnectionStatus::OFFLOADED | ConnectionStatus::HARDWARE,
        ),
    ] {
        let line = format!(
            "ipv4     2 tcp      6 src=192.0.2.1 dst=198.51.100.2 sport=1 dport=80 packets=3 bytes=180 \
             src=198.51.100.2 dst=192.0.2.1 sport=80 dport=1 packets=2 bytes=120 [{word}] mark=7 delta-time=90 use=3"
        );
        let found = connection(&line, now()).expect("a connection");
        assert_eq!(found.status.0, CONFIRMED | SEEN_REPLY | ASSURED | bits);
        assert_eq!(
            (found.timeout_seconds, found.tcp_state, found.mark),
            (None, None, 7)
        );
        let counts = found
            .counts
            .expect("counts")
            .map(|count| (count.packets, count.bytes));
        assert_eq!(counts, [(3, 180), (2, 120)]);
        assert_eq!(found.started_at, Some(now() - Duration::seconds(90)));
    }
}

#[test]
fn words_may_be_missing_or_new() {
    let line = "ipv4 2 udp 17 29 src=192.0.2.1 dst=192.0.2.2 sport=1 dport=2 what=ever [NEW] src=192.0.2.2 \
                dst=192.0.2.1 sport=2 dport=1";
    let found = connection(line, now()).expect("a connection");
    assert_eq!((found.counts, found.started_at, found.mark), (None, None, 0));
}

#[test]
fn what_is_no_line_is_none_and_nothing_panics() {
    for line in RECORDED.lines() {
        let second = line.rfind("src=").expect("a reply");
        for at in 0..line.len() {
            let cut = connection(&line[..at], now());
            assert!(cut.is_none() || at > second, "{}", &line[..at]);
            for other in ["", "=", " ", "9", "x", "src=", "-1"] {
                let mut changed = line.to_owned();
                changed.replace_range(at..=at, other);
                // It may still be a line.
                let _ = connection(&changed, now());
            }
        }
    }
}
