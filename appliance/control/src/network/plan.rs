//! What the policy says of the network, put together for who brings it about. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use ravelin_kernel::Link;
use ravelin_model::{
    DhcpClient, InterfaceSettingsSpec, LanLink, LanServices, LinkIdentity, NetworkPlan, NetworkServices,
    Policy, WantedLink,
};

/// The network the policy wants. Links that stand for others' parts are up with what they are a part of.
pub(crate) fn plan(policy: &Policy) -> NetworkPlan {
    let specs: BTreeMap<&str, &InterfaceSettingsSpec> = specs(policy)
        .filter(|spec| !spec.network.is_empty())
        .map(|spec| (spec.interface.as_str(), spec))
        .collect();
    let mut links: BTreeMap<&str, WantedLink> =
        specs.iter().map(|(name, spec)| (*name, wanted(spec))).collect();
    for spec in specs.values() {
        let Some(link) = spec
            .network
            .virtual_link
            .as_ref()
            .filter(|_| spec.network.up() == Some(true))
        else {
            continue;
        };
        for member in link.members() {
            let part = links.entry(member).or_insert_with(|| untouched(member));
            part.enabled = part.enabled.or(Some(true));
        }
    }
    NetworkPlan {
        links: links.into_values().collect(),
        routes: policy.wanted_routes(),
        rules: policy.wanted_route_rules(),
    }
}

fn specs(policy: &Policy) -> impl Iterator<Item = &InterfaceSettingsSpec> {
    policy.interface_settings.values().map(|settings| &settings.spec)
}

fn wanted(spec: &InterfaceSettingsSpec) -> WantedLink {
    let network = &spec.network;
    WantedLink {
        name: spec.interface.clone(),
        identity: network.identity.clone(),
        virtual_link: network.virtual_link.clone(),
        enabled: network.up(),
        mtu_bytes: network.mtu_bytes,
        addresses: network.addresses.clone(),
    }
}

fn untouched(name: &str) -> WantedLink {
    WantedLink {
        name: name.to_owned(),
        identity: LinkIdentity::default(),
        virtual_link: None,
        enabled: None,
        mtu_bytes: None,
        addresses: Vec::new(),
    }
}

/// Leaves links that may not be raised yet as they are; their names.
pub(crate) fn hold_back(plan: &mut NetworkPlan, may_be_raised: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut held = BTreeSet::new();
    for link in &mut plan.links {
        if link.enabled == Some(true) && !may_be_raised(&link.name) {
            link.enabled = None;
            held.insert(link.name.clone());
        }
    }
    held
}

/// What daemons of others shall do. They go by names, so that another card of a name gets nothing.
pub(crate) fn services(policy: &Policy, strangers: &BTreeMap<String, String>) -> NetworkServices {
    let mut specs: Vec<&InterfaceSettingsSpec> = specs(policy)
        .filter(|spec| spec.network.up() == Some(true) && !strangers.contains_key(&spec.interface))
        .collect();
    specs.sort_by_key(|spec| &spec.interface);
    let clients = specs
        .iter()
        .filter(|spec| spec.network.dhcp_client != DhcpClient::default());
    let served = specs
        .iter()
        .filter(|spec| spec.network.lan_services != LanServices::default());
    NetworkServices {
        dhcp_clients: clients
            .map(|spec| (spec.interface.clone(), spec.network.dhcp_client))
            .collect(),
        lan_services: served.map(|spec| lan_link(spec)).collect(),
        dns_servers: policy.dns_server_addresses(),
    }
}

fn lan_link(spec: &InterfaceSettingsSpec) -> LanLink {
    let services = &spec.network.lan_services;
    let mut networks = spec.network.addresses.iter().filter_map(|address| match address {
        IpNet::V4(address) => Some(*address),
        IpNet::V6(_) => None,
    });
    LanLink {
        interface: spec.interface.clone(),
        services: services.clone(),
        ipv4: match services.dhcp_range {
            Some(range) => networks.find(|network| network.contains(&range.first)),
            None => networks.next(),
        },
    }
}

/// Links that are not the card their name stands for, and why not.
pub(crate) fn strangers<'a>(
    policy: &Policy,
    links: impl IntoIterator<Item = &'a Link>,
) -> BTreeMap<String, String> {
    let identities = identities(policy);
    let strangers = links.into_iter().filter_map(|link| {
        let why = mismatch(identities.get(link.name.as_str())?, &link.card)?;
        Some((link.name.clone(), why))
    });
    strangers.collect()
}

/// Names that stand for one card each, and the kernel index of the link that is it.
pub(crate) fn pinned<'a>(
    policy: &Policy,
    links: impl IntoIterator<Item = &'a Link>,
) -> BTreeMap<String, Option<u32>> {
    let identities = identities(policy);
    let mut pinned: BTreeMap<String, Option<u32>> =
        identities.keys().map(|name| ((*name).to_owned(), None)).collect();
    for link in links {
        if let Some(identity) = identities.get(link.name.as_str())
            && mismatch(identity, &link.card).is_none()
        {
            pinned.insert(link.name.clone(), Some(link.index));
        }
    }
    pinned
}

fn identities(policy: &Policy) -> BTreeMap<&str, &LinkIdentity> {
    specs(policy)
        .filter(|spec| !spec.network.identity.is_empty())
        .map(|spec| (spec.interface.as_str(), &spec.network.identity))
        .collect()
}

/// Why a card is not the one that is meant.
fn mismatch(meant: &LinkIdentity, card: &LinkIdentity) -> Option<String> {
    let LinkIdentity { mac, path } = meant;
    if let Some(mac) = mac.filter(|mac| card.mac != Some(*mac)) {
        let has = card.mac.map_or_else(|| "none".to_owned(), |has| has.to_string());
        return Some(format!("it is another card: its address is {has}, not {mac}"));
    }
    let path = path.as_ref().filter(|path| card.path.as_ref() != Some(path))?;
    let place = card
        .path
        .as_ref()
        .map_or_else(|| "on no bus".to_owned(), |path| format!("at {path}"));
    Some(format!("it is another card: it is {place}, not at {path}"))
}

#[cfg(test)]
mod tests;
