use http::Method;
use ravelin_model::{HwOffloadPort, HwOffloadStatus, OffloadPort, SyncState};
use ravelin_test_harness::{Answer, Request};
use serde_json::{Value, json};

use crate::check::{check_refused, etag};
use crate::world::World;

const DNS: &str = "/api/v1/ebpf/features/dns_blocklist";

fn revision_of(answer: &Answer) -> u64 {
    let header = answer.headers["ravelin-revision"].to_str().expect("text");
    let body = answer.json()["revision"].as_u64().expect("revision");
    assert_eq!(header, body.to_string());
    body
}

#[test]
fn features_are_shown_whole_in_a_fixed_order() {
    let world = World::new();
    let page = world.admin().get("/api/v1/ebpf/features").expect(200).json();
    let names: Vec<_> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|f| f["name"].clone())
        .collect();
    assert_eq!(
        names,
        [
            "statistics",
            "flow_monitoring",
            "ddos_protection",
            "dns_blocklist",
            "policy_classifier",
            "conntrack_sync",
            "flow_offload",
            "flow_records",
            "hw_offload",
        ]
    );
    assert_eq!(page["next_cursor"], Value::Null);

    let dns = world.admin().get(DNS).expect(200).json();
    assert_eq!(dns["enabled"], false);
    assert_eq!(dns["state"], "disabled");
    assert_eq!(dns["depends_on"], json!(["statistics"]));
    assert_eq!(
        dns["config"],
        json!({"lists": ["dns-blocklist"], "action": "nxdomain"})
    );
    assert!(dns["counters"].is_array() && dns["hooks"].is_array() && dns["summary"].is_string());
    let statistics = world.admin().get("/api/v1/ebpf/features/statistics").json();
    assert_eq!(statistics["state"], "active", "{statistics}");
    assert_eq!(statistics["hooks"][0]["interface"], "lan0", "{statistics}");
}

#[test]
fn switching_is_idempotent_and_tells_its_revision() {
    let world = World::new();
    let start = world.control.revision().0;
    let first = world
        .admin()
        .post(&format!("{DNS}/enable"), &Value::Null)
        .expect(200);
    assert_eq!(revision_of(&first), start + 1);
    assert_eq!(first.json()["state"], "active", "{}", first.text());
    let second = world
        .admin()
        .post(&format!("{DNS}/enable"), &Value::Null)
        .expect(200);
    assert_eq!(revision_of(&second), start + 1);
    let third = world
        .admin()
        .post(&format!("{DNS}/disable"), &Value::Null)
        .expect(200);
    assert_eq!(revision_of(&third), start + 2);
    assert_eq!(third.json()["state"], "disabled");
}

#[test]
fn dependencies_stand_in_the_way_by_name() {
    let world = World::new();
    let post = |path: &str| Request::new(Method::POST, path);
    world
        .admin()
        .post(&format!("{DNS}/enable"), &Value::Null)
        .expect(200);
    let disable = post("/api/v1/ebpf/features/statistics/disable");
    let problem = check_refused(&world, &disable, 409, "needed-by-feature");
    assert_eq!(problem["blocked_by"], json!(["dns_blocklist"]));

    world
        .admin()
        .post(&format!("{DNS}/disable"), &Value::Null)
        .expect(200);
    world.admin().send(&disable).expect(200);
    let problem = check_refused(&world, &post(&format!("{DNS}/enable")), 409, "missing-dependency");
    assert_eq!(problem["blocked_by"], json!(["statistics"]));
}

#[test]
fn every_configuration_can_be_read_replaced_and_patched() {
    let world = World::new();
    let seconds = |n: u32| {
        json!({
            "tcp_established_timeout_seconds": n, "tcp_transitory_timeout_seconds": 2,
            "udp_timeout_seconds": 3, "other_timeout_seconds": 4
        })
    };
    for (name, whole, patch, merged) in [
        (
            "statistics",
            json!({"measure_run_time": true}),
            json!({"measure_run_time": false}),
            json!({"measure_run_time": false}),
        ),
        (
            "flow_monitoring",
            seconds(1),
            json!({"tcp_established_timeout_seconds": 864_000}),
            seconds(864_000),
        ),
        (
            "ddos_protection",
            json!({"lists": ["blocklist"], "interfaces": "external"}),
            json!({"lists": []}),
            json!({"lists": [], "interfaces": "external"}),
        ),
        (
            "dns_blocklist",
            json!({"lists": ["dns-blocklist"], "action": "drop"}),
            json!({"action": "nxdomain"}),
            json!({"lists": ["dns-blocklist"], "action": "nxdomain"}),
        ),
        (
            "conntrack_sync",
            json!({"check_seconds": 5}),
            json!({"check_seconds": 3600}),
            json!({"check_seconds": 3600}),
        ),
        (
            "flow_records",
            json!({
                "keep_records": 1000, "keep_hours": 1, "collector": "[2001:db8::9]:4739",
                "observation_domain": 7
            }),
            json!({"collector": null}),
            json!({"keep_records": 1000, "keep_hours": 1, "collector": null, "observation_domain": 7}),
        ),
        (
            "hw_offload",
            json!({"mode": "dry_run", "min_packets_per_second": 1, "max_flows": 2, "idle_seconds": 10}),
            json!({"mode": "active", "max_flows": null}),
            json!({"mode": "active", "min_packets_per_second": 1, "max_flows": null, "idle_seconds": 10}),
        ),
    ] {
        let path = format!("/api/v1/ebpf/features/{name}/config");
        for (method, given, expected) in [(Method::PUT, &whole, &whole), (Method::PATCH, &patch, &merged)] {
            let tag = etag(&world, &path);
            let request = Request::new(method, &path).header("if-match", &tag).json(given);
            let answer = world.admin().send(&request).expect(200);
            let revision = revision_of(&answer);
            assert_eq!(answer.json()["config"], *expected, "{name}");
            assert_eq!(world.admin().get(&path).expect(200).json(), *expected, "{name}");
            assert_eq!(etag(&world, &path), format!("\"{revision}\""), "{name}");
        }
    }
}

