//! Requests to conntrack.

use std::net::IpAddr;

use ravelin_model::{ConnectionStatus, FlowTuple, TcpState, protocol as number};

use super::attribute::{self, ip, nat, protocol, tcp, tuple};
use super::{ConnectionKey, ConnectionUpdate, NewConnection};
use crate::netlink::Messages;

const NFNL_SUBSYS_CTNETLINK: u16 = 1;
pub(super) const NEW: u16 = NFNL_SUBSYS_CTNETLINK << 8;
pub(super) const GET: u16 = NFNL_SUBSYS_CTNETLINK << 8 | 1;
pub(super) const DELETE: u16 = NFNL_SUBSYS_CTNETLINK << 8 | 2;

const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
/// On news of a connection that began.
pub(super) const CREATED: u16 = NLM_F_CREATE | NLM_F_EXCL;

const IP_CT_TCP_FLAG_BE_LIBERAL: u8 = 8;

/// Header for both families (AF_UNSPEC).
pub(super) const BOTH: [u8; 4] = [0; 4];

pub(super) fn get(messages: &mut Messages, sequence: u32, original: &FlowTuple, zone: u16) {
    messages.begin(GET, 0, sequence, &header(original));
    put_key(messages, original, zone);
}

pub(super) fn delete(messages: &mut Messages, sequence: u32, key: &ConnectionKey) {
    messages.begin(DELETE, 0, sequence, &header(&key.original));
    put_key(messages, &key.original, key.zone);
    if let Some(id) = key.id {
        messages.put(attribute::ID, &id.to_be_bytes());
    }
}

pub(super) fn update(messages: &mut Messages, sequence: u32, update: &ConnectionUpdate) {
    let original = &update.key.original;
    messages.begin(NEW, 0, sequence, &header(original));
    put_key(messages, original, update.key.zone);
    if let Some(seconds) = update.timeout_seconds {
        messages.put(attribute::TIMEOUT, &seconds.to_be_bytes());
    }
    if let Some(mark) = update.mark {
        messages.put(attribute::MARK, &(mark.value & mark.mask).to_be_bytes());
        messages.put(attribute::MARK_MASK, &mark.mask.to_be_bytes());
    }
    if update.liberal && original.protocol == number::TCP {
        messages.nest(attribute::PROTOCOL_INFO, |info| {
            info.nest(tcp::INFO, |tcp| {
                // Flags and which of them are meant.
                let flags = [IP_CT_TCP_FLAG_BE_LIBERAL; 2];
                tcp.put(tcp::FLAGS_ORIGINAL, &flags);
                tcp.put(tcp::FLAGS_REPLY, &flags);
            });
        });
    }
}

pub(super) fn create(messages: &mut Messages, sequence: u32, new: &NewConnection) {
    messages.begin(NEW, CREATED, sequence, &header(&new.original));
    put_key(messages, &new.original, new.zone);
    // The kernel translates the reply itself, by what it is told to translate to.
    let untranslated = untranslated_reply(&new.original, &new.reply);
    messages.nest(attribute::TUPLE_REPLY, |tuple| put_tuple(tuple, &untranslated));
    let [source, destination] = [
        (new.reply.destination, new.reply.destination_port),
        (new.reply.source, new.reply.source_port),
    ];
    if is_icmp(&new.original) {
        let id = new.reply.source_port;
        if source.0 != untranslated.destination || id != untranslated.source_port {
            put_translation(messages, attribute::NAT_SOURCE, source.0, Some(id));
        }
        if destination.0 != untranslated.source {
            put_translation(messages, attribute::NAT_DESTINATION, destination.0, None);
        }
    } else {
        let ports = new.original.has_ports();
        if source != (untranslated.destination, untranslated.destination_port) {
            put_translation(
                messages,
                attribute::NAT_SOURCE,
                source.0,
                ports.then_some(source.1),
            );
        }
        if destination != (untranslated.source, untranslated.source_port) {
            let port = ports.then_some(destination.1);
            put_translation(messages, attribute::NAT_DESTINATION, destination.0, port);
        }
    }
    let told = ConnectionStatus::SEEN_REPLY | ConnectionStatus::ASSURED;
    let status = new.status.0 & told | ConnectionStatus::CONFIRMED;
    messages.put(attribute::STATUS, &status.to_be_bytes());
    messages.put(attribute::TIMEOUT, &new.timeout_seconds.to_be_bytes());
    messages.put(attribute::MARK, &new.mark.to_be_bytes());
    if let Some(state) = new.tcp_state {
        messages.nest(attribute::PROTOCOL_INFO, |info| {
            info.nest(tcp::INFO, |tcp| tcp.put(tcp::STATE, &[tcp_number(state)]));
        });
    }
}

