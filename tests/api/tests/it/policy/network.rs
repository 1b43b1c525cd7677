//! Settings of interfaces about the network.

use http::Method;
use ravelin_model::{NetworkFault, NetworkPart};
use ravelin_test_harness::Request;
use serde_json::{Value, json};

use super::{change, header, id, made};
use crate::check::{check_problem, check_refused, errors, etag};
use crate::world::World;

const PATH: &str = "/api/v1/interface-settings";

fn create(interface: &str, settings: &Value) -> Value {
    let mut value = settings.clone();
    value["interface"] = json!(interface);
    json!({"op": "create", "kind": "interface_settings", "value": value})
}

/// Settings of several interfaces in one commit are refused at these places: operation, pointer into its value.
#[track_caller]
fn check(settings: &[(&str, Value)], expected: &[(usize, &str)]) {
    let world = World::new();
    let operations: Vec<Value> = settings
        .iter()
        .map(|(interface, settings)| create(interface, settings))
        .collect();
    let body = json!({ "operations": operations });
    let request = Request::new(Method::POST, "/api/v1/changes").json(&body);
    let expected: Vec<(String, &str)> = expected
        .iter()
        .map(|(operation, pointer)| (format!("/operations/{operation}/value{pointer}"), "invalid"))
        .collect();
    if expected.is_empty() {
        world.admin().send(&request).expect(200);
        return;
    }
    let problem = check_refused(&world, &request, 422, "invalid-content");
    let found = errors(&problem);
    let expected: Vec<_> = expected
        .iter()
        .map(|(pointer, code)| (pointer.as_str(), *code))
        .collect();
    assert_eq!(found, expected, "{problem}");
}

fn addresses(addresses: &[&str]) -> Value {
    json!({ "addresses": addresses })
}

#[test]
fn addresses_are_those_of_hosts() {
    check(
        &[(
            "lan0",
            addresses(&[
                "10.0.0.1/24",
                "10.0.0.0/31",
                "10.0.1.1/32",
                "fd00::1/64",
                "fe80::1/64",
                "fd00::/127",
            ]),
        )],
        &[],
    );
    let wrong = [
        "10.0.0.0/24",
        "10.0.0.255/24",
        "127.0.0.1/8",
        "224.0.0.1/24",
        "0.0.0.0/8",
        "255.255.255.255/32",
        "10.0.0.1/0",
        "fd00::/64",
        "ff02::1/64",
        "::1/128",
        "::ffff:10.0.0.1/128",
    ];
    for address in wrong {
        check(
            &[("lan0", addresses(&["192.0.2.1/24", address]))],
            &[(0, "/addresses/1")],
        );
    }
    check(
        &[("lan0", addresses(&["10.0.0.1/24", "10.0.0.1/16"]))],
        &[(0, "/addresses/1")],
    );
}

#[test]
fn services_fit_the_addresses_of_their_interface() {
    let range = |first: &str, last: &str| json!({"dhcp_range": {"first": first, "last": last}});
    let lan = |services: Value| {
        let own = ["10.0.0.1/24", "192.168.1.129/25"];
        [("lan0", json!({"addresses": own, "lan_services": services}))]
    };
    check(&lan(range("10.0.0.2", "10.0.0.254")), &[]);
    check(&lan(range("192.168.1.130", "192.168.1.254")), &[]);
    let [first, last] = ["/lan_services/dhcp_range/first", "/lan_services/dhcp_range/last"];
    check(&lan(range("10.0.0.9", "10.0.0.2")), &[(0, last)]);
    check(&lan(range("10.0.1.2", "10.0.1.9")), &[(0, first)]);
    check(&lan(range("10.0.0.2", "10.0.1.9")), &[(0, last)]);
    check(&lan(range("10.0.0.2", "10.0.0.255")), &[(0, last)]);
    check(&lan(range("10.0.0.0", "10.0.0.9")), &[(0, first), (0, first)]);
    check(
        &[("lan0", json!({"lan_services": range("10.0.0.2", "10.0.0.9")}))],
        &[(0, first)],
    );
    check(
        &[("lan0", json!({"lan_services": {"dns": true}}))],
        &[(0, "/lan_services/dns")],
    );
    let advertises = json!({"router_advertisements": true});
    check(
        &[(
            "lan0",
            json!({"addresses": ["10.0.0.1/24", "fd00::1/48", "fe80::1/64"], "lan_services": advertises}),
        )],
        &[(0, "/lan_services/router_advertisements")],
    );
    check(
        &[(
            "lan0",
            json!({"addresses": ["fd00::1/64"], "lan_services": advertises}),
        )],
        &[],
    );
    check(
        &[(
            "lan0",
            json!({"addresses": ["10.0.0.1/24", "fd00::1/64"], "dhcp_client": {"ipv4": true, "ipv6": true},
                "lan_services": {"router_advertisements": true,
                    "dhcp_range": {"first": "10.0.0.2", "last": "10.0.0.9"}}}),
        )],
        &[
            (0, "/lan_services/dhcp_range"),
            (0, "/lan_services/router_advertisements"),
        ],
    );
}

