//! Messages as the kernel makes them, and what became of them on the way.

use super::*;
use crate::conntrack::attribute::nat;
use crate::conntrack::{NewConnection, build};
use crate::netlink::{Answer, Messages, answers};

fn tuple(protocol: u8, source: &str, destination: &str, ports: (u16, u16)) -> FlowTuple {
    FlowTuple {
        source: source.parse().expect("address"),
        destination: destination.parse().expect("address"),
        protocol,
        source_port: ports.0,
        destination_port: ports.1,
    }
}

/// With every attribute there is, after a request whose first part the kernel's answer is made like.
fn message(original: FlowTuple, master: FlowTuple) -> Vec<u8> {
    let mut messages = Messages::default();
    let new = NewConnection {
        original,
        reply: original.inverted(),
        zone: 9,
        status: ConnectionStatus(ConnectionStatus::ASSURED),
        mark: 0x0030_0007,
        timeout_seconds: 100,
        tcp_state: Some(TcpState::LastAck),
    };
    build::create(&mut messages, 3, &new);
    messages.put(attribute::ID, &77_u32.to_be_bytes());
    for (kind, packets, bytes) in [
        (attribute::COUNTERS_ORIGINAL, 1_u64, 60_u64),
        (attribute::COUNTERS_REPLY, 1 << 40, 1 << 50),
    ] {
        messages.nest(kind, |counter| {
            counter.put(counters::PACKETS, &packets.to_be_bytes());
            counter.put(counters::BYTES, &bytes.to_be_bytes());
        });
    }
    messages.nest(attribute::TIMESTAMP, |times| {
        times.put(timestamp::START, &1_800_000_000_000_000_001_u64.to_be_bytes());
        times.put(timestamp::STOP, &1_800_000_001_000_000_000_u64.to_be_bytes());
    });
    messages.nest(attribute::SYN_PROXY, |numbers| {
        numbers.put(proxy::INITIAL_SEQUENCE, &7_u32.to_be_bytes());
    });
    messages.put(attribute::LABELS, &(1_u128 << 5 | 1 << 100).to_ne_bytes());
    messages.nest(attribute::TUPLE_MASTER, |tuple| build::put_tuple(tuple, &master));
    // Attributes of other kernels.
    messages.put(200, &[1, 2, 3]);
    messages.end();
    messages.bytes().to_vec()
}

fn read(datagram: &[u8]) -> Vec<Option<Connection>> {
    answers(datagram)
        .map(|(_, _, answer)| match answer {
            Answer::Message(_, attributes) => connection(attributes),
            Answer::End(_) => None,
        })
        .collect()
}

#[test]
fn every_part_is_read() {
    for [original, master] in [
        [
            tuple(6, "192.0.2.1", "198.51.100.2", (1000, 80)),
            tuple(17, "192.0.2.9", "198.51.100.9", (1, 2)),
        ],
        [
            tuple(6, "2001:db8::1", "2001:db8::2", (1000, 80)),
            tuple(6, "2001:db8::3", "2001:db8::2", (9, 21)),
        ],
    ] {
        let begin = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
        let count = |packets, bytes| FlowCount { packets, bytes };
        let expected = Connection {
            id: 77,
            zone: 9,
            original,
            reply: original.inverted(),
            status: ConnectionStatus(ConnectionStatus::CONFIRMED | ConnectionStatus::ASSURED),
            mark: 0x0030_0007,
            timeout_seconds: Some(100),
            tcp_state: Some(TcpState::LastAck),
            counts: Some([count(1, 60), count(1 << 40, 1 << 50)]),
            started_at: Some(begin + time::Duration::nanoseconds(1)),
            ended_at: Some(begin + time::Duration::seconds(1)),
            master: Some(master),
            syn_proxy: true,
            labels: 1 << 5 | 1 << 100,
        };
        assert_eq!(read(&message(original, master)), [Some(expected)]);
    }
}

