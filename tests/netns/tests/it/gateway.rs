//! The API over HTTPS, through the gateway.

use std::time::Duration;

use ravelin_test_harness::{DnsAnswer, Dnsmasq, Gateway, Lab, Process, Question, Raveld, wait_until};
use serde_json::Value;

use crate::support::lab;

/// Splits what curl printed into the body as JSON and the status.
fn split(output: &str) -> (Value, &str) {
    let (body, status) = output.split_at(output.len().checked_sub(3).expect("a status"));
    (serde_json::from_str(body).unwrap_or(Value::Null), status)
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

/// An access token for the engine's admin token.
fn access_token(gateway: &Gateway<'_>, raveld: &Raveld<'_>) -> String {
    let admin = std::fs::read_to_string(raveld.state().join("admin-token")).expect("admin token");
    let output = gateway.curl(&["/api/v1/auth/token", "-X", "POST", "-H", &bearer(admin.trim())]);
    let (answer, status) = split(&output);
    assert_eq!(status, "200", "{answer}");
    answer["access_token"].as_str().expect("token").to_owned()
}

#[test]
fn a_token_opens_the_api_and_nothing_else_does() {
    let Some(lab) = lab() else { return };
    let raveld = Raveld::start(&lab.router);
    let gateway = Gateway::start(&lab.router, &raveld);
    let features = "/api/v1/ebpf/features";
    let check = |arguments: &[&str], expected: &str| {
        let output = gateway.curl(arguments);
        let (body, status) = split(&output);
        assert_eq!(status, expected, "{arguments:?}: {body}");
    };
    check(&[features], "401");
    check(&["/metrics"], "401");
    check(&[features, "-H", &bearer("rva_wrong")], "401");
    check(
        &["/api/v1/auth/token", "-X", "POST", "-H", &bearer("rva_wrong")],
        "401",
    );
    let token = access_token(&gateway, &raveld);
    check(&[features, "-H", &bearer(&token)], "200");
    let forged = format!("{}A{}", &token[..token.len() - 8], &token[token.len() - 7..]);
    check(&[features, "-H", &bearer(&forged)], "401");
}

#[test]
fn the_gateway_has_no_capability_and_another_user() {
    let Some(lab) = lab() else { return };
    let raveld = Raveld::start(&lab.router);
    let gateway = Gateway::start(&lab.router, &raveld);
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.process_id())).expect("status");
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).expect("field");
        line.split_whitespace()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for set in ["CapEff", "CapPrm", "CapBnd", "CapAmb"] {
        assert_eq!(field(set), ["0000000000000000"], "{set}");
    }
    assert!(field("Uid").iter().all(|uid| uid != "0"));
}

#[test]
fn a_blocked_query_shows_in_the_event_stream() {
    let Some(lab) = lab() else { return };
    let _dns = Dnsmasq::start(
        &lab.server,
        &lab.dir,
        &Lab::server_addresses(),
        &Lab::server_addresses(),
    );
    let raveld = Raveld::start(&lab.router);
    let gateway = Gateway::start(&lab.router, &raveld);
    raveld.add_entry("dns-blocklist", "blocked.example");
    raveld.switch("dns_blocklist", true);
    let mut command = lab.router.command("curl");
    command
        .args(["--silent", "--no-buffer", "--cacert"])
        .arg(gateway.certificate())
        .args(["-H", &bearer(&access_token(&gateway, &raveld))])
        .arg(format!("{}/api/v1/events?types=dns_query_blocked", gateway.url()));
    let stream = Process::spawn("events", command, lab.dir.path());
    wait_until("the event is in the stream", Duration::from_secs(10), || {
        let answer = Question::new(Lab::server_addresses()[1], "A.blocked.example").ask(&lab.client);
        assert_eq!(answer, DnsAnswer::NoSuchName { edns: true });
        stream.log().contains("event: dns_query_blocked")
    });
    let log = stream.log();
    let data = log
        .lines()
        .find_map(|line| line.strip_prefix("data:"))
        .expect("data");
    let event: Value = serde_json::from_str(data.trim()).expect("JSON");
    let query = &event["dns_query_blocked"];
    assert_eq!(query["name"], "a.blocked.example", "{event}");
    assert_eq!(query["packet"]["interface"], "lan0", "{event}");
    assert_eq!(
        query["packet"]["source"],
        Lab::client_addresses()[1].to_string(),
        "{event}"
    );
    assert_eq!(query["lists"], serde_json::json!(["dns-blocklist"]), "{event}");
}

#[test]
fn a_hundred_thousand_lines_are_imported_with_curl() {
    let Some(lab) = lab() else { return };
    let _dns = Dnsmasq::start(
        &lab.server,
        &lab.dir,
        &Lab::server_addresses(),
        &Lab::server_addresses(),
    );
    let raveld = Raveld::start(&lab.router);
    let gateway = Gateway::start(&lab.router, &raveld);
    let file = lab.dir.join("names.txt");
    let mut text = String::new();
    for number in 0..100_000 {
        text += &format!("0.0.0.0 n{number}.blocked.example\n");
    }
    text += "not a name!\n";
    std::fs::write(&file, text).expect("names");
    let token = bearer(&access_token(&gateway, &raveld));
    let path = "/api/v1/lists/dns-blocklist/entries";
    let file = file.display().to_string();
    let output = gateway.curl(&[
        path,
        "-T",
        &file,
        "-H",
        "If-Match: *",
        "-H",
        "Content-Type: text/plain",
        "-H",
        &token,
    ]);
    let (report, status) = split(&output);
    assert_eq!(status, "200", "{report}");
    assert_eq!(report["accepted"], 100_000, "{report}");
    assert_eq!(report["invalid"], 1, "{report}");
    assert_eq!(report["problems"][0]["line"], 100_001, "{report}");
    raveld.switch("dns_blocklist", true);
    let server = Lab::server_addresses()[0];
    for (name, blocked) in [
        ("n99999.blocked.example", true),
        ("n100000.blocked.example", false),
    ] {
        let answer = Question::new(server, name).ask(&lab.client);
        assert_eq!(
            answer == DnsAnswer::NoSuchName { edns: true },
            blocked,
            "{name}: {answer:?}"
        );
    }
}