#[test]
fn an_mtu_carries_the_families_of_the_interface() {
    let with = |mtu: u32, more: Value| {
        let mut settings = json!({ "mtu_bytes": mtu });
        for (name, value) in more.as_object().expect("members") {
            settings[name] = value.clone();
        }
        [("lan0", settings)]
    };
    check(&with(68, addresses(&["10.0.0.1/24"])), &[]);
    check(&with(1280, addresses(&["fd00::1/64"])), &[]);
    check(&with(1279, addresses(&["fd00::1/64"])), &[(0, "/mtu_bytes")]);
    check(
        &with(1279, json!({"dhcp_client": {"ipv6": true}})),
        &[(0, "/mtu_bytes")],
    );
}

#[test]
fn no_two_interfaces_say_what_only_one_may() {
    let one = |first: Value, second: Value, expected: &[(usize, &str)]| {
        check(&[("lan0", first), ("wan0", second)], expected);
    };
    one(
        addresses(&["10.0.0.1/24"]),
        addresses(&["10.0.0.2/24"]),
        &[(1, "/addresses/0")],
    );
    one(
        addresses(&["10.0.0.1/24"]),
        addresses(&["10.0.0.1/16"]),
        &[(1, "/addresses/0")],
    );
    one(
        addresses(&["fd00::1/64"]),
        addresses(&["fd01::1/64", "fd00::2/64"]),
        &[(1, "/addresses/1")],
    );
    one(addresses(&["10.0.0.1/24"]), addresses(&["10.0.1.1/8"]), &[]);
    one(addresses(&["fe80::1/64"]), addresses(&["fe80::1/64"]), &[]);
    let identity = json!({"identity": {"mac": "02:00:00:00:00:01"}});
    one(identity.clone(), identity, &[(1, "/identity/mac")]);
}

#[test]
fn links_are_made_of_others_and_not_of_themselves() {
    let vlan = |parent: &str, id: u16| json!({"vlan": {"parent": parent, "id": id}});
    let bridge = |ports: &[&str]| json!({"bridge": {"ports": ports}});
    let bond = |ports: &[&str]| json!({"bond": {"ports": ports, "mode": "lacp"}});
    check(
        &[
            ("lan0", json!({"mtu_bytes": 1500})),
            ("lan0.7", vlan("lan0", 7)),
            ("bond0", bond(&["wan0", "wan1"])),
            (
                "br0",
                json!({"bridge": {"ports": ["bond0", "lan0.7"]}, "addresses": ["10.0.0.1/24"]}),
            ),
        ],
        &[],
    );
    check(
        &[("a", vlan("lan0", 7)), ("b", vlan("lan0", 7))],
        &[(1, "/vlan/id")],
    );
    check(&[("a", vlan("lan0", 7)), ("b", vlan("wan0", 7))], &[]);
    check(
        &[("a", bridge(&["p", "q"])), ("b", bond(&["q"]))],
        &[(1, "/bond/ports/0")],
    );
    check(&[("a", bridge(&["p", "p"]))], &[(0, "/bridge/ports/1")]);
    check(&[("a", bridge(&["lo"]))], &[(0, "/bridge/ports/0")]);
    check(&[("a", vlan("a", 7))], &[(0, "/vlan/parent")]);
    check(
        &[("a", vlan("b", 7)), ("b", bridge(&["a"]))],
        &[(0, "/vlan/parent"), (1, "/bridge/ports/0")],
    );
    check(&[("a", bridge(&["b"])), ("b", bridge(&[]))], &[(1, "/bridge")]);
    check(
        &[("p", addresses(&["10.0.0.1/24"])), ("a", bridge(&["q", "p"]))],
        &[(1, "/bridge/ports/1")],
    );
    check(
        &[
            ("a", bridge(&["p"])),
            ("p", json!({"dhcp_client": {"ipv4": true}})),
        ],
        &[(1, "/dhcp_client")],
    );
    check(
        &[
            ("lan0", json!({"mtu_bytes": 1400})),
            (
                "a",
                json!({"vlan": {"parent": "lan0", "id": 7}, "mtu_bytes": 1500}),
            ),
        ],
        &[(1, "/mtu_bytes")],
    );
    check(
        &[(
            "a",
            json!({"vlan": {"parent": "lan0", "id": 7}, "identity": {"path": "pci-0000:00:03.0"}}),
        )],
        &[(0, "/identity")],
    );
}

