//! What is in the table, made by them and read by us, and the other way round.

use ravelin_kernel::{ConnectionKey, ConnectionUpdate, Conntrack, MarkChange, NewConnection};
use ravelin_model::{Connection, ConnectionStatus, FlowTuple, TcpState, protocol};

use crate::support::{dump, in_namespace, key, listed, many, new, run, tuple};

const BOTH_WAYS: u32 = ConnectionStatus::CONFIRMED | ConnectionStatus::SEEN_REPLY | ConnectionStatus::ASSURED;

/// The bits that say what a connection is; the others say which parts of the kernel have seen it.
fn status(connection: &Connection) -> u32 {
    let told = BOTH_WAYS | ConnectionStatus::SNAT | ConnectionStatus::DNAT | ConnectionStatus::EXPECTED;
    connection.status.0 & told
}

/// What the tool makes with `arguments` is read as expected, by dump and by get; the tool's own number for it too.
#[track_caller]
fn check(
    arguments: &str,
    original: FlowTuple,
    reply: FlowTuple,
    expected: (u32, u32, u16, Option<TcpState>),
) {
    run("conntrack", &format!("-I {arguments} -t 300"));
    let (expected_status, mark, zone, tcp_state) = expected;
    let mut conntrack = Conntrack::open().expect("open");
    let all = dump(&mut conntrack);
    let found = all
        .iter()
        .find(|connection| connection.original == original && connection.zone == zone)
        .unwrap_or_else(|| panic!("{arguments}: not in {all:?}"));
    assert_eq!(found.reply, reply, "{arguments}");
    assert_eq!(status(found), expected_status, "{arguments}");
    assert_eq!((found.mark, found.tcp_state), (mark, tcp_state), "{arguments}");
    assert!(matches!(found.timeout_seconds, Some(200..=300)), "{found:?}");
    assert!(!found.syn_proxy && found.master.is_none() && found.ended_at.is_none());

    let family = if original.is_ipv6() { "ipv6" } else { "ipv4" };
    let number = format!(" id={}", found.id);
    let lines = listed(family);
    assert!(
        lines.iter().any(|line| line.ends_with(&number)),
        "{number}: {lines:?}"
    );

    let mut got = conntrack.get(&original, zone).expect("get").expect("it is there");
    got.timeout_seconds = found.timeout_seconds;
    assert_eq!(&got, found, "{arguments}");
    let other_way = conntrack.get(&reply, zone).expect("get").expect("by its reply");
    assert_eq!(other_way.id, found.id);
    assert_eq!(conntrack.get(&original, 99).expect("get"), None, "another zone");
}

#[test]
fn labels_of_others_are_read() {
    in_namespace("labels", || {
        run("nft", "add table inet t");
        run(
            "nft",
            "add chain inet t c { type filter hook output priority 0 ; }",
        );
        run("nft", "add rule inet t c udp dport 53 ct label set 5");
        run("nft", "add rule inet t c udp dport 53 ct label set 100");
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
        socket.send_to(b"x", "127.0.0.1:53").expect("send");
        let mut conntrack = Conntrack::open().expect("open");
        let labels: Vec<u128> = dump(&mut conntrack).iter().map(|found| found.labels).collect();
        assert_eq!(labels, [1 << 5 | 1 << 100]);
    });
}

#[test]
fn what_the_tool_makes_is_read() {
    in_namespace("theirs", || {
        let established = Some(TcpState::Established);
        let plain = tuple(protocol::TCP, "192.0.2.1", "198.51.100.2", (1000, 80));
        check(
            "-p tcp -s 192.0.2.1 -d 198.51.100.2 --sport 1000 --dport 80 --state ESTABLISHED -u SEEN_REPLY,ASSURED -m 7",
            plain,
            plain.inverted(),
            (BOTH_WAYS, 7, 0, established),
        );
        check(
            "-p tcp -s 192.0.2.1 -d 198.51.100.2 --sport 1001 --dport 80 --state SYN_SENT --src-nat 203.0.113.1",
            tuple(protocol::TCP, "192.0.2.1", "198.51.100.2", (1001, 80)),
            tuple(protocol::TCP, "198.51.100.2", "203.0.113.1", (80, 1001)),
            (
                ConnectionStatus::CONFIRMED | ConnectionStatus::SNAT,
                0,
                0,
                Some(TcpState::SynSent),
            ),
        );
        check(
            "-p udp -s 192.0.2.1 -d 203.0.113.9 --sport 5 --dport 53 --dst-nat 10.0.0.53:5353 -u SEEN_REPLY",
            tuple(protocol::UDP, "192.0.2.1", "203.0.113.9", (5, 53)),
            tuple(protocol::UDP, "10.0.0.53", "192.0.2.1", (5353, 5)),
            (
                ConnectionStatus::CONFIRMED | ConnectionStatus::SEEN_REPLY | ConnectionStatus::DNAT,
                0,
                0,
                None,
            ),
        );
        let v6 = tuple(protocol::UDP, "2001:db8::1", "2001:db8::2", (6, 443));
        check(
            "-p udp -s 2001:db8::1 -d 2001:db8::2 --sport 6 --dport 443 -w 5 -m 4294967295",
            v6,
            v6.inverted(),
            (ConnectionStatus::CONFIRMED, u32::MAX, 5, None),
        );
        check(
            "-p icmp -s 192.0.2.1 -d 192.0.2.9 --icmp-type 8 --icmp-code 0 --icmp-id 33",
            tuple(protocol::ICMP, "192.0.2.1", "192.0.2.9", (33, 8 << 8)),
            tuple(protocol::ICMP, "192.0.2.9", "192.0.2.1", (33, 0)),
            (ConnectionStatus::CONFIRMED, 0, 0, None),
        );
        check(
            "-p icmpv6 -s 2001:db8::1 -d 2001:db8::2 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 34",
            tuple(protocol::ICMPV6, "2001:db8::1", "2001:db8::2", (34, 128 << 8)),
            tuple(protocol::ICMPV6, "2001:db8::2", "2001:db8::1", (34, 129 << 8)),
            (ConnectionStatus::CONFIRMED, 0, 0, None),
        );
    });
}

