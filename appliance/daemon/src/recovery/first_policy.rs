//! Policies the engine begins with, as `GET /api/v1/config` would show them: objects like any others.

use std::net::Ipv6Addr;

use serde_json::{Value, json};

use super::cards::Card;

/// A /64 of unique local addresses (RFC 4193) with random bits, and the box's own address in it.
pub fn random_ula() -> Result<Ipv6Addr, getrandom::Error> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets[1..6])?;
    octets[0] = 0xfd;
    octets[15] = 1;
    Ok(octets.into())
}

/// For a machine nobody has set up: the first card is the LAN, the second the WAN, others are closed. The only card of
/// a machine gets its addresses from others, and manages it. None: there is no card.
pub fn first(cards: &[Card], own: Ipv6Addr) -> Option<Value> {
    let lan = cards.first()?;
    let Some(wan) = cards.get(1) else {
        let settings = json!({
            "interface": lan.name,
            "description": "The only card of this machine.",
            "dhcp_client": {"ipv4": true, "ipv6": true},
            "identity": {"mac": lan.address},
        });
        return Some(document(
            &[zone("lan", lan, true)],
            &[],
            &[dhcp_replies("lan"), dhcpv6_replies("lan"), ping("lan")],
            &[],
            &[settings],
        ));
    };
    let lan_settings = json!({
        "interface": lan.name,
        "description": "LAN",
        "addresses": ["192.168.77.1/24", format!("{own}/64")],
        "lan_services": {
            "dhcp_range": {"first": "192.168.77.100", "last": "192.168.77.199"},
            "router_advertisements": true,
            "dns": true,
        },
        "identity": {"mac": lan.address},
    });
    let wan_settings = json!({
        "interface": wan.name,
        "description": "WAN",
        "dhcp_client": {"ipv4": true, "ipv6": true},
        "identity": {"mac": wan.address},
    });
    let served = json!({
        "name": "DHCP and DNS for the LAN",
        "from_zone": "lan",
        "to_zone": "local",
        "services": [
            {"protocol": "udp", "destination_ports": ["53", "67", "547"]},
            {"protocol": "tcp", "destination_ports": ["53"]},
        ],
        "action": "accept",
    });
    let masquerade = json!({
        "name": "LAN to the internet",
        "kind": "masquerade",
        "to_zone": "wan",
        // Every IPv4 address; IPv6 is not translated.
        "source_addresses": ["0.0.0.0/0"],
    });
    Some(document(
        &[zone("lan", lan, true), zone("wan", wan, false)],
        &[json!({"from": "lan", "to": "wan", "default_action": "accept"})],
        &[served, ping("lan"), dhcp_replies("wan"), dhcpv6_replies("wan")],
        &[masquerade],
        &[lan_settings, wan_settings],
    ))
}

/// Management from the LAN card and nothing else; from nowhere where there is no card.
pub fn lockdown(cards: &[Card]) -> Value {
    let Some(lan) = cards.first() else {
        return document(&[], &[], &[], &[], &[]);
    };
    let settings = json!({
        "interface": lan.name,
        "description": "Lockdown",
        "addresses": ["192.168.77.1/24"],
        "identity": {"mac": lan.address},
    });
    document(&[zone("lan", lan, true)], &[], &[], &[], &[settings])
}

fn document(
    zones: &[Value],
    zone_pairs: &[Value],
    rules: &[Value],
    nat_rules: &[Value],
    interface_settings: &[Value],
) -> Value {
    json!({
        "zones": zones,
        "zone_pairs": zone_pairs,
        "rules": rules,
        "services": [],
        "nat_rules": nat_rules,
        "published_services": [],
        "interface_settings": interface_settings,
    })
}

fn zone(name: &str, card: &Card, management: bool) -> Value {
    json!({"name": name, "interfaces": [card.name], "management": management})
}

/// Answers of a DHCP server may come from another address than the one that was asked, so that no connection fits them.
fn dhcp_replies(zone: &str) -> Value {
    json!({
        "name": format!("DHCP answers from {zone}"),
        "from_zone": zone,
        "to_zone": "local",
        "services": [{"protocol": "udp", "source_ports": ["67"], "destination_ports": ["68"]}],
        "action": "accept",
    })
}

fn dhcpv6_replies(zone: &str) -> Value {
    json!({
        "name": format!("DHCPv6 answers from {zone}"),
        "from_zone": zone,
        "to_zone": "local",
        "source": {"addresses": ["fe80::/10"]},
        "services": [{"protocol": "udp", "source_ports": ["547"], "destination_ports": ["546"]}],
        "action": "accept",
    })
}

fn ping(zone: &str) -> Value {
    json!({
        "name": format!("ping from {zone}"),
        "from_zone": zone,
        "to_zone": "local",
        "services": [
            {"protocol": "icmp", "icmp_types": [{"type": 8}]},
            {"protocol": "icmpv6", "icmp_types": [{"type": 128}]},
        ],
        "action": "accept",
    })
}
