//! Destination translation, and the services published by it.

use ravelin_compile::{NatOrigin, NotInForce, Origin};
use ravelin_model::{Action, AddressMatch, Dnat, PublishedAddress, PublishedServiceSpec, Translation};

use crate::support::{
    Firewall, address, address_match, packet, parsed, port_range, service_entry, zone_id, zone_match,
    zone_number,
};

/// `from address protocol ports target [target_port] [hairpin]`; `any` or `-` where there is none.
fn dnat(text: &str) -> Dnat {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [from, to, number, ports, target, rest @ ..] = &words[..] else {
        panic!("{text}: from address protocol ports target")
    };
    Dnat {
        from: zone_match(from),
        address: match to.strip_prefix('%') {
            Some(interface) => PublishedAddress::Interface(interface.to_owned()),
            None => PublishedAddress::Address(address(to)),
        },
        protocol: service_entry(number).protocol,
        ports: (*ports != "-").then(|| port_range(ports)),
        target: address(target),
        target_port: rest.iter().find_map(|word| word.parse().ok()),
        hairpin: rest.contains(&"hairpin"),
    }
}

fn one_to_one(zone: &str, external: &str, internal: &str, hairpin: bool) -> Translation {
    Translation::OneToOne {
        zone: zone_id(zone),
        external: parsed(external),
        internal: parsed(internal),
        hairpin,
    }
}

fn published(text: &str, source: AddressMatch) -> PublishedServiceSpec {
    PublishedServiceSpec {
        name: parsed(text),
        enabled: true,
        translation: dnat(text),
        source,
        log: true,
        comment: String::new(),
    }
}

/// `lan 192.0.2.1 tcp 80` becomes `10.0.0.1 8080`, or stays as it is.
fn check(firewall: &Firewall, cases: &[(&str, Option<&str>)]) {
    let ruleset = firewall.resolve();
    for (text, expected) in cases {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [from, to, number, port] = words[..] else {
            panic!("{text}: from address protocol port")
        };
        let number = service_entry(number).protocol.expect("a protocol");
        let found = ruleset
            .translate(zone_number(from), address(to), number, parsed(port))
            .map(|(_, target, port)| format!("{target} {port}"));
        assert_eq!(found.as_deref(), *expected, "{text}");
    }
}

#[test]
fn ports_move_together_and_stay_where_nothing_else_is_said() {
    let mut firewall = Firewall::default();
    for text in [
        "wan 192.0.2.1 tcp 8000-8009 10.0.0.5 80",
        "wan 192.0.2.1 udp 53 10.0.0.6",
        "wan 192.0.2.1 tcp - 10.0.0.7",
        "wan 192.0.2.2 any - 10.0.0.8",
        "wan 2001:db8::1 tcp 443 fd00::5 65535",
    ] {
        firewall.add_nat(Translation::Dnat(dnat(text)));
    }
    check(
        &firewall,
        &[
            ("wan 192.0.2.1 tcp 8000", Some("10.0.0.5 80")),
            ("wan 192.0.2.1 tcp 8009", Some("10.0.0.5 89")),
            // The first that matches: behind the range the third does.
            ("wan 192.0.2.1 tcp 7999", Some("10.0.0.7 7999")),
            ("wan 192.0.2.1 tcp 8010", Some("10.0.0.7 8010")),
            ("wan 192.0.2.1 udp 53", Some("10.0.0.6 53")),
            ("wan 192.0.2.1 udp 54", None),
            ("wan 192.0.2.1 icmp 0", None),
            ("wan 192.0.2.2 icmp 0", Some("10.0.0.8 0")),
            ("wan 192.0.2.2 udp 65535", Some("10.0.0.8 65535")),
            ("wan 192.0.2.3 udp 53", None),
            ("wan 2001:db8::1 tcp 443", Some("fd00::5 65535")),
            ("wan ::ffff:192.0.2.1 tcp 8000", None),
            ("lan 192.0.2.1 tcp 8000", None),
            ("local 192.0.2.1 tcp 8000", None),
        ],
    );
}

