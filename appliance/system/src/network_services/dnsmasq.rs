//! Files of dnsmasq(8), version 2.90. There are two, for two of them: one serves DHCP and router advertisements, one
//! answers questions for names. So each serves exactly the interfaces it is for, and a change to one leaves the other.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use super::resolved::DNS_PORT;
use super::{DhcpRange, DnsServer, LanServices, NetworkServices};

/// Where systemd-resolved writes the servers that DHCP told.
const DHCP_SERVERS: &str = "/run/systemd/resolve/resolv.conf";

/// Where dnsmasq keeps leases: what it serves outlives a restart of the machine.
pub(super) const LEASES: &str = "/state/lan/dhcp.leases";

/// How long hosts keep addresses of an advertised network after this machine is gone.
const PREFIX_SECONDS: u32 = 7200;

/// Answers that are kept.
const CACHE_SIZE: u32 = 4096;

/// Names programs ask for without being told to: no host gets them by calling itself so.
const NAMES_NOBODY_HAS: [&str; 2] = ["wpad", "isatap"];

/// What both begin with. Binding to addresses as they come and go leaves all other interfaces alone.
const COMMON: &str = "\
# Written by ravelin-agent, and written anew by it.
bind-dynamic
except-interface=lo
pid-file=
log-facility=-
";

/// DHCP and router advertisements.
pub(super) fn dhcp(services: &NetworkServices) -> Option<String> {
    let served = |lan: &&LanServices| lan.dhcp.is_some() || lan.router_advertisements;
    let lans: Vec<&LanServices> = services.lan_services.iter().filter(served).collect();
    if lans.is_empty() {
        return None;
    }
    let mut text =
        format!("{COMMON}port=0\ndhcp-leasefile={LEASES}\ndhcp-authoritative\nno-ping\nquiet-ra\n");
    for name in NAMES_NOBODY_HAS {
        line(&mut text, format_args!("dhcp-name-match=set:nobody,{name}"));
    }
    line(&mut text, format_args!("dhcp-ignore-names=tag:nobody"));
    if lans.iter().any(|lan| lan.router_advertisements) {
        line(&mut text, format_args!("enable-ra"));
    }
    for (number, lan) in lans.iter().enumerate() {
        line(&mut text, format_args!("interface={}", lan.interface));
        if let (Some(range), Some(network)) = (lan.dhcp, lan.address) {
            let own = network.addr();
            let DhcpRange {
                first,
                last,
                lease_seconds,
            } = range;
            let mask = network.netmask();
            line(
                &mut text,
                format_args!("dhcp-range=set:lan{number},{first},{last},{mask},{lease_seconds}"),
            );
            line(
                &mut text,
                format_args!("dhcp-option=tag:lan{number},option:router,{own}"),
            );
            let servers = told_servers(lan, own, &services.dns_servers);
            // Without a value it is not sent at all.
            line(
                &mut text,
                format_args!("dhcp-option=tag:lan{number},option:dns-server{servers}"),
            );
        }
        if lan.router_advertisements {
            let mode = if lan.dns { "ra-stateless" } else { "ra-only" };
            line(
                &mut text,
                format_args!(
                    "dhcp-range=set:lan{number},::,constructor:{},{mode},64,{PREFIX_SECONDS}",
                    lan.interface
                ),
            );
            if lan.dns {
                // Stands for the link-local address of this machine.
                line(
                    &mut text,
                    format_args!("dhcp-option=tag:lan{number},option6:dns-server,[fe80::]"),
                );
            }
        }
    }
    Some(text)
}

/// Servers clients are told: this machine, or else those that were said and every client can ask.
fn told_servers(lan: &LanServices, own: Ipv4Addr, servers: &[DnsServer]) -> String {
    if lan.dns {
        return format!(",{own}");
    }
    let usual = servers.iter().filter(|server| server.port.get() == DNS_PORT);
    usual
        .filter_map(|server| match server.address {
            IpAddr::V4(address) => Some(format!(",{address}")),
            IpAddr::V6(_) => None,
        })
        .collect()
}

/// Names.
pub(super) fn dns(services: &NetworkServices) -> Option<String> {
    let lans: Vec<&LanServices> = services.lan_services.iter().filter(|lan| lan.dns).collect();
    if lans.is_empty() {
        return None;
    }
    let mut text = format!("{COMMON}no-hosts\ncache-size={CACHE_SIZE}\ndomain-needed\ndns-loop-detect\n");
    let servers = &services.dns_servers;
    // A server in a private network is somebody's own, and may tell of private addresses.
    if !servers.iter().any(|server| is_private(server.address)) {
        text.push_str("bogus-priv\nstop-dns-rebind\nrebind-localhost-ok\n");
    }
    if servers.is_empty() {
        line(&mut text, format_args!("resolv-file={DHCP_SERVERS}"));
    } else {
        text.push_str("no-resolv\nstrict-order\n");
        for DnsServer { address, port } in servers {
            line(&mut text, format_args!("server={address}#{port}"));
        }
    }
    for lan in lans {
        line(&mut text, format_args!("interface={}", lan.interface));
    }
    Some(text)
}

/// RFC 1918 and RFC 4193.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