fn tcp_number(state: TcpState) -> u8 {
    let place = TcpState::ALL.iter().position(|found| *found == state);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
}

fn header(tuple: &FlowTuple) -> [u8; 4] {
    let family = if tuple.is_ipv6() {
        libc::AF_INET6
    } else {
        libc::AF_INET
    };
    [u8::try_from(family).unwrap_or(0), 0, 0, 0]
}

fn put_key(messages: &mut Messages, original: &FlowTuple, zone: u16) {
    messages.nest(attribute::TUPLE_ORIGINAL, |tuple| put_tuple(tuple, original));
    if zone != 0 {
        messages.put(attribute::ZONE, &zone.to_be_bytes());
    }
}

pub(super) fn put_tuple(messages: &mut Messages, flow: &FlowTuple) {
    messages.nest(tuple::IP, |addresses| {
        put_address(addresses, [ip::V4_SOURCE, ip::V6_SOURCE], flow.source);
        put_address(
            addresses,
            [ip::V4_DESTINATION, ip::V6_DESTINATION],
            flow.destination,
        );
    });
    messages.nest(tuple::PROTOCOL, |transport| {
        transport.put(protocol::NUMBER, &[flow.protocol]);
        let [id, kind, code] = match flow.protocol {
            number::ICMP => [protocol::ICMP_ID, protocol::ICMP_TYPE, protocol::ICMP_CODE],
            number::ICMPV6 => [protocol::ICMPV6_ID, protocol::ICMPV6_TYPE, protocol::ICMPV6_CODE],
            _ => {
                transport.put(protocol::SOURCE_PORT, &flow.source_port.to_be_bytes());
                transport.put(protocol::DESTINATION_PORT, &flow.destination_port.to_be_bytes());
                return;
            }
        };
        let [kind_value, code_value] = flow.destination_port.to_be_bytes();
        transport.put(id, &flow.source_port.to_be_bytes());
        transport.put(kind, &[kind_value]);
        transport.put(code, &[code_value]);
    });
}

/// By the number it has as IPv4 and as IPv6.
fn put_address(messages: &mut Messages, [v4, v6]: [u16; 2], address: IpAddr) {
    match address {
        IpAddr::V4(address) => messages.put(v4, &address.octets()),
        IpAddr::V6(address) => messages.put(v6, &address.octets()),
    }
}

/// What the other side would send if nothing was translated.
fn untranslated_reply(original: &FlowTuple, reply: &FlowTuple) -> FlowTuple {
    if is_icmp(original) {
        FlowTuple {
            source: original.destination,
            destination: original.source,
            source_port: original.source_port,
            ..*reply
        }
    } else {
        original.inverted()
    }
}

fn is_icmp(tuple: &FlowTuple) -> bool {
    matches!(tuple.protocol, number::ICMP | number::ICMPV6)
}

fn put_translation(messages: &mut Messages, kind: u16, address: IpAddr, port: Option<u16>) {
    messages.nest(kind, |translation| {
        put_address(translation, [nat::V4_FIRST, nat::V6_FIRST], address);
        put_address(translation, [nat::V4_LAST, nat::V6_LAST], address);
        if let Some(port) = port {
            translation.nest(nat::PORTS, |ports| {
                ports.put(nat::FIRST_PORT, &port.to_be_bytes());
                ports.put(nat::LAST_PORT, &port.to_be_bytes());
            });
        }
    });
}
