//! The truth table of matching.

use ravelin_compile::{Decision, Origin, fixed_counter};
use ravelin_model::{Action, AddressRange};

use crate::support::{FIRST_RULE, Firewall, packet, parsed, service_entry};

/// A policy of the one rule accepts exactly the packets that are said to match.
fn check(firewall: &Firewall, packets: &[(&str, bool)]) {
    let ruleset = firewall.resolve();
    for (text, matches) in packets {
        let decision = ruleset.evaluate(&packet(text));
        let expected = if *matches {
            (FIRST_RULE, Action::Accept)
        } else {
            (fixed_counter::UNWRITTEN_PAIR, Action::Drop)
        };
        assert_eq!((decision.counter, decision.action), expected, "{text}");
    }
}

fn check_rule(rule: &str, packets: &[(&str, bool)]) {
    check(&Firewall::with_rules(&[rule]), packets);
}

#[test]
fn any_is_both_families_every_zone_and_every_protocol() {
    check_rule(
        "any any any any any accept",
        &[
            ("lan wan 0.0.0.0 255.255.255.255 tcp 0 0", true),
            (
                "wan local :: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff udp 65535 65535",
                true,
            ),
            ("lan lan 10.0.0.1 10.0.0.2 icmp 8 0", true),
            ("lan wan fd00::1 fd00::2 icmpv6 255 255", true),
            ("lan wan 10.0.0.1 10.0.0.2 0", true),
            ("dmz lan 10.0.0.1 10.0.0.2 255", true),
            ("local wan fd00::1 fd00::2 1", true),
        ],
    );
}

#[test]
fn zones_are_where_it_came_in_and_where_it_would_leave() {
    check_rule(
        "lan wan any any any accept",
        &[
            ("lan wan 10.0.0.1 10.0.0.2 tcp 1 1", true),
            ("wan lan 10.0.0.1 10.0.0.2 tcp 1 1", false),
            ("lan lan 10.0.0.1 10.0.0.2 tcp 1 1", false),
            ("lan local 10.0.0.1 10.0.0.2 tcp 1 1", false),
            ("dmz wan 10.0.0.1 10.0.0.2 tcp 1 1", false),
        ],
    );
    check_rule(
        "any local any any any accept",
        &[
            ("lan local 10.0.0.1 10.0.0.2 tcp 1 1", true),
            ("lan wan 10.0.0.1 10.0.0.2 tcp 1 1", false),
        ],
    );
}

#[test]
fn a_prefix_matches_to_its_edges_and_its_own_family() {
    check_rule(
        "any any 10.1.0.0/16 any any accept",
        &[
            ("lan wan 10.0.255.255 1.1.1.1 tcp 1 1", false),
            ("lan wan 10.1.0.0 1.1.1.1 tcp 1 1", true),
            ("lan wan 10.1.255.255 1.1.1.1 tcp 1 1", true),
            ("lan wan 10.2.0.0 1.1.1.1 tcp 1 1", false),
            // The same bits in front, and the same address in other clothes.
            ("lan wan a01:: fd00::2 tcp 1 1", false),
            ("lan wan ::ffff:10.1.0.1 fd00::2 tcp 1 1", false),
            ("lan wan ::10.1.0.1 fd00::2 tcp 1 1", false),
        ],
    );
    check_rule(
        "any any any 2001:db8::/32 any accept",
        &[
            (
                "lan wan fd00::1 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff tcp 1 1",
                false,
            ),
            ("lan wan fd00::1 2001:db8:: tcp 1 1", true),
            (
                "lan wan fd00::1 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff tcp 1 1",
                true,
            ),
            ("lan wan fd00::1 2001:db9:: tcp 1 1", false),
            ("lan wan 10.0.0.1 32.1.13.184 tcp 1 1", false),
        ],
    );
}

