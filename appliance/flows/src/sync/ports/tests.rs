use ravelin_kernel::VlanLink;
use ravelin_model::{HardwareAddress, LinkCounters, LinkIdentity, LinkState};

use super::*;

fn link(index: u32, name: &str, driver: &str) -> Link {
    Link {
        index,
        name: name.to_owned(),
        hardware_address: Some(HardwareAddress([2, 0, 0, 0, 0, 1])),
        mtu_bytes: 1500,
        addresses: Vec::new(),
        origins: Vec::new(),
        card: LinkIdentity::default(),
        driver: Some(driver.to_owned()),
        link_state: LinkState::Up,
        loopback: false,
        vlan: None,
        queueing: Some("mq".to_owned()),
        redirect: true,
        master: None,
        counters: LinkCounters::default(),
    }
}

/// A VLAN device on link 1.
fn vlan(index: u32, name: &str) -> Link {
    Link {
        queueing: Some("noqueue".to_owned()),
        redirect: false,
        vlan: Some(VlanLink { device: 1, tag: 42 }),
        ..link(index, name, "vlan")
    }
}

/// The problem of link 2.
#[track_caller]
fn check(links: &[Link], expected: Option<&str>) {
    let ports = Ports::of(links);
    let shown = ports.shown.iter().find(|port| port.index == 2).expect("shown");
    assert_eq!(shown.problem.as_deref(), expected);
    let told = ports.cache.iter().find(|port| port.index == 2).expect("told");
    assert_eq!(told.redirect, expected.is_none());
}

#[test]
fn plain_ethernet_whose_driver_can_is_redirected_to() {
    for queueing in PLAIN_QUEUEING.map(Some).into_iter().chain([None]) {
        let queueing = queueing.map(str::to_owned);
        let plain = Link {
            queueing,
            ..link(2, "eth", "ixgbe")
        };
        check(&[plain], None);
    }
}

#[test]
fn a_link_that_is_down_is_no_hindrance_and_not_sent_by() {
    let down = Link {
        queueing: Some("noop".to_owned()),
        link_state: LinkState::Down,
        ..link(2, "eth", "ixgbe")
    };
    let ports = Ports::of(&[down]);
    assert_eq!(ports.shown, []);
    assert!(!ports.cache[0].redirect);
}

#[test]
fn each_hindrance_is_told() {
    let whole = || link(2, "eth", "ixgbe");
    let without = Link {
        redirect: false,
        ..whole()
    };
    check(
        &[without],
        Some("Its driver (ixgbe) does not send frames that XDP redirects."),
    );
    let tunnel = Link {
        hardware_address: None,
        ..whole()
    };
    check(&[tunnel], Some("It is not Ethernet."));
    let shaped = Link {
        queueing: Some("htb".to_owned()),
        ..whole()
    };
    check(&[shaped], Some("Its queueing (htb) would be passed by."));
    let port = || Link {
        master: Some(1),
        ..whole()
    };
    check(&[link(1, "br", "bridge"), port()], Some("It is a port of br."));
    check(&[link(1, "red", "vrf"), port()], None);
    let other_tags = Link {
        vlan: None,
        ..vlan(2, "eth.42")
    };
    check(
        &[other_tags],
        Some("Its tags are not those of 802.1Q, or its device is in another network namespace."),
    );
}

#[test]
fn a_vlan_is_as_good_as_what_it_is_on() {
    check(&[link(1, "eth", "ixgbe"), vlan(2, "eth.42")], None);
    check(&[vlan(2, "eth.42")], Some("The device below it is not known."));
    let shaped = Link {
        queueing: Some("tbf".to_owned()),
        ..link(1, "eth", "ixgbe")
    };
    check(
        &[shaped, vlan(2, "eth.42")],
        Some("eth: Its queueing (tbf) would be passed by."),
    );
    let stacked = vlan(1, "eth.7");
    check(
        &[stacked, vlan(2, "eth.7.42")],
        Some("Its frames have two VLAN tags."),
    );
}

#[test]
fn what_a_guest_may_send_is_verified_also_on_a_vlan() {
    let links = [link(1, "v", "veth"), vlan(2, "v.42"), link(3, "eth", "ixgbe")];
    let loopback = Link {
        loopback: true,
        ..link(9, "lo", "loopback")
    };
    let ports = Ports::of(&[links.as_slice(), &[loopback]].concat());
    let told = ports
        .cache
        .iter()
        .map(|port| (port.index, port.device, port.tag, port.verify_checksum));
    let expected = [(1, 1, None, true), (2, 1, Some(42), true), (3, 3, None, false)];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn what_the_kernel_refuses_is_told_unless_something_was_wrong_before() {
    let tunnel = Link {
        hardware_address: None,
        ..link(2, "tun", "tun")
    };
    let mut ports = Ports::of(&[link(1, "eth", "ixgbe"), tunnel]);
    ports.refuse(&[1, 2]);
    let problems: Vec<_> = ports.shown.iter().map(|port| port.problem.as_deref()).collect();
    let refused = "The kernel does not take it into a map of devices.";
    assert_eq!(problems, [Some(refused), Some("It is not Ethernet.")]);
}