#[test]
fn settings_are_reached_by_the_name_of_their_interface_too() {
    let world = World::new();
    let place = "/api/v1/interfaces/wan0/settings";
    check_problem(&world.admin().get(place), 404, "not-found");
    let settings = made(
        &world,
        PATH,
        &json!({"interface": "wan0", "addresses": ["192.0.2.1/24"]}),
    );
    let by_name = world.admin().get(place).expect(200);
    assert_eq!(by_name.json(), settings);
    assert_eq!(
        header(&by_name, "etag"),
        etag(&world, &format!("{PATH}/{}", id(&settings)))
    );
    let shown = world.admin().get("/api/v1/interfaces/wan0").expect(200).json();
    assert_eq!(shown["settings_id"], settings["id"]);

    check_problem(
        &world.admin().send(&Request::new(Method::DELETE, place)),
        428,
        "precondition-required",
    );
    let patched = change(
        &world,
        Method::PATCH,
        place,
        &json!({"addresses": null, "mtu_bytes": 1400}),
    );
    let patched = patched.expect(200).json();
    assert_eq!(
        (&patched["addresses"], &patched["mtu_bytes"]),
        (&json!([]), &json!(1400))
    );
    let plan = world.network.plan().expect("a plan");
    assert_eq!(
        (plan.links[0].name.as_str(), plan.links[0].mtu_bytes),
        ("wan0", Some(1400))
    );
    let put = json!({"interface": "wan0", "enabled": false});
    change(&world, Method::PUT, place, &put).expect(200);
    change(&world, Method::DELETE, place, &Value::Null).expect(204);
    check_problem(&world.admin().get(place), 404, "not-found");
}

#[test]
fn what_the_kernel_refuses_fails_with_its_words() {
    let world = World::new();
    let address = "192.0.2.1/24".parse().expect("address");
    let fault = NetworkFault {
        part: NetworkPart::Address("wan0".to_owned(), address),
        waiting: false,
        reason: "another host has it".to_owned(),
    };
    world.network.refuse(vec![fault.clone()]);
    let body = json!({"interface": "wan0", "addresses": ["192.0.2.1/24"]});
    let request = Request::new(Method::POST, PATH).json(&body);
    let problem = check_refused(&world, &request, 500, "commit-failed");
    assert_eq!(problem["failed_step"], "network");
    let detail = problem["detail"].as_str().expect("text");
    assert!(detail.contains("another host has it"), "{detail}");

    let waits = NetworkFault {
        waiting: true,
        ..fault
    };
    world.network.refuse(vec![waits]);
    let settings = made(&world, PATH, &body);
    assert_eq!(settings["state"], "waiting", "{settings}");
    let shown = world.admin().get("/api/v1/interfaces/wan0").expect(200).json();
    let expected = json!([{"address": "192.0.2.1/24", "waiting": true, "reason": "another host has it"}]);
    assert_eq!(shown["faults"], expected);
    world.admin().get("/readyz").expect(200);
}

#[test]
fn a_change_that_takes_away_the_address_it_came_to_is_refused() {
    let world = World::new();
    let settings = made(
        &world,
        PATH,
        &json!({"interface": "lan0", "addresses": ["2001:db8::1/64"]}),
    );
    // The other card has the same address here.
    made(&world, PATH, &json!({"interface": "wan0", "enabled": false}));
    let place = format!("{PATH}/{}", id(&settings));
    let send = |query: &str, body: &Value| {
        let request = Request::new(Method::PATCH, &format!("{place}{query}"))
            .header("authorization", &format!("Bearer {}", world.access_token()))
            .header("x-ravelin-peer", "2001:db8::9")
            .header("x-ravelin-local", "[2001:db8::1]:443")
            .header("if-match", "*")
            .json(body);
        world.gateway().send(&request)
    };
    for body in [
        json!({"addresses": ["2001:db8:1::1/64"]}),
        json!({"enabled": false}),
    ] {
        let problem = check_problem(&send("", &body), 409, "would-lock-out");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains("confirm_within_seconds"), "{detail}");
    }
    send("", &json!({"addresses": ["2001:db8::1/64", "2001:db8:1::1/64"]})).expect(200);
    send("?confirm_within_seconds=3600", &json!({"enabled": false})).expect(200);
}

#[test]
fn what_is_said_of_the_network_is_in_documents_and_differences() {
    let world = World::new();
    let lan = json!({"interface": "lan0", "addresses": ["10.0.0.1/24"], "mtu_bytes": 1400});
    let settings = made(&world, PATH, &lan);
    let place = format!("{PATH}/{}", id(&settings));
    let before = settings["revision"].as_u64().expect("a revision");
    change(&world, Method::PATCH, &place, &json!({"mtu_bytes": 1300})).expect(200);
    let diff = world
        .admin()
        .get(&format!("/api/v1/revisions/{}/diff?against={before}", before + 1))
        .expect(200)
        .text();
    assert!(diff.contains("1300") && diff.contains("1400"), "{diff}");
    let document = world.admin().get("/api/v1/config").expect(200).json();
    assert_eq!(document["interface_settings"][0]["mtu_bytes"], 1300, "{document}");
    change(&world, Method::DELETE, &place, &Value::Null).expect(204);
    let put = Request::new(Method::PUT, "/api/v1/config")
        .header("if-match", "*")
        .json(&document);
    world.admin().send(&put).expect(200);
    let plan = world.network.plan().expect("a plan");
    assert_eq!(plan.links[0].mtu_bytes, Some(1300));
}
