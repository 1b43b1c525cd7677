//! Address translation. In each direction the first translation that matches decides.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use ravelin_model::{AddressRange, PortRange, Translation, ZoneId, ZoneNumber, protocol};

use super::build::{interfaces, zone_name};
use super::chains::Chains;
use super::lines::{WITH_PORTS, gather};
use super::table::{
    BaseChain, Family, Field, Hook, Name, NatMap, PortRangeRow, PortRow, ProtocolRow, Range, SetBody,
    Statement, Verdict, VerdictMap, in_set, is, only,
};
use super::term::{self, Side, Terms};
use super::tree::{self, DIMENSIONS, Dimension, RuleBox};
use crate::{AddressSet, AddressTerm, DnatEntry, Ruleset};

/// Adds the chains of address translation.
pub(super) fn add(ruleset: &Ruleset, chains: &mut Chains) {
    let interfaces = interfaces(ruleset);
    destination(ruleset, &interfaces, chains);
    source(ruleset, &interfaces, chains);
}

/// Destination translation, by the zone packets come in from.
fn destination(ruleset: &Ruleset, interfaces: &BTreeMap<ZoneNumber, Vec<Name>>, chains: &mut Chains) {
    let mut verdicts = BTreeMap::new();
    for (zone, names) in interfaces {
        let mut rules = Vec::new();
        for family in Family::ALL {
            let entries = ruleset.dnat.iter().filter(|entry| entry.from == *zone);
            rules.extend(
                maps(entries, family)
                    .into_iter()
                    .map(|map| vec![Statement::Dnat(map)]),
            );
        }
        if !rules.is_empty() {
            let chain = Verdict::Goto(chains.intern(rules));
            verdicts.extend(names.iter().map(|name| (name.clone(), chain.clone())));
        }
    }
    let by_zone = chains.set("dnat_zones", SetBody::InterfaceVerdicts(verdicts));
    chains.add(
        "prerouting",
        Some(BaseChain::Nat(Hook::Prerouting)),
        vec![dispatch(Field::InputInterface, &by_zone)],
    );
}

/// Entries of a zone and a family with nothing said twice.
#[derive(Debug, Default)]
struct Disjoint {
    ports: Vec<PortRow>,
    port_ranges: Vec<PortRangeRow>,
    protocols: Vec<ProtocolRow>,
    networks: Vec<(IpNet, IpNet)>,
}

/// The maps that find the first entry that matches: what an earlier entry has, a later one does not get.
fn maps<'a>(entries: impl Iterator<Item = &'a DnatEntry>, family: Family) -> Vec<NatMap> {
    let mut disjoint = Disjoint::default();
    for entry in entries.filter(|entry| Family::of(entry.target) == family) {
        disjoint.add(entry, family);
    }
    let Disjoint {
        mut ports,
        mut port_ranges,
        mut protocols,
        mut networks,
    } = disjoint;
    ports.sort_unstable();
    port_ranges.sort_unstable();
    protocols.sort_unstable();
    networks.sort_unstable();
    let mut maps = Vec::new();
    if !ports.is_empty() {
        maps.push(NatMap::Ports(ports.into()));
    }
    if !port_ranges.is_empty() {
        maps.push(NatMap::PortRanges(port_ranges.into()));
    }
    if !protocols.is_empty() {
        maps.push(NatMap::Protocols(protocols.into()));
    }
    if !networks.is_empty() {
        maps.push(NatMap::Networks(networks.into()));
    }
    maps
}

impl Disjoint {
    fn add(&mut self, entry: &DnatEntry, family: Family) {
        let DnatEntry {
            origin: _,
            from: _,
            network,
            protocol,
            ports,
            target,
            target_port,
        } = entry;
        let taken = self.networks.iter().map(|(network, _)| network_range(*network));
        let whole = network_range(*network);
        let free = tree::subtract(whole, &tree::union(taken.collect()));
        for (first, last) in free {
            let Some(protocol) = *protocol else {
                self.add_network((first, last), whole.0, *target, family);
                continue;
            };
            // Only what is for every protocol is about more than one address.
            let address = term::address(first, family);
            if self
                .protocols
                .iter()
                .any(|(known, number, _)| (*known, *number) == (address, protocol))
            {
                continue;
            }
            let stays = target_port.is_none_or(|port| port == ports.first());
            if stays && *ports == PortRange::ALL {
                self.protocols.push((address, protocol, *target));
            } else if protocol::has_ports(protocol) {
                self.add_ports(
                    (address, protocol),
                    *ports,
                    *target,
                    target_port.filter(|_| !stays),
                );
            }
        }
    }