#[test]
fn prefixes_that_look_alike_are_told_apart_by_their_length() {
    let firewall = Firewall::with_rules(&[
        "any any any 10.0.0.0/25 any accept",
        "any any any 10.0.0.0/24 any reject",
        "any any any 10.0.0.0/23 any drop log",
    ]);
    let ruleset = firewall.resolve();
    for (to, n) in [
        ("10.0.0.0", 0),
        ("10.0.0.127", 0),
        ("10.0.0.128", 1),
        ("10.0.0.255", 1),
        ("10.0.1.0", 2),
        ("10.0.1.255", 2),
    ] {
        let decision = ruleset.evaluate(&packet(&format!("lan wan 10.9.9.9 {to} tcp 1 1")));
        assert_eq!(decision.counter, FIRST_RULE + n, "{to}");
    }
}

#[test]
fn everything_of_a_family_is_nothing_of_the_other() {
    check_rule(
        "any any 0.0.0.0/0 any any accept",
        &[
            ("lan wan 0.0.0.0 1.1.1.1 tcp 1 1", true),
            ("lan wan 255.255.255.255 1.1.1.1 tcp 1 1", true),
            ("lan wan :: fd00::2 tcp 1 1", false),
            ("lan wan ::ffff:1.1.1.1 fd00::2 tcp 1 1", false),
        ],
    );
    check_rule(
        "any any any ::/0 any accept",
        &[
            ("lan wan :: :: tcp 1 1", true),
            ("lan wan :: ::ffff:1.1.1.1 tcp 1 1", true),
            ("lan wan 1.1.1.1 1.1.1.1 tcp 1 1", false),
        ],
    );
    check_rule(
        "any any ::ffff:192.0.2.0/120 any any accept",
        &[
            ("lan wan ::ffff:192.0.2.7 fd00::2 tcp 1 1", true),
            ("lan wan 192.0.2.7 1.1.1.1 tcp 1 1", false),
        ],
    );
}

#[test]
fn a_range_that_is_no_prefix_matches_to_its_edges() {
    check_rule(
        "any any 10.0.0.3-10.0.0.9,fd00::3-fd00::9 any any accept",
        &[
            ("lan wan 10.0.0.2 1.1.1.1 tcp 1 1", false),
            ("lan wan 10.0.0.3 1.1.1.1 tcp 1 1", true),
            ("lan wan 10.0.0.9 1.1.1.1 tcp 1 1", true),
            ("lan wan 10.0.0.10 1.1.1.1 tcp 1 1", false),
            ("lan wan fd00::2 fd00::1 tcp 1 1", false),
            ("lan wan fd00::3 fd00::1 tcp 1 1", true),
            ("lan wan fd00::9 fd00::1 tcp 1 1", true),
            ("lan wan fd00::a fd00::1 tcp 1 1", false),
        ],
    );
}

#[test]
fn negation_is_of_all_that_is_named_in_both_families() {
    check_rule(
        "any any !10.0.0.0/8 any any accept",
        &[
            ("lan wan 10.0.0.1 1.1.1.1 tcp 1 1", false),
            ("lan wan 11.0.0.0 1.1.1.1 tcp 1 1", true),
            ("lan wan 9.255.255.255 1.1.1.1 tcp 1 1", true),
            ("lan wan fd00::1 fd00::2 tcp 1 1", true),
            ("lan wan ::ffff:10.0.0.1 fd00::2 tcp 1 1", true),
        ],
    );
    check_rule(
        "any any any !192.0.2.1,2001:db8::/32,192.0.2.9 any accept",
        &[
            ("lan wan 10.0.0.1 192.0.2.1 tcp 1 1", false),
            ("lan wan 10.0.0.1 192.0.2.9 tcp 1 1", false),
            ("lan wan 10.0.0.1 192.0.2.2 tcp 1 1", true),
            ("lan wan fd00::1 2001:db8::1 tcp 1 1", false),
            ("lan wan fd00::1 2001:db9::1 tcp 1 1", true),
        ],
    );
    check_rule(
        "any any !0.0.0.0/0 !0.0.0.0/0 any accept",
        &[
            ("lan wan 10.0.0.1 192.0.2.1 tcp 1 1", false),
            ("lan wan fd00::1 fd00::2 tcp 1 1", true),
        ],
    );
    check_rule(
        "any any !0.0.0.0/0,::/0 any any accept",
        &[
            ("lan wan 10.0.0.1 192.0.2.1 tcp 1 1", false),
            ("lan wan fd00::1 fd00::2 tcp 1 1", false),
        ],
    );
}

