//! The way of forwarded connections changes, and XDP with it.

use std::time::Duration;

use ravelin_test_harness::wait_until;

use super::wires::{ALL, Kind, Live, start};
use crate::policy::ground::crossing;
use crate::policy::prober::{Arrival, judge};
use crate::policy::shot::*;

/// Longest until a change of the network is followed.
const FOLLOWED: Duration = Duration::from_secs(2);
/// The same on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(10);
const OTHER_MAC: &str = "02:00:00:00:00:0d";

/// Fails where a change was followed too late. The bound is for the product; a test machine may stand still.
#[track_caller]
fn in_time(what: &str, took: Duration) {
    eprintln!("{what}: followed after {took:?}");
    assert!(took <= FOLLOWED, "{what}: followed after {took:?}");
}

#[test]
fn a_new_address_of_the_next_hop_is_followed() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    for (kind, family) in ALL {
        let live = Live::begin(&ground, kind, family, WAN);
        let address = WAN.address(family);
        let neighbour = |mac: &str| {
            crossing.router.ip(&format!(
                "neighbour replace {address} lladdr {mac} dev wan0 nud permanent"
            ));
        };
        let sent_to = |mac: [u8; 6]| live.pass(&live.there()).bytes[..6] == mac;
        assert!(sent_to([2, 0, 0, 0, 0, 0x0c]));
        neighbour(OTHER_MAC);
        let took = wait_until("frames go to the new address", PATIENCE, || {
            sent_to([2, 0, 0, 0, 0, 0x0d])
        });
        in_time("the next hop's address", took);
        live.is_forwarded();
        assert!(sent_to([2, 0, 0, 0, 0, 0x0d]));
        neighbour("02:00:00:00:00:0c");
        wait_until("they go to the old one again", PATIENCE, || {
            sent_to([2, 0, 0, 0, 0, 0x0c])
        });
    }
}

#[test]
fn a_new_route_is_followed() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    for (kind, family) in ALL {
        let prefix = if family == 4 {
            "198.51.100.0/24"
        } else {
            "2001:db8:2::/48"
        };
        // Links are counted from 1.
        let (wan, dmz) = (2, 4);
        let live = Live::begin(&ground, kind, family, INTERNET);
        crossing.route(prefix, dmz, 2);
        let moved = live.there().arrives(Port::Dmz, "web");
        let took = wait_until("packets leave by the other interface", PATIENCE, || {
            judge(&moved, &live.fire(&moved)).is_ok()
        });
        in_time("the route", took);
        crossing.route(prefix, wan, 2);
        wait_until("they leave by the first again", PATIENCE, || {
            judge(&live.there(), &live.fire(&live.there())).is_ok()
        });
        live.is_forwarded();
    }
}

#[test]
fn a_link_that_goes_down_takes_nothing_with_it() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    for kind in [Kind::Udp, Kind::Tcp] {
        let live = Live::begin(&ground, kind, 4, WAN);
        crossing.router.ip("link set wan0 down");
        // The kernel has no route left and says so; XDP would send frames to where nobody takes them.
        let took = wait_until("the sender is told", PATIENCE, || {
            let told = |arrival: &Arrival| matches!(arrival.icmp(), Some((3, _))) && arrival.is_at(Port::Lan);
            live.echoes(&live.there()).iter().any(told)
        });
        in_time("the link", took);
        crossing.router.ip("link set wan0 up");
        let mac = "02:00:00:00:00:0c";
        for host in 2..=40 {
            crossing.router.ip(&format!(
                "neighbour replace 10.77.2.{host} lladdr {mac} dev wan0 nud permanent"
            ));
        }
        wait_until("packets pass again", PATIENCE, || {
            live.echoes(&live.there())
                .iter()
                .any(|arrival| arrival.is_at(Port::Wan))
        });
        live.is_forwarded();
    }
}

#[test]
fn a_source_that_is_listed_is_dropped_from_then_on() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    let raveld = &ground.engine.raveld;
    raveld.switch("ddos_protection", true);
    for (kind, family) in ALL {
        let live = Live::begin(&ground, kind, family, WAN);
        raveld.import("blocklist", &LAN.address(family).to_string());
        let dropped = live.there().dropped(By::Nothing);
        let took = wait_until("packets of the source are dropped", PATIENCE, || {
            judge(&dropped, &live.fire(&dropped)).is_ok()
        });
        eprintln!("the list: dropped after {took:?}");
        assert!(took <= Duration::from_secs(1), "dropped after {took:?}");
        raveld.import("blocklist", "");
        wait_until("packets of the source pass again", PATIENCE, || {
            judge(&live.there(), &live.fire(&live.there())).is_ok()
        });
        live.is_forwarded();
    }
}
