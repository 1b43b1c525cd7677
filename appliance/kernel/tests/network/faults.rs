//! What cannot be brought about is told, part by part, and the rest is in force.

use std::process::Command;
use std::time::Duration;

use ravelin_kernel::Network;
use ravelin_model::{HardwareAddress, LinkIdentity, NetworkPart, NetworkPlan, RouteTarget, WantedLink};
use ravelin_test_harness::wait_until;

use crate::support::{
    addresses, apply, bridge, check, ip, is_up, link, listed, made, plan, route, shown, the_link, via,
    with_cards,
};

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_link_that_is_not_there_is_waited_for() {
    with_cards("missing", &["wan0"], || {
        let by_lan = route(
            "198.51.100.0/24",
            254,
            0,
            RouteTarget::Interface("lan0".to_owned()),
        );
        let wanted = NetworkPlan {
            routes: vec![by_lan.clone()],
            ..plan(vec![
                link("lan0", &["10.0.0.1/24"]),
                link("wan0", &["192.0.2.2/24"]),
                made("br0", bridge(&["lan1"]), &[]),
            ])
        };
        check(
            &wanted,
            &[
                (the_link("lan0"), true, "no such link"),
                (the_link("br0"), true, "no link 'lan1'"),
                (NetworkPart::Route(by_lan), true, "no link 'lan0'"),
            ],
        );
        assert_eq!(addresses("wan0"), ["192.0.2.2/24"]);
        ip("link add lan0 type veth peer name lan1");
        check(&wanted, &[]);
        assert_eq!(addresses("lan0"), ["10.0.0.1/24"]);
        assert_eq!(shown("link show dev lan1")["master"], "br0");
    });
}

#[test]
fn a_link_of_the_name_that_is_another_card_is_left_down() {
    with_cards("identity", &["wan0", "lan0"], || {
        ip("link set wan0 address 02:00:00:00:00:07");
        let of_card = |identity| {
            let wan = WantedLink {
                identity,
                ..link("wan0", &["192.0.2.2/24"])
            };
            plan(vec![wan, link("lan0", &["10.0.0.1/24"])])
        };
        let mac = |last| LinkIdentity {
            mac: Some(HardwareAddress([2, 0, 0, 0, 0, last])),
            path: None,
        };
        check(&of_card(mac(7)), &[]);
        assert!(is_up("wan0"));
        for (identity, words) in [
            (mac(8), "it has 02:00:00:00:00:07, not 02:00:00:00:00:08"),
            (
                LinkIdentity {
                    path: Some("pci-0000:00:03.0".to_owned()),
                    ..mac(7)
                },
                "it is at nowhere, not pci-0000:00:03.0",
            ),
        ] {
            check(&of_card(identity), &[(the_link("wan0"), false, words)]);
            assert!(!is_up("wan0") && is_up("lan0"));
            assert!(addresses("wan0").is_empty());
            check(&of_card(mac(7)), &[]);
            assert!(is_up("wan0"));
        }
    });
}

#[test]
fn a_name_another_has_taken_is_told_and_its_link_is_left_down() {
    with_cards("name-taken", &["wan0"], || {
        ip("link add br0 type veth peer name other");
        ip("link set br0 up");
        let wanted = plan(vec![made("br0", bridge(&["wan0"]), &["10.0.0.1/24"])]);
        check(&wanted, &[(the_link("br0"), false, "another link has its name")]);
        assert!(!is_up("br0"));
        ip("link delete br0");
        check(&wanted, &[]);
        assert_eq!(addresses("br0"), ["10.0.0.1/24"]);
    });
}

#[test]
fn a_gateway_nobody_reaches_is_waited_for() {
    with_cards("gateway", &["wan0", "lan0"], || {
        let v4 = route("0.0.0.0/0", 254, 0, via("192.0.2.1", None));
        let v6 = route("::/0", 254, 0, via("2001:db8::1", Some("wan0")));
        let wanted = NetworkPlan {
            routes: vec![v4.clone(), v6.clone()],
            ..plan(vec![link("wan0", &[]), link("lan0", &["10.0.0.1/24"])])
        };
        check(
            &wanted,
            &[
                (NetworkPart::Route(v4), true, ""),
                (NetworkPart::Route(v6), true, ""),
            ],
        );
        assert_eq!(addresses("lan0"), ["10.0.0.1/24"]);
        // As a DHCP client would.
        ip("address add 192.0.2.9/24 dev wan0");
        ip("address add 2001:db8::9/64 dev wan0");
        check(&wanted, &[]);
    });
}

#[test]
fn a_route_by_a_link_that_is_down_waits() {
    with_cards("down", &["wan0"], || {
        let v4 = route(
            "198.51.100.0/24",
            254,
            0,
            RouteTarget::Interface("wan0".to_owned()),
        );
        let v6 = route("2001:db8:9::/48", 254, 0, via("fe80::1", Some("wan0")));
        let with = |up| {
            let wan = WantedLink {
                enabled: Some(up),
                ..link("wan0", &["2001:db8::1/64"])
            };
            NetworkPlan {
                routes: vec![v4.clone(), v6.clone()],
                ..plan(vec![wan])
            }
        };
        check(&with(true), &[]);
        let waits = |route| (NetworkPart::Route(route), true, "");
        check(&with(false), &[waits(v4.clone()), waits(v6.clone())]);
        assert!(!is_up("wan0"));
        assert_eq!(addresses("wan0"), ["2001:db8::1/64"]);
        check(&with(true), &[]);
    });
}