#[test]
fn lists_and_addresses_are_one_set() {
    let ranges = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| parsed(text))
            .collect::<Vec<AddressRange>>()
    };
    let with = |rule: &str| {
        let mut firewall = Firewall::with_rules(&[rule]);
        firewall.add_list("a", 11, ranges(&["192.0.2.0/24", "2001:db8::/32"]));
        firewall.add_list("b", 12, ranges(&["198.51.100.7"]));
        firewall.add_list("none", 13, []);
        firewall
    };
    check(
        &with("any any @a,@b,203.0.113.1 any any accept"),
        &[
            ("wan lan 192.0.2.255 10.0.0.1 tcp 1 1", true),
            ("wan lan 2001:db8::1 fd00::1 tcp 1 1", true),
            ("wan lan 198.51.100.7 10.0.0.1 tcp 1 1", true),
            ("wan lan 198.51.100.8 10.0.0.1 tcp 1 1", false),
            ("wan lan 203.0.113.1 10.0.0.1 tcp 1 1", true),
            ("wan lan fd00::7 fd00::1 tcp 1 1", false),
        ],
    );
    check(
        &with("any any !@a,@b,203.0.113.1 any any accept"),
        &[
            ("wan lan 192.0.2.255 10.0.0.1 tcp 1 1", false),
            ("wan lan 198.51.100.7 10.0.0.1 tcp 1 1", false),
            ("wan lan 203.0.113.1 10.0.0.1 tcp 1 1", false),
            ("wan lan 203.0.113.2 10.0.0.1 tcp 1 1", true),
            ("wan lan fd00::7 fd00::1 tcp 1 1", true),
        ],
    );
    check(
        &with("any any @none any any accept"),
        &[
            ("wan lan 192.0.2.1 10.0.0.1 tcp 1 1", false),
            ("wan lan fd00::7 fd00::1 tcp 1 1", false),
        ],
    );
    check(
        &with("any any !@none any any accept"),
        &[
            ("wan lan 192.0.2.1 10.0.0.1 tcp 1 1", true),
            ("wan lan fd00::7 fd00::1 tcp 1 1", true),
        ],
    );
}

#[test]
fn a_list_of_a_million_matches_each_of_its_addresses_and_no_other() {
    let mut firewall = Firewall::with_rules(&["any any @big any any accept"]);
    // Every second address, so that nothing merges.
    let address = |n: u32| std::net::IpAddr::V4((0x0b00_0000 + 2 * n).into());
    firewall.add_list("big", 1, (0..1_000_000).map(|n| address(n).into()));
    let ruleset = firewall.resolve();
    assert_eq!(ruleset.lists[&1].v4().len(), 1_000_000);
    let accepted = |source| {
        let mut probe = packet("lan wan 1.1.1.1 10.0.0.1 tcp 1 1");
        probe.source = source;
        ruleset.evaluate(&probe).action == Action::Accept
    };
    for n in (0..1_000_000).step_by(997).chain([999_999]) {
        assert!(accepted(address(n)), "{n}");
        let std::net::IpAddr::V4(v4) = address(n) else {
            unreachable!()
        };
        assert!(!accepted((u32::from(v4) + 1).to_be_bytes().into()), "beside {n}");
    }
    assert!(!accepted("10.255.255.255".parse().expect("an address")));
}

