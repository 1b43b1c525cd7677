//! Lines in force, in the order they are judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use ravelin_model::{
    Action, AddressMatch, AddressRange, Policy, PortRange, PublishedService, Rule, ServiceEntry,
    ServiceMatch, ZoneNumber, protocol,
};

use super::time::Times;
use super::translation::target_ports;
use super::zone::Zones;
use crate::{AddressSet, AddressTerm, CounterId, LeftOut, Line, Lists, NotInForce, Origin, fixed_counter};

/// Gathers lines; what has none is left out with the reason.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    policy: &'a Policy,
    zones: &'a Zones,
    known_lists: &'a Lists,
    pub(super) lines: Vec<Arc<Line>>,
    pub(super) left_out: Vec<LeftOut>,
    /// Those that lines name.
    pub(super) lists: BTreeMap<u32, Arc<AddressSet>>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(policy: &'a Policy, zones: &'a Zones, known_lists: &'a Lists) -> Self {
        Self {
            policy,
            zones,
            known_lists,
            lines: Vec::with_capacity(policy.rules.len()),
            left_out: Vec::new(),
            lists: BTreeMap::new(),
        }
    }

    /// Management ports answer to management zones. Without ports there is nothing that could.
    pub(super) fn add_anti_lockout(&mut self, ports: &[u16]) {
        if ports.is_empty() {
            return;
        }
        let service = ServiceEntry {
            protocol: Some(protocol::TCP),
            source_ports: Vec::new(),
            destination_ports: ports
                .iter()
                .filter_map(|port| PortRange::new(*port, *port))
                .collect(),
            icmp_types: Vec::new(),
        };
        for from in self.zones.management() {
            self.lines.push(Arc::new(Line {
                origin: Origin::AntiLockout,
                counter: fixed_counter::ANTI_LOCKOUT,
                from: Some(*from),
                to: Some(ZoneNumber::LOCAL),
                source: AddressTerm::default(),
                destination: AddressTerm::default(),
                services: vec![service.clone()],
                action: Action::Accept,
                log: false,
                rate_limit: None,
            }));
        }
    }

    pub(super) fn add_rule<'r>(&mut self, rule: &'r Rule, times: &mut Times<'r>) {
        let origin = Origin::Rule(rule.id.clone());
        let line = self.rule(rule, times);
        self.add(origin, rule.number, line);
    }

    /// Takes a line, or why there is none.
    pub(super) fn add(&mut self, origin: Origin, counter: CounterId, line: Result<Line, NotInForce>) {
        match line {
            Ok(line) => self.lines.push(Arc::new(line)),
            Err(why) => self.left_out.push(LeftOut {
                origin,
                counter,
                before: self.lines.len(),
                why,
            }),
        }
    }

    fn rule<'r>(&mut self, rule: &'r Rule, times: &mut Times<'r>) -> Result<Line, NotInForce> {
        let spec = &rule.spec;
        if !spec.enabled {
            return Err(NotInForce::Disabled);
        }
        let from = self.zones.number(&spec.from)?;
        let to = self.zones.number(&spec.to)?;
        times.check(spec)?;
        Ok(Line {
            origin: Origin::Rule(rule.id.clone()),
            counter: rule.number,
            from,
            to,
            source: self.term(&spec.source)?,
            destination: self.term(&spec.destination)?,
            services: self.services(&spec.services)?,
            action: spec.action,
            log: spec.log,
            rate_limit: spec.rate_limit,
        })
    }

    /// The line that lets in what a published service translates.
    pub(super) fn service(&mut self, service: &PublishedService) -> Result<Line, NotInForce> {
        let spec = &service.spec;
        if !spec.enabled {
            return Err(NotInForce::Disabled);
        }
        let dnat = &spec.translation;
        // Hairpin lets other zones reach the server; after translation nothing tells how they named it.
        let from = if dnat.hairpin {
            None
        } else {
            self.zones.number(&dnat.from)?
        };
        let ports = target_ports(dnat).ok_or(NotInForce::Reference)?;
        let services = match dnat.protocol {
            None => Vec::new(),
            Some(number) => vec![ServiceEntry {
                protocol: Some(number),
                source_ports: Vec::new(),
                destination_ports: if protocol::has_ports(number) && ports != PortRange::ALL {
                    vec![ports]
                } else {
                    Vec::new()
                },
                icmp_types: Vec::new(),
            }],
        };
        Ok(Line {
            origin: Origin::PublishedService(service.id.clone()),
            counter: service.number,
            from,
            to: None,
            source: self.term(&spec.source)?,
            destination: AddressTerm {
                addresses: AddressSet::new([AddressRange::from(dnat.target)]),
                ..AddressTerm::default()
            },
            services,
            action: Action::Accept,
            log: spec.log,
            rate_limit: None,
        })
    }

    fn term(&mut self, side: &AddressMatch) -> Result<AddressTerm, NotInForce> {
        let mut lists = Vec::with_capacity(side.lists.len());
        for id in &side.lists {
            let list = self.known_lists.get(id).ok_or(NotInForce::Reference)?;
            self.lists
                .entry(list.number)
                .or_insert_with(|| Arc::clone(&list.addresses));
            lists.push(list.number);
        }
        lists.sort_unstable();
        lists.dedup();
        Ok(AddressTerm {
            addresses: AddressSet::new(side.addresses.iter().copied()),
            lists,
            // The model never has it with nothing named, where it would mean nothing.
            negate: side.negate && !side.is_any(),
        })
    }

    /// Spelled out. Something named that says nothing must not become "everything".
    fn services(&self, services: &[ServiceMatch]) -> Result<Vec<ServiceEntry>, NotInForce> {
        let mut entries = Vec::with_capacity(services.len());
        for service in services {
            match service {
                ServiceMatch::Entry(entry) => entries.push(entry.clone()),
                ServiceMatch::Named(id) => {
                    let service = self.policy.services.get(id).ok_or(NotInForce::Reference)?;
                    entries.extend(service.spec.entries.iter().cloned());
                }
            }
        }
        if entries.is_empty() && !services.is_empty() {
            return Err(NotInForce::Reference);
        }
        Ok(entries)
    }
}
