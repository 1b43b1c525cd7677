//! Connections from messages, each attribute looked at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ravelin_model::{Connection, ConnectionStatus, FlowCount, FlowTuple, TcpState};
use time::OffsetDateTime;

use super::attribute::{self, counters, ip, protocol, syn_proxy as proxy, tcp, timestamp, tuple};
use crate::netlink::{array, attributes, be16, be32, be64};

/// None: it lacks what every connection has.
pub(super) fn connection(message: &[u8]) -> Option<Connection> {
    let (mut original, mut reply) = (None, None);
    let [mut sent, mut answered] = [None; 2];
    let mut found = Rest::default();
    for (kind, value) in attributes(message) {
        match kind {
            attribute::TUPLE_ORIGINAL => original = Some(flow_tuple(value, &mut found.zone)?),
            attribute::TUPLE_REPLY => reply = Some(flow_tuple(value, &mut found.zone)?),
            attribute::TUPLE_MASTER => found.master = flow_tuple(value, &mut 0),
            attribute::STATUS => found.status = be32(value)?,
            attribute::PROTOCOL_INFO => found.tcp_state = tcp_state(value),
            attribute::TIMEOUT => found.timeout_seconds = be32(value),
            attribute::MARK => found.mark = be32(value)?,
            attribute::COUNTERS_ORIGINAL => sent = flow_count(value),
            attribute::COUNTERS_REPLY => answered = flow_count(value),
            attribute::ID => found.id = be32(value)?,
            attribute::ZONE => found.zone = be16(value)?,
            attribute::TIMESTAMP => found.times = times(value),
            attribute::LABELS => found.labels = array(value, 0).map_or(0, u128::from_ne_bytes),
            attribute::SYN_PROXY => found.syn_proxy = syn_proxy(value),
            _ => {}
        }
    }
    Some(Connection {
        id: found.id,
        zone: found.zone,
        original: original?,
        reply: reply?,
        status: ConnectionStatus(found.status),
        mark: found.mark,
        timeout_seconds: found.timeout_seconds,
        tcp_state: found.tcp_state,
        counts: sent.zip(answered).map(|(sent, answered)| [sent, answered]),
        started_at: found.times[0],
        ended_at: found.times[1],
        master: found.master,
        syn_proxy: found.syn_proxy,
        labels: found.labels,
    })
}

/// What may be missing.
#[derive(Default)]
struct Rest {
    id: u32,
    zone: u16,
    status: u32,
    mark: u32,
    timeout_seconds: Option<u32>,
    tcp_state: Option<TcpState>,
    times: [Option<OffsetDateTime>; 2],
    master: Option<FlowTuple>,
    syn_proxy: bool,
    labels: u128,
}

/// A zone of one direction only is told in its tuple.
fn flow_tuple(bytes: &[u8], zone: &mut u16) -> Option<FlowTuple> {
    let (mut source, mut destination) = (None, None);
    let mut flow = FlowTuple {
        source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        protocol: 0,
        source_port: 0,
        destination_port: 0,
    };
    for (kind, value) in attributes(bytes) {
        match kind {
            tuple::IP => {
                for (kind, value) in attributes(value) {
                    match kind {
                        ip::V4_SOURCE => source = Some(v4(value)?),
                        ip::V4_DESTINATION => destination = Some(v4(value)?),
                        ip::V6_SOURCE => source = Some(v6(value)?),
                        ip::V6_DESTINATION => destination = Some(v6(value)?),
                        _ => {}
                    }
                }
            }
            tuple::PROTOCOL => transport(value, &mut flow)?,
            tuple::ZONE => *zone = be16(value)?,
            _ => {}
        }
    }
    flow.source = source?;
    flow.destination = destination?;
    (flow.source.is_ipv6() == flow.destination.is_ipv6()).then_some(flow)
}

fn transport(bytes: &[u8], flow: &mut FlowTuple) -> Option<()> {
    let (mut number, mut icmp) = (None, [0; 2]);
    for (kind, value) in attributes(bytes) {
        match kind {
            protocol::NUMBER => number = value.first().copied(),
            protocol::SOURCE_PORT | protocol::ICMP_ID | protocol::ICMPV6_ID => {
                flow.source_port = be16(value)?
            }
            protocol::DESTINATION_PORT => flow.destination_port = be16(value)?,
            protocol::ICMP_TYPE | protocol::ICMPV6_TYPE => icmp[0] = *value.first()?,
            protocol::ICMP_CODE | protocol::ICMPV6_CODE => icmp[1] = *value.first()?,
            _ => {}
        }
    }
    flow.protocol = number?;
    if matches!(
        flow.protocol,
        ravelin_model::protocol::ICMP | ravelin_model::protocol::ICMPV6
    ) {
        flow.destination_port = u16::from_be_bytes(icmp);
    }
    Some(())
}

fn v4(bytes: &[u8]) -> Option<IpAddr> {
    array::<4>(bytes, 0).map(|octets| Ipv4Addr::from(octets).into())
}

fn v6(bytes: &[u8]) -> Option<IpAddr> {
    array::<16>(bytes, 0).map(|octets| Ipv6Addr::from(octets).into())
}

fn tcp_state(bytes: &[u8]) -> Option<TcpState> {
    let (_, info) = attributes(bytes).find(|(kind, _)| *kind == tcp::INFO)?;
    let (_, state) = attributes(info).find(|(kind, _)| *kind == tcp::STATE)?;
    TcpState::from_number(*state.first()?)
}

fn flow_count(bytes: &[u8]) -> Option<FlowCount> {
    let mut count = FlowCount::default();
    for (kind, value) in attributes(bytes) {
        match kind {
            counters::PACKETS => count.packets = be64(value)?,
            counters::BYTES => count.bytes = be64(value)?,
            _ => {}
        }
    }
    Some(count)
}

/// The kernel keeps room for one with every connection somebody made by ctnetlink; where none is at work all is 0.
fn syn_proxy(bytes: &[u8]) -> bool {
    attributes(bytes).any(|(kind, value)| match kind {
        proxy::INITIAL_SEQUENCE | proxy::INITIAL_TIME | proxy::TIME_OFFSET => be32(value) != Some(0),
        _ => false,
    })
}

/// Begin and end, told in nanoseconds since 1970.
fn times(bytes: &[u8]) -> [Option<OffsetDateTime>; 2] {
    let mut times = [None; 2];
    for (kind, value) in attributes(bytes) {
        match kind {
            timestamp::START => times[0] = be64(value).and_then(time),
            timestamp::STOP => times[1] = be64(value).and_then(time),
            _ => {}
        }
    }
    times
}

fn time(nanoseconds: u64) -> Option<OffsetDateTime> {
    const SECOND: u64 = 1_000_000_000;
    let seconds = i64::try_from(nanoseconds / SECOND).ok()?;
    let rest = u32::try_from(nanoseconds % SECOND).ok()?;
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()?
        .replace_nanosecond(rest)
        .ok()
}

#[cfg(test)]
mod tests;
