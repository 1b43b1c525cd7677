//! Addresses of this box.

use std::collections::HashSet;
use std::net::IpAddr;

use ravelin_kernel::Link;

/// Addresses of this box, whichever link has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Locals(HashSet<IpAddr>);

impl Locals {
    #[cfg(test)]
    pub(crate) fn from_addresses(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self(addresses.into_iter().collect())
    }

    pub(crate) fn of(links: &[Link]) -> Self {
        let addresses = links.iter().flat_map(|link| &link.addresses);
        Self(addresses.map(ipnet::IpNet::addr).collect())
    }

    /// Whether packets to it end here. All of 127.0.0.0/8 do.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.0.contains(&address)
    }
}
