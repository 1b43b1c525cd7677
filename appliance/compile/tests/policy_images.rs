//! The images against the reference: whatever the ruleset, a packet gets the same from both.

use std::sync::Arc;

use ravelin_compile::generate::{Random, Shape, World, packet, packet_to_published};
use ravelin_compile::{AddressSet, ImageReader, ListAddresses, PolicyImages, PolicyPacket, Ruleset};
use ravelin_model::{AddressMatch, PortRange, RuleSpec, ServiceEntry, ServiceMatch, ZoneMatch, protocol};

/// Whether the long form is asked for.
fn full() -> bool {
    std::env::var_os("RAVELIN_FULL").is_some()
}

/// The images of a ruleset, after some other ruleset or the first of all.
fn images(ruleset: &Ruleset, previous: Option<&PolicyImages>) -> PolicyImages {
    PolicyImages::build(ruleset, previous).expect("far below every limit")
}

fn check(ruleset: &Ruleset, reader: &ImageReader<'_>, packet: &PolicyPacket) {
    let decision = ruleset.evaluate(packet);
    let verdict = reader.classify(packet);
    assert_eq!(verdict.counter, decision.counter, "{packet:?}");
    assert_eq!(verdict.log, decision.log, "{packet:?}");
    let action = (!decision.rate_limited).then_some(decision.action);
    assert_eq!(verdict.action, action, "{packet:?}");
    if let Some(rule) = verdict.rule {
        assert_eq!(ruleset.lines[rule as usize].origin, decision.origin, "{packet:?}");
    }
}

fn check_translation(ruleset: &Ruleset, reader: &ImageReader<'_>, packet: &PolicyPacket) {
    let PolicyPacket {
        from,
        destination,
        protocol,
        destination_port: port,
        ..
    } = *packet;
    // No program translates packets of protocol 0.
    if protocol != 0 {
        let expected = ruleset
            .translate(from, destination, protocol, port)
            .map(|(_, to, port)| (to, port));
        assert_eq!(
            reader.translate(from, destination, protocol, port),
            expected,
            "{packet:?}"
        );
    }
}

#[test]
fn a_packet_gets_from_the_images_what_the_reference_says() {
    let mut random = Random::seeded();
    // (rulesets, rules of each, packets for each)
    let shapes = if full() {
        vec![(1000, 30, 500), (60, 400, 5000), (4, 10_000, 50_000)]
    } else {
        vec![(40, 30, 200), (2, 250, 1000)]
    };
    for (rulesets, rules, packets) in shapes {
        let mut previous = None;
        for _ in 0..rulesets {
            let ruleset = World::new(&mut random, &Shape::rules(rules)).resolve();
            let built = images(&ruleset, previous.as_ref());
            let reader = ImageReader::new(&built);
            for _ in 0..packets {
                check(&ruleset, &reader, &packet(&mut random, &ruleset));
            }
            for _ in 0..packets / 4 {
                if let Some(packet) = packet_to_published(&mut random, &ruleset) {
                    check_translation(&ruleset, &reader, &packet);
                }
            }
            for index in 0..200 {
                let zone = ruleset.zone_of_interface.get(&index).copied();
                assert_eq!(reader.zone_of(index), zone, "{index}");
            }
            previous = Some(built);
        }
    }
}

/// Holds packets at the edges of the rules against the reference.
fn check_many(random: &mut Random, ruleset: &Ruleset, built: &PolicyImages, packets: usize) {
    let reader = ImageReader::new(built);
    for _ in 0..packets {
        check(ruleset, &reader, &packet(random, ruleset));
    }
}

/// A world of rules of which each was changed; its images against the reference.
fn check_rules(rules: usize, change: impl Fn(&mut Random, usize, &mut RuleSpec)) {
    let mut random = Random::seeded();
    let mut world = World::new(&mut random, &Shape::rules(rules));
    for (n, rule) in world.policy.rules.iter_mut().enumerate() {
        let spec = &mut Arc::make_mut(rule).spec;
        (spec.enabled, spec.schedule, spec.expires_at) = (true, None, None);
        change(&mut random, n, spec);
    }
    let ruleset = world.resolve();
    check_many(&mut random, &ruleset, &images(&ruleset, None), 500);
}

fn side(texts: &[&str], negate: bool) -> AddressMatch {
    AddressMatch {
        addresses: texts.iter().map(|text| text.parse().expect(text)).collect(),
        lists: Vec::new(),
        negate,
    }
}

fn anywhere(rule: &mut RuleSpec) {
    (rule.from, rule.to) = (ZoneMatch::Any, ZoneMatch::Any);
    (rule.source, rule.destination) = (AddressMatch::default(), AddressMatch::default());
    rule.services = Vec::new();
}

fn tcp(source: Vec<PortRange>, destination: Vec<PortRange>) -> Vec<ServiceMatch> {
    vec![ServiceMatch::Entry(ServiceEntry {
        protocol: Some(protocol::TCP),
        source_ports: source,
        destination_ports: destination,
        icmp_types: Vec::new(),
    })]
}

fn ports(random: &mut Random) -> PortRange {
    let (one, other) = (random.short(), random.short());
    PortRange::new(one.min(other), one.max(other)).expect("in order")
}

