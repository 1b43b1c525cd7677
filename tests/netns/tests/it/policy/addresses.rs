//! Who a packet is from and whom it is for.

use super::case::Group;
use super::draft::{Rule, addresses, hosts, list, not, rule, tcp};
use super::ground::check;
use super::shot::*;

fn web(name: &str) -> Rule {
    rule(name).from("lan").to("wan").service(tcp(&["80"]))
}

/// A host of the LAN.
const fn lan(host: u8) -> Host {
    Port::Lan.host(host)
}

/// A host of the WAN.
const fn wan(host: u8) -> Host {
    Port::Wan.host(host)
}

#[test]
fn addresses_decide() {
    check(
        &[
            single_addresses_prefixes_and_ranges(),
            prefixes_that_look_alike(),
            negated_sides(),
            lists(),
            families(),
        ]
        .concat(),
    );
}

fn single_addresses_prefixes_and_ranges() -> Vec<Group> {
    let single = Group::new("one address")
        .rule(web("to one").destination(hosts(&[wan(10)])).accept())
        .case("it", syn(LAN, wan(10), 80).passes("to one"))
        .case("the one below", syn(LAN, wan(9), 80).dropped(UNWRITTEN))
        .case("the one above", syn(LAN, wan(11), 80).dropped(UNWRITTEN));
    let prefix = Group::new("a prefix")
        .rule(
            web("from a prefix")
                .source(addresses(&["10.77.1.8/30", "fd77:1::8/126"]))
                .accept(),
        )
        .case("its first address", syn(lan(8), WAN, 80).passes("from a prefix"))
        .case("its last address", syn(lan(11), WAN, 80).passes("from a prefix"))
        .case("below it", syn(lan(7), WAN, 80).dropped(UNWRITTEN))
        .case("above it", syn(lan(12), WAN, 80).dropped(UNWRITTEN));
    let range = Group::new("a range")
        .rule(
            web("to a range")
                .destination(addresses(&["10.77.2.7-10.77.2.13", "fd77:2::7-fd77:2::d"]))
                .accept(),
        )
        .case("its first address", syn(LAN, wan(7), 80).passes("to a range"))
        .case("within it", syn(LAN, wan(10), 80).passes("to a range"))
        .case("its last address", syn(LAN, wan(13), 80).passes("to a range"))
        .case("below it", syn(LAN, wan(6), 80).dropped(UNWRITTEN))
        .case("above it", syn(LAN, wan(14), 80).dropped(UNWRITTEN));
    let several = Group::new("several")
        .rule(
            web("from several")
                .source(addresses(&[
                    "10.77.1.3",
                    "10.77.1.8/31",
                    "10.77.1.20-10.77.1.22",
                    "fd77:1::3",
                    "fd77:1::8/127",
                    "fd77:1::14-fd77:1::16",
                ]))
                .accept(),
        )
        .case("the single one", syn(lan(3), WAN, 80).passes("from several"))
        .case("of the prefix", syn(lan(9), WAN, 80).passes("from several"))
        .case("of the range", syn(lan(21), WAN, 80).passes("from several"))
        .case("of none", syn(lan(10), WAN, 80).dropped(UNWRITTEN));
    let both = Group::new("both sides")
        .rule(
            web("one to one")
                .source(hosts(&[lan(10)]))
                .destination(hosts(&[wan(10)]))
                .accept(),
        )
        .case("both", syn(lan(10), wan(10), 80).passes("one to one"))
        .case("the source only", syn(lan(10), wan(11), 80).dropped(UNWRITTEN))
        .case(
            "the destination only",
            syn(lan(11), wan(10), 80).dropped(UNWRITTEN),
        );
    vec![single, prefix, range, several, both]
}

