//! The messages in `testdata` were recorded from a 6.18 kernel, without their netlink header.

use rtnetlink::packet_core::Parseable;
use rtnetlink::packet_route::address::AddressMessage;
use rtnetlink::packet_route::link::{InfoKind, LinkMessage};

use super::*;

#[track_caller]
fn check(message: &[u8], expected: Link) {
    let message = LinkMessage::parse(message).expect("link message");
    let card = LinkIdentity {
        mac: expected.hardware_address,
        path: None,
    };
    assert_eq!(Link::from_message(&message), Some(Link { card, ..expected }));
}

#[track_caller]
fn check_address(message: &[u8], index: u32, expected: &str, origin: AddressOrigin) {
    let message = AddressMessage::parse(message).expect("address message");
    let expected = expected.parse().expect("prefix");
    assert_eq!(address(&message), Some((index, expected, origin)));
}

fn link(index: u32, name: &str, mtu_bytes: u32, driver: Option<&str>, link_state: LinkState) -> Link {
    Link {
        index,
        name: name.to_owned(),
        hardware_address: None,
        mtu_bytes,
        addresses: Vec::new(),
        origins: Vec::new(),
        card: LinkIdentity::default(),
        driver: driver.map(str::to_owned),
        link_state,
        loopback: false,
        vlan: None,
        queueing: Some("noqueue".to_owned()),
        redirect: false,
        master: None,
        counters: LinkCounters::default(),
    }
}

#[test]
fn a_veth_that_is_up_has_kind_address_and_counters() {
    check(
        include_bytes!("testdata/link-wan0.bin"),
        Link {
            hardware_address: Some(HardwareAddress([2, 0, 0, 0, 0, 1])),
            counters: LinkCounters {
                received_packets: 7,
                received_bytes: 586,
                sent_packets: 10,
                sent_bytes: 712,
                ..LinkCounters::default()
            },
            ..link(3, "wan0", 1400, Some("veth"), LinkState::Up)
        },
    );
}

#[test]
fn the_state_follows_the_administrator_first_and_then_the_carrier() {
    let hardware_address = Some(HardwareAddress([0x02, 0x0f, 0x17, 0xbb, 0x19, 0xf5]));
    check(
        include_bytes!("testdata/link-halt.bin"),
        Link {
            hardware_address,
            ..link(6, "halt", 1500, Some("veth"), LinkState::NoCarrier)
        },
    );
    let hardware_address = Some(HardwareAddress([0x8e, 0xb1, 0xca, 0x15, 0x8c, 0x2e]));
    check(
        include_bytes!("testdata/link-halt1.bin"),
        Link {
            hardware_address,
            queueing: Some("noop".to_owned()),
            ..link(5, "halt1", 1500, Some("veth"), LinkState::Down)
        },
    );
}

#[test]
fn links_other_than_ethernet_have_no_hardware_address() {
    check(
        include_bytes!("testdata/link-lo.bin"),
        Link {
            loopback: true,
            counters: LinkCounters {
                received_packets: 3,
                received_bytes: 336,
                sent_packets: 3,
                sent_bytes: 336,
                ..LinkCounters::default()
            },
            ..link(1, "lo", 65_536, None, LinkState::Up)
        },
    );
    check(
        include_bytes!("testdata/link-tun0.bin"),
        Link {
            queueing: Some("pfifo_fast".to_owned()),
            ..link(4, "tun0", 1500, Some("tun"), LinkState::NoCarrier)
        },
    );
}

#[test]
fn a_link_without_a_name_is_none() {
    assert_eq!(Link::from_message(&LinkMessage::default()), None);
}

#[test]
fn the_address_is_the_links_own() {
    check_address(
        include_bytes!("testdata/address-wan0-v4-1.bin"),
        3,
        "192.0.2.1/24",
        AddressOrigin::Other,
    );
    check_address(
        include_bytes!("testdata/address-wan0-v6-1.bin"),
        3,
        "2001:db8::1/64",
        AddressOrigin::Other,
    );
    check_address(
        include_bytes!("testdata/address-wan0-v6-2.bin"),
        3,
        "fe80::ff:fe00:1/64",
        AddressOrigin::Kernel,
    );
    check_address(
        include_bytes!("testdata/address-lo-v4-1.bin"),
        1,
        "127.0.0.1/8",
        AddressOrigin::Kernel,
    );
    check_address(
        include_bytes!("testdata/address-tun0-v4-1.bin"),
        4,
        "198.51.100.1/32",
        AddressOrigin::Other,
    );
    // Here IFA_LOCAL comes before IFA_ADDRESS.
    check_address(
        include_bytes!("testdata/address-tun0-v6-1.bin"),
        2,
        "2001:db8::1/128",
        AddressOrigin::Other,
    );
}