#[test]
fn a_change_to_what_someone_else_changed_is_refused() {
    let world = World::new();
    let path = format!("{DNS}/config");
    for method in [Method::PUT, Method::PATCH] {
        let old = etag(&world, &path);
        let other = json!({"lists": ["dns-blocklist"], "action": if method == Method::PUT { "drop" } else { "nxdomain" }});
        world
            .admin()
            .send(
                &Request::new(Method::PUT, &path)
                    .header("if-match", &old)
                    .json(&other),
            )
            .expect(200);

        let change = |tag: Option<&str>| {
            let request = Request::new(method.clone(), &path).json(&json!({"lists": [], "action": "drop"}));
            tag.into_iter()
                .fold(request, |request, tag| request.header("if-match", tag))
        };
        let problem = check_refused(&world, &change(Some(&old)), 412, "precondition-failed");
        assert_eq!(problem["current_etag"], etag(&world, &path));
        check_refused(
            &world,
            &change(Some("\"unheard-of\"")),
            412,
            "precondition-failed",
        );
        check_refused(&world, &change(None), 428, "precondition-required");
        check_refused(&world, &change(Some("7")), 400, "invalid-header");
        check_refused(&world, &change(Some("W/\"7\"")), 400, "invalid-header");
    }
}

#[test]
fn patches_at_the_same_time_lose_nothing() {
    let world = World::new();
    let path = "/api/v1/ebpf/features/flow_monitoring/config";
    let members = [
        "tcp_established_timeout_seconds",
        "tcp_transitory_timeout_seconds",
        "udp_timeout_seconds",
        "other_timeout_seconds",
    ];
    let admin = world.admin();
    std::thread::scope(|scope| {
        for member in members {
            let admin = &admin;
            scope.spawn(move || {
                for seconds in 1..=25 {
                    admin.patch(path, &json!({member: seconds})).expect(200);
                }
            });
        }
    });
    let config = admin.get(path).expect(200).json();
    for member in members {
        assert_eq!(config[member], 25, "{config}");
    }
}

#[test]
fn the_classifier_of_the_policy_is_switched_like_the_others() {
    let world = World::new();
    let feature = "/api/v1/ebpf/features/policy_classifier";
    let shown = world.admin().get(feature).expect(200).json();
    assert_eq!(
        (&shown["enabled"], &shown["config"]),
        (&json!(true), &json!({})),
        "{shown}"
    );
    for (verb, enabled) in [("disable", false), ("enable", true)] {
        let switched = world
            .admin()
            .post(&format!("{feature}/{verb}"), &Value::Null)
            .expect(200);
        assert_eq!(switched.json()["enabled"], enabled);
    }
    let config = format!("{feature}/config");
    assert_eq!(world.admin().get(&config).expect(200).json(), json!({}));
    world.admin().patch(&config, &json!({})).expect(200);
    let unknown = Request::new(Method::PUT, &config)
        .header("if-match", "*")
        .json(&json!({"depth": 3}));
    check_refused(&world, &unknown, 422, "invalid-content");
}