fn prefixes_that_look_alike() -> Vec<Group> {
    let nested = Group::new("the same network, longer and shorter")
        .rule(
            web("30")
                .destination(addresses(&["10.77.2.8/30", "fd77:2::8/126"]))
                .accept(),
        )
        .rule(
            web("29")
                .destination(addresses(&["10.77.2.8/29", "fd77:2::8/125"]))
                .reject(),
        )
        .rule(
            web("28")
                .destination(addresses(&["10.77.2.0/28", "fd77:2::/124"]))
                .drop(),
        )
        .case("in the longest", syn(LAN, wan(11), 80).passes("30"))
        .case("in the middle one", syn(LAN, wan(12), 80).reset("29"))
        .case("in the shortest", syn(LAN, wan(7), 80).dropped("28"))
        .case("in none", syn(LAN, wan(16), 80).dropped(UNWRITTEN));
    let turned = Group::new("the shorter one first")
        .rule(
            web("29")
                .destination(addresses(&["10.77.2.8/29", "fd77:2::8/125"]))
                .reject(),
        )
        .rule(
            web("30")
                .destination(addresses(&["10.77.2.8/30", "fd77:2::8/126"]))
                .accept(),
        )
        .case(
            "the order decides, not the length",
            syn(LAN, wan(9), 80).reset("29"),
        );
    vec![nested, turned]
}

fn negated_sides() -> Vec<Group> {
    let one = Group::new("all but one")
        .rule(web("not him").source(not(hosts(&[lan(10)]))).accept())
        .case("he", syn(lan(10), WAN, 80).dropped(UNWRITTEN))
        .case("somebody else", syn(lan(11), WAN, 80).passes("not him"));
    let family = Group::new("all but some of one family")
        .rule(
            web("not there")
                .destination(not(addresses(&["10.77.2.0/24"])))
                .accept(),
        )
        .case4("within", syn(LAN, wan(10), 80).dropped(UNWRITTEN))
        .case4("outside", syn(LAN, INTERNET, 80).passes("not there"))
        .case6(
            "the other family is outside",
            syn(LAN, wan(10), 80).passes("not there"),
        );
    let both = Group::new("both sides negated")
        .rule(
            web("others")
                .source(not(hosts(&[lan(10)])))
                .destination(not(hosts(&[wan(10)])))
                .accept(),
        )
        .case("neither", syn(lan(11), wan(11), 80).passes("others"))
        .case("the source", syn(lan(10), wan(11), 80).dropped(UNWRITTEN))
        .case("the destination", syn(lan(11), wan(10), 80).dropped(UNWRITTEN))
        .case("both", syn(lan(10), wan(10), 80).dropped(UNWRITTEN));
    let drop = Group::new("drop all but one")
        .rule(web("intruders").source(not(hosts(&[lan(10), lan(12)]))).drop())
        .rule(web("the rest").accept())
        .case("one of them", syn(lan(12), WAN, 80).passes("the rest"))
        .case("an intruder", syn(lan(11), WAN, 80).dropped("intruders"));
    vec![one, family, both, drop]
}

