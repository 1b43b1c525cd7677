//! How changes are committed: looked at first, taken back by themselves, by many at once.

use std::time::{Duration, Instant};

use http::Method;
use ravelin_test_harness::{Client, Request};
use serde_json::{Value, json};

use super::{change, header, id, names, rule, zones};
use crate::check::{check_problem, check_refused};
use crate::world::World;

#[test]
fn a_dry_run_of_any_write_stores_nothing() {
    let world = World::new();
    zones(&world);
    let one = rule(&world, "one", &json!({}));
    rule(&world, "two", &json!({}));
    let place = format!("/api/v1/rules/{}", id(&one));
    let before = world.state();
    for (method, path, body, kind) in [
        (
            Method::POST,
            "/api/v1/rules".to_owned(),
            json!({"name": "new", "action": "drop"}),
            "created",
        ),
        (
            Method::PUT,
            place.clone(),
            json!({"name": "one", "action": "reject"}),
            "updated",
        ),
        (Method::PATCH, place.clone(), json!({"log": true}), "updated"),
        (Method::DELETE, place.clone(), Value::Null, "deleted"),
        (
            Method::POST,
            format!("{place}/move"),
            json!({"to": "last"}),
            "moved",
        ),
        (
            Method::POST,
            "/api/v1/zones".to_owned(),
            json!({"name": "dmz"}),
            "created",
        ),
    ] {
        let request = Request::new(method.clone(), &path)
            .header("prefer", "dry-run")
            .header("if-match", "*");
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let answer = world.admin().send(&request).expect(200);
        assert_eq!(header(&answer, "preference-applied"), "dry-run");
        let report = answer.json();
        let diff = report["diff"].as_array().expect("diff");
        assert!(
            diff.iter().any(|change| change["change"] == kind),
            "{method} {path}: {report}"
        );
        assert_eq!(world.state(), before, "{method} {path}");
    }
    let bad = Request::new(Method::POST, "/api/v1/rules")
        .header("prefer", "dry-run")
        .json(&json!({"name": "x"}));
    check_refused(&world, &bad, 422, "invalid-content");
}

#[test]
fn a_change_to_be_confirmed_is_confirmed_once() {
    let world = World::new();
    zones(&world);
    let create = |query: &str, name: &str| {
        let path = format!("/api/v1/rules{query}");
        world
            .admin()
            .post(&path, &json!({"name": name, "action": "accept"}))
    };
    for query in [
        "?confirm_within_seconds=4",
        "?confirm_within_seconds=3601",
        "?confirm_within_seconds=x",
    ] {
        check_problem(&create(query, "r"), 400, "invalid-query");
    }
    let made = create("?confirm_within_seconds=3600", "tried").expect(201);
    let revision = header(&made, "ravelin-revision").to_owned();
    let policy = world.admin().get("/api/v1/policy").expect(200).json();
    assert!(policy["confirm_until"].is_string(), "{policy}");
    check_problem(&create("", "other"), 409, "awaits-confirmation");
    let confirm = |revision: &str| {
        world
            .admin()
            .post(&format!("/api/v1/revisions/{revision}/confirm"), &Value::Null)
    };
    check_problem(&confirm("1"), 409, "nothing-to-confirm");
    check_problem(&confirm("x"), 404, "not-found");
    let confirmed = confirm(&revision).expect(200).json();
    assert_eq!(confirmed["confirm_until"], Value::Null);
    check_problem(&confirm(&revision), 409, "nothing-to-confirm");
    create("", "other").expect(201);
    let rules = world.admin().get("/api/v1/rules").expect(200).json();
    assert_eq!(names(&rules), ["tried", "other"]);
}

#[test]
fn of_twenty_writers_none_loses_a_change_of_another() {
    let world = World::new();
    zones(&world);
    let counter = rule(&world, "counter", &json!({"comment": "0"}));
    let place = format!("/api/v1/rules/{}", id(&counter));
    let socket = world.socket();
    // Each adds one ten times: reads, and writes only what it read.
    let writer = |place: &str| {
        let client = Client::new(&socket);
        let mut refused = 0;
        for _ in 0..10 {
            loop {
                let read = client.get(place).expect(200);
                let count: u32 = read.json()["comment"]
                    .as_str()
                    .expect("text")
                    .parse()
                    .expect("number");
                let write = Request::new(Method::PATCH, place)
                    .header("if-match", header(&read, "etag"))
                    .json(&json!({"comment": (count + 1).to_string()}));
                match client.send(&write).status {
                    200 => break,
                    412 => refused += 1,
                    status => panic!("status {status}"),
                }
            }
        }
        refused
    };
    let refused: u32 = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..20).map(|_| scope.spawn(|| writer(&place))).collect();
        writers
            .into_iter()
            .map(|writer| writer.join().expect("writer"))
            .sum()
    });
    let after = world.admin().get(&place).expect(200).json();
    assert_eq!(after["comment"], "200", "{refused} were refused");
    assert!(refused > 0, "the writers never met");
}

#[test]
fn the_state_of_the_policy_and_its_oddities_are_told() {
    let world = World::new();
    let policy = world.admin().get("/api/v1/policy").expect(200).json();
    assert_eq!(
        (&policy["enforced"], &policy["problems"]),
        (&json!(false), &json!([])),
        "{policy}"
    );
    zones(&world);
    let policy = world.admin().get("/api/v1/policy").expect(200).json();
    assert_eq!(policy["enforced"], true, "{policy}");
    rule(&world, "all", &json!({}));
    let shadowed = rule(&world, "never", &json!({"action": "drop"}));
    let find = |remarks: &Value| {
        let items = remarks["items"].as_array().expect("items");
        items
            .iter()
            .find(|remark| remark["object"]["id"] == shadowed["id"])
            .cloned()
    };
    let remarks = remarks_when(&world, |remarks| find(remarks).is_some());
    let remark = find(&remarks).expect("a remark");
    assert_eq!(
        (&remark["code"], &remark["severity"]),
        (&json!("shadowed"), &json!("warning")),
        "{remark}"
    );
    assert_eq!(remark["related"][0]["name"], "all");
    let mut seen = 0;
    let mut cursor = String::new();
    loop {
        let page = world
            .admin()
            .get(&format!("/api/v1/diagnostics?limit=1{cursor}"))
            .expect(200)
            .json();
        seen += page["items"].as_array().expect("items").len();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, remarks["items"].as_array().expect("items").len());
    change(
        &world,
        Method::DELETE,
        &format!("/api/v1/rules/{}", id(&shadowed)),
        &Value::Null,
    )
    .expect(204);
    remarks_when(&world, |remarks| find(remarks).is_none());
}

/// The remarks about the policy, once they are so: they are found out beside the commit.
fn remarks_when(world: &World, so: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let remarks = world.admin().get("/api/v1/diagnostics").expect(200).json();
        if so(&remarks) {
            return remarks;
        }
        assert!(Instant::now() < end, "{remarks}");
        std::thread::yield_now();
    }
}

#[test]
fn without_a_data_plane_the_policy_can_be_read() {
    let world = World::without_datapath();
    for path in [
        "zones",
        "zone-pairs",
        "rules",
        "services",
        "nat-rules",
        "published-services",
        "interface-settings",
        "routes",
        "policy-routes",
        "dns-servers",
        "config",
        "policy",
    ] {
        world.admin().get(&format!("/api/v1/{path}")).expect(200);
    }
}