#[test]
fn any_and_hairpin_are_every_zone_but_the_box_itself() {
    let mut firewall = Firewall::default();
    firewall.add_nat(Translation::Dnat(dnat("any 192.0.2.1 tcp 80 10.0.0.5")));
    firewall.add_nat(Translation::Dnat(dnat("wan 192.0.2.2 tcp 80 10.0.0.6 hairpin")));
    firewall.add_nat(Translation::Dnat(dnat("empty 192.0.2.3 tcp 80 10.0.0.7")));
    firewall.add_nat(Translation::Dnat(dnat("empty 192.0.2.4 tcp 80 10.0.0.8 hairpin")));
    for zone in ["lan", "wan", "dmz"] {
        check(
            &firewall,
            &[
                (&format!("{zone} 192.0.2.1 tcp 80"), Some("10.0.0.5 80")),
                (&format!("{zone} 192.0.2.2 tcp 80"), Some("10.0.0.6 80")),
                (&format!("{zone} 192.0.2.3 tcp 80"), None),
                (&format!("{zone} 192.0.2.4 tcp 80"), Some("10.0.0.8 80")),
            ],
        );
    }
    check(
        &firewall,
        &[("local 192.0.2.1 tcp 80", None), ("local 192.0.2.2 tcp 80", None)],
    );
}

#[test]
fn an_interface_stands_for_its_addresses_of_the_family_of_the_target() {
    let mut firewall = Firewall::default();
    firewall.add_nat(Translation::Dnat(dnat("wan %wan0 tcp 80 10.0.0.5")));
    firewall.add_nat(Translation::Dnat(dnat("wan %wan0 tcp 80 fd00::5")));
    firewall.add_nat(Translation::Dnat(dnat("wan %gone0 udp 80 10.0.0.5")));
    check(
        &firewall,
        &[
            ("wan 198.51.100.2 tcp 80", Some("10.0.0.5 80")),
            ("wan 198.51.100.3 tcp 80", Some("10.0.0.5 80")),
            ("wan 198.51.100.4 tcp 80", None),
            ("wan 2001:db8:1::2 tcp 80", Some("fd00::5 80")),
        ],
    );
    assert_eq!(firewall.resolve().dnat.len(), 3);
    // It has its place nevertheless: nftables may follow the interface by itself.
    assert_eq!(firewall.resolve().translations.len(), 3);
}

#[test]
fn one_to_one_keeps_the_place_in_the_network() {
    let mut firewall = Firewall::default();
    firewall.add_nat(one_to_one("wan", "203.0.113.16/28", "10.0.0.32/28", false));
    firewall.add_nat(one_to_one("wan", "2001:db8:9::/48", "fd00:9::/48", true));
    firewall.add_nat(one_to_one("wan", "11.0.0.0/8", "12.0.0.0/8", false));
    firewall.add_nat(one_to_one("wan", "192.0.2.0/24", "10.0.0.0/25", false));
    firewall.add_nat(one_to_one("wan", "192.0.2.0/24", "fd00::/24", false));
    check(
        &firewall,
        &[
            ("wan 203.0.113.15 tcp 80", None),
            ("wan 203.0.113.16 tcp 80", Some("10.0.0.32 80")),
            ("wan 203.0.113.31 icmp 0", Some("10.0.0.47 0")),
            ("wan 203.0.113.32 tcp 80", None),
            ("lan 203.0.113.16 tcp 80", None),
            ("wan 2001:db8:9:1::7 tcp 80", Some("fd00:9:0:1::7 80")),
            (
                "lan 2001:db8:9:ffff:ffff:ffff:ffff:ffff 47 0",
                Some("fd00:9:0:ffff:ffff:ffff:ffff:ffff 0"),
            ),
            ("wan 11.255.255.255 tcp 80", Some("12.255.255.255 80")),
            // Not as many inside as outside, or of another family: not in force.
            ("wan 192.0.2.1 tcp 80", None),
        ],
    );
    let ruleset = firewall.resolve();
    assert_eq!(ruleset.translations.len(), 3);
    assert_eq!(
        ruleset.dnat.len(),
        1 + 3 + 1,
        "an entry for a network, not for each address"
    );
}

#[test]
fn translations_are_in_force_in_their_order_if_their_zone_is() {
    let mut firewall = Firewall::default();
    let masquerade = |to: &str| Translation::Masquerade {
        to: zone_id(to),
        source: Vec::new(),
    };
    firewall.add_nat(masquerade("wan"));
    firewall.add_nat(masquerade("empty"));
    firewall.add_nat(Translation::Snat {
        to: zone_id("dmz"),
        source: Vec::new(),
        destination: Vec::new(),
        address: address("192.0.2.9"),
        ports: None,
    });
    firewall.add_nat(masquerade("lan"));
    std::sync::Arc::make_mut(&mut firewall.policy.nat_rules[3])
        .spec
        .enabled = false;
    firewall.publish(
        "1",
        900,
        published("wan 192.0.2.1 tcp 80 10.0.0.5", AddressMatch::default()),
    );
    let origins: Vec<NatOrigin> = firewall
        .resolve()
        .translations
        .into_iter()
        .map(|translation| translation.origin)
        .collect();
    assert_eq!(
        origins,
        [
            NatOrigin::NatRule(parsed("nat_0")),
            NatOrigin::NatRule(parsed("nat_2")),
            NatOrigin::PublishedService(parsed("pub_1")),
        ]
    );
}

