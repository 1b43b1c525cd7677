//! What settings of interfaces may say only together: who is made of whom, and whose network is whose.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use ravelin_model::{InterfaceSettings, InterfaceSettingsId, NetworkSettings, VirtualLink};

use super::interface::member_pointer;
use crate::{Refusal, RefusalReason};

/// Everything that does not fit together, told of what the operations said: by id, and in which of them.
pub(in crate::policy) fn check_together<'a>(
    settings: impl IntoIterator<Item = &'a Arc<InterfaceSettings>>,
    said: &BTreeMap<InterfaceSettingsId, usize>,
) -> Vec<Refusal> {
    let by_name: BTreeMap<&str, &InterfaceSettings> = settings
        .into_iter()
        .map(|settings| (settings.spec.interface.as_str(), &**settings))
        .collect();
    let mut together = Together {
        by_name: &by_name,
        said,
        refusals: Vec::new(),
    };
    for settings in by_name.values() {
        if let Some(operation) = said.get(&settings.id) {
            together.check(settings, *operation);
        }
    }
    together.refusals
}

struct Together<'a> {
    by_name: &'a BTreeMap<&'a str, &'a InterfaceSettings>,
    said: &'a BTreeMap<InterfaceSettingsId, usize>,
    refusals: Vec<Refusal>,
}

impl<'a> Together<'a> {
    fn check(&mut self, own: &'a InterfaceSettings, operation: usize) {
        let mut wrong = Vec::new();
        let mut refuse = |pointer: String, detail: String| wrong.push((pointer, detail));
        let others: Vec<&InterfaceSettings> = self
            .by_name
            .values()
            .copied()
            .filter(|other| other.id != own.id && self.tells_of(own, operation, other))
            .collect();
        for other in &others {
            check_networks(own, other, &mut refuse);
            check_identities(own, other, &mut refuse);
        }
        self.check_members(own, &others, &mut refuse);
        self.check_masters(own, &others, &mut refuse);
        if let Some(link) = &own.spec.network.virtual_link
            && let Some(place) = self.place_of_cycle(own, link)
        {
            let member = &link.members()[place];
            refuse(
                member_pointer(link, place),
                format!("{member} is itself made of {}", own.spec.interface),
            );
        }
        self.refusals
            .extend(wrong.into_iter().map(|(pointer, detail)| Refusal {
                operation,
                pointer,
                reason: RefusalReason::Invalid,
                detail,
            }));
    }

    /// What is wrong between two is told once: of the one that was said, or said last.
    fn tells_of(&self, own: &InterfaceSettings, operation: usize, other: &InterfaceSettings) -> bool {
        let theirs = self.said.get(&other.id);
        theirs.is_none_or(|theirs| (*theirs, &other.spec.interface) < (operation, &own.spec.interface))
    }

    /// Links this one is made of.
    fn check_members(
        &self,
        own: &InterfaceSettings,
        others: &[&InterfaceSettings],
        refuse: &mut impl FnMut(String, String),
    ) {
        let Some(link) = &own.spec.network.virtual_link else {
            return;
        };
        for (place, member) in link.members().iter().enumerate() {
            let pointer = || member_pointer(link, place);
            let settings = others.iter().find(|other| other.spec.interface == *member);
            let Some(network) = settings.map(|settings| &settings.spec.network) else {
                continue;
            };
            if let Some(why) = cannot_be_member(link, network) {
                refuse(pointer(), format!("{member} {why}"));
            }
            if let Some(detail) = mtu_beyond(&own.spec.network, network, member) {
                refuse("/mtu_bytes".to_owned(), detail);
            }
        }
        for other in others {
            let Some(theirs) = &other.spec.network.virtual_link else {
                continue;
            };
            let name = &other.spec.interface;
            match (link, theirs) {
                (
                    VirtualLink::Vlan { parent, id },
                    VirtualLink::Vlan {
                        parent: other_parent,
                        id: other_id,
                    },
                ) if (parent, id) == (other_parent, other_id) => {
                    refuse(
                        "/vlan/id".to_owned(),
                        format!("{id} of {parent} is {name} already"),
                    );
                }
                (VirtualLink::Vlan { .. }, _) | (_, VirtualLink::Vlan { .. }) => {}
                _ => {
                    for (place, port) in link.members().iter().enumerate() {
                        if theirs.members().contains(port) {
                            refuse(
                                member_pointer(link, place),
                                format!("{port} is a port of {name} already"),
                            );
                        }
                    }
                }
            }
        }
    }

