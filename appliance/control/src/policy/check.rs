//! What an object may say, given what there is.

mod interface;
mod routes;
mod together;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ravelin_compile::schedule::check_timezone;
use ravelin_model::{
    AddressMatch, Dnat, Id, Kind, LOCAL_ZONE, ListId, ListKind, NatRuleSpec, PortRange, PublishedAddress,
    PublishedServiceSpec, RuleSpec, Schedule, ServiceEntry, ServiceMatch, ServiceSpec, Translation, ZoneId,
    ZoneMatch, ZonePairSpec, ZoneSpec, protocol,
};

pub(super) use together::check_together;

use super::collection::Collection;
use crate::RefusalReason;

/// Longest name of an interface (IFNAMSIZ - 1).
const INTERFACE_NAME_BYTES: usize = 15;

/// The word of the API for every zone.
const ANY: &str = "any";

/// What references are checked against: the policy as the operations leave it.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) zones: &'a Collection<ZoneSpec>,
    pub(super) services: &'a Collection<ServiceSpec>,
    pub(super) lists: &'a BTreeMap<ListId, ListKind>,
}

/// What is wrong with an object: where, of what kind, in words.
#[derive(Debug, Default)]
pub(super) struct Problems(pub(super) Vec<(String, RefusalReason, String)>);

impl Problems {
    fn invalid(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0
            .push((pointer.into(), RefusalReason::Invalid, detail.into()));
    }

    fn unknown(&mut self, pointer: impl Into<String>, what: &str, id: &str) {
        let detail = format!("names the {what} '{id}', which does not exist");
        self.0.push((pointer.into(), RefusalReason::BadReference, detail));
    }
}

/// What an object of a kind may say.
pub(super) trait Checked: Kind {
    /// Everything wrong with it.
    fn check(&self, around: &Surroundings<'_>, problems: &mut Problems);
}

fn exists<S: Kind>(
    id: &Id<S>,
    what: &str,
    known: &HashMap<Id<S>, std::sync::Arc<ravelin_model::Object<S>>>,
    pointer: &str,
    problems: &mut Problems,
) {
    if !known.contains_key(id) {
        problems.unknown(pointer, what, id.as_str());
    }
}

impl Surroundings<'_> {
    fn zone(&self, id: &ZoneId, pointer: &str, problems: &mut Problems) {
        exists(id, "zone", &self.zones.objects, pointer, problems);
    }

    fn zone_match(&self, zone: &ZoneMatch, pointer: &str, problems: &mut Problems) {
        if let ZoneMatch::Zone(id) = zone {
            self.zone(id, pointer, problems);
        }
    }

    /// A zone packets can come from or go to by an interface.
    fn outer_zone(&self, id: &ZoneId, pointer: &str, problems: &mut Problems) {
        self.zone(id, pointer, problems);
        if id.as_str() == LOCAL_ZONE {
            problems.invalid(pointer, "is 'local', which has no interfaces to translate at");
        }
    }

    fn address(&self, address: &AddressMatch, pointer: &str, problems: &mut Problems) {
        for (place, list) in address.lists.iter().enumerate() {
            let pointer = format!("{pointer}/lists/{place}");
            match self.lists.get(list) {
                None => problems.unknown(pointer, "list", list.as_str()),
                Some(ListKind::Address) => {}
                Some(ListKind::Domain) => problems.invalid(pointer, "is a list of domains, not of addresses"),
            }
        }
        if address.negate && address.is_any() {
            problems.invalid(
                format!("{pointer}/negate"),
                "negates nothing: no address and no list is named",
            );
        }
    }
}

impl Checked for ZoneSpec {
    fn check(&self, _: &Surroundings<'_>, problems: &mut Problems) {
        if self.name.as_str().eq_ignore_ascii_case(ANY) {
            problems.invalid("/name", "is the word for every zone");
        }
        for (place, name) in self.interfaces.iter().enumerate() {
            if !is_interface_name(name) {
                let detail = format!("'{name}' cannot be the name of an interface");
                problems.invalid(format!("/interfaces/{place}"), detail);
            } else if name == "lo" {
                let detail = "the loopback is this box itself and in no zone";
                problems.invalid(format!("/interfaces/{place}"), detail);
            }
        }
    }
}

/// What the kernel takes (`dev_valid_name`), and nftables without quoting trouble.
fn is_interface_name(name: &str) -> bool {
    let fits = (1..=INTERFACE_NAME_BYTES).contains(&name.len());
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'"' | b'*' | b'\\');
    fits && name != "." && name != ".." && name.bytes().all(plain)
}

impl Checked for ZonePairSpec {
    fn check(&self, around: &Surroundings<'_>, problems: &mut Problems) {
        around.zone(&self.from, "/from", problems);
        around.zone(&self.to, "/to", problems);
    }
}

impl Checked for RuleSpec {
    fn check(&self, around: &Surroundings<'_>, problems: &mut Problems) {
        around.zone_match(&self.from, "/from_zone", problems);
        around.zone_match(&self.to, "/to_zone", problems);
        around.address(&self.source, "/source", problems);
        around.address(&self.destination, "/destination", problems);
        for (place, service) in self.services.iter().enumerate() {
            let pointer = format!("/services/{place}");
            match service {
                ServiceMatch::Named(id) => {
                    exists(id, "service", &around.services.objects, &pointer, problems);
                }
                ServiceMatch::Entry(entry) => check_entry(entry, &pointer, problems),
            }
        }
        if let Some(limit) = self.rate_limit {
            if limit.rate == 0 {
                problems.invalid("/rate_limit/rate", "is not at least 1 a second");
            }
            if limit.burst == 0 {
                problems.invalid("/rate_limit/burst", "is not at least 1");
            }
        }
        if let Some(schedule) = &self.schedule {
            check_schedule(schedule, problems);
        }
    }
}