/// What we make the tool lists with these words, in this order.
#[track_caller]
fn check_listed(conntrack: &mut Conntrack, new: NewConnection, words: &str) {
    assert_eq!(conntrack.create(&[new]).expect("create"), 1, "{words}");
    let family = if new.original.is_ipv6() { "ipv6" } else { "ipv4" };
    let lines = listed(family);
    assert!(
        lines.iter().any(|line| line.contains(words)),
        "{words}: {lines:#?}"
    );
    let found = conntrack
        .get(&new.original, new.zone)
        .expect("get")
        .expect("it is there");
    assert_eq!(found.reply, new.reply, "{words}");
    assert_eq!(
        conntrack.create(&[new]).expect("again"),
        0,
        "{words}: it is there already"
    );
}

#[test]
fn what_we_make_the_tool_lists() {
    in_namespace("ours", || {
        let mut conntrack = Conntrack::open().expect("open");
        let conntrack = &mut conntrack;
        let plain = new(tuple(protocol::TCP, "192.0.2.1", "198.51.100.2", (1000, 80)));
        check_listed(
            conntrack,
            NewConnection {
                mark: 0x30_0001,
                ..plain
            },
            "ESTABLISHED src=192.0.2.1 dst=198.51.100.2 sport=1000 dport=80 src=198.51.100.2 dst=192.0.2.1 sport=80 \
             dport=1000 [ASSURED] mark=3145729",
        );
        // Both translated, with ports.
        check_listed(
            conntrack,
            NewConnection {
                reply: tuple(protocol::TCP, "10.0.0.80", "203.0.113.1", (8080, 61000)),
                ..new(tuple(protocol::TCP, "192.0.2.1", "203.0.113.9", (1001, 80)))
            },
            "src=192.0.2.1 dst=203.0.113.9 sport=1001 dport=80 src=10.0.0.80 dst=203.0.113.1 sport=8080 dport=61000",
        );
        // The port alone.
        check_listed(
            conntrack,
            NewConnection {
                reply: tuple(protocol::UDP, "192.0.2.7", "192.0.2.1", (5353, 9)),
                ..new(tuple(protocol::UDP, "192.0.2.1", "192.0.2.7", (9, 53)))
            },
            "src=192.0.2.1 dst=192.0.2.7 sport=9 dport=53 src=192.0.2.7 dst=192.0.2.1 sport=5353 dport=9",
        );
        check_listed(
            conntrack,
            NewConnection {
                reply: tuple(protocol::UDP, "fd00::53", "2001:db8:ffff::1", (53, 50000)),
                status: ConnectionStatus::default(),
                ..new(tuple(protocol::UDP, "fd00::1", "2001:db8::53", (9, 53)))
            },
            "src=fd00::1 dst=2001:db8::53 sport=9 dport=53 [UNREPLIED] src=fd00::53 dst=2001:db8:ffff::1 sport=53 \
             dport=50000",
        );
        // The identifier is the port of ICMP.
        check_listed(
            conntrack,
            NewConnection {
                reply: tuple(protocol::ICMP, "192.0.2.9", "203.0.113.1", (77, 0)),
                ..new(tuple(protocol::ICMP, "192.0.2.1", "192.0.2.9", (33, 8 << 8)))
            },
            "src=192.0.2.1 dst=192.0.2.9 type=8 code=0 id=33 src=192.0.2.9 dst=203.0.113.1 type=0 code=0 id=77",
        );
        check_listed(
            conntrack,
            NewConnection {
                reply: tuple(protocol::ICMPV6, "fd00::2", "fd00::1", (34, 129 << 8)),
                zone: 3,
                ..new(tuple(protocol::ICMPV6, "fd00::1", "fd00::2", (34, 128 << 8)))
            },
            "src=fd00::1 dst=fd00::2 type=128 code=0 id=34 src=fd00::2 dst=fd00::1 type=129 code=0 id=34",
        );
    });
}