#[test]
fn rules_that_are_all_the_same_end_in_a_leaf() {
    check_rules(2000, |_, _, rule| anywhere(rule));
    check_rules(2000, |_, _, rule| {
        anywhere(rule);
        rule.source = side(&["10.0.0.0/8", "2001:db8::/32"], true);
    });
}

#[test]
fn rules_that_all_overlap_are_told_apart() {
    check_rules(300, |random, _, rule| {
        anywhere(rule);
        rule.services = tcp(vec![ports(random)], vec![ports(random)]);
    });
    check_rules(300, |random, n, rule| {
        anywhere(rule);
        let bits = n % 25;
        let nested = [format!("0.0.0.0/{bits}"), format!("::/{bits}")];
        rule.source = side(&nested.each_ref().map(String::as_str), random.once_in(4));
        rule.destination = side(&["10.1.0.0-10.3.1.255", "::1-::ffff"], random.once_in(2));
    });
}

#[test]
fn groups_that_share_their_hosts_are_told_apart() {
    check_rules(200, |random, _, rule| {
        anywhere(rule);
        let group = |random: &mut Random| {
            let hosts: Vec<_> = (0..20)
                .map(|_| format!("10.0.0.{}", random.below(60) * 2))
                .collect();
            let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
            side(&hosts, random.once_in(2))
        };
        (rule.source, rule.destination) = (group(random), group(random));
    });
}

#[test]
fn a_rule_of_many_ports_and_addresses_is_still_one_rule() {
    check_rules(20, |random, _, rule| {
        anywhere(rule);
        let many = |random: &mut Random| (0..12).map(|_| ports(random)).collect::<Vec<_>>();
        rule.services = tcp(many(random), many(random));
        rule.source = side(
            &["10.0.0.1", "10.0.0.3", "10.0.0.5-10.0.0.99", "::1", "::3"],
            false,
        );
    });
}

/// A world with a list in the first rule.
fn world_with_list(random: &mut Random) -> World {
    let mut world = World::new(random, &Shape::rules(50));
    for rule in &mut world.policy.rules {
        let spec = &mut Arc::make_mut(rule).spec;
        (spec.enabled, spec.schedule, spec.expires_at) = (true, None, None);
    }
    let list = "lst_feed".parse().expect("an id");
    let addresses =
        ["10.0.0.0/9", "192.0.2.1-192.0.2.77", "2001:db8::/48"].map(|text| text.parse().expect(text));
    world.lists.insert(
        list,
        ListAddresses {
            number: 77,
            addresses: Arc::new(AddressSet::new(addresses)),
        },
    );
    let first = &mut Arc::make_mut(&mut world.policy.rules[0]).spec;
    anywhere(first);
    first.source.lists = vec!["lst_feed".parse().expect("an id")];
    world
}

#[test]
fn rules_may_change_without_a_new_index_of_addresses() {
    let mut random = Random::seeded();
    let mut world = world_with_list(&mut random);
    let before = images(&world.resolve(), None);
    world.policy.rules.reverse();
    for rule in &mut world.policy.rules[10..30] {
        Arc::make_mut(rule).spec.services = Vec::new();
    }
    world.policy.rules.swap_remove(5);
    let ruleset = world.resolve();
    let after = images(&ruleset, Some(&before));
    assert!(Arc::ptr_eq(&before.classes, &after.classes));
    assert!(!Arc::ptr_eq(&before.policy, &after.policy));
    check_many(&mut random, &ruleset, &after, 1000);
}

#[test]
fn a_list_that_changes_makes_a_new_index_and_one_that_is_fetched_again_does_not() {
    let mut random = Random::seeded();
    let mut world = world_with_list(&mut random);
    let before = images(&world.resolve(), None);
    let id = "lst_feed".parse().expect("an id");
    let list = world.lists.get_mut(&id).expect("made above");
    list.addresses = Arc::new(list.addresses.as_ref().clone());
    let again = images(&world.resolve(), Some(&before));
    assert!(Arc::ptr_eq(&before.classes, &again.classes));

    let list = world.lists.get_mut(&id).expect("made above");
    list.addresses = Arc::new(AddressSet::new(["10.0.0.0/10".parse().expect("a prefix")]));
    let ruleset = world.resolve();
    let changed = images(&ruleset, Some(&again));
    assert!(!Arc::ptr_eq(&again.classes, &changed.classes));
    check_many(&mut random, &ruleset, &changed, 1000);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let mut random = Random::seeded();
    let mut world = World::new(&mut random, &Shape::rules(1));
    let spec = &mut Arc::make_mut(&mut world.policy.rules[0]).spec;
    (spec.enabled, spec.schedule, spec.expires_at) = (true, None, None);
    anywhere(spec);
    let every_other = || {
        (0..1200)
            .map(|n| PortRange::new(n * 2, n * 2).expect("one"))
            .collect()
    };
    spec.services = tcp(every_other(), every_other());
    let error = PolicyImages::build(&world.resolve(), None).expect_err("1,440,000 combinations");
    assert_eq!(error.what, "combinations of addresses and ports in rules");
}
