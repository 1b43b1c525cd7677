//! What is rendered is what was asked for, as the daemons' own readers see it.

use std::collections::BTreeMap;
use std::process::Command;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Settings of an INI file by section and name; a name comes once in a section.
fn settings(text: &str) -> BTreeMap<(String, String), String> {
    let mut section = String::new();
    let mut found = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else {
            let (name, value) = line.split_once('=').expect("a setting");
            let before = found.insert((section.clone(), name.to_owned()), value.to_owned());
            assert_eq!(before, None, "{section} {name} comes twice");
        }
    }
    found
}

/// Values of an option of dnsmasq, in order.
fn values<'a>(text: &'a str, option: &str) -> Vec<&'a str> {
    let options = text.lines().filter(|line| !line.starts_with('#'));
    options
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| *name == option)
        .map(|(_, value)| value)
        .collect()
}

fn read(services: Value) -> NetworkServices {
    serde_json::from_value(services).expect("services")
}

#[test]
fn a_client_takes_what_it_asks_for_and_nothing_by_surprise() {
    let services = read(json!({"dhcp_clients": [
        {"interface": "wan0", "ipv4": true, "ipv6": true},
        {"interface": "none0"},
        {"interface": "wan1", "ipv6": true}]}));
    let files = render(&services).expect("files");
    let names: Vec<_> = files.networkd.keys().collect();
    assert_eq!(names, ["10-ravelin-wan0.network", "10-ravelin-wan1.network"]);
    let check = |file: &str, expected: &[(&str, &str, &str)]| {
        let found = settings(&files.networkd[file]);
        for (section, name, value) in expected {
            let key = ((*section).to_owned(), (*name).to_owned());
            assert_eq!(
                found.get(&key).map(String::as_str),
                Some(*value),
                "{section} {name}"
            );
        }
    };
    let always = [
        ("Link", "ActivationPolicy", "manual"),
        ("Network", "KeepConfiguration", "static"),
        ("Network", "IPv6AcceptRA", "yes"),
        ("DHCPv4", "UseDNS", "yes"),
        ("DHCPv4", "SendHostname", "no"),
        ("DHCPv4", "UseHostname", "no"),
        ("DHCPv6", "UseDelegatedPrefix", "no"),
    ];
    check("10-ravelin-wan0.network", &always);
    check(
        "10-ravelin-wan0.network",
        &[
            ("Match", "Name", "wan0"),
            ("Network", "DHCP", "ipv4"),
            ("DHCPv4", "RouteMetric", "1024"),
        ],
    );
    check("10-ravelin-wan1.network", &always);
    check(
        "10-ravelin-wan1.network",
        &[
            ("Match", "Name", "wan1"),
            ("Network", "DHCP", "no"),
            ("IPv6AcceptRA", "RouteMetric", "1025"),
        ],
    );

    let said = NetworkServices {
        dns_servers: vec![
            serde_json::from_value(json!({"address": "192.0.2.53", "port": 53})).expect("server"),
        ],
        ..services
    };
    let files = render(&said).expect("files");
    let found = settings(&files.networkd["10-ravelin-wan0.network"]);
    for section in ["DHCPv4", "IPv6AcceptRA", "DHCPv6"] {
        let key = (section.to_owned(), "UseDNS".to_owned());
        assert_eq!(
            found[&key], "no",
            "{section}: servers that were said are the only ones"
        );
    }
}

/// networkd of this suite, which is the image's.
#[test]
fn networkd_knows_every_setting() {
    let Ok(networkd) = std::fs::read("/lib/systemd/systemd-networkd") else {
        return;
    };
    let services = read(json!({"dhcp_clients": [{"interface": "wan0", "ipv4": true, "ipv6": true}]}));
    let files = render(&services).expect("files");
    for ((section, name), _) in settings(&files.networkd["10-ravelin-wan0.network"]) {
        // The table of settings has them as `Section.Name`, each ended by a zero.
        let known = format!("\0{section}.{name}\0");
        let found = networkd
            .windows(known.len())
            .any(|window| window == known.as_bytes());
        assert!(found, "networkd does not know {section}.{name}");
    }
}