#[test]
fn an_update_changes_what_it_names_and_no_more() {
    in_namespace("update", || {
        let mut conntrack = Conntrack::open().expect("open");
        let made = NewConnection {
            mark: 0xff00_00ff,
            ..new(tuple(protocol::TCP, "192.0.2.1", "198.51.100.2", (1000, 80)))
        };
        let there = key(made.original);
        let absent = key(tuple(protocol::TCP, "192.0.2.1", "198.51.100.2", (1, 80)));
        assert_eq!(conntrack.create(&[made]).expect("create"), 1);
        let nothing = ConnectionUpdate {
            key: there,
            timeout_seconds: None,
            mark: None,
            liberal: false,
        };
        let mark = Some(MarkChange {
            value: 0xffff_1230,
            mask: 0x000f_fff0,
        });
        let updates = [
            ConnectionUpdate { mark, ..nothing },
            ConnectionUpdate {
                key: absent,
                ..nothing
            },
        ];
        assert_eq!(
            conntrack.update(&updates).expect("update"),
            1,
            "one was not there"
        );
        let found = conntrack.get(&made.original, 0).expect("get").expect("there");
        assert_eq!(found.mark, 0xff0f_123f, "the other bits stay");
        assert!(matches!(found.timeout_seconds, Some(500..=600)), "{found:?}");

        let longer = ConnectionUpdate {
            timeout_seconds: Some(5000),
            liberal: true,
            ..nothing
        };
        assert_eq!(conntrack.update(&[longer]).expect("update"), 1);
        let found = conntrack.get(&made.original, 0).expect("get").expect("there");
        assert_eq!(
            (found.mark, found.tcp_state),
            (0xff0f_123f, Some(TcpState::Established))
        );
        assert!(matches!(found.timeout_seconds, Some(4900..=5000)), "{found:?}");
        assert_eq!(listed("ipv4").len(), 1, "an update makes none");
    });
}

#[test]
fn deleting_takes_those_that_are_meant() {
    in_namespace("delete", || {
        let mut conntrack = Conntrack::open().expect("open");
        let all = many(2500);
        assert_eq!(conntrack.create(&all).expect("create"), all.len());
        assert_eq!(dump(&mut conntrack).len(), all.len());
        // Every other one, and some that are not there, in more than one batch.
        let mut keys: Vec<ConnectionKey> = all.iter().step_by(2).map(|new| key(new.original)).collect();
        keys.extend((1..700).map(|port| key(tuple(protocol::UDP, "10.8.0.2", "10.9.0.1", (port, 53)))));
        assert_eq!(conntrack.delete(&keys).expect("delete"), 1250);
        let left = dump(&mut conntrack);
        let expected: Vec<FlowTuple> = all.iter().skip(1).step_by(2).map(|new| new.original).collect();
        let found: Vec<FlowTuple> = left.iter().map(|connection| connection.original).collect();
        assert_eq!(found, expected);

        // A number that is another connection's is not this one.
        let first = &left[0];
        let other = ConnectionKey {
            id: Some(first.id.wrapping_add(1)),
            ..key(first.original)
        };
        assert_eq!(conntrack.delete(&[other]).expect("delete"), 0);
        let same = ConnectionKey {
            id: Some(first.id),
            ..other
        };
        assert_eq!(conntrack.delete(&[same]).expect("delete"), 1);
        let elsewhere = ConnectionKey {
            zone: 7,
            ..key(left[1].original)
        };
        assert_eq!(conntrack.delete(&[elsewhere]).expect("delete"), 0);
        assert_eq!(listed("ipv4").len(), 1249);
        assert_eq!(conntrack.delete(&[]).expect("none"), 0);
    });
}

#[test]
fn what_cannot_be_is_refused_and_the_rest_is_made() {
    in_namespace("refused", || {
        let mut conntrack = Conntrack::open().expect("open");
        let good = many(2);
        // Addresses of two families.
        let bad = new(tuple(protocol::UDP, "10.8.0.1", "fd00::1", (1, 2)));
        let told = conntrack.create(&[good[0], bad, good[1]]);
        assert!(told.is_err(), "{told:?}");
        assert_eq!(listed("ipv4").len(), 2);
        assert_eq!(conntrack.delete(&[key(good[0].original)]).expect("it goes on"), 1);
    });
}
