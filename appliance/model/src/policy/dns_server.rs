//! Servers this box asks for names.

use std::net::IpAddr;
use std::num::NonZeroU16;

use super::object::{Id, Kind, Object};
use crate::DnsServerAddress;

/// A server that is asked for names.
pub type DnsServer = Object<DnsServerSpec>;
/// Id of a DNS server: `dns_…`.
pub type DnsServerId = Id<DnsServerSpec>;

/// What a user says of a DNS server. Where there is any, those DHCP told are not asked. Address and port are unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsServerSpec {
    /// Its address.
    pub address: IpAddr,
    /// UDP and TCP port.
    pub port: NonZeroU16,
    /// Lower ones are asked first.
    pub priority: u32,
    /// Free text.
    pub description: String,
}

impl Kind for DnsServerSpec {
    const PREFIX: &'static str = "dns_";
    const NAME: &'static str = "dns_server";
    const COLLECTION: &'static str = "dns-servers";
}

impl DnsServerSpec {
    /// What is asked.
    pub fn server(&self) -> DnsServerAddress {
        DnsServerAddress {
            address: self.address,
            port: self.port,
        }
    }

    /// Servers are asked in this order.
    pub fn order(&self) -> (u32, DnsServerAddress) {
        (self.priority, self.server())
    }

    /// What tells it from other servers.
    pub fn key(&self) -> String {
        std::net::SocketAddr::new(self.address, self.port.get()).to_string()
    }
}