#[test]
fn who_made_an_address_is_told_by_its_protocol_or_else_by_its_lifetime() {
    let check = |address: &str, protocol: Option<u8>, permanent, expected| {
        let address = address.parse().expect("prefix");
        let protocol = protocol.map(AddressProtocol::from);
        assert_eq!(origin(address, protocol, permanent), expected, "{address}");
    };
    check("192.0.2.1/24", Some(OWN_PROTOCOL), true, AddressOrigin::Static);
    check("192.0.2.1/24", Some(0), false, AddressOrigin::Dhcp);
    check("192.0.2.1/24", None, false, AddressOrigin::Dhcp);
    check("192.0.2.1/24", None, true, AddressOrigin::Other);
    check("2001:db8::1/128", None, false, AddressOrigin::Dhcp);
    check("2001:db8::1/64", None, false, AddressOrigin::RouterAdvertisement);
    // IFAPROT_KERNEL_RA and IFAPROT_KERNEL_LL of include/uapi/linux/if_addr.h.
    check(
        "2001:db8::1/64",
        Some(2),
        true,
        AddressOrigin::RouterAdvertisement,
    );
    check("fe80::1/64", Some(3), true, AddressOrigin::Kernel);
    check("fe80::1/64", None, true, AddressOrigin::Kernel);
    check("fe80::1/64", Some(OWN_PROTOCOL), true, AddressOrigin::Static);
}

#[test]
fn counters_alone_make_no_difference() {
    let before = link(3, "wan0", 1400, Some("veth"), LinkState::Up);
    let counters = LinkCounters {
        sent_packets: 1,
        ..LinkCounters::default()
    };
    assert!(!before.differs(&Link {
        counters,
        ..before.clone()
    }));
    assert!(before.differs(&Link {
        mtu_bytes: 1500,
        ..before.clone()
    }));
    assert!(before.differs(&Link {
        addresses: vec!["192.0.2.1/24".parse().expect("prefix")],
        ..before.clone()
    }));
}

/// A VLAN device `wan0.7`, made here, as the recording kernel has none.
fn vlan(protocol: VlanProtocol) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = 9;
    message.header.link_layer_type = LinkLayerType::Ether;
    message.attributes = vec![
        LinkAttribute::IfName("wan0.7".to_owned()),
        LinkAttribute::Link(3),
        LinkAttribute::Controller(5),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Vlan),
            LinkInfo::Data(InfoData::Vlan(vec![
                InfoVlan::Protocol(protocol),
                InfoVlan::Id(7),
            ])),
        ]),
    ];
    message
}

#[test]
fn a_vlan_device_tells_its_base_and_tag() {
    let found = Link::from_message(&vlan(VlanProtocol::Ieee8021Q)).expect("a link");
    assert_eq!(found.vlan, Some(VlanLink { device: 3, tag: 7 }));
    assert_eq!(found.driver.as_deref(), Some("vlan"));
    assert_eq!(found.master, Some(5));
}

#[test]
fn other_tags_and_bases_elsewhere_are_no_vlan() {
    let service = Link::from_message(&vlan(VlanProtocol::Ieee8021Ad)).expect("a link");
    assert_eq!(service.vlan, None);
    let mut elsewhere = vlan(VlanProtocol::Ieee8021Q);
    elsewhere.attributes.push(LinkAttribute::LinkNetNsId(0));
    assert_eq!(Link::from_message(&elsewhere).expect("a link").vlan, None);
    // A veth stands on its other end, which is no VLAN.
    let mut pair = vlan(VlanProtocol::Ieee8021Q);
    pair.attributes.truncate(2);
    assert_eq!(Link::from_message(&pair).expect("a link").vlan, None);
}
