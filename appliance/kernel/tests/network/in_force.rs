//! What ip(8) says is what is planned.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ravelin_kernel::{Hint, PathHints};
use ravelin_model::{NetworkPart, NetworkPlan, RouteTarget, WantedLink, WantedRoute, WantedRouteRule};
use ravelin_test_harness::wait_until;
use serde_json::Value;

use crate::support::{
    addresses, apply, bridge, check, is_up, link, listed, made, plan, route, rule, shown, via, with_cards,
};

/// A bit of everything that every kernel has.
fn everything() -> NetworkPlan {
    let wan = WantedLink {
        mtu_bytes: Some(1400),
        ..link("wan0", &["192.0.2.2/24", "192.0.2.3/24", "2001:db8::2/64"])
    };
    let lan = made("br0", bridge(&["lan0", "lan1"]), &["10.0.0.1/24", "fd00::1/64"]);
    NetworkPlan {
        // What it is made of comes behind it.
        links: vec![lan, wan, link("lan0", &[]), link("lan1", &[])],
        routes: vec![
            route("0.0.0.0/0", 254, 0, via("192.0.2.1", None)),
            route("0.0.0.0/0", 254, 100, via("192.0.2.9", Some("wan0"))),
            route("::/0", 254, 0, via("2001:db8::1", None)),
            route("2001:db8:1::/48", 254, 7, via("fe80::1", Some("wan0"))),
            route("0.0.0.0/0", 100, 0, via("10.0.0.9", Some("br0"))),
            route(
                "198.51.100.0/24",
                70_000,
                5,
                RouteTarget::Interface("br0".to_owned()),
            ),
            route(
                "2001:db8:2::/48",
                70_000,
                0,
                RouteTarget::Interface("br0".to_owned()),
            ),
            route("203.0.113.0/24", 254, 0, RouteTarget::Blackhole),
            route("203.0.113.0/25", 254, 0, RouteTarget::Unreachable),
            route("2001:db8:3::/48", 254, 9, RouteTarget::Blackhole),
            route("2001:db8:4::/48", 100, 9, RouteTarget::Unreachable),
            WantedRoute {
                mtu_bytes: Some(1300),
                ..route("198.51.100.0/24", 254, 0, via("192.0.2.1", None))
            },
        ],
        rules: vec![
            rule(100, Some("10.0.0.0/24"), 100),
            rule(101, Some("fd00::/64"), 70_000),
            WantedRouteRule {
                destination: Some("198.51.100.0/24".parse().expect("prefix")),
                input_interface: Some("br0".to_owned()),
                ..rule(102, None, 70_000)
            },
            WantedRouteRule {
                ipv6: true,
                input_interface: Some("br0".to_owned()),
                ..rule(102, None, 100)
            },
        ],
    }
}

/// A route as one line.
fn line(route: &Value) -> String {
    let word = |key: &str| match &route[key] {
        Value::Null => String::new(),
        Value::String(text) => format!(" {key} {text}"),
        other => format!(" {key} {other}"),
    };
    let kind = route["type"].as_str().unwrap_or("unicast");
    // Of an IPv6 route that leads nowhere the kernel says that it leads to itself.
    let device = if kind == "unicast" {
        word("dev")
    } else {
        String::new()
    };
    let mtu = route["metrics"][0]["mtu"].as_u64();
    let mtu = mtu.map(|mtu| format!(" mtu {mtu}")).unwrap_or_default();
    let table = if route["table"] == "main" {
        String::new()
    } else {
        word("table")
    };
    let (to, gateway, metric) = (word("dst"), word("gateway"), word("metric"));
    format!("{kind}{to}{gateway}{device}{table}{metric}{mtu}")
}

fn own_routes() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for family in [4, 6] {
        let listed = listed(&format!("-{family} route show table all proto 82"));
        lines.extend(listed.iter().map(line));
    }
    lines
}

fn own_rules() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for family in [4, 6] {
        let listed = listed(&format!("-{family} rule"));
        let own = listed.iter().filter(|rule| rule["protocol"] == "82");
        lines.extend(own.map(|rule| {
            let word = |key: &str| rule[key].as_str().unwrap_or("-").to_owned();
            let length = |key: &str| {
                rule[key]
                    .as_u64()
                    .map(|length| format!("/{length}"))
                    .unwrap_or_default()
            };
            format!(
                "{} {}{} {}{} {} {}",
                rule["priority"],
                word("src"),
                length("srclen"),
                word("dst"),
                length("dstlen"),
                word("iif"),
                word("table")
            )
        }));
    }
    lines
}

