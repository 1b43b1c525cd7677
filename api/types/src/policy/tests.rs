use std::sync::Arc;

use ravelin_model as model;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::*;
use crate::{BadBody, parse_value};

/// Zones `lan` and `wan`, the service `web`, the address list `bad` and the domain list `ads`.
fn names() -> Names {
    let object = |spec| model::Object {
        id: "zon_lan".parse().expect("id"),
        number: 2,
        spec,
        updated_at: OffsetDateTime::UNIX_EPOCH,
        revision: model::Revision(1),
    };
    let lan = object(model::ZoneSpec {
        name: "lan".parse().expect("name"),
        description: String::new(),
        interfaces: ["lan0".to_owned()].into(),
        management: true,
    });
    let mut policy = model::Policy::default();
    policy.zones.insert(lan.id.clone(), Arc::new(lan));
    let list = |id: &str, name: &str, kind| model::List {
        id: id.parse().expect("id"),
        number: 1,
        name: name.parse().expect("name"),
        kind,
        entries_count: 0,
        updated_at: OffsetDateTime::UNIX_EPOCH,
        revision: model::Revision(1),
    };
    let lists = [
        list("lst_1", "bad", model::ListKind::Address),
        list("lst_2", "ads", model::ListKind::Domain),
    ];
    let mut names = Names::new(&policy, &lists);
    names.add_zone(&"zon_wan".parse().expect("id"), &"wan".parse().expect("name"));
    names.add_service(&"svc_web".parse().expect("id"), &"web".parse().expect("name"));
    names
}

fn read<S: Spec>(value: &Value) -> Result<S::Model, BadBody> {
    parse_value(value, |node, errors| S::read(node, &names(), errors))
}

/// Refused with these pointers and codes.
#[track_caller]
fn check_bad<S: Spec<Model: std::fmt::Debug>>(value: &Value, expected: &[(&str, &str)]) {
    let Err(BadBody::Invalid(errors)) = read::<S>(value) else {
        panic!("{value} was taken");
    };
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.pointer.as_str(), error.code.as_str()))
        .collect();
    assert_eq!(found, expected, "{value}");
}

/// Shown like `expected`, and the same when it is read again.
#[track_caller]
fn check_good<S: Spec<Model: std::fmt::Debug + PartialEq>>(value: &Value, expected: &Value) {
    let spec = read::<S>(value).expect("valid");
    let shown = serde_json::to_value(S::of(&spec)).expect("serialise");
    assert_eq!(shown, *expected, "{value}");
    assert_eq!(read::<S>(&shown).expect("valid"), spec, "{shown}");
}

const ANYONE: &str = r#"{"addresses": [], "lists": [], "negate": false}"#;

#[test]
fn a_short_rule_means_what_people_expect() {
    let anyone: Value = serde_json::from_str(ANYONE).expect("JSON");
    check_good::<RuleSpec>(
        &json!({"name": "web", "from_zone": "lan", "to_zone": "wan", "action": "accept",
            "services": [{"protocol": "tcp", "destination_ports": [80, 443]}]}),
        &json!({"name": "web", "enabled": true, "from_zone": "zon_lan", "to_zone": "zon_wan",
            "source": anyone, "destination": anyone, "action": "accept", "log": false, "comment": "", "tags": [],
            "services": [{"protocol": "tcp", "source_ports": [], "destination_ports": ["80", "443"], "icmp_types": []}]}),
    );
}

#[test]
fn a_long_rule_survives_the_wire() {
    let rule = json!({
        "name": "Web → DMZ", "enabled": false, "from_zone": "zon_lan", "to_zone": "any",
        "source": {"addresses": ["192.0.2.0/24", "2001:db8::7", "198.51.100.1-198.51.100.9"], "lists": ["lst_1"],
            "negate": true},
        "destination": {"addresses": [], "lists": ["lst_1"], "negate": false},
        "services": ["svc_web",
            {"protocol": "icmp", "source_ports": [], "destination_ports": [], "icmp_types": [{"type": 8}, {"type": 3, "code": 4}]},
            {"protocol": 89, "source_ports": [], "destination_ports": [], "icmp_types": []},
            {"protocol": "any", "source_ports": [], "destination_ports": [], "icmp_types": []},
            {"protocol": "sctp", "source_ports": ["0-65535"], "destination_ports": ["8000-8010"], "icmp_types": []}],
        "action": "reject", "log": true,
        "rate_limit": {"rate": 10, "per": "source", "burst": 20},
        "schedule": {"days": ["monday", "sunday"], "from": "22:00", "to": "06:00", "timezone": "Europe/Vienna"},
        "expires_at": "2099-01-01T00:00:00Z", "comment": "two\nlines", "tags": ["a", "b c"]
    });
    check_good::<RuleSpec>(&rule, &rule);
}

