use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use http::Method;
use ravelin_test_harness::Request;
use serde_json::json;

use crate::agent::SimulatedAgent;
use crate::world::World;

/// Samples by name and labels, after checking every line against OpenMetrics 1.0.
fn samples(text: &str) -> HashMap<String, f64> {
    let mut types: HashMap<&str, &str> = HashMap::new();
    let mut found = HashMap::new();
    let body = text.strip_suffix("# EOF\n").expect("ends with EOF");
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let (keyword, rest) = comment.split_once(' ').expect("keyword");
            let (name, value) = rest.split_once(' ').expect("name");
            match keyword {
                "TYPE" => assert!(types.insert(name, value).is_none(), "{name} comes twice"),
                "HELP" | "UNIT" => {}
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("value");
        let name = series.split('{').next().expect("name");
        assert!(name.starts_with("ravelin_"), "{line}");
        let family = types.keys().find(|family| {
            let suffix = name.strip_prefix(**family);
            let suffixes: &[&str] = match types[**family] {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            suffix.is_some_and(|suffix| suffixes.contains(&suffix))
        });
        assert!(family.is_some(), "{line} belongs to no family");
        if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            assert!(labels.starts_with('{') && labels.ends_with("\"}"), "{line}");
        }
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(
            found.insert(series.to_owned(), value).is_none(),
            "{series} comes twice"
        );
    }
    found
}

fn scrape(world: &World) -> HashMap<String, f64> {
    let open = Request::new(Method::GET, "/metrics").header("accept", "application/openmetrics-text");
    let answer = world.admin().send(&open).expect(200);
    let kind = answer.headers["content-type"].to_str().expect("text");
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    samples(&answer.text())
}

#[test]
fn every_family_is_there() {
    let world = World::new();
    world
        .admin()
        .post(
            "/api/v1/lists/blocklist/entries",
            &json!({"value": "203.0.113.7"}),
        )
        .expect(201);
    for feature in ["ddos_protection", "dns_blocklist"] {
        world
            .admin()
            .post(
                &format!("/api/v1/ebpf/features/{feature}/enable"),
                &serde_json::Value::Null,
            )
            .expect(200);
    }
    let found = scrape(&world);
    for (series, value) in [
        ("ravelin_ready", 1.0),
        ("ravelin_feature_enabled{feature=\"dns_blocklist\"}", 1.0),
        (
            "ravelin_feature_state{feature=\"statistics\",state=\"active\"}",
            1.0,
        ),
        (
            "ravelin_feature_state{feature=\"statistics\",state=\"failed\"}",
            0.0,
        ),
        ("ravelin_list_entries{list=\"blocklist\",kind=\"address\"}", 1.0),
        (
            "ravelin_list_hits_packets_total{feature=\"ddos_protection\",list=\"blocklist\"}",
            0.0,
        ),
        (
            "ravelin_list_hits_queries_total{feature=\"dns_blocklist\",list=\"dns-blocklist\"}",
            0.0,
        ),
        ("ravelin_ddos_protection_dropped_packets_total", 0.0),
        ("ravelin_flow_monitoring_ipv6_entries", 0.0),
        ("ravelin_flow_monitoring_expired_entries_total", 0.0),
        (
            "ravelin_interface_received_packets_total{interface=\"wan0\"}",
            7.0,
        ),
        ("ravelin_interface_attached{interface=\"wan0\"}", 1.0),
        ("ravelin_interface_attached{interface=\"lo\"}", 0.0),
        ("ravelin_map_entries{map=\"xdp_blocklist\"}", 1.0),
        ("ravelin_events_lost_total", 0.0),
        ("ravelin_scrape_success{part=\"maps\"}", 1.0),
        ("ravelin_scrape_success{part=\"policy\"}", 1.0),
        ("ravelin_policy_failed_commits_total", 0.0),
        ("ravelin_policy_simulation_differences_total", 0.0),
        (
            "ravelin_api_requests_total{method=\"POST\",path=\"/api/v1/lists/{id}/entries\",status=\"201\"}",
            1.0,
        ),
    ] {
        assert_eq!(found.get(series), Some(&value), "{series} in {found:#?}");
    }
    let names: HashSet<_> = found
        .keys()
        .map(|series| series.split('{').next().expect("name"))
        .collect();
    for name in [
        "ravelin_build_info",
        "ravelin_configuration_revision",
        "ravelin_map_capacity_entries",
        "ravelin_map_memory_bytes",
        "ravelin_api_request_duration_seconds_bucket",
    ] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
}

