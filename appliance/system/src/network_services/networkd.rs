//! Files of systemd-networkd (systemd.network(5), version 252): one for each interface that asks for addresses.
//!
//! Links, their MTU, and addresses, routes and rules that somebody set are the engine's: networkd neither raises a link
//! nor drops what it did not make itself.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{DhcpClient, NetworkServices};

/// Metric of routes of the first interface; each after it has one more, so that two of them do not fight over one
/// route. Static routes are in front of them, unless their metric is as high.
const FIRST_METRIC: usize = 1024;

/// What files of ours begin with.
pub(super) const PREFIX: &str = "10-ravelin-";

/// The files by name.
pub(super) fn files(services: &NetworkServices) -> BTreeMap<String, String> {
    let asks = |client: &&DhcpClient| client.ipv4 || client.ipv6;
    let clients = services.dhcp_clients.iter().filter(asks);
    // Where servers are said, those of DHCP are not asked.
    let use_dns = services.dns_servers.is_empty();
    clients
        .zip(FIRST_METRIC..)
        .map(|(client, metric)| {
            let name = format!("{PREFIX}{}.network", client.interface);
            (name, network(client, use_dns, metric))
        })
        .collect()
}

fn network(client: &DhcpClient, use_dns: bool, metric: usize) -> String {
    let DhcpClient {
        interface,
        ipv4,
        ipv6,
    } = client;
    let (ipv4, ipv6, use_dns) = (yes_no(*ipv4), yes_no(*ipv6), yes_no(use_dns));
    // IPv6 begins with the advertisements, which say whether there is DHCP; `ipv4` is then the only family DHCP= is for.
    let dhcp = if client.ipv4 { "ipv4" } else { "no" };
    let mut text = String::from("# Written by ravelin-agent, and written anew by it.\n");
    let sections: [(&str, &[(&str, &str)]); 6] = [
        ("Match", &[("Name", interface.as_str())]),
        (
            "Link",
            &[("ActivationPolicy", "manual"), ("RequiredForOnline", "no")],
        ),
        (
            "Network",
            &[
                ("DHCP", dhcp),
                ("IPv6AcceptRA", ipv6),
                ("LinkLocalAddressing", "ipv6"),
                ("KeepConfiguration", "static"),
                ("IPv6PrivacyExtensions", "no"),
                ("LLMNR", "no"),
                ("MulticastDNS", "no"),
                ("LLDP", "no"),
                ("EmitLLDP", "no"),
            ],
        ),
        (
            "DHCPv4",
            &[
                // Servers of homes and providers give the same address to the same card.
                ("ClientIdentifier", "mac"),
                ("SendHostname", "no"),
                ("UseHostname", "no"),
                ("UseDomains", "no"),
                ("UseDNS", use_dns),
                ("RoutesToDNS", use_dns),
                ("UseNTP", "yes"),
                ("UseMTU", "no"),
                ("UseTimezone", "no"),
                ("UseRoutes", ipv4),
                ("UseGateway", ipv4),
            ],
        ),
        (
            "IPv6AcceptRA",
            &[
                ("UseDNS", use_dns),
                ("UseDomains", "no"),
                ("UseMTU", "no"),
                ("UseGateway", ipv6),
                ("DHCPv6Client", ipv6),
            ],
        ),
        (
            "DHCPv6",
            &[
                ("UseDNS", use_dns),
                ("UseDomains", "no"),
                ("UseHostname", "no"),
                ("UseNTP", "yes"),
                // Nobody gives the prefix to a LAN.
                ("UseDelegatedPrefix", "no"),
            ],
        ),
    ];
    for (section, settings) in sections {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n[{section}]\n");
        for (name, value) in settings {
            let _ = writeln!(text, "{name}={value}");
        }
        if matches!(section, "DHCPv4" | "IPv6AcceptRA") {
            let _ = writeln!(text, "RouteMetric={metric}");
        }
    }
    text
}

fn yes_no(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
}