fn lists() -> Vec<Group> {
    let plain = Group::new("a list")
        .list(
            "known",
            &["10.77.2.10", "10.77.2.16/30", "fd77:2::a", "fd77:2::10/126"],
        )
        .rule(web("to the list").destination(list("known")).accept())
        .case("an address on it", syn(LAN, wan(10), 80).passes("to the list"))
        .case("in a prefix on it", syn(LAN, wan(18), 80).passes("to the list"))
        .case("behind that prefix", syn(LAN, wan(20), 80).dropped(UNWRITTEN))
        .case("not on it", syn(LAN, wan(11), 80).dropped(UNWRITTEN));
    let overlap = Group::new("prefixes of a list that overlap")
        .list(
            "known",
            &[
                "10.77.2.0/28",
                "10.77.2.8/29",
                "10.77.2.9",
                "fd77:2::/124",
                "fd77:2::8/125",
                "fd77:2::9",
            ],
        )
        .rule(web("to the list").destination(list("known")).accept())
        .case("in all of them", syn(LAN, wan(9), 80).passes("to the list"))
        .case("in two of them", syn(LAN, wan(10), 80).passes("to the list"))
        .case("in one of them", syn(LAN, wan(5), 80).passes("to the list"))
        .case("in none", syn(LAN, wan(16), 80).dropped(UNWRITTEN));
    let negated = Group::new("all but a list")
        .list("banned", &["10.77.1.10", "fd77:1::a"])
        .rule(web("not banned").source(not(list("banned"))).accept())
        .case("on it", syn(lan(10), WAN, 80).dropped(UNWRITTEN))
        .case("not on it", syn(lan(11), WAN, 80).passes("not banned"));
    let mixed = Group::new("a list and addresses")
        .list("friends", &["10.77.1.10", "fd77:1::a"])
        .list("servers", &["10.77.2.10", "fd77:2::a"])
        .rule(
            web("either")
                .source(hosts(&[lan(12)]).or_list("friends"))
                .destination(list("servers"))
                .accept(),
        )
        .case("on the list", syn(lan(10), wan(10), 80).passes("either"))
        .case("of the addresses", syn(lan(12), wan(10), 80).passes("either"))
        .case("neither", syn(lan(11), wan(10), 80).dropped(UNWRITTEN))
        .case(
            "a friend to no server",
            syn(lan(10), wan(11), 80).dropped(UNWRITTEN),
        );
    let several = Group::new("several rules with lists")
        .list("bad", &["198.51.100.0/24", "2001:db8:2::/48"])
        .list("good", &["198.51.100.7", "2001:db8:2::7"])
        .rule(web("good").destination(list("good")).accept())
        .rule(web("bad").destination(list("bad")).drop())
        .rule(web("rest").accept())
        .case("on both", syn(LAN, INTERNET, 80).passes("good"))
        .case(
            "on one",
            syn(LAN, Host::Far(Port::Wan, "198.51.100.8", "2001:db8:2::8"), 80).dropped("bad"),
        )
        .case("on none", syn(LAN, WAN, 80).passes("rest"));
    let empty = Group::new("an empty list")
        .list("empty", &[])
        .rule(web("all but nobody").source(not(list("empty"))).reject())
        .case(
            "negated it is everybody",
            syn(LAN, WAN, 80).reset("all but nobody"),
        );
    vec![plain, overlap, negated, mixed, several, empty]
}

fn families() -> Vec<Group> {
    let mapped = Host::Far(Port::Wan, "10.77.2.10", "::ffff:10.77.2.10");
    let everything = Group::new("all of a family")
        .rule(web("all of IPv4").destination(addresses(&["0.0.0.0/0"])).accept())
        .case4("IPv4", syn(LAN, WAN, 80).passes("all of IPv4"))
        .case6("IPv6", syn(LAN, WAN, 80).dropped(UNWRITTEN));
    let everything6 = Group::new("all of the other family")
        .rule(web("all of IPv6").source(addresses(&["::/0"])).accept())
        .case4("IPv4", syn(LAN, WAN, 80).dropped(UNWRITTEN))
        .case6("IPv6", syn(LAN, WAN, 80).passes("all of IPv6"));
    let plain = Group::new("an IPv4 address")
        .rule(web("plain").destination(addresses(&["10.77.2.10"])).accept())
        .case4("a packet to it", syn(LAN, mapped, 80).passes("plain"))
        .case6(
            "an IPv6 packet to the mapped address",
            syn(LAN, mapped, 80).dropped(UNWRITTEN),
        );
    let written = Group::new("a mapped address")
        .rule(
            web("mapped")
                .destination(addresses(&["::ffff:10.77.2.10"]))
                .accept(),
        )
        .case4(
            "an IPv4 packet to its IPv4 address",
            syn(LAN, mapped, 80).dropped(UNWRITTEN),
        )
        .case6("an IPv6 packet to it", syn(LAN, mapped, 80).passes("mapped"));
    let mixed = Group::new("families that differ between the sides")
        .rule(
            web("never")
                .source(addresses(&["10.77.1.0/24"]))
                .destination(addresses(&["fd77:2::/64"]))
                .drop(),
        )
        .rule(web("rest").accept())
        .case("it matches nothing", syn(LAN, WAN, 80).passes("rest"));
    vec![everything, everything6, plain, written, mixed]
}