#[test]
fn ports_match_to_their_edges_in_protocols_that_have_them() {
    check_rule(
        "any any any any tcp/80-90+443 accept",
        &[
            ("lan wan 10.0.0.1 10.0.0.2 tcp 1 79", false),
            ("lan wan 10.0.0.1 10.0.0.2 tcp 1 80", true),
            ("lan wan 10.0.0.1 10.0.0.2 tcp 1 90", true),
            ("lan wan 10.0.0.1 10.0.0.2 tcp 1 91", false),
            ("lan wan fd00::1 fd00::2 tcp 1 443", true),
            ("lan wan 10.0.0.1 10.0.0.2 tcp 443 1", false),
            ("lan wan 10.0.0.1 10.0.0.2 udp 1 80", false),
        ],
    );
    check_rule(
        "any any any any udp/1000-1999:53,sctp/0:65535 accept",
        &[
            ("lan wan 10.0.0.1 10.0.0.2 udp 999 53", false),
            ("lan wan 10.0.0.1 10.0.0.2 udp 1000 53", true),
            ("lan wan 10.0.0.1 10.0.0.2 udp 1999 53", true),
            ("lan wan 10.0.0.1 10.0.0.2 udp 2000 53", false),
            ("lan wan 10.0.0.1 10.0.0.2 udp 1000 54", false),
            ("lan wan 10.0.0.1 10.0.0.2 sctp 0 65535", true),
            ("lan wan 10.0.0.1 10.0.0.2 sctp 0 0", false),
        ],
    );
    // Written in a service of every protocol they leave only those with ports.
    let mut firewall = Firewall::with_rules(&["any any any any $odd accept"]);
    let mut odd = service_entry("tcp/0-65535");
    odd.protocol = None;
    firewall.add_service("odd", vec![odd]);
    check(
        &firewall,
        &[
            ("lan wan 10.0.0.1 10.0.0.2 udp 1 0", true),
            ("lan wan 10.0.0.1 10.0.0.2 47", false),
            ("lan wan 10.0.0.1 10.0.0.2 icmp 8 0", false),
        ],
    );
}

#[test]
fn icmp_is_of_ipv4_and_icmpv6_of_ipv6() {
    check_rule(
        "any any any any icmp accept",
        &[
            ("lan wan 10.0.0.1 10.0.0.2 icmp 8 0", true),
            ("lan wan 10.0.0.1 10.0.0.2 icmp 255 255", true),
            ("lan wan fd00::1 fd00::2 icmpv6 8 0", false),
            // Protocol 1 in IPv6 is no ICMP.
            ("lan wan fd00::1 fd00::2 1", false),
        ],
    );
    check_rule(
        "any any any any 1 accept",
        &[
            ("lan wan 10.0.0.1 10.0.0.2 icmp 8 0", true),
            ("lan wan fd00::1 fd00::2 1", false),
        ],
    );
    check_rule(
        "any any any any icmpv6 accept",
        &[
            ("lan wan fd00::1 fd00::2 icmpv6 128 0", true),
            ("lan wan 10.0.0.1 10.0.0.2 icmp 128 0", false),
            ("lan wan 10.0.0.1 10.0.0.2 58", false),
        ],
    );
    check_rule(
        "any any any any icmp/8+3.4,icmpv6/128.0 accept",
        &[
            ("lan wan 10.0.0.1 10.0.0.2 icmp 8 0", true),
            ("lan wan 10.0.0.1 10.0.0.2 icmp 8 9", true),
            ("lan wan 10.0.0.1 10.0.0.2 icmp 3 4", true),
            ("lan wan 10.0.0.1 10.0.0.2 icmp 3 3", false),
            ("lan wan 10.0.0.1 10.0.0.2 icmp 128 0", false),
            ("lan wan fd00::1 fd00::2 icmpv6 128 0", true),
            ("lan wan fd00::1 fd00::2 icmpv6 128 1", false),
            ("lan wan fd00::1 fd00::2 icmpv6 8 0", false),
        ],
    );
    check_rule(
        "any any any any icmp/0.0 accept",
        &[
            ("lan wan 10.0.0.1 10.0.0.2 icmp 0 0", true),
            ("lan wan 10.0.0.1 10.0.0.2 icmp 0 1", false),
            // No ICMP, so that its type is not 0 either.
            ("lan wan 10.0.0.1 10.0.0.2 tcp 0 0", false),
            ("lan wan fd00::1 fd00::2 1", false),
        ],
    );
}

#[test]
fn icmp_types_in_a_service_of_every_protocol_leave_only_icmp() {
    let mut firewall = Firewall::with_rules(&["any any any any $odd accept"]);
    let mut odd = service_entry("icmp/0.0");
    odd.protocol = None;
    firewall.add_service("odd", vec![odd]);
    check(
        &firewall,
        &[
            ("lan wan 10.0.0.1 10.0.0.2 icmp 0 0", true),
            ("lan wan fd00::1 fd00::2 icmpv6 0 0", true),
            ("lan wan 10.0.0.1 10.0.0.2 tcp 0 0", false),
            ("lan wan fd00::1 fd00::2 1", false),
        ],
    );
}

