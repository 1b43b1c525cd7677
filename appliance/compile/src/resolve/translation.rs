//! Address translation in force.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model::{
    Dnat, NatRule, PortRange, PublishedAddress, PublishedService, Translation, ZoneMatch, ZoneNumber,
};

use super::zone::Zones;
use crate::{DnatEntry, Inventory, NatOrigin, NotInForce, ResolvedTranslation};

/// Gathers translations in the order they are judged.
#[derive(Debug)]
pub(super) struct Translations<'a> {
    zones: &'a Zones,
    inventory: &'a Inventory,
    pub(super) translations: Vec<ResolvedTranslation>,
    pub(super) dnat: Vec<DnatEntry>,
}

impl<'a> Translations<'a> {
    pub(super) fn new(zones: &'a Zones, inventory: &'a Inventory) -> Self {
        Self {
            zones,
            inventory,
            translations: Vec::new(),
            dnat: Vec::new(),
        }
    }

    /// Takes a NAT rule if it is in force.
    pub(super) fn add_rule(&mut self, rule: &NatRule) {
        let origin = NatOrigin::NatRule(rule.id.clone());
        let in_force = rule.spec.enabled
            && match &rule.spec.translation {
                Translation::Masquerade { to, .. } | Translation::Snat { to, .. } => {
                    self.zones.of(to).is_some()
                }
                Translation::Dnat(dnat) => self.add_dnat(&origin, dnat).is_ok(),
                Translation::OneToOne {
                    zone,
                    external,
                    internal,
                    hairpin,
                } => self.add_one_to_one(
                    &origin,
                    &ZoneMatch::Zone(zone.clone()),
                    (*external, *internal),
                    *hairpin,
                ),
            };
        if in_force {
            self.translations.push(ResolvedTranslation {
                origin,
                translation: rule.spec.translation.clone(),
            });
        }
    }

    /// Takes what an enabled published service translates, or says why it cannot.
    pub(super) fn add_service(&mut self, service: &PublishedService) -> Result<(), NotInForce> {
        let origin = NatOrigin::PublishedService(service.id.clone());
        self.add_dnat(&origin, &service.spec.translation)?;
        self.translations.push(ResolvedTranslation {
            origin,
            translation: Translation::Dnat(service.spec.translation.clone()),
        });
        Ok(())
    }

    fn add_dnat(&mut self, origin: &NatOrigin, dnat: &Dnat) -> Result<(), NotInForce> {
        let zones = self.sources(&dnat.from, dnat.hairpin);
        if zones.is_empty() {
            return Err(NotInForce::Zone);
        }
        target_ports(dnat).ok_or(NotInForce::Reference)?;
        let addresses = self.published(&dnat.address, dnat.target);
        for from in zones {
            self.dnat.extend(addresses.iter().map(|address| DnatEntry {
                origin: origin.clone(),
                from,
                network: IpNet::from(*address),
                protocol: dnat.protocol,
                ports: dnat.ports.unwrap_or(PortRange::ALL),
                target: dnat.target,
                target_port: dnat.target_port,
            }));
        }
        Ok(())
    }

    fn add_one_to_one(
        &mut self,
        origin: &NatOrigin,
        zone: &ZoneMatch,
        (external, internal): (IpNet, IpNet),
        hairpin: bool,
    ) -> bool {
        let same = external.prefix_len() == internal.prefix_len()
            && external.addr().is_ipv4() == internal.addr().is_ipv4();
        let zones = self.sources(zone, hairpin);
        if !same || zones.is_empty() {
            return false;
        }
        self.dnat.extend(zones.into_iter().map(|from| DnatEntry {
            origin: origin.clone(),
            from,
            network: external.trunc(),
            protocol: None,
            ports: PortRange::ALL,
            target: internal.network(),
            target_port: None,
        }));
        true
    }

    /// Zones whose packets are translated.
    fn sources(&self, from: &ZoneMatch, hairpin: bool) -> Vec<ZoneNumber> {
        match self.zones.number(from) {
            Ok(Some(zone)) if !hairpin => vec![zone],
            Err(_) if !hairpin => Vec::new(),
            _ => self.zones.outside().collect(),
        }
    }

    /// Addresses packets were sent to, of the family of the target; none while the interface has none.
    fn published(&self, address: &PublishedAddress, target: IpAddr) -> BTreeSet<IpAddr> {
        let addresses: Vec<IpAddr> = match address {
            PublishedAddress::Address(address) => vec![*address],
            PublishedAddress::Interface(name) => self
                .inventory
                .interfaces
                .iter()
                .filter(|interface| interface.name == *name && self.inventory.is_itself(interface))
                .flat_map(|interface| interface.addresses.iter().map(IpNet::addr))
                .collect(),
        };
        addresses
            .into_iter()
            .filter(|address| address.is_ipv4() == target.is_ipv4())
            .collect()
    }
}

/// The ports packets have after translation; None where they would be past the last port, or where there is a new
/// port but no old ones.
pub(super) fn target_ports(dnat: &Dnat) -> Option<PortRange> {
    match (dnat.ports, dnat.target_port) {
        (ports, None) => Some(ports.unwrap_or(PortRange::ALL)),
        (Some(ports), Some(first)) => PortRange::new(first, first.checked_add(ports.last() - ports.first())?),
        (None, Some(_)) => None,
    }
}