#[test]
fn a_zone_of_one_direction_counts() {
    let mut messages = Messages::default();
    let original = tuple(17, "192.0.2.1", "192.0.2.2", (1, 2));
    messages.begin(build::NEW, 0, 0, &build::BOTH);
    messages.nest(attribute::TUPLE_ORIGINAL, |inner| {
        build::put_tuple(inner, &original);
        inner.put(tuple::ZONE, &4_u16.to_be_bytes());
    });
    messages.nest(attribute::TUPLE_REPLY, |inner| {
        build::put_tuple(inner, &original.inverted());
    });
    messages.end();
    let found = read(messages.bytes());
    assert!(
        matches!(&found[..], [Some(connection)] if connection.zone == 4 && connection.counts.is_none()),
        "{found:?}"
    );
}

#[test]
fn a_syn_proxy_without_numbers_is_none() {
    let mut messages = Messages::default();
    messages.put(proxy::INITIAL_SEQUENCE, &[0; 4]);
    messages.put(proxy::TIME_OFFSET, &[0; 4]);
    assert!(!syn_proxy(messages.bytes()));
    messages.put(proxy::INITIAL_TIME, &[0, 0, 0, 1]);
    assert!(syn_proxy(messages.bytes()));
}

/// What the kernel is asked to translate is no part of what it tells.
#[test]
fn translations_are_told_by_the_tuples() {
    let mut messages = Messages::default();
    let original = tuple(6, "192.0.2.1", "192.0.2.2", (1, 2));
    let new = NewConnection {
        original,
        reply: tuple(6, "10.0.0.2", "203.0.113.1", (22, 11)),
        zone: 0,
        status: ConnectionStatus::default(),
        mark: 0,
        timeout_seconds: 1,
        tcp_state: None,
    };
    build::create(&mut messages, 1, &new);
    messages.end();
    let bytes = messages.bytes();
    let found = read(bytes);
    assert!(
        matches!(&found[..], [Some(connection)] if connection.reply == original.inverted()),
        "{found:?}"
    );
    for (kind, address, port) in [
        (attribute::NAT_SOURCE, [203, 0, 113, 1], 11_u16),
        (attribute::NAT_DESTINATION, [10, 0, 0, 2], 22),
    ] {
        let (_, translation) = attributes(&bytes[20..])
            .find(|(found, _)| *found == kind)
            .expect("it");
        let inner: Vec<_> = attributes(translation).collect();
        assert_eq!(
            inner[..2],
            [(nat::V4_FIRST, &address[..]), (nat::V4_LAST, &address[..])]
        );
        let ports: Vec<_> = attributes(inner[2].1).map(|(_, port)| port).collect();
        assert_eq!(ports, [&port.to_be_bytes()[..]; 2]);
    }
}

#[test]
fn malformed_messages_are_no_connections_and_nothing_panics() {
    let master = tuple(6, "192.0.2.1", "198.51.100.2", (9, 21));
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for original in [
        tuple(6, "192.0.2.1", "198.51.100.2", (1000, 80)),
        tuple(58, "2001:db8::1", "2001:db8::2", (7, 128 << 8)),
    ] {
        let whole = message(original, master);
        for length in 0..whole.len() {
            let cut = &whole[..length];
            assert!(read(cut).is_empty(), "{length} bytes");
            // Cut off where the length says so, too: the tuples come first.
            if let Some(attributes) = cut.get(20..) {
                let found = connection(attributes);
                assert!(found.is_none_or(|connection| connection.original == original));
            }
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                let _ = read(&flipped);
            }
        }
        for _ in 0..20_000 {
            let mut garbled = whole.clone();
            for _ in 0..4 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let [at, _, _, byte, ..] = random.to_le_bytes();
                let place = (usize::from(at) * 7) % garbled.len();
                garbled[place] = byte;
            }
            let _ = read(&garbled);
        }
    }
}
