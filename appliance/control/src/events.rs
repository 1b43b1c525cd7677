//! Events of the data plane in the words of the model.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ravelin_abi::{rv_event, rv_event_kind, rv_event_version};
use ravelin_model::{
    Action, DnsQueryBlocked, DomainName, Event, ListId, PacketDropped, PolicyVerdict, Reason, Revision,
    VerdictBackend,
};
use ravelin_wire::dns_name;

use crate::snapshot::Snapshot;
use crate::verdicts;

/// The event, or None where it is of a kind or version this program does not know.
pub(crate) fn event(raw: &rv_event, now: &Snapshot) -> Option<Event> {
    if u32::from(raw.version) != rv_event_version::RV_EVENT_VERSION {
        return None;
    }
    let packet = PacketDropped {
        interface_index: raw.ifindex,
        interface: now.ports.get(&raw.ifindex).map(|port| port.target.name.clone()),
        reason: Reason::from_number(raw.reason)?,
        source: address(raw.family, raw.source)?,
        destination: address(raw.family, raw.destination)?,
        protocol: raw.protocol,
        source_port: raw.source_port,
        destination_port: raw.destination_port,
        list: None,
        entry: None,
    };
    match u32::from(raw.kind) {
        rv_event_kind::RV_EVENT_DROP => {
            let listed = now.entries.get(&raw.object).cloned();
            let (list, entry) = listed.unzip();
            Some(Event::PacketDropped(PacketDropped {
                list,
                entry,
                ..packet
            }))
        }
        rv_event_kind::RV_EVENT_DNS => {
            let wire = raw.name.get(..usize::from(raw.name_length))?;
            let name = dns_name::presentation(wire);
            let lists = lists_of(&name, raw.object, now);
            let packet = PacketDropped {
                list: lists.first().cloned(),
                ..packet
            };
            Some(Event::DnsQueryBlocked(DnsQueryBlocked { packet, name, lists }))
        }
        rv_event_kind::RV_EVENT_POLICY => Some(Event::PolicyVerdict(verdict(raw, packet, now))),
        _ => None,
    }
}

/// What the classifier dropped by itself.
fn verdict(raw: &rv_event, packet: PacketDropped, now: &Snapshot) -> PolicyVerdict {
    let (line, action) = verdicts::line(raw.object, now).unzip();
    PolicyVerdict {
        action: action.unwrap_or(Action::Drop),
        line,
        revision: Revision(raw.revision),
        backend: VerdictBackend::Ebpf,
        from: verdicts::zone(raw.from_zone, now),
        to: verdicts::zone(raw.to_zone, now),
        interface: packet.interface,
        source: packet.source,
        destination: packet.destination,
        protocol: packet.protocol,
        source_port: packet.source_port,
        destination_port: packet.destination_port,
        packet_bytes: raw.frame_length.saturating_sub(ETHERNET_BYTES),
    }
}

/// Header of a frame, which is no part of the packet.
const ETHERNET_BYTES: u32 = 14;

fn address(family: u8, bytes: [u8; 16]) -> Option<IpAddr> {
    match family {
        4 => {
            let [a, b, c, d, ..] = bytes;
            Some(Ipv4Addr::new(a, b, c, d).into())
        }
        6 => Some(Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

/// Lists that have the name. The event tells the set but not whether the listed name itself was asked for or one
/// below it; looking the name up again does. Where that fails (the table was replaced meanwhile), every list of
/// the set.
fn lists_of(name: &str, set: u32, now: &Snapshot) -> Vec<ListId> {
    let Some(table) = &now.names else {
        return Vec::new();
    };
    let set = set as usize;
    let found = name.parse().ok().and_then(|name: DomainName| table.lookup(&name));
    let Some(members) = table.sets.get(set) else {
        return Vec::new();
    };
    match found {
        Some((at, true)) if at == set => members.matching_self.clone(),
        Some((at, false)) if at == set => members.matching_below.clone(),
        _ => {
            let both = members.matching_self.iter().chain(&members.matching_below);
            let mut lists: Vec<ListId> = both.cloned().collect();
            lists.sort();
            lists.dedup();
            lists
        }
    }
}