#[test]
fn an_ipv6_address_another_host_has_is_told() {
    with_cards("duplicate", &["wan0"], || {
        for link in ["wan0", "wan0-far"] {
            std::fs::write(format!("/proc/sys/net/ipv6/conf/{link}/accept_dad"), "1").expect("setting");
        }
        ip("address add 2001:db8::2/64 dev wan0-far nodad");
        let wanted = plan(vec![link("wan0", &["2001:db8::2/64", "2001:db8::3/64"])]);
        // It is not known yet that somebody has it.
        check(&wanted, &[]);
        wait_until("the address is found to be taken", LIMIT, || {
            let said = ip("-6 address show dev wan0 dadfailed");
            said.contains("2001:db8::2/64")
        });
        let part = NetworkPart::Address("wan0".to_owned(), "2001:db8::2/64".parse().expect("address"));
        check(&wanted, &[(part, false, "another host on the link has it")]);
    });
}

#[test]
fn settings_that_cannot_be_written_are_told() {
    with_cards("read-only", &["wan0"], || {
        // SAFETY: takes no pointers; only this thread moves to a mount namespace of its own.
        assert_eq!(unsafe { libc::unshare(libc::CLONE_FS | libc::CLONE_NEWNS) }, 0);
        for arguments in [
            "--make-rprivate /",
            "--bind /proc/sys /proc/sys",
            "-o remount,bind,ro /proc/sys",
        ] {
            let mut mount = Command::new("mount");
            let status = mount.args(arguments.split_whitespace()).status();
            assert!(status.expect("run mount").success(), "mount {arguments}");
        }
        let wanted = plan(vec![link("wan0", &["192.0.2.2/24"])]);
        check(
            &wanted,
            &[(the_link("wan0"), false, "it still takes router advertisements")],
        );
        assert_eq!(addresses("wan0"), ["192.0.2.2/24"]);
        assert!(is_up("wan0"));
    });
}

#[test]
fn links_without_ipv6_refuse_its_addresses_and_nothing_else() {
    with_cards("no-ipv6", &["wan0"], || {
        std::fs::write("/proc/sys/net/ipv6/conf/wan0/disable_ipv6", "1").expect("setting");
        let address = "2001:db8::1/64";
        let wanted = plan(vec![link("wan0", &["192.0.2.2/24", address])]);
        let part = NetworkPart::Address("wan0".to_owned(), address.parse().expect("address"));
        check(&wanted, &[(part, false, "IPv6 is disabled")]);
        assert_eq!(addresses("wan0"), ["192.0.2.2/24"]);
    });
}

#[test]
fn what_is_made_of_itself_is_told() {
    with_cards("circle", &["wan0"], || {
        let wanted = plan(vec![
            made("br0", bridge(&["br1"]), &[]),
            made("br1", bridge(&["br0"]), &[]),
            link("wan0", &["192.0.2.2/24"]),
        ]);
        let told = |name| (the_link(name), false, "made of links that are made of it");
        check(&wanted, &[told("br0"), told("br1")]);
        assert_eq!(addresses("wan0"), ["192.0.2.2/24"]);
    });
}

const NOBODY: libc::uid_t = 65_534;
const CAP_NET_ADMIN: u32 = 12;
const LINUX_CAPABILITY_VERSION_3: u32 = 0x2008_0522;

#[test]
fn network_administration_is_all_it_needs() {
    with_cards("privileges", &["wan0", "lan0"], || {
        let lan = made("br0", bridge(&["lan0"]), &["10.0.0.1/24", "fd00::1/64"]);
        let wanted = NetworkPlan {
            routes: vec![route("0.0.0.0/0", 254, 0, via("192.0.2.1", None))],
            ..plan(vec![link("wan0", &["192.0.2.2/24"]), lan, link("lan0", &[])])
        };
        let other = plan(vec![link("wan0", &["192.0.2.3/24"])]);
        let first = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                become_network_administrator();
                let mut network = Network::open().expect("open");
                let faults = network.apply(&wanted).expect("apply");
                (faults, network.apply(&other).expect("apply"))
            });
            thread.join().expect("thread")
        });
        assert_eq!(first, (vec![], vec![]));
        assert_eq!(addresses("wan0"), ["192.0.2.3/24"]);
        assert!(listed("link show").iter().all(|link| link["ifname"] != "br0"));
        assert_eq!(apply(&other), []);
    });
}

/// The calling thread alone becomes another user who has CAP_NET_ADMIN and nothing else.
fn become_network_administrator() {
    let capability = 1_u32 << CAP_NET_ADMIN;
    let header: [u32; 2] = [LINUX_CAPABILITY_VERSION_3, 0];
    // Effective, permitted and inheritable; the low and the high 32.
    let data: [u32; 6] = [capability, capability, 0, 0, 0, 0];
    // SAFETY: the calls take numbers, and pointers to arrays that outlive them; libc would change every thread.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
        assert_eq!(libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY), 0);
        assert_eq!(libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()), 0);
    }
}
