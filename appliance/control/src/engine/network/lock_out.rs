//! Commits that take away the address they came to.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_kernel::Link;
use ravelin_model::{NetworkSettings, Policy, VirtualLink};

use crate::engine::Engine;
use crate::{CallerConnection, ControlError};

impl Engine {
    /// Refuses where the caller could not come back by the address it came to.
    pub(in crate::engine) fn refuse_lost_address(
        &self,
        after: &Policy,
        caller: &CallerConnection,
    ) -> Result<(), ControlError> {
        let before = &self.now().policy.policy;
        let source = caller.peer.ip().to_canonical();
        let to = caller.local_address.map(|address| address.to_canonical());
        let outside = self.known_links.values().filter(|link| !link.loopback);
        let own: Vec<(&Link, IpNet)> = outside
            .flat_map(|link| link.addresses.iter().map(move |address| (link, *address)))
            .collect();
        if source.is_loopback() || own.iter().any(|(_, address)| address.addr() == source) {
            return Ok(());
        }
        let of_family = |address: &IpNet| address.addr().is_ipv4() == source.is_ipv4();
        let came_to = |fits: &dyn Fn(&IpNet) -> bool| {
            let ways = own
                .iter()
                .filter(|(_, address)| of_family(address) && fits(address));
            ways.copied().collect::<Vec<_>>()
        };
        // Where nobody knows the address it came to, it is one of those it may have come to.
        let mut ways = match to {
            Some(to) => came_to(&|address| address.addr() == to),
            None => came_to(&|address| address.contains(&source)),
        };
        if ways.is_empty() && to.is_none() {
            ways = came_to(&|_| true);
        }
        let lost = |(link, address): &(&Link, IpNet)| is_lost(&link.name, address.addr(), before, after);
        match ways.first() {
            Some((link, address)) if ways.iter().all(lost) => Err(ControlError::WouldTakeAddress {
                interface: link.name.clone(),
                address: address.addr(),
            }),
            _ => Ok(()),
        }
    }
}

/// Whether the address goes with the change, as far as the policy tells.
fn is_lost(name: &str, address: IpAddr, before: &Policy, after: &Policy) -> bool {
    let nothing = NetworkSettings::default();
    let (old, new) = (
        settings(before, name).unwrap_or(&nothing),
        settings(after, name).unwrap_or(&nothing),
    );
    let has = |network: &NetworkSettings| network.addresses.iter().any(|own| own.addr() == address);
    let asks = |network: &NetworkSettings| match address {
        IpAddr::V4(_) => network.dhcp_client.ipv4,
        IpAddr::V6(_) => network.dhcp_client.ipv6,
    };
    let is_down = new.up() == Some(false);
    let made_anew = match (&old.virtual_link, &new.virtual_link) {
        (None, _) => false,
        (Some(VirtualLink::Bridge { .. }), Some(VirtualLink::Bridge { .. }))
        | (Some(VirtualLink::Bond { .. }), Some(VirtualLink::Bond { .. })) => false,
        (old, new) => old != new,
    };
    let becomes_port = is_port(after, name) && !is_port(before, name);
    let address_goes = !has(new) && (has(old) || asks(old) && !asks(new));
    is_down || made_anew || becomes_port || address_goes
}

fn settings<'a>(policy: &'a Policy, name: &str) -> Option<&'a NetworkSettings> {
    let mut settings = policy.interface_settings.values();
    let settings = settings.find(|settings| settings.spec.interface == name);
    settings.map(|settings| &settings.spec.network)
}

fn is_port(policy: &Policy, name: &str) -> bool {
    let links = policy.interface_settings.values();
    let mut links = links.filter_map(|settings| settings.spec.network.virtual_link.as_ref());
    links.any(|link| match link {
        VirtualLink::Vlan { .. } => false,
        VirtualLink::Bridge { ports, .. } | VirtualLink::Bond { ports, .. } => {
            ports.iter().any(|port| port == name)
        }
    })
}