    /// Networks begin and end where their targets do, so a prefix within one has a prefix for target.
    fn add_network(&mut self, (first, last): Range, start: u128, target: IpAddr, family: Family) {
        let range = AddressRange::new(term::address(first, family), term::address(last, family));
        for prefix in range.iter().flat_map(AddressRange::prefixes) {
            let distance = term::number(prefix.network()) - start;
            let target = term::address(term::number(target).wrapping_add(distance), family);
            if let Ok(target) = IpNet::new(target, prefix.prefix_len()) {
                self.networks.push((prefix, target));
            }
        }
    }

    fn add_ports(&mut self, key: (IpAddr, u8), ports: PortRange, target: IpAddr, target_port: Option<u16>) {
        let (address, protocol) = key;
        let shifted = self
            .ports
            .iter()
            .filter(|row| (row.0, row.1) == key)
            .map(|row| only(row.2));
        let kept = self.port_ranges.iter().filter(|row| (row.0, row.1) == key);
        let kept = kept.map(|row| (u128::from(row.2.first()), u128::from(row.2.last())));
        let taken = tree::union(shifted.chain(kept).collect());
        let wanted = (u128::from(ports.first()), u128::from(ports.last()));
        let port = |number: u128| u16::try_from(number).expect("a port");
        for (first, last) in tree::subtract(wanted, &taken) {
            let (first, last) = (port(first), port(last));
            match target_port {
                None => {
                    let range = PortRange::new(first, last).expect("ports are in order");
                    self.port_ranges.push((address, protocol, range, target));
                }
                Some(start) => self.ports.extend((first..=last).map(|port| {
                    (
                        address,
                        protocol,
                        port,
                        target,
                        start.wrapping_add(port - ports.first()),
                    )
                })),
            }
        }
    }
}

/// Source translation, by the zone packets leave by; and packets that come back out of the zone they came from
/// because their destination was translated, whose replies would else not come back here.
fn source(ruleset: &Ruleset, interfaces: &BTreeMap<ZoneNumber, Vec<Name>>, chains: &mut Chains) {
    let (mut verdicts, mut hairpin) = (BTreeMap::new(), BTreeMap::new());
    for (zone, names) in interfaces {
        let id = &ruleset.zones[zone].id;
        let by_family = Family::ALL.map(|family| source_boxes(ruleset, id, family, chains));
        if let Some(chain) = gather(&by_family, chains) {
            verdicts.extend(
                names
                    .iter()
                    .map(|name| (name.clone(), Verdict::Jump(chain.clone()))),
            );
        }
        if !ruleset.dnat.is_empty() {
            let members = SetBody::Interfaces(names.iter().cloned().collect());
            let members = chains.set(zone_name(*zone), members);
            let back = vec![in_set(&[Field::OutputInterface], &members), Statement::Masquerade];
            let chain = Verdict::Goto(chains.intern(vec![back]));
            hairpin.extend(names.iter().map(|name| (name.clone(), chain.clone())));
        }
    }
    let by_zone = chains.set("snat_zones", SetBody::InterfaceVerdicts(verdicts));
    let hairpin = chains.set("hairpin", SetBody::InterfaceVerdicts(hairpin));
    let mut back = vec![Statement::Translated];
    back.extend(dispatch(Field::InputInterface, &hairpin));
    chains.add(
        "postrouting",
        Some(BaseChain::Nat(Hook::Postrouting)),
        vec![dispatch(Field::OutputInterface, &by_zone), back],
    );
}