fn lines(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn a_plan_is_what_ip_says() {
    with_cards("in-force", &["wan0", "lan0", "lan1"], || {
        check(&everything(), &[]);

        let bridge = shown("link show dev br0");
        assert_eq!(bridge["linkinfo"]["info_kind"], "bridge");
        assert_eq!(bridge["group"], "82", "it is marked as ours");
        for port in ["lan0", "lan1"] {
            assert_eq!(shown(&format!("link show dev {port}"))["master"], "br0");
            assert!(is_up(port), "{port}");
        }
        assert_eq!(shown("link show dev wan0")["mtu"], 1400);
        assert!(is_up("wan0") && is_up("br0"));
        assert_eq!(
            addresses("wan0"),
            ["192.0.2.2/24", "192.0.2.3/24", "2001:db8::2/64"]
        );
        assert_eq!(addresses("br0"), ["10.0.0.1/24", "fd00::1/64"]);
        let broadcast = &shown("-4 address show dev br0")["addr_info"][0]["broadcast"];
        assert_eq!(broadcast, "10.0.0.255");
        assert_eq!(
            own_routes(),
            lines(&[
                "unicast dst default gateway 192.0.2.1 dev wan0",
                "unicast dst default gateway 192.0.2.9 dev wan0 metric 100",
                "unicast dst default gateway 2001:db8::1 dev wan0 metric 1024",
                "unicast dst 2001:db8:1::/48 gateway fe80::1 dev wan0 metric 7",
                "unicast dst default gateway 10.0.0.9 dev br0 table 100",
                "unicast dst 198.51.100.0/24 dev br0 table 70000 metric 5",
                "unicast dst 2001:db8:2::/48 dev br0 table 70000 metric 1024",
                "blackhole dst 203.0.113.0/24",
                "unreachable dst 203.0.113.0/25",
                "blackhole dst 2001:db8:3::/48 metric 9",
                "unreachable dst 2001:db8:4::/48 table 100 metric 9",
                "unicast dst 198.51.100.0/24 gateway 192.0.2.1 dev wan0 mtu 1300",
            ])
        );
        assert_eq!(
            own_rules(),
            lines(&[
                "100 10.0.0.0/24 - - 100",
                "101 fd00::/64 - - 70000",
                "102 all 198.51.100.0/24 br0 70000",
                "102 all - br0 100",
            ])
        );
    });
}

#[test]
fn a_plan_in_force_is_left_alone() {
    with_cards("left-alone", &["wan0", "lan0", "lan1"], || {
        check(&everything(), &[]);
        let mut hints = PathHints::open().expect("open");
        settled();
        silence(&mut hints);
        check(&everything(), &[]);
        assert_eq!(
            hints.read(Duration::from_millis(500)).expect("read"),
            Hint::Nothing
        );
    });
}

/// Waits until every link has its link-local address and none is examined for duplicates any more: between the two the
/// kernel is silent for seconds.
fn settled() {
    wait_until("the links settle", Duration::from_secs(60), || {
        let links = listed("link show");
        links.iter().filter(|link| link["ifname"] != "lo").all(|link| {
            let name = link["ifname"].as_str().expect("name");
            let of = |which: &str| listed(&format!("-6 address show dev {name} {which}"));
            let some = |listed: Vec<Value>| {
                let mut addresses = listed.iter().filter_map(|link| link["addr_info"].as_array());
                addresses.any(|addresses| !addresses.is_empty())
            };
            link["operstate"] == "UP" && some(of("scope link")) && !some(of("tentative"))
        })
    });
}

fn silence(hints: &mut PathHints) {
    let quiet = Duration::from_secs(2);
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        let before = Instant::now();
        hints.read(quiet).expect("read");
        if before.elapsed() >= quiet {
            return;
        }
    }
    panic!("the namespace is never silent");
}

#[test]
fn what_is_no_longer_planned_is_gone() {
    with_cards("gone", &["wan0", "lan0", "lan1"], || {
        check(&everything(), &[]);
        check(&NetworkPlan::default(), &[]);
        assert_eq!(own_routes(), BTreeSet::new());
        assert_eq!(own_rules(), BTreeSet::new());
        assert!(addresses("wan0").is_empty());
        let left = listed("link show");
        assert!(!left.iter().any(|link| link["ifname"] == "br0"), "{left:?}");
        // Nothing is said of cards any more.
        assert!(is_up("wan0"));
    });
}

