//! Metrics of a real engine, held to the tools that read them: `promtool` of the package `prometheus`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use ravelin_test_harness::{Client, Lab, Raveld, Request, eventually, send_udp, wait_until};
use serde_json::{Value, json};

use crate::support::{lab, optimised, sink_address};

const ARRIVAL: Duration = Duration::from_secs(20);

/// Where `scripts/test` puts it, or the one of the path.
fn promtool() -> PathBuf {
    std::env::var_os("RAVELIN_PROMTOOL").map_or_else(|| "promtool".into(), PathBuf::from)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs it on files or on what is given to it.
fn promtool_says(arguments: &[&str], directory: &Path, input: &str) -> Output {
    let mut child = Command::new(promtool())
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", promtool().display()));
    let mut stdin = child.stdin.take().expect("input");
    stdin.write_all(input.as_bytes()).expect("input");
    drop(stdin);
    child.wait_with_output().expect("promtool")
}

/// It has nothing to say against it.
#[track_caller]
fn check(arguments: &[&str], directory: &Path, input: &str) {
    let output = promtool_says(arguments, directory, input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.is_empty(),
        "promtool {arguments:?}:\n{said}"
    );
}

/// Everything there can be is there: all features on but what needs a card, programs timed, a rule.
fn everything_on(api: &Client) {
    let on = json!({ "measure_run_time": true });
    api.patch("/api/v1/ebpf/features/statistics/config", &on)
        .expect(200);
    for feature in [
        "flow_monitoring",
        "ddos_protection",
        "dns_blocklist",
        "conntrack_sync",
        "flow_offload",
    ] {
        let path = format!("/api/v1/ebpf/features/{feature}/enable");
        api.post(&path, &Value::Null).expect(200);
    }
    // Without a line of the policy nothing is counted by lines.
    let rule = json!({ "name": "any", "action": "accept" });
    api.post("/api/v1/rules", &rule).expect(201);
}

/// Names of the samples.
fn sampled(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.split(['{', ' ']).next().unwrap_or_default().to_owned())
        .collect()
}

/// Names of metrics in a text that names them among other things.
fn named(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_name(c));
    words
        .filter(|word| word.starts_with("ravelin_"))
        .map(str::to_owned)
        .collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// PromQL of a dashboard, its variables replaced by what they may stand for.