#[test]
fn what_is_missing_has_a_sensible_value() {
    let anyone: Value = serde_json::from_str(ANYONE).expect("JSON");
    let rule = |members: Value| {
        let mut rule = json!({"name": "r", "enabled": true, "from_zone": "any", "to_zone": "any", "source": anyone,
            "destination": anyone, "services": [], "action": "drop", "log": false, "comment": "", "tags": []});
        crate::merge_patch(&mut rule, &members);
        rule
    };
    for (said, meant) in [
        (json!({}), json!({})),
        (
            json!({"comment": null, "source": null, "schedule": null}),
            json!({}),
        ),
        (
            json!({"rate_limit": {"rate": 5}}),
            json!({"rate_limit": {"rate": 5, "per": "rule", "burst": 5}}),
        ),
        (
            json!({"schedule": {"days": ["friday"]}}),
            json!({"schedule": {"days": ["friday"], "from": "00:00", "to": "00:00", "timezone": "UTC"}}),
        ),
        (
            json!({"schedule": {"from": "08:00", "to": "18:00"}}),
            json!({"schedule": {"from": "08:00", "to": "18:00", "timezone": "UTC",
                "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]}}),
        ),
        (
            json!({"source": {"lists": ["bad"]}}),
            json!({"source": {"lists": ["lst_1"]}}),
        ),
        (
            json!({"source": {"addresses": ["192.0.2.0-192.0.2.255", "10.0.0.1/32"]}}),
            json!({"source": {"addresses": ["192.0.2.0/24", "10.0.0.1"]}}),
        ),
        (json!({"services": ["web"]}), json!({"services": ["svc_web"]})),
        (
            json!({"services": [{"protocol": 6, "destination_ports": ["80-80"]}]}),
            json!({"services": [{"protocol": "tcp", "source_ports": [], "destination_ports": ["80"], "icmp_types": []}]}),
        ),
        (
            json!({"expires_at": "2099-01-01T01:00:00+01:00"}),
            json!({"expires_at": "2099-01-01T00:00:00Z"}),
        ),
    ] {
        let mut body = json!({"name": "r", "action": "drop"});
        let members = body.as_object_mut().expect("object");
        members.extend(said.as_object().expect("object").clone());
        check_good::<RuleSpec>(&body, &rule(meant));
    }
}

#[test]
fn what_a_rule_cannot_say_is_told_at_its_place() {
    let long = "x".repeat(1025);
    let tags: Vec<String> = (0..33).map(|n| n.to_string()).collect();
    for (members, expected) in [
        (json!({"name": null}), vec![("/name", "required")]),
        (json!({"name": ""}), vec![("/name", "format")]),
        (json!({"name": "a\u{0}b"}), vec![("/name", "format")]),
        (json!({"name": 7}), vec![("/name", "type")]),
        (json!({"action": null}), vec![("/action", "required")]),
        (json!({"action": "allow"}), vec![("/action", "format")]),
        (json!({"enabled": "yes"}), vec![("/enabled", "type")]),
        (json!({"from_zone": "moon"}), vec![("/from_zone", "reference")]),
        (
            json!({"from_zone": "zon_moon"}),
            vec![("/from_zone", "reference")],
        ),
        (json!({"to_zone": ["lan"]}), vec![("/to_zone", "type")]),
        (json!({"source": "192.0.2.1"}), vec![("/source", "type")]),
        (
            json!({"source": {"addresses": ["192.0.2.1", "192.0.2.1/24", "example.com", "10.0.0.9-10.0.0.1"]}}),
            vec![
                ("/source/addresses/1", "format"),
                ("/source/addresses/2", "format"),
                ("/source/addresses/3", "format"),
            ],
        ),
        (
            json!({"source": {"lists": ["bad", "none"]}}),
            vec![("/source/lists/1", "reference")],
        ),
        (
            json!({"source": {"lists": ["ads"]}}),
            vec![("/source/lists/0", "reference")],
        ),
        (
            json!({"source": {"negate": true}}),
            vec![("/source/negate", "not_applicable")],
        ),
        (
            json!({"destination": {"address": "::1"}}),
            vec![("/destination/address", "unknown_field")],
        ),
        (json!({"services": ["smtp"]}), vec![("/services/0", "reference")]),
        (
            json!({"services": [{}]}),
            vec![("/services/0/protocol", "required")],
        ),
        (
            json!({"services": [{"protocol": 256}]}),
            vec![("/services/0/protocol", "range")],
        ),
        (
            json!({"services": [{"protocol": "http"}]}),
            vec![("/services/0/protocol", "format")],
        ),
        (
            json!({"services": [{"protocol": "tcp", "destination_ports": [65536, "80-70", "http", -1, ""]}]}),
            vec![
                ("/services/0/destination_ports/0", "range"),
                ("/services/0/destination_ports/1", "format"),
                ("/services/0/destination_ports/2", "format"),
                ("/services/0/destination_ports/3", "range"),
                ("/services/0/destination_ports/4", "format"),
            ],
        ),
        (
            json!({"services": [{"protocol": "icmp", "source_ports": [1]}]}),
            vec![("/services/0/source_ports", "not_applicable")],
        ),
        (
            json!({"services": [{"protocol": "tcp", "icmp_types": [{"type": 8}]}]}),
            vec![("/services/0/icmp_types", "not_applicable")],
        ),
        (
            json!({"services": [{"protocol": "icmp", "icmp_types": [{"type": 256}, {"code": 1}]}]}),
            vec![
                ("/services/0/icmp_types/0/type", "range"),
                ("/services/0/icmp_types/1/type", "required"),
            ],
        ),
        (
            json!({"rate_limit": {"rate": 0}}),
            vec![("/rate_limit/rate", "range")],
        ),
        (
            json!({"rate_limit": {"per": "host"}}),
            vec![("/rate_limit/rate", "required"), ("/rate_limit/per", "format")],
        ),
        (
            json!({"schedule": {"days": []}}),
            vec![("/schedule/days", "range")],
        ),
        (
            json!({"schedule": {"days": ["mon"]}}),
            vec![("/schedule/days/0", "format")],
        ),
        (
            json!({"schedule": {"from": "24:00"}}),
            vec![("/schedule/from", "format")],
        ),
        (
            json!({"schedule": {"to": "8:00"}}),
            vec![("/schedule/to", "format")],
        ),
        (json!({"expires_at": "tomorrow"}), vec![("/expires_at", "format")]),
        (json!({"comment": long}), vec![("/comment", "range")]),
        (json!({"comment": "\u{1b}[2J"}), vec![("/comment", "format")]),
        (json!({"tags": tags}), vec![("/tags", "range")]),
        (json!({"tags": [""]}), vec![("/tags/0", "format")]),
        (
            json!({"position": 1, "hits": {}}),
            vec![("/hits", "unknown_field"), ("/position", "unknown_field")],
        ),
    ] {
        let mut rule = json!({"name": "r", "action": "drop"});
        for (name, value) in members.as_object().expect("object") {
            match value {
                Value::Null => rule.as_object_mut().expect("object").remove(name),
                value => rule
                    .as_object_mut()
                    .expect("object")
                    .insert(name.clone(), value.clone()),
            };
        }
        let mut expected = expected;
        let Err(BadBody::Invalid(errors)) = read::<RuleSpec>(&rule) else {
            panic!("{rule} was taken");
        };
        let mut found: Vec<_> = errors
            .iter()
            .map(|e| (e.pointer.as_str(), e.code.as_str()))
            .collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{rule}");
    }
    check_bad::<RuleSpec>(&json!([]), &[("", "type")]);
}

#[test]
fn zones_pairs_and_services_are_checked() {
    for (zone, expected) in [
        (json!({"name": "any"}), ("/name", "format")),
        (
            json!({"name": "z", "interfaces": ["a/b"]}),
            ("/interfaces/0", "format"),
        ),
        (
            json!({"name": "z", "interfaces": ["sixteen-letters0"]}),
            ("/interfaces/0", "format"),
        ),
        (
            json!({"name": "z", "interfaces": [".."]}),
            ("/interfaces/0", "format"),
        ),
        (
            json!({"name": "z", "interfaces": "lan0"}),
            ("/interfaces", "type"),
        ),
        (json!({"name": "z", "number": 3}), ("/number", "unknown_field")),
    ] {
        check_bad::<ZoneSpec>(&zone, &[expected]);
    }
    check_good::<ZoneSpec>(
        &json!({"name": "lan", "interfaces": ["lan1", "lan0", "lan0"]}),
        &json!({"name": "lan", "description": "", "interfaces": ["lan0", "lan1"], "management": false}),
    );
    check_good::<ZonePairSpec>(
        &json!({"from": "lan", "to": "wan"}),
        &json!({"from": "zon_lan", "to": "zon_wan", "default_action": "drop", "log": false}),
    );
    check_bad::<ZonePairSpec>(
        &json!({"from": "any"}),
        &[("/from", "reference"), ("/to", "required")],
    );
    check_bad::<ServiceSpec>(&json!({"name": "s", "entries": []}), &[("/entries", "range")]);
    check_bad::<ServiceSpec>(
        &json!({"name": "s", "entries": ["web"]}),
        &[("/entries/0", "type")],
    );
}

#[test]
fn every_kind_of_translation_survives_the_wire() {
    for rule in [
        json!({"kind": "masquerade", "to_zone": "zon_wan", "source_addresses": ["10.0.0.0/8"]}),
        json!({"kind": "snat", "to_zone": "zon_wan", "source_addresses": [], "destination_addresses": ["192.0.2.7"],
            "address": "203.0.113.1", "ports": "1024-2047"}),
        json!({"kind": "dnat", "from_zone": "zon_wan", "address": "203.0.113.1", "protocol": "tcp", "ports": "8888",
            "target": "10.0.0.7", "target_port": 80, "hairpin": true}),
        json!({"kind": "dnat", "from_zone": "any", "interface": "wan0", "protocol": "any", "target": "2001:db8::7",
            "hairpin": false}),
        json!({"kind": "one_to_one", "zone": "zon_wan", "external": "203.0.113.0/28", "internal": "10.0.0.0/28",
            "hairpin": false}),
    ] {
        let mut whole = json!({"name": "n", "enabled": true, "comment": ""});
        crate::merge_patch(&mut whole, &rule);
        check_good::<NatRuleSpec>(&whole, &whole);
    }
}

#[test]
fn what_no_translation_can_say_is_told_at_its_place() {
    let dnat = json!({"name": "n", "kind": "dnat", "address": "203.0.113.1", "protocol": "tcp", "target": "10.0.0.7"});
    for (members, expected) in [
        (json!({"kind": "nat"}), ("/kind", "format")),
        (json!({"to_zone": "wan"}), ("/to_zone", "unknown_field")),
        (json!({"address": null}), ("/address", "required")),
        (json!({"interface": "wan0"}), ("/interface", "not_applicable")),
        (json!({"address": "203.0.113.0/24"}), ("/address", "format")),
        (json!({"target": "2001:db8::7"}), ("/target", "format")),
        (json!({"target": null}), ("/target", "required")),
        (
            json!({"protocol": "esp", "ports": 80}),
            ("/ports", "not_applicable"),
        ),
        (json!({"target_port": 80}), ("/target_port", "not_applicable")),
        (
            json!({"ports": "1-10", "target_port": 65530}),
            ("/target_port", "range"),
        ),
        (
            json!({"target_port": 65536, "ports": 1}),
            ("/target_port", "range"),
        ),
        (json!({"from_zone": "moon"}), ("/from_zone", "reference")),
    ] {
        let mut rule = dnat.clone();
        crate::merge_patch(&mut rule, &members);
        check_bad::<NatRuleSpec>(&rule, &[expected]);
    }
    for (rule, expected) in [
        (json!({"kind": "masquerade"}), ("/to_zone", "required")),
        (
            json!({"kind": "masquerade", "to_zone": "any"}),
            ("/to_zone", "reference"),
        ),
        (
            json!({"kind": "snat", "to_zone": "wan"}),
            ("/address", "required"),
        ),
        (
            json!({"kind": "one_to_one", "zone": "wan", "external": "203.0.113.0/28", "internal": "10.0.0.0/29"}),
            ("/internal", "range"),
        ),
        (
            json!({"kind": "one_to_one", "zone": "wan", "external": "203.0.113.7", "internal": "2001:db8::7"}),
            ("/internal", "range"),
        ),
        (
            json!({"kind": "one_to_one", "zone": "wan", "external": "203.0.113.7/28", "internal": "10.0.0.0/28"}),
            ("/external", "format"),
        ),
    ] {
        let mut whole = json!({"name": "n"});
        crate::merge_patch(&mut whole, &rule);
        check_bad::<NatRuleSpec>(&whole, &[expected]);
    }
}

#[test]
fn a_published_service_is_reached_from_inside_too() {
    let anyone: Value = serde_json::from_str(ANYONE).expect("JSON");
    check_good::<PublishedServiceSpec>(
        &json!({"name": "shop", "from_zone": "wan", "address": "203.0.113.1", "protocol": "tcp", "ports": 443,
            "target": "10.0.0.7"}),
        &json!({"name": "shop", "enabled": true, "from_zone": "zon_wan", "source": anyone, "address": "203.0.113.1",
            "protocol": "tcp", "ports": "443", "target": "10.0.0.7", "hairpin": true, "log": false, "comment": ""}),
    );
    check_bad::<PublishedServiceSpec>(
        &json!({"name": "shop", "address": "203.0.113.1", "target": "10.0.0.7"}),
        &[("/protocol", "required")],
    );
}

/// Settings of `wan0` with nothing but these members.
fn settings(members: Value) -> Value {
    let mut settings = json!({"interface": "wan0", "description": "", "addresses": [],
        "dhcp_client": {"ipv4": false, "ipv6": false},
        "lan_services": {"router_advertisements": false, "dns": false}, "identity": {}, "hardware": {}});
    crate::merge_patch(&mut settings, &members);
    settings
}

#[test]
fn settings_of_a_card_say_nothing_of_what_is_null() {
    let nothing = settings(json!({}));
    check_good::<InterfaceSettingsSpec>(&json!({"interface": "wan0"}), &nothing);
    let all = json!({"large_receive_offload": false, "ntuple_filters": true, "symmetric_receive_hash": true,
        "hw_tc_offload": true, "rx_vlan_offload": false, "rx_ring_descriptors": 1, "tx_ring_descriptors": 4096,
        "rx_channels": 0, "tx_channels": 1, "combined_channels": 8});
    let whole = settings(json!({"description": "d", "hardware": all}));
    check_good::<InterfaceSettingsSpec>(&whole, &whole);
    check_good::<InterfaceSettingsSpec>(
        &json!({"interface": "wan0", "hardware": {"ntuple_filters": null, "tx_channels": null}}),
        &nothing,
    );
    check_bad::<InterfaceSettingsSpec>(
        &json!({"interface": "a name too long for Linux", "hardware": {"large_receive_offload": 1, "ring": 5,
            "rx_ring_descriptors": 0, "rx_channels": -1}, "name": "wan"}),
        &[
            ("/interface", "format"),
            ("/hardware/large_receive_offload", "type"),
            ("/hardware/rx_ring_descriptors", "range"),
            ("/hardware/rx_channels", "range"),
            ("/hardware/ring", "unknown_field"),
            ("/name", "unknown_field"),
        ],
    );
}

#[test]
fn settings_of_the_network_survive_the_wire_in_one_form() {
    let whole = settings(json!({"enabled": false, "mtu_bytes": 1400,
        "addresses": ["192.168.77.1/24", "fd12:3456:789a::1/64"], "dhcp_client": {"ipv4": false, "ipv6": true},
        "lan_services": {"router_advertisements": true, "dns": true,
            "dhcp_range": {"first": "192.168.77.100", "last": "192.168.77.199", "lease_seconds": 3600}},
        "identity": {"mac": "52:54:00:ab:cd:ef", "path": "pci-0000:00:03.0"}}));
    check_good::<InterfaceSettingsSpec>(&whole, &whole);
    for link in [
        json!({"vlan": {"parent": "lan0", "id": 4094}}),
        json!({"bridge": {"ports": ["lan1", "lan2"], "spanning_tree": true}}),
        json!({"bond": {"ports": ["lan1", "lan2"], "mode": "active_backup"}}),
        json!({"bond": {"ports": [], "mode": "lacp"}}),
        json!({"bond": {"ports": [], "mode": "balance_xor"}}),
    ] {
        let link = settings(link);
        check_good::<InterfaceSettingsSpec>(&link, &link);
    }
    check_good::<InterfaceSettingsSpec>(
        &json!({"interface": "wan0", "addresses": ["FD12:3456::0:1/64"], "identity": {"mac": "52-54-00-AB-CD-EF"},
            "lan_services": {"dhcp_range": {"first": "10.0.0.2", "last": "10.0.0.9"}}, "bridge": {}, "vlan": null}),
        &settings(
            json!({"addresses": ["fd12:3456::1/64"], "identity": {"mac": "52:54:00:ab:cd:ef"},
            "lan_services": {"dhcp_range": {"first": "10.0.0.2", "last": "10.0.0.9", "lease_seconds": 43200}},
            "bridge": {"ports": [], "spanning_tree": false}}),
        ),
    );
}

#[test]
fn settings_of_the_network_are_checked_all_at_once() {
    check_bad::<InterfaceSettingsSpec>(
        &json!({"interface": "wan0", "enabled": "yes", "mtu_bytes": 67, "addresses": ["10.0.0.1", 5, "10.0.0.1/33"],
            "dhcp_client": {"ipv4": 1, "v6": true},
            "lan_services": {"dhcp_range": {"first": "fd00::1", "lease_seconds": 119}, "ntp": true},
            "identity": {"mac": "52:54", "path": "a b"}}),
        &[
            ("/enabled", "type"),
            ("/mtu_bytes", "range"),
            ("/addresses/0", "format"),
            ("/addresses/1", "type"),
            ("/addresses/2", "format"),
            ("/dhcp_client/ipv4", "type"),
            ("/dhcp_client/v6", "unknown_field"),
            ("/lan_services/dhcp_range/first", "format"),
            ("/lan_services/dhcp_range/last", "required"),
            ("/lan_services/dhcp_range/lease_seconds", "range"),
            ("/lan_services/ntp", "unknown_field"),
            ("/identity/mac", "format"),
            ("/identity/path", "format"),
        ],
    );
    check_bad::<InterfaceSettingsSpec>(
        &json!({"interface": "wan0", "vlan": {"parent": "a b", "id": 4095, "qos": 1},
            "bridge": {"ports": ["lan0", "x/y"], "spanning_tree": 1}, "bond": {"mode": "round_robin"}}),
        &[
            ("/vlan/parent", "format"),
            ("/vlan/id", "range"),
            ("/vlan/qos", "unknown_field"),
            ("/bridge/ports/1", "format"),
            ("/bridge/spanning_tree", "type"),
            ("/bond/mode", "format"),
        ],
    );
    check_bad::<InterfaceSettingsSpec>(
        &json!({"interface": "wan0", "vlan": {"parent": "lan0", "id": 1}, "bridge": {}}),
        &[("", "invalid")],
    );
}

#[test]
fn packets_to_simulate_are_checked() {
    let check = |members: Value, expected: &[(&str, &str)]| {
        let mut packet = json!({"from_zone": "lan", "source": "10.0.0.1", "destination": "192.0.2.7",
            "destination_port": 80});
        crate::merge_patch(&mut packet, &members);
        let read = parse_value(&packet, |node, errors| {
            SimulationRequest::read(node, &names(), errors)
        });
        let found: Vec<_> = match read {
            Ok(_) => Vec::new(),
            Err(BadBody::Malformed(why)) => panic!("{why}"),
            Err(BadBody::Invalid(errors)) => errors.into_iter().map(|e| (e.pointer, e.code)).collect(),
        };
        let found: Vec<_> = found.iter().map(|(p, c)| (p.as_str(), c.as_str())).collect();
        assert_eq!(found, expected, "{packet}");
    };
    check(json!({}), &[]);
    check(
        json!({"from_zone": null, "interface": "lan0", "tcp_flags": "syn"}),
        &[],
    );
    check(
        json!({"protocol": "icmp", "destination_port": null, "icmp_type": 3, "icmp_code": 4}),
        &[],
    );
    check(json!({"protocol": 89, "destination_port": null}), &[]);
    check(json!({"from_zone": null}), &[("/interface", "required")]);
    check(json!({"interface": "lan0"}), &[("/from_zone", "not_applicable")]);
    check(
        json!({"destination": "2001:db8::1"}),
        &[("/destination", "format")],
    );
    check(
        json!({"destination_port": null}),
        &[("/destination_port", "required")],
    );
    check(json!({"protocol": "any"}), &[("/protocol", "format")]);
    check(
        json!({"protocol": "esp"}),
        &[("/destination_port", "not_applicable")],
    );
    check(json!({"icmp_type": 8}), &[("/icmp_type", "not_applicable")]);
    check(json!({"tcp_flags": "ack"}), &[("/tcp_flags", "format")]);
    check(
        json!({"protocol": "udp", "tcp_flags": "syn"}),
        &[("/tcp_flags", "not_applicable")],
    );
}