#[test]
fn a_number_is_the_protocol_of_either_family() {
    check_rule(
        "any any any any 47,0,255 accept",
        &[
            ("lan wan 10.0.0.1 10.0.0.2 47", true),
            ("lan wan fd00::1 fd00::2 47", true),
            ("lan wan fd00::1 fd00::2 0", true),
            ("lan wan 10.0.0.1 10.0.0.2 255", true),
            ("lan wan 10.0.0.1 10.0.0.2 tcp 1 1", false),
        ],
    );
}

#[test]
fn named_services_are_their_entries() {
    let mut firewall = Firewall::with_rules(&["any any any any $web,udp/53 accept"]);
    firewall.add_service("web", vec![service_entry("tcp/80"), service_entry("tcp/443")]);
    check(
        &firewall,
        &[
            ("lan wan 10.0.0.1 10.0.0.2 tcp 1 80", true),
            ("lan wan 10.0.0.1 10.0.0.2 tcp 1 443", true),
            ("lan wan 10.0.0.1 10.0.0.2 udp 1 53", true),
            ("lan wan 10.0.0.1 10.0.0.2 udp 1 80", false),
        ],
    );
}

#[test]
fn the_first_line_that_matches_decides_then_the_default_of_the_pair() {
    let mut firewall = Firewall::with_rules(&[
        "lan wan any any tcp/25 reject log",
        "lan wan 10.0.0.0/24 any any accept",
        "lan wan any any any drop",
    ]);
    firewall.add_pair("wan lan reject log", 700);
    let ruleset = firewall.resolve();
    let check = |text: &str, counter, action, log| {
        let decision = ruleset.evaluate(&packet(text));
        assert_eq!(
            (decision.counter, decision.action, decision.log),
            (counter, action, log),
            "{text}"
        );
        decision.origin
    };
    check(
        "lan wan 10.0.0.1 1.1.1.1 tcp 1 25",
        FIRST_RULE,
        Action::Reject,
        true,
    );
    check(
        "lan wan 10.0.0.1 1.1.1.1 tcp 1 26",
        FIRST_RULE + 1,
        Action::Accept,
        false,
    );
    check(
        "lan wan 10.0.1.1 1.1.1.1 tcp 1 26",
        FIRST_RULE + 2,
        Action::Drop,
        false,
    );
    let origin = check("wan lan 10.0.1.1 1.1.1.1 tcp 1 26", 700, Action::Reject, true);
    assert_eq!(origin, Origin::ZonePair(parsed("zpr_wanlan")));
    let unwritten = fixed_counter::UNWRITTEN_PAIR;
    let origin = check(
        "dmz lan 10.0.1.1 1.1.1.1 tcp 1 26",
        unwritten,
        Action::Drop,
        false,
    );
    assert_eq!(origin, Origin::UnwrittenPair);
    check(
        "local lan 10.0.1.1 1.1.1.1 tcp 1 26",
        unwritten,
        Action::Accept,
        false,
    );
    // A zone without interfaces has no packets; asked nevertheless, nothing is written for it.
    check(
        "empty lan 10.0.1.1 1.1.1.1 tcp 1 26",
        unwritten,
        Action::Drop,
        false,
    );
}

#[test]
fn a_rate_limit_is_taken_as_not_reached_unless_asked() {
    let firewall = Firewall::with_rules(&[
        "lan wan any any any accept limit",
        "lan wan any any tcp accept limit log",
        "lan wan any any tcp reject",
    ]);
    let ruleset = firewall.resolve();
    let probe = packet("lan wan 10.0.0.1 1.1.1.1 tcp 1 25");
    let rule = |n: u32, action, rate_limited| Decision {
        origin: Origin::Rule(parsed(&format!("rul_{n}"))),
        counter: FIRST_RULE + n,
        action,
        log: false,
        rate_limited,
    };
    assert_eq!(ruleset.evaluate(&probe), rule(0, Action::Accept, true));
    assert_eq!(
        ruleset.evaluate_over_limits(&probe),
        rule(2, Action::Reject, false)
    );
}
