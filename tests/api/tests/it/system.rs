//! The machine over the API, with a simulated agent; what the real one does is shown beside it and in the image.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use http::Method;
use ravelin_system::update::UpdateState;
use ravelin_system::{Refusal, RefusalCode};
use ravelin_test_harness::{Request, wait_until};
use serde_json::{Value, json};

use crate::agent::{SimulatedAgent, status, update};
use crate::check::{check_problem, errors};
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(20);
const UPDATES: &str = "/api/v1/system/updates";

fn upload(path: &str, bytes: &[u8]) -> Request {
    Request::new(Method::POST, path).body("application/octet-stream", bytes.to_vec())
}

#[test]
fn an_appliance_is_shown() {
    let world = World::on_appliance(SimulatedAgent::new());
    let system = world.admin().get("/api/v1/system").expect(200).json();
    assert_eq!(system["appliance"], true);
    assert_eq!(system["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(system["image_version"], "2.0.0");
    assert_eq!(
        system["slots"],
        json!([
            { "name": "a", "version": "2.0.0", "booted": true, "good": true, "next": true, "bad": false },
            { "name": "b", "version": "1.0.0", "booted": false, "good": false, "next": false, "bad": false },
        ])
    );
    assert_eq!(system["state_partition"], "repaired");
    assert_eq!(system["state_disk"]["free_bytes"], 600);
    assert_eq!(system["temperatures"][0]["celsius"], 41.5);
    assert_eq!(system["clock"]["synchronised"], true);
    assert_eq!(system["recovery"]["state"], "none");
    assert!(system.get("trial").is_none(), "{system}");
}

#[test]
fn what_is_no_appliance_says_so() {
    let world = World::new();
    let admin = world.admin();
    let system = admin.get("/api/v1/system").expect(200).json();
    assert_eq!(
        (&system["appliance"], &system["slots"]),
        (&json!(false), &json!([]))
    );
    assert!(
        system["uptime_seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0)
    );
    assert!(
        system["memory"]["total_bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 0)
    );
    let reset = json!({ "confirm": "erase everything" });
    let post = |path: &str| Request::new(Method::POST, path);
    let requests = [
        Request::new(Method::GET, UPDATES),
        Request::new(Method::GET, "/api/v1/system/updates/upd_1"),
        Request::new(Method::GET, "/api/v1/system/logs"),
        upload(UPDATES, b"x"),
        post(UPDATES).json(&json!({ "url": "https://updates.example/x" })),
        post("/api/v1/system/slots/b/boot").json(&json!({})),
        post("/api/v1/system/reboot"),
        post("/api/v1/system/shutdown"),
        post("/api/v1/system/factory-reset").json(&reset),
    ];
    for request in &requests {
        check_problem(&admin.send(request), 409, "not-an-appliance");
    }
}

#[test]
fn nobody_without_a_token_touches_the_machine() {
    let agent = SimulatedAgent::new();
    let world = World::on_appliance(agent.clone());
    for (method, path) in [
        (Method::GET, "/api/v1/system"),
        (Method::GET, "/api/v1/system/logs"),
        (Method::GET, "/api/v1/system/support-bundle"),
        (Method::POST, "/api/v1/system/reboot"),
        (Method::POST, "/api/v1/system/factory-reset"),
        (Method::POST, UPDATES),
    ] {
        let answer = world.gateway().send(&Request::new(method, path));
        check_problem(&answer, 401, "unauthorized");
    }
    assert_eq!(agent.asked(), []);
}

#[test]
fn a_bundle_is_handed_on_as_it_comes() {
    let agent = SimulatedAgent::new();
    let world = World::on_appliance(agent.clone());
    // Longer than any other body may be.
    let bundle: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_be_bytes()[3]).collect();
    let digest = "ab".repeat(32);
    let path = format!("{UPDATES}?allow_downgrade=true&reboot=true&sha256={digest}");
    let accepted = world.admin().send(&upload(&path, &bundle)).expect(202);
    assert_eq!(accepted.headers["location"], "/api/v1/system/updates/upd_7");
    let body = accepted.json();
    assert_eq!(
        (&body["id"], &body["state"], &body["slot"]),
        (&json!("upd_7"), &json!("writing"), &json!("b"))
    );
    let asked = agent.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].0,
        format!("POST /updates?allow_downgrade=true&reboot=true&sha256={digest}")
    );
    assert!(asked[0].1 == bundle, "the bundle came through unchanged");
    let keyed = upload(UPDATES, b"x").header("idempotency-key", "k");
    check_problem(&world.admin().send(&keyed), 400, "invalid-header");
    let odd = Request::new(Method::POST, UPDATES).text("x");
    check_problem(&world.admin().send(&odd), 415, "unsupported-media-type");
    for query in ["sha256=AB", "allow_downgrade=maybe", "force=true"] {
        let answer = world.admin().send(&upload(&format!("{UPDATES}?{query}"), b"x"));
        check_problem(&answer, 400, "invalid-query");
    }
    assert_eq!(agent.asked(), []);
}

#[test]
fn a_bundle_is_fetched_by_its_url() {
    let agent = SimulatedAgent::new();
    let world = World::on_appliance(agent.clone());
    let body = json!({ "url": "https://updates.example/2.1.0.raucb", "reboot": true });
    let request = Request::new(Method::POST, UPDATES).json(&body);
    world.admin().send(&request).expect(202);
    let (what, sent) = agent.asked().remove(0);
    assert_eq!(what, "POST /updates");
    let sent: Value = serde_json::from_slice(&sent).expect("JSON");
    assert_eq!(sent["url"], "https://updates.example/2.1.0.raucb");
    assert_eq!(sent["options"]["reboot"], true);
    let bad = json!({ "url": "ftp://updates.example/x", "reboot": "now", "force": true });
    let refused = world
        .admin()
        .send(&Request::new(Method::POST, UPDATES).json(&bad));
    let problem = check_problem(&refused, 422, "invalid-content");
    assert_eq!(
        errors(&problem),
        [
            ("/url", "format"),
            ("/reboot", "type"),
            ("/force", "unknown_field")
        ]
    );
    let both = Request::new(Method::POST, &format!("{UPDATES}?reboot=true")).json(&body);
    check_problem(&world.admin().send(&both), 400, "invalid-query");
    assert_eq!(agent.asked(), []);
}

#[test]
fn each_refusal_has_a_problem_of_its_own() {
    let agent = SimulatedAgent::new();
    let world = World::on_appliance(agent.clone());
    for (code, status, slug) in [
        (RefusalCode::UpdateNotABundle, 422, "update-not-a-bundle"),
        (RefusalCode::UpdateTruncated, 422, "update-truncated"),
        (RefusalCode::UpdateUnsigned, 422, "update-unsigned"),
        (RefusalCode::UpdateUntrusted, 422, "update-untrusted"),
        (RefusalCode::UpdateIncompatible, 422, "update-incompatible"),
        (RefusalCode::UpdateChecksum, 422, "update-checksum"),
        (RefusalCode::UpdateNotNewer, 409, "update-not-newer"),
        (RefusalCode::UpdateUnderWay, 409, "update-under-way"),
        (RefusalCode::UpdateTooLarge, 413, "body-too-large"),
        (RefusalCode::NoRoom, 507, "disk-full"),
        (RefusalCode::OnTrial, 503, "on-trial"),
    ] {
        agent.refuse(Refusal::new(code, "because"));
        let answer = world.admin().send(&upload(UPDATES, b"x"));
        let problem = check_problem(&answer, status, slug);
        assert_eq!(problem["detail"], "because");
        assert_eq!(
            answer.headers.contains_key("retry-after"),
            status == 503,
            "{slug}"
        );
    }
}

#[test]
fn updates_are_shown_in_pages_with_what_became_of_them() {
    let agent = SimulatedAgent::new();
    let mut failed = update("upd_9", UpdateState::Failed);
    failed.problem = Some(Refusal::new(RefusalCode::UpdateUntrusted, "another key"));
    let mut rolled_back = update("upd_10", UpdateState::RolledBack);
    rolled_back.reason = Some("the engine is not ready".to_owned());
    agent.set_updates(vec![failed, rolled_back]);
    let world = World::on_appliance(agent);
    let admin = world.admin();
    let first = admin.get(&format!("{UPDATES}?limit=1")).expect(200).json();
    assert_eq!(first["items"][0]["id"], "upd_10");
    assert_eq!(first["items"][0]["reason"], "the engine is not ready");
    let cursor = first["next_cursor"].as_str().expect("cursor");
    let second = admin
        .get(&format!("{UPDATES}?cursor={cursor}"))
        .expect(200)
        .json();
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(
        second["items"][0]["problem"],
        json!({
            "type": "/problems/update-untrusted",
            "title": "The update is not trusted",
            "detail": "another key",
        })
    );
    let one = admin.get("/api/v1/system/updates/upd_10").expect(200).json();
    assert_eq!(one["state"], "rolled_back");
    check_problem(&admin.get("/api/v1/system/updates/upd_11"), 404, "not-found");
    check_problem(&admin.get("/api/v1/system/updates/..%2Fstatus"), 404, "not-found");
}

#[test]
fn an_update_that_goes_on_is_told_as_events() {
    let agent = SimulatedAgent::new();
    agent.set_updates(vec![update("upd_1", UpdateState::Good)]);
    let world = World::on_appliance(agent.clone());
    let mut events = world.admin().events("/api/v1/events?types=system_update_changed");
    wait_until("the engine knows of the first", PATIENCE, || agent.looks() > 0);
    let ready = update("upd_2", UpdateState::ReadyToBoot);
    agent.set_updates(vec![ready, update("upd_1", UpdateState::Good)]);
    let event = events.next(PATIENCE).expect("an event");
    assert_eq!(event.event, "system_update_changed");
    let changed = &event.data["system_update_changed"];
    assert_eq!(
        (&changed["id"], &changed["state"]),
        (&json!("upd_2"), &json!("ready_to_boot"))
    );
}

#[test]
fn the_other_slot_is_booted_by_name() {
    let agent = SimulatedAgent::new();
    let world = World::on_appliance(agent.clone());
    let boot = |slot: &str, body: &Value| {
        let path = format!("/api/v1/system/slots/{slot}/boot");
        world.admin().send(&Request::new(Method::POST, &path).json(body))
    };
    boot("b", &json!({ "allow_downgrade": true, "reboot": true })).expect(202);
    let (what, sent) = agent.asked().remove(0);
    assert_eq!(what, "POST /slots/b/boot");
    assert_eq!(
        serde_json::from_slice::<Value>(&sent).expect("JSON"),
        json!({ "allow_downgrade": true, "reboot": true })
    );
    check_problem(&boot("c", &json!({})), 404, "not-found");
    agent.refuse(Refusal::new(RefusalCode::SlotRuns, "slot b runs"));
    check_problem(&boot("b", &json!({})), 409, "slot-runs");
    agent.refuse(Refusal::new(RefusalCode::SlotNotWhole, "empty"));
    check_problem(&boot("b", &json!({})), 409, "slot-not-whole");
}

#[test]
fn power_and_reset_are_asked_of_the_agent_and_audited() {
    let agent = SimulatedAgent::new();
    let world = World::on_appliance(agent.clone());
    let admin = world.admin();
    let post = |path: &str, body: &Value| admin.post(path, body);
    post("/api/v1/system/reboot", &Value::Null).expect(202);
    post("/api/v1/system/shutdown", &Value::Null).expect(202);
    let unmeant = post("/api/v1/system/factory-reset", &json!({ "confirm": "yes" }));
    let problem = check_problem(&unmeant, 422, "invalid-content");
    assert_eq!(errors(&problem), [("/confirm", "invalid")]);
    post(
        "/api/v1/system/factory-reset",
        &json!({ "confirm": "erase everything" }),
    )
    .expect(202);
    let asked: Vec<String> = agent.asked().into_iter().map(|(what, _)| what).collect();
    assert_eq!(asked, ["POST /reboot", "POST /shutdown", "POST /factory-reset"]);
    let audited = world.block_on(world.store.audit(None, 100)).expect("audit");
    let paths: Vec<(&str, u16)> = audited
        .iter()
        .map(|(_, entry)| (entry.path.as_str(), entry.status))
        .collect();
    for (path, status) in [
        ("/api/v1/system/reboot", 202),
        ("/api/v1/system/shutdown", 202),
        ("/api/v1/system/factory-reset", 422),
        ("/api/v1/system/factory-reset", 202),
    ] {
        assert!(paths.contains(&(path, status)), "{path} {status} in {paths:?}");
    }
}

#[test]
fn while_a_slot_is_on_trial_nothing_but_the_machine_changes() {
    let agent = SimulatedAgent::new();
    agent.set_status(status(Some(json!({
        "slot": "a", "left_seconds": 200, "waiting_for": "the engine is not ready",
    }))));
    let world = World::on_trial(agent.clone());
    let admin = world.admin();
    let system = admin.get("/api/v1/system").expect(200).json();
    assert_eq!(system["trial"]["left_seconds"], 200);
    let zone = json!({ "name": "guests" });
    let refused = admin.post("/api/v1/zones", &zone);
    check_problem(&refused, 503, "on-trial");
    assert!(refused.headers.contains_key("retry-after"));
    for (method, path) in [
        (Method::PUT, "/api/v1/config"),
        (Method::PATCH, "/api/v1/tuning"),
        (Method::DELETE, "/api/v1/zones/zon_x"),
        (Method::POST, "/api/v1/changes"),
    ] {
        check_problem(&admin.send(&Request::new(method, path)), 503, "on-trial");
    }
    assert!(!world.access_token().is_empty(), "logging in goes on");
    admin.get("/api/v1/zones").expect(200);
    admin.post("/api/v1/system/reboot", &Value::Null).expect(202);
    // The slot shows that it works.
    agent.set_status(status(None));
    wait_until("the trial is over", PATIENCE, || {
        admin.get("/api/v1/system").expect(200).json()["trial"].is_null()
    });
    admin.post("/api/v1/zones", &zone).expect(201);
}

#[test]
fn the_journal_is_shown_in_pages() {
    let agent = SimulatedAgent::new();
    agent.set_logs(json!({
        "entries": [{
            "cursor": "s=1;i=2", "at": "2026-02-01T00:00:00Z", "unit": "raveld.service", "identifier": "raveld",
            "pid": 7, "priority": 4, "boot_id": "b", "message": "hello",
        }],
        "next_cursor": "s=1;i=2",
    }));
    let world = World::on_appliance(agent.clone());
    let admin = world.admin();
    let path = "/api/v1/system/logs?limit=1&unit=raveld.service&priority=4&since=2026-01-31T12:00:00Z";
    let page = admin.get(path).expect(200).json();
    assert_eq!(
        page["items"],
        json!([{
            "at": "2026-02-01T00:00:00Z", "unit": "raveld.service", "identifier": "raveld",
            "pid": 7, "priority": 4, "boot_id": "b", "message": "hello",
        }])
    );
    let (_, asked) = agent.asked().remove(0);
    assert_eq!(
        serde_json::from_slice::<Value>(&asked).expect("JSON"),
        json!({ "limit": 1, "unit": "raveld.service", "priority": 4, "since": "2026-01-31T12:00:00Z" })
    );
    let cursor = page["next_cursor"].as_str().expect("cursor");
    admin
        .get(&format!("/api/v1/system/logs?cursor={cursor}"))
        .expect(200);
    let (_, asked) = agent.asked().remove(0);
    let asked: Value = serde_json::from_slice(&asked).expect("JSON");
    assert_eq!(asked["cursor"], "s=1;i=2");
    for query in [
        "limit=0",
        "limit=1001",
        "priority=x",
        "since=yesterday",
        "cursor=!",
        "follow=true",
    ] {
        check_problem(
            &admin.get(&format!("/api/v1/system/logs?{query}")),
            400,
            "invalid-query",
        );
    }
}

#[test]
fn the_support_bundle_has_what_helps_and_no_secret() {
    let agent = SimulatedAgent::new();
    agent.set_logs(json!({
        "entries": [{
            "cursor": "s=1;i=2", "at": "2026-02-01T00:00:00Z", "unit": null, "identifier": "kernel",
            "pid": null, "priority": 4, "boot_id": null, "message": "a line\nand another",
        }],
        "next_cursor": null,
    }));
    let world = World::on_appliance(agent);
    let access_token = world.access_token();
    let answer = world.admin().get("/api/v1/system/support-bundle").expect(200);
    assert_eq!(answer.headers["content-type"], "application/gzip");
    let names = tar(&["-tzf", "-"], &answer.body);
    for name in [
        "system.json",
        "config.json",
        "rules.json",
        "nftables.txt",
        "programs.json",
        "maps.json",
        "statistics.json",
        "interfaces.json",
        "metrics.txt",
        "journal.txt",
        "kernel.txt",
    ] {
        let found = names.lines().any(|line| line.ends_with(&format!("/{name}")));
        assert!(found, "{name} in {names}");
    }
    let content = tar(&["-xzOf", "-"], &answer.body);
    assert!(content.contains("a line\n\tand another"), "the journal is there");
    assert!(content.contains("\"image_version\":\"2.0.0\""), "and the machine");
    let problems = content.matches("/problems/").count();
    let expected =
        content.matches("/problems/not-ready").count() + content.matches("/problems/hardware").count();
    assert_eq!(problems, expected, "an answer is a problem: {content}");
    for (what, secret) in secrets(&world, access_token) {
        assert!(secret.len() > 8, "{what} is known");
        assert!(!content.contains(&secret), "{what} is in the bundle");
    }
}

/// Everything of the engine's state directory that is a secret, as it is and as text would carry it.
fn secrets(world: &World, access_token: String) -> Vec<(String, String)> {
    use base64::Engine;
    let mut secrets = vec![
        ("the admin token".to_owned(), world.admin_token.clone()),
        ("an access token".to_owned(), access_token),
    ];
    for entry in std::fs::read_dir(world.state_dir()).expect("directory").flatten() {
        if !entry.file_type().expect("type").is_file() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let content = std::fs::read(entry.path()).expect("read");
        let text = String::from_utf8_lossy(&content).trim().to_owned();
        secrets.push((name.clone(), text));
        secrets.push((
            format!("{name} in base64"),
            base64::prelude::BASE64_STANDARD.encode(&content),
        ));
    }
    secrets
}

fn tar(arguments: &[&str], archive: &[u8]) -> String {
    let mut tar = Command::new("tar")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tar");
    let mut input = tar.stdin.take().expect("input");
    let archive = archive.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&archive));
    let output = tar.wait_with_output().expect("tar");
    writer.join().expect("thread").expect("write");
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}