#[test]
fn forwarding_by_cards_says_which_do_not() {
    let world = World::new();
    let path = "/api/v1/ebpf/features/hw_offload";
    let off = world.admin().get(path).expect(200).json();
    assert_eq!(
        (&off["enabled"], &off["state"], &off["depends_on"]),
        (&json!(false), &json!("disabled"), &json!(["flow_offload"]))
    );
    assert_eq!(
        off["config"],
        json!({"mode": "active", "min_packets_per_second": 1000, "max_flows": null, "idle_seconds": 30})
    );
    let on = world
        .admin()
        .post(&format!("{path}/enable"), &Value::Null)
        .expect(200);
    assert_eq!(on.json()["state"], "starting", "{}", on.text());
    let port = |interface: &str, problem: Option<&str>, installed| HwOffloadPort {
        interface: interface.to_owned(),
        index: 2,
        problem: problem.map(str::to_owned),
        installed,
        limit: problem.is_none().then_some(4096),
    };
    let ports = [port("lan0", Some("veth has no card"), 0), port("wan0", None, 6)];
    world.hw_offload.send_replace(HwOffloadStatus {
        ports: ports.to_vec(),
        installed: 3,
        failures: [0, 7, 0],
        ..HwOffloadStatus::default()
    });
    let shown = world.admin().get(path).expect(200).json();
    assert_eq!(shown["state"], "active");
    assert_eq!(
        shown["hw_offload_interfaces"],
        json!([
            {"interface": "lan0", "index": 2, "supported": false, "reason": "veth has no card", "installed_flows": 0},
            {"interface": "wan0", "index": 2, "supported": true, "installed_flows": 6, "capacity_flows": 4096}
        ])
    );
    let metrics = world.admin().get("/metrics").expect(200);
    for sample in [
        "ravelin_hw_offload_installed_connections 3",
        "ravelin_hw_offload_not_in_hardware_failures_total 7",
    ] {
        let metrics = metrics.text();
        assert!(metrics.lines().any(|line| line == sample), "{sample}: {metrics}");
    }
    let whole = |body: &Value| {
        Request::new(Method::PUT, &format!("{path}/config"))
            .header("if-match", "*")
            .json(body)
    };
    for (member, value) in [
        ("mode", json!("hardware")),
        ("min_packets_per_second", json!(0)),
        ("max_flows", json!(1)),
        ("idle_seconds", json!(5)),
        ("limit", json!(5)),
    ] {
        let mut body = off["config"].clone();
        body[member] = value;
        let problem = check_refused(&world, &whole(&body), 422, "invalid-content");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"), "{problem}");
    }
}

#[test]
fn what_is_about_connections_tells_how_it_stands() {
    let world = World::new();
    let feature = |name: &str| {
        let path = format!("/api/v1/ebpf/features/{name}");
        world.admin().get(&path).expect(200).json()
    };
    let ports = [("lan0", None), ("tun0", Some("its frames are not Ethernet"))];
    let ports = ports.map(|(interface, problem)| OffloadPort {
        interface: interface.to_owned(),
        index: 2,
        problem: problem.map(str::to_owned),
    });
    world.sync.send_modify(|sync| {
        sync.synced_at = Some(time::OffsetDateTime::UNIX_EPOCH);
        sync.ports = ports.to_vec();
        sync.records_stored = 5;
    });
    let sync = feature("conntrack_sync");
    assert_eq!(
        (&sync["state"], &sync["sync"]),
        (
            &json!("active"),
            &json!({"state": "synced", "synced_at": "1970-01-01T00:00:00Z"})
        )
    );
    let offload = feature("flow_offload");
    assert_eq!(
        (&offload["state"], &offload["config"], &offload["depends_on"]),
        (&json!("active"), &json!({}), &json!(["conntrack_sync"]))
    );
    assert_eq!(
        offload["offload_interfaces"],
        json!([
            {"interface": "lan0", "index": 2, "eligible": true},
            {"interface": "tun0", "index": 2, "eligible": false, "problem": "its frames are not Ethernet"}
        ])
    );
    let metrics = world.admin().get("/metrics").expect(200);
    let metrics = metrics.text();
    for sample in [
        "ravelin_conntrack_sync_readings_total 1",
        "ravelin_flow_offload_eligible_interfaces 1",
        "ravelin_flow_records_stored_records_total 5",
    ] {
        assert!(metrics.lines().any(|line| line == sample), "{sample}: {metrics}");
    }
    world
        .sync
        .send_modify(|sync| sync.state = SyncState::Unavailable("no ctnetlink".to_owned()));
    let sync = feature("conntrack_sync");
    assert_eq!(
        (&sync["state"], &sync["sync"]["problem"]),
        (&json!("failed"), &json!("no ctnetlink"))
    );
    let post = |path: &str| Request::new(Method::POST, path);
    let disable = post("/api/v1/ebpf/features/conntrack_sync/disable");
    let problem = check_refused(&world, &disable, 409, "needed-by-feature");
    assert_eq!(problem["blocked_by"], json!(["flow_offload", "flow_records"]));
    let config = "/api/v1/ebpf/features/flow_records/config";
    let whole = |collector: &str| {
        let body = json!({
            "keep_records": 1000, "keep_hours": 1, "collector": collector, "observation_domain": 7
        });
        Request::new(Method::PUT, config)
            .header("if-match", "*")
            .json(&body)
    };
    for collector in [
        "192.0.2.9",
        "collector.example:4739",
        "224.0.0.1:4739",
        "192.0.2.9:0",
    ] {
        check_refused(&world, &whole(collector), 422, "invalid-content");
    }
}