    /// Links that are made of this one.
    fn check_masters(
        &self,
        own: &InterfaceSettings,
        others: &[&InterfaceSettings],
        refuse: &mut impl FnMut(String, String),
    ) {
        for other in others {
            let Some(link) = &other.spec.network.virtual_link else {
                continue;
            };
            if !link.members().contains(&own.spec.interface) {
                continue;
            }
            let name = &other.spec.interface;
            if let Some(why) = cannot_be_member(link, &own.spec.network) {
                let pointer = pointer_to_what_cannot_be(&own.spec.network, link);
                refuse(
                    pointer.to_owned(),
                    format!("the interface is a part of {name}: it {why}"),
                );
            }
            if let Some(detail) = mtu_beyond(&other.spec.network, &own.spec.network, &own.spec.interface) {
                refuse(
                    "/mtu_bytes".to_owned(),
                    format!("is too small for {name}: {detail}"),
                );
            }
        }
    }

    /// The member that leads back to the link itself.
    fn place_of_cycle(&self, own: &InterfaceSettings, link: &VirtualLink) -> Option<usize> {
        let leads_back = |member: &String| {
            let mut seen = BTreeSet::new();
            let mut waiting = vec![member.as_str()];
            while let Some(name) = waiting.pop() {
                if name == own.spec.interface {
                    return true;
                }
                if !seen.insert(name) {
                    continue;
                }
                let settings = self.by_name.get(name);
                let link = settings.and_then(|settings| settings.spec.network.virtual_link.as_ref());
                waiting.extend(
                    link.into_iter()
                        .flat_map(VirtualLink::members)
                        .map(String::as_str),
                );
            }
            false
        };
        link.members().iter().position(leads_back)
    }
}

/// Why a link with these settings cannot be a part of another.
fn cannot_be_member(of: &VirtualLink, member: &NetworkSettings) -> Option<&'static str> {
    let kind = member.virtual_link.as_ref();
    match of {
        // A VLAN leaves its parent everything.
        VirtualLink::Vlan { .. } => None,
        _ if !member.addresses.is_empty() => Some("has addresses, and a port has none"),
        _ if member.dhcp_client != <_>::default() => Some("asks for addresses, and a port has none"),
        _ if member.lan_services != <_>::default() => Some("serves hosts, which a port does not"),
        VirtualLink::Bridge { .. } if matches!(kind, Some(VirtualLink::Bridge { .. })) => {
            Some("is a bridge, which no bridge takes as its port")
        }
        VirtualLink::Bond { .. } if !matches!(kind, None | Some(VirtualLink::Vlan { .. })) => {
            Some("is a bridge or a bond, which no bond takes as its port")
        }
        VirtualLink::Bridge { .. } | VirtualLink::Bond { .. } => None,
    }
}

fn pointer_to_what_cannot_be(member: &NetworkSettings, of: &VirtualLink) -> &'static str {
    match (&member.virtual_link, of) {
        _ if !member.addresses.is_empty() => "/addresses",
        _ if member.dhcp_client != <_>::default() => "/dhcp_client",
        _ if member.lan_services != <_>::default() => "/lan_services",
        (Some(VirtualLink::Bond { .. }), _) => "/bond",
        _ => "/bridge",
    }
}

/// A VLAN cannot carry more than its parent does.
fn mtu_beyond(own: &NetworkSettings, parent: &NetworkSettings, name: &str) -> Option<String> {
    let is_vlan = matches!(own.virtual_link, Some(VirtualLink::Vlan { .. }));
    let (own, parent) = own.mtu_bytes.zip(parent.mtu_bytes)?;
    (is_vlan && own > parent).then(|| format!("{own} is more than the {parent} of {name}"))
}

fn check_networks(
    own: &InterfaceSettings,
    other: &InterfaceSettings,
    refuse: &mut impl FnMut(String, String),
) {
    let name = &other.spec.interface;
    // Every link has a network of its own there.
    let everywhere = |address: &IpNet| match address.addr() {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    for (place, address) in own.spec.network.addresses.iter().enumerate() {
        if everywhere(address) {
            continue;
        }
        for theirs in &other.spec.network.addresses {
            let detail = if address.addr() == theirs.addr() {
                format!("{} is an address of {name} already", address.addr())
            } else if address.trunc() == theirs.trunc() {
                format!(
                    "the network {} is that of {name} already: hosts would be looked for on one link only",
                    address.trunc()
                )
            } else {
                continue;
            };
            refuse(format!("/addresses/{place}"), detail);
        }
    }
}

fn check_identities(
    own: &InterfaceSettings,
    other: &InterfaceSettings,
    refuse: &mut impl FnMut(String, String),
) {
    let mac = own.spec.network.identity.mac;
    if let Some(mac) = mac.filter(|mac| other.spec.network.identity.mac == Some(*mac)) {
        refuse(
            "/identity/mac".to_owned(),
            format!("{mac} is what {} is known by", other.spec.interface),
        );
    }
}