#[test]
fn routes_change_in_place() {
    with_cards("in-place", &["wan0", "lan0"], || {
        let links = vec![
            link("wan0", &["192.0.2.2/24", "2001:db8::2/64"]),
            link("lan0", &["10.0.0.1/24", "fd00::1/64"]),
        ];
        let with = |v4: RouteTarget, v6: RouteTarget| NetworkPlan {
            routes: vec![route("0.0.0.0/0", 254, 0, v4), route("::/0", 254, 50, v6)],
            ..plan(links.clone())
        };
        let interface = || RouteTarget::Interface("lan0".to_owned());
        for (v4, v6, said4, said6) in [
            (
                via("192.0.2.1", None),
                via("2001:db8::1", None),
                "gateway 192.0.2.1 dev wan0",
                "gateway 2001:db8::1 dev wan0",
            ),
            (
                via("10.0.0.9", None),
                via("fd00::9", None),
                "gateway 10.0.0.9 dev lan0",
                "gateway fd00::9 dev lan0",
            ),
            (interface(), interface(), "dev lan0", "dev lan0"),
            (
                via("10.0.0.9", None),
                via("fe80::9", Some("lan0")),
                "gateway 10.0.0.9 dev lan0",
                "gateway fe80::9 dev lan0",
            ),
        ] {
            check(&with(v4, v6), &[]);
            let expected = [
                format!("unicast dst default {said4}"),
                format!("unicast dst default {said6} metric 50"),
            ];
            assert_eq!(own_routes(), expected.into());
        }
        check(&with(RouteTarget::Blackhole, RouteTarget::Unreachable), &[]);
        let expected = ["blackhole dst default", "unreachable dst default metric 50"];
        assert_eq!(own_routes(), lines(&expected));
    });
}

#[test]
fn a_gateway_that_moves_takes_its_routes_along() {
    with_cards("moves", &["wan0", "lan0"], || {
        let on = |wan: &[&str], lan: &[&str]| NetworkPlan {
            routes: vec![
                route("198.51.100.0/24", 254, 0, via("192.0.2.1", None)),
                route("2001:db8:9::/48", 254, 1, via("2001:db8::1", None)),
            ],
            ..plan(vec![link("wan0", wan), link("lan0", lan)])
        };
        let both = ["192.0.2.2/24", "2001:db8::2/64"];
        let other = ["10.0.0.1/24"];
        for (plan, device) in [(on(&both, &other), "wan0"), (on(&other, &both), "lan0")] {
            check(&plan, &[]);
            let expected = [
                format!("unicast dst 198.51.100.0/24 gateway 192.0.2.1 dev {device}"),
                format!("unicast dst 2001:db8:9::/48 gateway 2001:db8::1 dev {device} metric 1"),
            ];
            assert_eq!(own_routes(), expected.into());
        }
        // Without a way to the gateway the kernel would keep the route all the same.
        let faults = apply(&on(&other, &["172.16.0.1/24"]));
        assert_eq!(
            faults.iter().map(|fault| fault.waiting).collect::<Vec<_>>(),
            [true, true]
        );
        assert_eq!(own_routes(), BTreeSet::new());
    });
}

#[test]
fn links_of_a_plan_take_no_router_advertisements() {
    with_cards("advertisements", &["wan0", "lan0"], || {
        check(&plan(vec![link("wan0", &[]), made("br0", bridge(&[]), &[])]), &[]);
        let setting = |link: &str| {
            std::fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{link}/accept_ra")).expect("setting")
        };
        assert_eq!(setting("wan0").trim(), "0");
        assert_eq!(setting("br0").trim(), "0");
        assert_eq!(setting("lan0").trim(), "1", "nothing is said of it");
    });
}

#[test]
fn rules_of_all_packets_hide_no_gateway() {
    with_cards("hidden", &["wan0"], || {
        let by = |table, destination: &str, gateway: &str| route(destination, table, 9, via(gateway, None));
        let mut wanted = NetworkPlan {
            routes: vec![by(100, "0.0.0.0/0", "192.0.2.1"), by(100, "::/0", "2001:db8::1")],
            rules: vec![
                rule(100, None, 100),
                WantedRouteRule {
                    ipv6: true,
                    ..rule(100, None, 100)
                },
            ],
            ..plan(vec![link("wan0", &["192.0.2.2/24", "2001:db8::2/64"])])
        };
        check(&wanted, &[]);
        for table in [100, 200] {
            wanted.routes.push(by(table, "198.51.100.0/24", "192.0.2.7"));
            wanted.routes.push(by(table, "2001:db8:9::/48", "2001:db8::7"));
            check(&wanted, &[]);
        }
        assert_eq!(own_routes().len(), 6);
        check(&wanted, &[]);
        let nowhere = by(200, "2001:db8:a::/48", "2001:db8:b::1");
        wanted.routes.push(nowhere.clone());
        check(&wanted, &[(NetworkPart::Route(nowhere), true, "")]);
    });
}
