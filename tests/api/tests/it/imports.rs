use http::Method;
use ravelin_test_harness::Request;
use serde_json::json;

use crate::check::{check_refused, etag};
use crate::world::World;

const ADDRESSES: &str = "/api/v1/lists/blocklist/entries";
const DOMAINS: &str = "/api/v1/lists/dns-blocklist/entries";

#[test]
fn an_import_replaces_everything_and_reports_by_line() {
    let world = World::new();
    world
        .admin()
        .post(DOMAINS, &json!({"value": "old.example"}))
        .expect(201);
    let text = "# comment\n0.0.0.0 ads.example\n||tracker.example^\n*.below.example\ntracker.example\nnot a domain!\n";
    let report = world.admin().put_text(DOMAINS, text).expect(200);
    let body = report.json();
    assert_eq!(body["accepted"], 3, "{body}");
    assert_eq!(
        (&body["duplicates"], &body["invalid"]),
        (&json!(1), &json!(1)),
        "{body}"
    );
    assert!(
        body["problems"]
            .as_array()
            .expect("problems")
            .iter()
            .any(|p| p["line"] == 6),
        "{body}"
    );
    assert_eq!(body["list"]["entries_count"], 3);
    assert_eq!(report.headers["ravelin-revision"], body["revision"].to_string());
    assert_eq!(
        report.headers["etag"],
        etag(&world, "/api/v1/lists/dns-blocklist")
    );
    let shown = world.admin().get(DOMAINS).text();
    assert!(
        !shown.contains("old.example") && shown.contains("tracker.example"),
        "{shown}"
    );
}

#[test]
fn an_import_may_be_larger_than_other_bodies_but_not_endless() {
    let world = World::new();
    let lines = |count: u32| -> String {
        (0..count)
            .map(|n| format!("{}\n", std::net::Ipv4Addr::from(0x0a00_0000 + 2 * n)))
            .collect()
    };
    let two_mebibytes = lines(10_000) + &"#".repeat(2 << 20);
    let report = world
        .admin()
        .put_text(ADDRESSES, two_mebibytes)
        .expect(200)
        .json();
    assert_eq!(report["accepted"], 10_000);
    let request = Request::new(Method::PUT, ADDRESSES).header("if-match", "*");
    check_refused(
        &world,
        &request.clone().text("\n".repeat((4 << 20) + 1)),
        413,
        "body-too-large",
    );
    check_refused(&world, &request.text(lines(132_000)), 507, "no-room");
}

#[test]
fn an_import_needs_its_type_and_the_right_etag() {
    let world = World::new();
    let put = || Request::new(Method::PUT, ADDRESSES);
    check_refused(&world, &put().text("203.0.113.1"), 428, "precondition-required");
    check_refused(
        &world,
        &put().header("if-match", "\"999\"").text("203.0.113.1"),
        412,
        "precondition-failed",
    );
    let json = put().header("if-match", "*").json(&json!({}));
    check_refused(&world, &json, 415, "unsupported-media-type");
    check_refused(
        &world,
        &put().header("if-match", "*"),
        415,
        "unsupported-media-type",
    );
    let tag = etag(&world, "/api/v1/lists/blocklist");
    world
        .admin()
        .send(&put().header("if-match", &tag).text("203.0.113.1"))
        .expect(200);
}