#[test]
fn servers_that_were_said_are_the_only_ones_asked() {
    let services = read(json!({
        "lan_services": [{"interface": "lan0", "dns": true}],
        "dns_servers": [{"address": "192.0.2.53", "port": 53}, {"address": "2001:db8::53", "port": 5353}]}));
    let files = render(&services).expect("files");
    let resolved = settings(&files.resolved.expect("drop-in"));
    let key = |name: &str| ("Resolve".to_owned(), name.to_owned());
    assert_eq!(resolved[&key("DNS")], "192.0.2.53 [2001:db8::53]:5353");
    assert_eq!(resolved[&key("FallbackDNS")], "");
    let dns = files.dns.expect("file");
    assert_eq!(values(&dns, "server"), ["192.0.2.53#53", "2001:db8::53#5353"]);
    assert!(
        dns.contains("\nno-resolv\n") && dns.contains("\nstop-dns-rebind\n"),
        "{dns}"
    );
    assert!(values(&dns, "resolv-file").is_empty());

    let services = read(json!({"lan_services": [{"interface": "lan0", "dns": true}]}));
    let files = render(&services).expect("files");
    assert_eq!((files.resolved, files.dhcp), (None, None));
    let dns = files.dns.expect("file");
    assert_eq!(values(&dns, "resolv-file"), ["/run/systemd/resolve/resolv.conf"]);

    // Somebody's own server tells of somebody's own addresses.
    let services = read(json!({
        "lan_services": [{"interface": "lan0", "dns": true}],
        "dns_servers": [{"address": "fd00::53", "port": 53}]}));
    let dns = render(&services).expect("files").dns.expect("file");
    assert!(
        !dns.contains("stop-dns-rebind") && !dns.contains("bogus-priv"),
        "{dns}"
    );
}

#[test]
fn what_cannot_be_served_is_refused() {
    let lan = |more: Value| {
        let mut lan = json!({"interface": "lan0", "address": "192.168.77.1/24",
            "dhcp": {"first": "192.168.77.100", "last": "192.168.77.199", "lease_seconds": 3600}});
        let members = lan.as_object_mut().expect("object");
        members.extend(more.as_object().expect("object").clone());
        json!({ "lan_services": [lan] })
    };
    assert!(render(&read(lan(json!({})))).is_ok());
    let range = |first: &str, last: &str, seconds: u32| {
        lan(json!({"dhcp": {"first": first, "last": last, "lease_seconds": seconds}}))
    };
    let wrong = [
        lan(json!({"address": null})),
        lan(json!({"address": "192.168.78.1/24"})),
        range("192.168.77.0", "192.168.77.9", 3600),
        range("192.168.77.9", "192.168.77.255", 3600),
        range("192.168.77.9", "192.168.77.8", 3600),
        range("192.168.76.9", "192.168.77.8", 3600),
        range("192.168.77.8", "192.168.77.9", 119),
        range("192.168.77.8", "192.168.77.9", 31_536_001),
        json!({"lan_services": [{"interface": "lan0"}, {"interface": "lan0"}]}),
        json!({"dhcp_clients": [{"interface": "lan0"}, {"interface": "lan0"}]}),
        json!({"dns_servers": [{"address": "127.0.0.53", "port": 53}]}),
        json!({"dns_servers": [{"address": "::", "port": 53}]}),
    ];
    for wrong in wrong {
        assert!(render(&read(wrong.clone())).is_err(), "{wrong}");
    }
    for unread in [
        json!({"dns_servers": [{"address": "192.0.2.53", "port": 0}]}),
        json!({"dns_servers": [{"address": "192.0.2.53\nno-resolv", "port": 53}]}),
        json!({"lan_services": [{"interface": "lan0\ndhcp-script=/bin/sh"}]}),
        json!({"lan_services": [{"interface": "lan0", "extra": 1}]}),
    ] {
        assert!(
            serde_json::from_value::<NetworkServices>(unread.clone()).is_err(),
            "{unread}"
        );
    }
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z][a-z0-9._-]{0,14}",
        1 => ".{0,16}",
        1 => "lan0[\n\r\0 #=*,;'\"%\\\\]{1,3}[a-z]{0,4}",
    ]
}

fn any_lan() -> impl Strategy<Value = Value> {
    let range = (any::<u32>(), any::<u32>(), 100_u32..4000, any::<bool>());
    (
        any_name(),
        any::<u32>(),
        0_u8..=32,
        range,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(interface, address, length, (first, last, lease_seconds, dhcp), ra, dns)| {
                let network = Ipv4Net::new(Ipv4Addr::from(address), length).expect("length");
                // Mostly within the network.
                let host = |number: u32| {
                    let mask = u32::from(network.hostmask());
                    Ipv4Addr::from(u32::from(network.network()) | (number & mask))
                };
                let (first, last) = (host(first.min(last)), host(first.max(last)));
                let (first, last) = (first.min(last), first.max(last));
                let range = json!({"first": first, "last": last, "lease_seconds": lease_seconds});
                json!({"interface": interface, "address": network, "dhcp": dhcp.then_some(range),
                "router_advertisements": ra, "dns": dns})
            },
        )
}

