use std::num::NonZeroU16;
use std::sync::Arc;

use ravelin_model::{
    DhcpRange, DnsServerSpec, HardwareAddress, HardwareSettings, InterfaceSettings, LinkCounters, LinkState,
    NetworkSettings, Object, Revision, VirtualLink,
};
use time::OffsetDateTime;

use super::*;

const MAC: HardwareAddress = HardwareAddress([2, 0, 0, 0, 0, 1]);

fn policy(settings: &[(&str, NetworkSettings)]) -> Policy {
    let object = |(name, network): &(&str, NetworkSettings)| {
        let settings: InterfaceSettings = Object {
            id: format!("ifs_{}", name.replace('.', "")).parse().expect("an id"),
            number: 0,
            spec: InterfaceSettingsSpec {
                interface: (*name).to_owned(),
                description: String::new(),
                network: network.clone(),
                hardware: HardwareSettings::default(),
            },
            updated_at: OffsetDateTime::UNIX_EPOCH,
            revision: Revision(1),
        };
        (settings.id.clone(), Arc::new(settings))
    };
    Policy {
        interface_settings: settings.iter().map(object).collect(),
        ..Policy::default()
    }
}

fn addresses(texts: &[&str]) -> NetworkSettings {
    NetworkSettings {
        addresses: texts.iter().map(|text| text.parse().expect(text)).collect(),
        ..NetworkSettings::default()
    }
}

fn identity(mac: Option<HardwareAddress>, path: Option<&str>) -> NetworkSettings {
    NetworkSettings {
        identity: card(mac, path),
        ..NetworkSettings::default()
    }
}

fn card(mac: Option<HardwareAddress>, path: Option<&str>) -> LinkIdentity {
    LinkIdentity {
        mac,
        path: path.map(str::to_owned),
    }
}

fn link(index: u32, name: &str, card: LinkIdentity) -> Link {
    Link {
        index,
        name: name.to_owned(),
        hardware_address: Some(MAC),
        mtu_bytes: 1500,
        addresses: Vec::new(),
        origins: Vec::new(),
        card,
        driver: None,
        link_state: LinkState::Up,
        loopback: false,
        vlan: None,
        queueing: None,
        redirect: false,
        master: None,
        counters: LinkCounters::default(),
    }
}

/// Links of a plan as `name up|down|as it is`.
fn shown(plan: &NetworkPlan) -> Vec<String> {
    let links = plan.links.iter().map(|link| {
        let up = match link.enabled {
            Some(true) => "up",
            Some(false) => "down",
            None => "as it is",
        };
        format!("{} {up}", link.name)
    });
    links.collect()
}

#[test]
fn links_are_up_where_anything_but_their_identity_is_said() {
    let down = NetworkSettings {
        enabled: Some(false),
        ..addresses(&["10.0.0.1/24"])
    };
    let policy = policy(&[
        ("a", addresses(&["10.0.0.1/24"])),
        ("b", NetworkSettings::default()),
        ("c", down),
        ("d", identity(Some(MAC), None)),
    ]);
    let plan = plan(&policy);
    assert_eq!(shown(&plan), ["a up", "c down", "d as it is"]);
    assert_eq!(plan.links[0].addresses, policy_addresses(&policy, "a"));
    assert_eq!(plan.links[2].identity.mac, Some(MAC));
}

fn policy_addresses(policy: &Policy, name: &str) -> Vec<IpNet> {
    let mut specs = specs(policy);
    let spec = specs.find(|spec| spec.interface == name).expect("settings");
    spec.network.addresses.clone()
}

#[test]
fn parts_of_a_link_are_up_with_it_unless_they_are_said_not_to_be() {
    let bridge = |enabled| NetworkSettings {
        enabled,
        virtual_link: Some(VirtualLink::Bridge {
            ports: ["p1", "p2", "p3"].map(str::to_owned).into(),
            spanning_tree: false,
        }),
        ..NetworkSettings::default()
    };
    let down = NetworkSettings {
        enabled: Some(false),
        ..NetworkSettings::default()
    };
    let with = |enabled| {
        let settings = [
            ("br0", bridge(enabled)),
            ("p2", down.clone()),
            ("p3", identity(Some(MAC), None)),
        ];
        plan(&policy(&settings))
    };
    assert_eq!(shown(&with(None)), ["br0 up", "p1 up", "p2 down", "p3 up"]);
    assert_eq!(shown(&with(Some(false))), ["br0 down", "p2 down", "p3 as it is"]);
}

