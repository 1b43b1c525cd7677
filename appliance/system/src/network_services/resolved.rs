//! Drop-in of systemd-resolved (resolved.conf(5)): servers that were said, which then are the only ones asked.

use std::net::{IpAddr, SocketAddr};

use super::DnsServer;

/// Where everybody listens for questions.
pub(super) const DNS_PORT: u16 = 53;

/// None: resolved asks the servers DHCP told.
pub(super) fn drop_in(servers: &[DnsServer]) -> Option<String> {
    if servers.is_empty() {
        return None;
    }
    let servers: Vec<String> = servers.iter().map(server).collect();
    Some(format!(
        "# Written by ravelin-agent, and written anew by it.\n[Resolve]\nDNS={}\nFallbackDNS=\nDomains=~.\n",
        servers.join(" ")
    ))
}

fn server(server: &DnsServer) -> String {
    let DnsServer { address, port } = *server;
    match (address, port.get()) {
        (address, DNS_PORT) => address.to_string(),
        (IpAddr::V4(_) | IpAddr::V6(_), port) => SocketAddr::new(address, port).to_string(),
    }
}