fn source_boxes(ruleset: &Ruleset, zone: &ZoneId, family: Family, chains: &mut Chains) -> Vec<Arc<RuleBox>> {
    let lists = BTreeMap::new();
    let terms = Terms::new(&lists);
    let mut boxes = Vec::new();
    for (at, resolved) in ruleset.translations.iter().enumerate() {
        let mut add = |source: &[AddressRange], destination: &[AddressRange], end| {
            let source = sides(source, Field::Source, family, &terms, chains);
            let destination = sides(destination, Field::Destination, family, &terms, chains);
            if let (Some(source), Some(destination)) = (source, destination) {
                boxes.extend(
                    source_box(at, &source, &destination, end)
                        .into_iter()
                        .map(Arc::new),
                );
            }
        };
        match &resolved.translation {
            Translation::Masquerade { to, source } if to == zone => {
                add(source, &[], End::plain(Statement::Masquerade))
            }
            Translation::Snat {
                to,
                source,
                destination,
                address,
                ports,
            } if to == zone && Family::of(*address) == family => {
                let plain = Statement::Snat {
                    address: *address,
                    ports: None,
                };
                let ported = ports.map(|ports| Statement::Snat {
                    address: *address,
                    ports: Some(ports),
                });
                add(source, destination, End { ported, plain });
            }
            Translation::OneToOne {
                zone: outside,
                external,
                internal,
                hairpin: _,
            } if outside == zone && Family::of(external.addr()) == family => {
                let networks = [(internal.trunc(), external.trunc())].into();
                add(
                    &[internal.trunc().into()],
                    &[],
                    End::plain(Statement::SnatNetworks(networks)),
                );
            }
            Translation::Masquerade { .. }
            | Translation::Snat { .. }
            | Translation::OneToOne { .. }
            | Translation::Dnat(_) => {}
        }
    }
    boxes
}

/// What is done with the source.
#[derive(Debug)]
struct End {
    /// Where the protocol has ports, if that is something else.
    ported: Option<Statement>,
    plain: Statement,
}

impl End {
    fn plain(plain: Statement) -> Self {
        Self { ported: None, plain }
    }
}

/// What addresses must be; None: none of the family is meant.
fn sides(
    addresses: &[AddressRange],
    field: fn(Family) -> Field,
    family: Family,
    terms: &Terms<'_>,
    chains: &mut Chains,
) -> Option<Side> {
    let term = AddressTerm {
        addresses: AddressSet::new(addresses.iter().copied()),
        ..AddressTerm::default()
    };
    terms.side(&term, field, family, chains)
}

fn source_box(line: usize, source: &Side, destination: &Side, end: End) -> Vec<RuleBox> {
    let End { ported, plain } = end;
    let mut variants = Vec::new();
    if let Some(end) = ported {
        // nftables wants to see the one protocol whose ports it changes.
        variants.extend(WITH_PORTS.map(only).map(|protocol| {
            let matching = is(Field::Protocol, [protocol]);
            (Some(matching), [protocol].into(), end.clone())
        }));
    }
    let all: Arc<[Range]> = [Dimension::Protocol.all_services()].into();
    variants.push((None, all, plain));
    let variants = variants.into_iter().map(|(matching, protocols, end)| {
        let mut part = RuleBox {
            line,
            dimensions: Dimension::ALL.map(|dimension| Some([dimension.all_services()].into())),
            matches: [const { None }; DIMENSIONS],
            exact: true,
            end: vec![end],
        };
        part.matches[Dimension::Protocol as usize] = matching;
        part.dimensions[Dimension::Protocol as usize] = Some(protocols);
        for (dimension, side) in [(Dimension::Source, source), (Dimension::Destination, destination)] {
            part.matches[dimension as usize].clone_from(&side.matching);
            part.dimensions[dimension as usize].clone_from(&side.ranges);
        }
        part
    });
    variants.collect()
}

fn network_range(network: IpNet) -> Range {
    (term::number(network.network()), term::number(network.broadcast()))
}

fn dispatch(field: Field, map: &Name) -> Vec<Statement> {
    vec![Statement::Dispatch {
        fields: [field].into(),
        map: VerdictMap::Set(map.clone()),
    }]
}