#[test]
fn what_may_not_be_raised_yet_stays_as_it_is() {
    let policy = policy(&[
        ("a", addresses(&["10.0.0.1/24"])),
        ("b", addresses(&["10.0.1.1/24"])),
    ]);
    let mut plan = plan(&policy);
    let held = hold_back(&mut plan, |name| name == "a");
    assert_eq!(shown(&plan), ["a up", "b as it is"]);
    assert_eq!(held, ["b".to_owned()].into());
}

#[test]
fn daemons_serve_what_is_up_and_no_stranger() {
    let range = DhcpRange {
        first: "10.1.0.100".parse().expect("address"),
        last: "10.1.0.199".parse().expect("address"),
        lease_seconds: 600,
    };
    let lan = NetworkSettings {
        lan_services: LanServices {
            dhcp_range: Some(range),
            ..LanServices::default()
        },
        ..addresses(&["fd00::1/64", "10.0.0.1/24", "10.1.0.1/24"])
    };
    let client = |enabled| NetworkSettings {
        enabled,
        dhcp_client: DhcpClient {
            ipv4: true,
            ipv6: false,
        },
        ..NetworkSettings::default()
    };
    let mut policy = policy(&[
        ("lan0", lan),
        ("wan0", client(None)),
        ("wan1", client(Some(false))),
        ("wan2", client(None)),
    ]);
    for (id, priority, address) in [("a", 2, "192.0.2.1"), ("b", 1, "2001:db8::53")] {
        let server = Object {
            id: format!("dns_{id}").parse().expect("an id"),
            number: 0,
            spec: DnsServerSpec {
                address: address.parse().expect("address"),
                port: NonZeroU16::new(53).expect("not zero"),
                priority,
                description: String::new(),
            },
            updated_at: OffsetDateTime::UNIX_EPOCH,
            revision: Revision(1),
        };
        policy.dns_servers.insert(server.id.clone(), Arc::new(server));
    }
    let strangers = [("wan2".to_owned(), "another".to_owned())].into();
    let NetworkServices {
        dhcp_clients,
        lan_services,
        dns_servers,
    } = services(&policy, &strangers);
    let names: Vec<_> = dhcp_clients.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["wan0"]);
    let [lan] = &lan_services[..] else {
        panic!("{lan_services:?}");
    };
    let network = lan.ipv4.map(|network| network.to_string());
    assert_eq!(
        (lan.interface.as_str(), network.as_deref()),
        ("lan0", Some("10.1.0.1/24"))
    );
    let servers: Vec<_> = dns_servers
        .iter()
        .map(|server| server.address.to_string())
        .collect();
    assert_eq!(servers, ["2001:db8::53", "192.0.2.1"]);
}

#[test]
fn a_name_stands_for_the_card_that_is_all_it_is_said_to_be() {
    let other = HardwareAddress([2, 0, 0, 0, 0, 2]);
    let at = Some("pci-0000:00:03.0");
    let policy = policy(&[
        ("mac", identity(Some(MAC), None)),
        ("path", identity(None, at)),
        ("both", identity(Some(MAC), at)),
        ("any", addresses(&["10.0.0.1/24"])),
    ]);
    let check = |name: &str, has: LinkIdentity, expected: Option<&str>| {
        let links = [link(7, name, has)];
        let strangers = strangers(&policy, &links);
        assert_eq!(strangers.get(name).map(String::as_str), expected, "{name}");
        let pinned = pinned(&policy, &links);
        let index = expected.is_none().then_some(7);
        let known = (name != "any").then_some(index);
        assert_eq!(pinned.get(name).copied(), known, "{name}");
        assert_eq!(pinned.len(), 3);
    };
    check("mac", card(Some(MAC), None), None);
    check("path", card(Some(other), at), None);
    check("both", card(Some(MAC), at), None);
    check("any", card(Some(other), None), None);
    let why = "it is another card: its address is 02:00:00:00:00:02, not 02:00:00:00:00:01";
    check("mac", card(Some(other), at), Some(why));
    check("both", card(Some(other), at), Some(why));
    let why = "it is another card: its address is none, not 02:00:00:00:00:01";
    check("mac", card(None, None), Some(why));
    let why = "it is another card: it is at pci-0000:00:04.0, not at pci-0000:00:03.0";
    check("both", card(Some(MAC), Some("pci-0000:00:04.0")), Some(why));
    let why = "it is another card: it is on no bus, not at pci-0000:00:03.0";
    check("path", card(Some(MAC), None), Some(why));
}