/// Whether a published service lets packets in, as they are after translation.
fn check_published(spec: PublishedServiceSpec, cases: &[(&str, bool)]) {
    let mut firewall = Firewall::with_rules(&["any any any 10.0.0.66 any drop"]);
    firewall.publish("1", 900, spec);
    let ruleset = firewall.resolve();
    for (text, accepted) in cases {
        let decision = ruleset.evaluate(&packet(text));
        assert_eq!(decision.counter == 900, *accepted, "{text}");
        if *accepted {
            assert_eq!(decision.origin, Origin::PublishedService(parsed("pub_1")));
            assert_eq!((decision.action, decision.log), (Action::Accept, true));
        }
    }
}

#[test]
fn a_published_service_lets_in_what_it_translates() {
    check_published(
        published(
            "wan 192.0.2.1 tcp 8000-8009 10.0.0.5 80",
            address_match("!203.0.113.0/24"),
        ),
        &[
            ("wan lan 198.51.100.9 10.0.0.5 tcp 1 80", true),
            ("wan dmz 198.51.100.9 10.0.0.5 tcp 1 89", true),
            ("wan lan 198.51.100.9 10.0.0.5 tcp 1 90", false),
            ("wan lan 198.51.100.9 10.0.0.5 tcp 1 8000", false),
            ("wan lan 198.51.100.9 10.0.0.5 udp 1 80", false),
            ("wan lan 198.51.100.9 10.0.0.6 tcp 1 80", false),
            ("wan lan 203.0.113.9 10.0.0.5 tcp 1 80", false),
            ("dmz lan 198.51.100.9 10.0.0.5 tcp 1 80", false),
        ],
    );
    check_published(
        published("wan 2001:db8::1 any - fd00::5", AddressMatch::default()),
        &[
            ("wan lan 2001:db8::9 fd00::5 tcp 1 80", true),
            ("wan lan 2001:db8::9 fd00::5 47", true),
            ("wan lan 2001:db8::9 fd00::5 icmpv6 128 0", true),
            ("wan lan 2001:db8::9 fd00::6 47", false),
        ],
    );
    check_published(
        published("wan 192.0.2.1 47 - 10.0.0.5", AddressMatch::default()),
        &[
            ("wan lan 198.51.100.9 10.0.0.5 47", true),
            ("wan lan 198.51.100.9 10.0.0.5 50", false),
        ],
    );
}

#[test]
fn hairpin_lets_other_zones_in_too() {
    check_published(
        published("wan 192.0.2.1 tcp 80 10.0.0.5 hairpin", AddressMatch::default()),
        &[
            ("wan lan 198.51.100.9 10.0.0.5 tcp 1 80", true),
            ("lan lan 10.0.0.9 10.0.0.5 tcp 1 80", true),
            ("dmz lan 10.0.4.9 10.0.0.5 tcp 1 80", true),
        ],
    );
}

#[test]
fn rules_come_before_published_services() {
    check_published(
        published("wan 192.0.2.1 tcp 80 10.0.0.66", AddressMatch::default()),
        &[("wan lan 198.51.100.9 10.0.0.66 tcp 1 80", false)],
    );
}

#[test]
fn a_published_service_that_is_not_in_force_neither_translates_nor_lets_in() {
    let check = |text: &str, edit: fn(&mut PublishedServiceSpec), why| {
        let mut firewall = Firewall::default();
        let mut spec = published(text, AddressMatch::default());
        edit(&mut spec);
        firewall.publish("1", 900, spec);
        let ruleset = firewall.resolve();
        assert!(ruleset.lines.is_empty() && ruleset.dnat.is_empty() && ruleset.translations.is_empty());
        assert_eq!(
            ruleset
                .left_out
                .iter()
                .map(|left_out| left_out.why)
                .collect::<Vec<_>>(),
            [why],
            "{text}"
        );
    };
    let plain = "wan 192.0.2.1 tcp 80 10.0.0.5";
    check(plain, |spec| spec.enabled = false, NotInForce::Disabled);
    check("empty 192.0.2.1 tcp 80 10.0.0.5", |_| {}, NotInForce::Zone);
    check(
        "wan 192.0.2.1 tcp 80-90 10.0.0.5 65530",
        |_| {},
        NotInForce::Reference,
    );
    check("wan 192.0.2.1 tcp - 10.0.0.5 80", |_| {}, NotInForce::Reference);
    check(
        plain,
        |spec| spec.source = address_match("@gone"),
        NotInForce::Reference,
    );
}