fn any_services() -> impl Strategy<Value = Value> {
    let client = (any_name(), any::<bool>(), any::<bool>())
        .prop_map(|(interface, ipv4, ipv6)| json!({"interface": interface, "ipv4": ipv4, "ipv6": ipv6}));
    let server = (any::<std::net::IpAddr>(), any::<u16>())
        .prop_map(|(address, port)| json!({"address": address, "port": port}));
    (
        prop::collection::vec(client, 0..3),
        prop::collection::vec(any_lan(), 0..3),
        prop::collection::vec(server, 0..3),
    )
        .prop_map(|(clients, lans, servers)| {
            json!({"dhcp_clients": clients, "lan_services": lans, "dns_servers": servers})
        })
}

/// dnsmasq itself reads the file.
fn check_dnsmasq(text: &str) {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), text).expect("write");
    let done = Command::new("dnsmasq")
        .arg("--test")
        .arg(format!("--conf-file={}", file.path().display()))
        .output()
        .expect("dnsmasq");
    assert!(done.status.success(), "{done:?}\n{text}");
}

fn check_rendered(services: &NetworkServices, files: &ServiceFiles) {
    let named = |lan: &&LanServices| lan.interface.to_string();
    let lans = || services.lan_services.iter();
    let with_dns: Vec<String> = lans().filter(|lan| lan.dns).map(|lan| named(&lan)).collect();
    let dns = files.dns.as_deref().unwrap_or_default();
    assert_eq!(values(dns, "interface"), with_dns);
    if files.dns.is_some() {
        let servers: Vec<String> = services
            .dns_servers
            .iter()
            .map(|server| format!("{}#{}", server.address, server.port))
            .collect();
        assert_eq!(values(dns, "server"), servers);
        check_dnsmasq(dns);
    }
    let served: Vec<&LanServices> = lans()
        .filter(|lan| lan.dhcp.is_some() || lan.router_advertisements)
        .collect();
    let dhcp = files.dhcp.as_deref().unwrap_or_default();
    let interfaces: Vec<&str> = values(dhcp, "interface");
    assert_eq!(interfaces, served.iter().map(named).collect::<Vec<_>>());
    let ranges: Vec<String> = served
        .iter()
        .enumerate()
        .flat_map(|(number, lan)| {
            let ipv4 = lan.dhcp.zip(lan.address).map(|(range, network)| {
                let mask = network.netmask();
                format!(
                    "set:lan{number},{},{},{mask},{}",
                    range.first, range.last, range.lease_seconds
                )
            });
            let mode = if lan.dns { "ra-stateless" } else { "ra-only" };
            let ipv6 = format!("set:lan{number},::,constructor:{},{mode},64,7200", lan.interface);
            ipv4.into_iter().chain(lan.router_advertisements.then_some(ipv6))
        })
        .collect();
    assert_eq!(values(dhcp, "dhcp-range"), ranges);
    for dangerous in [
        "dhcp-script",
        "conf-file",
        "conf-dir",
        "addn-hosts",
        "enable-tftp",
        "user",
    ] {
        assert!(values(dhcp, dangerous).is_empty() && values(dns, dangerous).is_empty());
    }
    if files.dhcp.is_some() {
        check_dnsmasq(dhcp);
    }
    let asking = services
        .dhcp_clients
        .iter()
        .filter(|client| client.ipv4 || client.ipv6);
    let asking: BTreeMap<String, &InterfaceName> = asking
        .map(|client| {
            (
                format!("10-ravelin-{}.network", client.interface),
                &client.interface,
            )
        })
        .collect();
    assert!(files.networkd.keys().eq(asking.keys()), "{files:?}");
    for (name, text) in &files.networkd {
        let key = ("Match".to_owned(), "Name".to_owned());
        assert_eq!(settings(text)[&key], asking[name].as_str());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_accepted_says_exactly_that(services in any_services()) {
        if let Ok(services) = serde_json::from_value::<NetworkServices>(services)
            && let Ok(files) = render(&services)
        {
            check_rendered(&services, &files);
        }
    }
}