fn expressions(dashboard: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![dashboard];
    while let Some(value) = left.pop() {
        match value {
            Value::Object(members) => {
                found.extend(members.get("expr").and_then(Value::as_str).map(str::to_owned));
                left.extend(members.values());
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    found
        .into_iter()
        .map(|expression| {
            expression
                .replace("$__rate_interval", "5m")
                .replace("$instance", ".*")
                .replace("$interface", ".*")
        })
        .collect()
}

#[test]
fn promtool_finds_no_fault_and_everything_that_is_promised_is_there() {
    let Some(lab) = lab() else { return };
    let raveld = Raveld::start(&lab.router);
    let api = raveld.api();
    everything_on(&api);
    let [own4, _] = Lab::client_addresses();
    send_udp(&lab.client, own4, sink_address(own4), 1, 100);
    wait_until("a packet is counted", ARRIVAL, || {
        let text = api.get("/metrics").expect(200).text();
        text.contains("ravelin_traffic_packets_total{")
    });
    // Two scrapes: what counters are held to is there from the second on.
    api.get("/metrics").expect(200);
    let answer = api.get("/metrics").expect(200);
    assert_eq!(
        answer.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = answer.text();
    check(&["check", "metrics"], &root(), &text);

    let sampled = sampled(&text);
    let documented = read("docs/metrics.md");
    let figures = documented
        .split("## ")
        .find(|section| section.starts_with("Figures"));
    let promised = [
        ("docs/metrics.md", named(figures.expect("figures"))),
        ("the dashboard", named(&read("image/grafana/ravelin.json"))),
        ("the alerts", named(&read("image/prometheus/ravelin.rules.yml"))),
    ];
    for (by, names) in promised {
        assert!(names.len() > 10, "{by}: {names:?}");
        // A state partition is what only an appliance has: tests/api.
        let here = |name: &&String| !name.starts_with("ravelin_system_state_");
        let missing: Vec<_> = names.difference(&sampled).filter(here).collect();
        assert!(
            missing.is_empty(),
            "{by} names what is not there: {missing:?}\n{text}"
        );
    }
}

#[test]
fn what_prometheus_scrapes_is_open_metrics_with_the_same_samples() {
    let Some(lab) = lab() else { return };
    let raveld = Raveld::start(&lab.router);
    let api = raveld.api();
    let open = Request::new(Method::GET, "/metrics").header(
        "accept",
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    );
    // A first request, or a first packet, between the two makes series of its own.
    let same = eventually(ARRIVAL, || {
        let open = api.send(&open).expect(200).text();
        let text = api.get("/metrics").expect(200).text();
        (sampled(&open) == sampled(&text)).then_some(open)
    });
    let open = same.expect("the same samples in both formats");
    assert!(open.ends_with("# EOF\n") && open.contains("# UNIT "), "{open}");
}

#[test]
fn alert_rules_do_what_their_tests_say() {
    let Some(_lab) = lab() else { return };
    let rules = root().join("image/prometheus");
    check(&["check", "rules", "ravelin.rules.yml"], &rules, "");
    check(&["test", "rules", "ravelin.test.yml"], &rules, "");
}

#[test]
fn every_expression_of_the_dashboard_is_one() {
    let Some(_lab) = lab() else { return };
    let dashboard: Value = serde_json::from_str(&read("image/grafana/ravelin.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().expect("id"))
        .collect();
    assert_eq!(ids.len(), panels.len(), "ids of panels come twice");
    let expressions = expressions(&dashboard);
    assert!(expressions.len() > 40, "{expressions:?}");
    let rule = |(number, expression)| json!({"record": format!("expression:{number}"), "expr": expression});
    let rules: Vec<Value> = expressions.iter().enumerate().map(rule).collect();
    let file = std::env::temp_dir().join(format!("ravelin-dashboard-{}.json", std::process::id()));
    // JSON is YAML.
    let groups = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    std::fs::write(&file, groups.to_string()).expect("rules");
    let output = promtool_says(&["check", "rules", file.to_str().expect("path")], &root(), "");
    std::fs::remove_file(&file).expect("remove");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Longest scrape with 10,000 rules.
const SCRAPE: Duration = Duration::from_millis(50);

/// Largest answer with them: rules are told by zones, not one by one.
const SCRAPE_BYTES: usize = 512 << 10;

#[test]
fn a_scrape_of_ten_thousand_rules_is_short() {
    let Some(lab) = lab() else { return };
    let raveld = Raveld::start(&lab.router);
    let api = raveld.api();
    let rules: Vec<Value> = (0..10_000)
        .map(|n| json!({"name": format!("rule {n}"), "destination": {"addresses": [format!("10.0.{}.{}", n / 256, n % 256)]}, "action": "accept"}))
        .collect();
    let before = api.get("/api/v1/config").expect(200);
    let tag = before.headers["etag"].to_str().expect("etag").to_owned();
    let mut document = before.json();
    document["rules"] = json!(rules);
    let put = Request::new(Method::PUT, "/api/v1/config")
        .header("if-match", &tag)
        .json(&document);
    api.send(&put).expect(200);
    let mut times: Vec<(Duration, usize)> = (0..11)
        .map(|_| {
            let begin = Instant::now();
            let bytes = api.get("/metrics").expect(200).text().len();
            (begin.elapsed(), bytes)
        })
        .collect();
    times.sort();
    let (median, bytes) = times[times.len() / 2];
    println!(
        "scrape of 10,000 rules: {median:?} in the middle, {:?} at most, {bytes} bytes",
        times[10].0
    );
    assert!(bytes < SCRAPE_BYTES, "{bytes} bytes");
    if optimised() {
        assert!(median < SCRAPE, "{median:?}");
    }
}