fn check_schedule(schedule: &Schedule, problems: &mut Problems) {
    if schedule.days.is_empty() {
        problems.invalid("/schedule/days", "names no day");
    }
    if let Err(error) = check_timezone(&schedule.timezone) {
        problems.invalid("/schedule/timezone", format!("'{}' {error}", schedule.timezone));
    }
}

impl Checked for ServiceSpec {
    fn check(&self, _: &Surroundings<'_>, problems: &mut Problems) {
        if self.entries.is_empty() {
            problems.invalid("/entries", "is empty: a service is at least one");
        }
        for (place, entry) in self.entries.iter().enumerate() {
            check_entry(entry, &format!("/entries/{place}"), problems);
        }
    }
}

fn check_entry(entry: &ServiceEntry, pointer: &str, problems: &mut Problems) {
    let ports = [
        ("source_ports", &entry.source_ports),
        ("destination_ports", &entry.destination_ports),
    ];
    for (name, ranges) in ports {
        if !ranges.is_empty() && !entry.protocol.is_some_and(protocol::has_ports) {
            problems.invalid(format!("{pointer}/{name}"), "are for TCP, UDP and SCTP only");
        }
    }
    let icmp = matches!(entry.protocol, Some(protocol::ICMP | protocol::ICMPV6));
    if !entry.icmp_types.is_empty() && !icmp {
        problems.invalid(format!("{pointer}/icmp_types"), "are for ICMP and ICMPv6 only");
    }
}

impl Checked for NatRuleSpec {
    fn check(&self, around: &Surroundings<'_>, problems: &mut Problems) {
        match &self.translation {
            Translation::Masquerade { to, source: _ } => around.outer_zone(to, "/to_zone", problems),
            Translation::Snat {
                to,
                source,
                destination,
                address,
                ports,
            } => {
                around.outer_zone(to, "/to_zone", problems);
                check_address(*address, "/address", problems);
                for (name, ranges) in [
                    ("source_addresses", source),
                    ("destination_addresses", destination),
                ] {
                    for (place, range) in ranges.iter().enumerate() {
                        if range.first().is_ipv4() != address.is_ipv4() {
                            let detail = "is not of the family of the new source";
                            problems.invalid(format!("/{name}/{place}"), detail);
                        }
                    }
                }
                if ports.is_some_and(|ports| ports.first() == 0) {
                    problems.invalid("/ports", "begins with port 0, which cannot be used");
                }
            }
            Translation::Dnat(dnat) => check_dnat(dnat, around, problems),
            Translation::OneToOne {
                zone,
                external,
                internal,
                hairpin: _,
            } => {
                around.outer_zone(zone, "/zone", problems);
                if external.addr().is_ipv4() != internal.addr().is_ipv4() {
                    problems.invalid("/internal", "is not of the family of the external addresses");
                } else if external.prefix_len() != internal.prefix_len() {
                    problems.invalid("/internal", "are not as many as the external addresses");
                } else if external.contains(internal) || internal.contains(external) {
                    problems.invalid("/internal", "are the external addresses");
                }
                for (pointer, network) in [("/external", external), ("/internal", internal)] {
                    if network.trunc() != *network {
                        problems.invalid(pointer, "has bits set behind the prefix length");
                    }
                }
            }
        }
    }
}

impl Checked for PublishedServiceSpec {
    fn check(&self, around: &Surroundings<'_>, problems: &mut Problems) {
        check_dnat(&self.translation, around, problems);
        around.address(&self.source, "/source", problems);
    }
}

fn check_dnat(dnat: &Dnat, around: &Surroundings<'_>, problems: &mut Problems) {
    let Dnat {
        from,
        address,
        protocol,
        ports,
        target,
        target_port,
        hairpin: _,
    } = dnat;
    around.zone_match(from, "/from_zone", problems);
    if matches!(from, ZoneMatch::Zone(id) if id.as_str() == LOCAL_ZONE) {
        problems.invalid("/from_zone", "is 'local': what this box sends is not translated");
    }
    check_address(*target, "/target", problems);
    match address {
        PublishedAddress::Address(address) => {
            check_address(*address, "/address", problems);
            if address.is_ipv4() != target.is_ipv4() {
                problems.invalid("/target", "is not of the family of the address");
            }
        }
        PublishedAddress::Interface(name) if !is_interface_name(name) => {
            problems.invalid(
                "/interface",
                format!("'{name}' cannot be the name of an interface"),
            );
        }
        PublishedAddress::Interface(_) => {}
    }
    if ports.is_some() && !protocol.is_some_and(protocol::has_ports) {
        problems.invalid("/ports", "are for TCP, UDP and SCTP only");
    }
    match (ports, target_port) {
        (None, Some(_)) => problems.invalid("/target_port", "needs ports to stand for"),
        (_, Some(0)) => problems.invalid("/target_port", "is 0, which cannot be used"),
        (Some(ports), Some(first)) if !leaves_room(*ports, *first) => {
            problems.invalid("/target_port", "leaves no room for as many ports as there are");
        }
        _ => {}
    }
}

fn leaves_room(ports: PortRange, first: u16) -> bool {
    first.checked_add(ports.last() - ports.first()).is_some()
}

fn check_address(address: IpAddr, pointer: &str, problems: &mut Problems) {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || broadcast {
        problems.invalid(pointer, "is not the address of one host");
    }
}
