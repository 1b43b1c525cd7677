use std::net::IpAddr;

use ravelin_model::FlowTuple;

use super::*;

const STATUS: u32 = ConnectionStatus::CONFIRMED | ConnectionStatus::SEEN_REPLY | ConnectionStatus::ASSURED;

fn address(text: &str) -> IpAddr {
    text.parse().expect("address")
}

/// An established TCP connection whose destination is translated.
fn connection() -> Connection {
    let original = FlowTuple {
        source: address("10.0.0.2"),
        destination: address("192.0.2.1"),
        protocol: protocol::TCP,
        source_port: 40_000,
        destination_port: 80,
    };
    Connection {
        id: 7,
        zone: 0,
        original,
        reply: FlowTuple {
            source: address("172.16.0.9"),
            source_port: 8080,
            ..original.inverted()
        },
        status: ConnectionStatus(STATUS),
        mark: 0x8000_0000 | 12,
        timeout_seconds: Some(100),
        tcp_state: Some(TcpState::Established),
        counts: None,
        started_at: None,
        ended_at: None,
        master: None,
        syn_proxy: false,
        labels: 0,
    }
}

fn udp() -> Connection {
    let mut connection = connection();
    connection.original.protocol = protocol::UDP;
    connection.reply.protocol = protocol::UDP;
    connection.tcp_state = None;
    connection.status = ConnectionStatus(ConnectionStatus::CONFIRMED | ConnectionStatus::SEEN_REPLY);
    connection
}

/// 192.0.2.1 is an address of this box.
fn check(change: impl FnOnce(&mut Connection), expected: Option<NotCached>) {
    check_of(connection(), change, expected);
}

#[track_caller]
fn check_of(mut connection: Connection, change: impl FnOnce(&mut Connection), expected: Option<NotCached>) {
    change(&mut connection);
    let told = eligible(&connection, &Locals::from_addresses([address("192.0.2.1")]));
    let cached = CachedFlow {
        connection: connection.id,
        original: connection.original,
        reply: connection.reply,
        counter: connection.mark & RV_CONNECTION_COUNTER,
    };
    assert_eq!(told, expected.map_or(Ok(cached), Err));
}

#[test]
fn established_tcp_and_answered_udp_may_be_cached() {
    check(|_| {}, None);
    check_of(udp(), |_| {}, None);
    check(|c| c.mark |= 0xffc0_0000, None);
    check(|c| c.status.0 |= ConnectionStatus::EXPECTED, None);
    check(|c| c.master = Some(c.original), None);
    check(
        |c| c.status.0 |= ConnectionStatus::SNAT | ConnectionStatus::DNAT,
        None,
    );
    check(|c| c.timeout_seconds = None, None);
}

#[test]
fn each_condition_has_its_reason() {
    check(
        |c| c.original.protocol = protocol::SCTP,
        Some(NotCached::Protocol),
    );
    check(|c| c.zone = 1, Some(NotCached::Zone));
    check(|c| c.mark |= RV_CONNECTION_ANSWERED, Some(NotCached::Answered));
    check(|c| c.mark |= RV_CONNECTION_RESET, Some(NotCached::Answered));
    check(|c| c.syn_proxy = true, Some(NotCached::SynProxy));
    for (bit, reason) in [
        (ConnectionStatus::DYING, NotCached::Dying),
        (ConnectionStatus::HELPER, NotCached::Helper),
        (ConnectionStatus::SEQUENCE_ADJUSTED, NotCached::SequenceAdjusted),
        (ConnectionStatus::OFFLOADED, NotCached::Offloaded),
        (ConnectionStatus::HARDWARE, NotCached::Offloaded),
    ] {
        check(|c| c.status.0 |= bit, Some(reason));
        check_of(udp(), |c| c.status.0 |= bit, Some(reason));
    }
    for (bit, reason) in [
        (ConnectionStatus::CONFIRMED, NotCached::Unconfirmed),
        (ConnectionStatus::SEEN_REPLY, NotCached::NoReply),
    ] {
        check(|c| c.status.0 &= !bit, Some(reason));
        check_of(udp(), |c| c.status.0 &= !bit, Some(reason));
    }
    check(
        |c| c.status.0 &= !ConnectionStatus::ASSURED,
        Some(NotCached::NotAssured),
    );
}

#[test]
fn tcp_that_opens_or_closes_may_not() {
    for state in TcpState::ALL {
        let reason = (state != TcpState::Established).then_some(NotCached::NotEstablished);
        check(|c| c.tcp_state = Some(state), reason);
    }
    check(|c| c.tcp_state = None, Some(NotCached::NotEstablished));
}

#[test]
fn what_begins_or_ends_here_may_not_but_what_is_translated_here_may() {
    let here = address("192.0.2.1");
    check(|c| c.original.source = here, Some(NotCached::Local));
    check(|c| c.reply.source = here, Some(NotCached::Local));
    check(|c| c.reply.destination = here, None);
    check(
        |c| c.original.source = address("127.0.0.9"),
        Some(NotCached::Local),
    );
    check(|c| c.reply.source = address("::1"), Some(NotCached::Local));
}