#[test]
fn an_appliance_tells_of_its_machine() {
    let agent = SimulatedAgent::new();
    let world = World::on_appliance(agent.clone());
    let found = scrape(&world);
    for (series, value) in [
        ("ravelin_scrape_success{part=\"system\"}", 1.0),
        ("ravelin_system_image_info{version=\"2.0.0\"}", 1.0),
        ("ravelin_system_slot_state{slot=\"a\",state=\"good\"}", 1.0),
        ("ravelin_system_slot_state{slot=\"b\",state=\"booted\"}", 0.0),
        ("ravelin_system_trial", 0.0),
        ("ravelin_system_state_partition{condition=\"repaired\"}", 1.0),
        ("ravelin_system_state_partition{condition=\"ok\"}", 0.0),
        ("ravelin_system_state_disk_size_bytes", 1000.0),
        ("ravelin_system_state_disk_free_bytes", 600.0),
        ("ravelin_system_memory_size_bytes", 512.0),
        ("ravelin_system_memory_available_bytes", 256.0),
        ("ravelin_system_load{minutes=\"15\"}", 0.125),
        ("ravelin_system_uptime_seconds", 12.5),
        (
            "ravelin_system_temperature_celsius{sensor=\"coretemp\",label=\"Package id 0\",number=\"0\"}",
            41.5,
        ),
        ("ravelin_system_clock_synchronised", 1.0),
        ("ravelin_system_clock_maximum_error_seconds", 0.5),
        ("ravelin_system_recovery{state=\"none\"}", 1.0),
    ] {
        assert_eq!(found.get(series), Some(&value), "{series} in {found:#?}");
    }

    let missing = || {
        let found = scrape(&world);
        assert_eq!(found["ravelin_scrape_success{part=\"system\"}"], 0.0);
        assert_eq!(found["ravelin_scrape_success{part=\"policy\"}"], 1.0);
        let told = found.keys().find(|series| series.starts_with("ravelin_system_"));
        assert_eq!(told, None);
    };
    agent.set_status(json!("nonsense"));
    missing();
    // Less than the ten seconds Prometheus waits for all of it.
    agent.hang();
    let asked = Instant::now();
    missing();
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
}

#[test]
fn what_is_no_appliance_tells_of_its_kernel() {
    let found = scrape(&World::new());
    assert!(found["ravelin_system_uptime_seconds"] > 0.0);
    assert!(found["ravelin_system_memory_size_bytes"] > found["ravelin_system_memory_available_bytes"]);
    assert!(!found.contains_key("ravelin_system_trial"), "{found:#?}");
}

#[test]
fn labels_do_not_grow_with_what_clients_invent() {
    let world = World::new();
    let count = || scrape(&world).len();
    // The first requests make the series.
    let invent = |n: u32| {
        let method = format!("INVENTED{n}").parse().expect("method");
        world
            .admin()
            .send(&Request::new(method, &format!("/invented/{n}")));
        world.admin().get(&format!("/api/v1/lists/lst_{n}"));
        world.admin().get(&format!("/api/v1/interfaces/eth{n}"));
    };
    count();
    invent(0);
    count();
    let before = count();
    (1..20).for_each(invent);
    assert_eq!(count(), before);
    let text = world.admin().get("/metrics").text();
    assert!(
        !text.contains("invented") && !text.contains("INVENTED") && !text.contains("lst_"),
        "{text}"
    );
}

#[test]
fn whoever_does_not_name_open_metrics_gets_text() {
    let world = World::new();
    let answer = world.admin().get("/metrics").expect(200);
    assert_eq!(
        answer.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = answer.text();
    assert!(
        text.contains("# TYPE ravelin_events_lost_total counter\nravelin_events_lost_total 0\n"),
        "{text}"
    );
    assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
}
