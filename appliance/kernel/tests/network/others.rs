//! What others made is left alone, and what of ours stands among it goes without harm.

use ravelin_model::{NetworkPart, NetworkPlan};

use crate::support::{
    addresses, bridge, check, ip, link, listed, made, plan, route, rule, shown, via, with_cards,
};

/// What a DHCP client and an operator leave behind.
fn others_at_work() {
    ip("link set wan0 up");
    ip("address add 192.0.2.9/24 dev wan0 valid_lft 3600 preferred_lft 3600");
    ip("address add 2001:db8::9/64 dev wan0 valid_lft 3600 preferred_lft 3600");
    ip("route add default via 192.0.2.254 proto dhcp metric 1024");
    ip("route add 198.51.100.0/24 via 192.0.2.254");
    ip("-6 route add 2001:db8:9::/48 via 2001:db8::254 metric 5");
    ip("rule add from 172.16.0.0/16 table 77 priority 99");
    ip("link add br-other type bridge");
    ip("link set lan0 master br-other");
}

fn check_others() {
    let addresses = addresses("wan0");
    for address in ["192.0.2.9/24", "2001:db8::9/64"] {
        assert!(addresses.contains(&address.to_owned()), "{addresses:?}");
    }
    let routes = listed("-4 route show");
    for (destination, protocol) in [("default", "dhcp"), ("198.51.100.0/24", "boot")] {
        let mut found = routes.iter();
        assert!(
            found.any(|route| route["dst"] == destination && route["protocol"] == protocol),
            "{destination}: {routes:?}"
        );
    }
    assert!(!listed("-6 route show 2001:db8:9::/48").is_empty());
    assert!(listed("rule").iter().any(|rule| rule["table"] == "77"));
    assert_eq!(shown("link show dev lan0")["master"], "br-other");
}

#[test]
fn what_others_made_stays() {
    with_cards("others", &["wan0", "lan0", "lan1"], || {
        others_at_work();
        let ours = NetworkPlan {
            // One address more of their networks, and one that is theirs already.
            links: vec![
                link("wan0", &["192.0.2.2/24", "192.0.2.9/24", "2001:db8::2/64"]),
                made("br0", bridge(&["lan1"]), &[]),
                link("lan1", &[]),
            ],
            routes: vec![
                route("0.0.0.0/0", 254, 50, via("192.0.2.1", None)),
                // Theirs does the same.
                route("198.51.100.0/24", 254, 0, via("192.0.2.254", None)),
            ],
            rules: vec![rule(98, Some("172.16.0.0/16"), 100)],
        };
        check(&ours, &[]);
        check_others();
        check(&ours, &[]);
        check(&NetworkPlan::default(), &[]);
        check_others();
        let left = addresses("wan0");
        assert_eq!(left, ["192.0.2.9/24", "2001:db8::9/64"]);
    });
}

#[test]
fn a_route_another_has_is_told_and_not_taken() {
    with_cards("taken", &["wan0", "lan0"], || {
        ip("link set wan0 up");
        ip("address add 192.0.2.9/24 dev wan0");
        ip("address add 2001:db8::9/64 dev wan0");
        ip("route add 198.51.100.0/24 via 192.0.2.254");
        ip("-6 route add 2001:db8:9::/48 via 2001:db8::254 metric 5");
        let v4 = route("198.51.100.0/24", 254, 0, via("192.0.2.1", None));
        let v6 = route("2001:db8:9::/48", 254, 5, via("2001:db8::1", None));
        let ours = NetworkPlan {
            routes: vec![v4.clone(), v6.clone()],
            ..plan(vec![link("wan0", &[])])
        };
        let fault = |route| (NetworkPart::Route(route), false, "another made");
        check(&ours, &[fault(v4), fault(v6)]);
        assert_eq!(shown("-4 route show 198.51.100.0/24")["gateway"], "192.0.2.254");
        assert_eq!(shown("-6 route show 2001:db8:9::/48")["gateway"], "2001:db8::254");
        ip("route delete 198.51.100.0/24");
        ip("-6 route delete 2001:db8:9::/48");
        check(&ours, &[]);
        assert_eq!(shown("-4 route show 198.51.100.0/24")["gateway"], "192.0.2.1");
    });
}

#[test]
fn addresses_change_under_routes_that_stay() {
    with_cards("exchange", &["wan0"], || {
        check(
            &plan(vec![link(
                "wan0",
                &["192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64"],
            )]),
            &[],
        );
        // Theirs stand on our addresses: with the last one they would go, and with the first one the second would.
        ip("address add 192.0.2.3/24 dev wan0");
        ip("route add default via 192.0.2.254");
        ip("-6 route add default via 2001:db8::254");
        for ours in [
            ["192.0.2.2/24", "2001:db8::1/64"],
            ["192.0.2.7/24", "2001:db8::7/64"],
        ] {
            check(&plan(vec![link("wan0", &ours)]), &[]);
            let now = addresses("wan0");
            assert!(now.contains(&"192.0.2.3/24".to_owned()), "{now:?}");
            assert_eq!(now.len(), 3, "{now:?}");
            assert_eq!(shown("-4 route show default")["gateway"], "192.0.2.254");
            assert_eq!(shown("-6 route show default")["gateway"], "2001:db8::254");
        }
    });
}

#[test]
fn an_ipv6_address_changes_its_prefix_length() {
    with_cards("length", &["wan0"], || {
        for address in ["2001:db8::1/64", "2001:db8::1/48", "2001:db8::1/128"] {
            check(&plan(vec![link("wan0", &[address])]), &[]);
            assert_eq!(addresses("wan0"), [address]);
        }
    });
}
