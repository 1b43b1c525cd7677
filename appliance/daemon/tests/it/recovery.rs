//! The program with a slot: first boots, stores of no use, starts that end early, kills at any moment.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use ravelin_test_harness::eventually;
use serde_json::Value;

use crate::daemon::Daemon;

/// Longest wait for a copy, which is made ten seconds after a commit at most.
const COPIED: Duration = Duration::from_secs(60);

fn body(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{head}: {body}"))
}

fn config(daemon: &Daemon) -> Value {
    body(&daemon.request("GET", "/api/v1/config"))
}

fn store(daemon: &Daemon) -> PathBuf {
    daemon.state_dir().join("a/ravelin.db")
}

fn copies(daemon: &Daemon) -> Vec<String> {
    let entries = fs::read_dir(daemon.state_dir().join("a")).expect("directory");
    let names = entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(".good-")).collect()
}

fn recovery(daemon: &Daemon) -> String {
    let ready = daemon.request("GET", "/readyz");
    let told = ready.contains("last-known-good") || ready.contains("lockdown");
    if !told {
        // Cards of this machine may not be able to do everything.
        return "none".to_owned();
    }
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    body(&ready)["detail"].as_str().expect("detail").to_owned()
}

fn names(section: &Value) -> Vec<&str> {
    let items = section.as_array().expect("an array");
    items.iter().filter_map(|item| item["name"].as_str()).collect()
}

#[test]
fn a_first_boot_makes_a_policy_of_plain_objects_for_the_cards_once() {
    let mut daemon = Daemon::of_slot("a", &["card0", "card1", "card2"]);
    daemon.start_again();
    let first = config(&daemon);
    assert_eq!(names(&first["zones"]), ["local", "lan", "wan"], "{first:#}");
    let settings = first["interface_settings"].as_array().expect("settings");
    assert_eq!(settings.len(), 2, "the third card is closed: {first:#}");
    let lan = settings
        .iter()
        .find(|one| one["interface"] == "card0")
        .expect("LAN");
    assert_eq!(lan["identity"]["mac"], "02:00:00:00:00:30");
    assert_eq!(lan["addresses"][0], "192.168.77.1/24");
    assert!(
        lan["addresses"][1]
            .as_str()
            .is_some_and(|own| own.starts_with("fd")),
        "{lan:#}"
    );
    assert_eq!(lan["lan_services"]["router_advertisements"], true);
    let wan = settings
        .iter()
        .find(|one| one["interface"] == "card1")
        .expect("WAN");
    assert_eq!(wan["dhcp_client"]["ipv4"], true);
    assert_eq!(names(&first["nat_rules"]), ["LAN to the internet"]);
    assert!(!daemon.root().join("first-boot").exists(), "the mark is gone");
    assert_eq!(
        fs::read_to_string(daemon.state_dir().join("current")).expect("current"),
        "a\n"
    );
    assert!(store(&daemon).exists() && !daemon.state_dir().join("ravelin.db").exists());
    // An operator changes it like anything else, and the next start leaves it alone.
    let settings = lan["id"].as_str().expect("id").to_owned();
    let patched = daemon.send(
        "PATCH",
        &format!("/api/v1/interface-settings/{settings}"),
        r#"{"description": "mine"}"#,
    );
    assert!(patched.starts_with("HTTP/1.1 200"), "{patched}");
    fs::write(daemon.root().join("first-boot"), "").expect("a mark that would not go");
    daemon.signal("TERM");
    daemon.start_again();
    let second = config(&daemon);
    assert!(second.to_string().contains("\"mine\""), "{second:#}");
    assert!(!daemon.root().join("first-boot").exists());
}

#[test]
fn the_only_card_of_a_machine_manages_it_by_the_address_it_gets() {
    let mut daemon = Daemon::of_slot("a", &["card0"]);
    daemon.start_again();
    let first = config(&daemon);
    assert_eq!(names(&first["zones"]), ["local", "lan"], "{first:#}");
    let settings = &first["interface_settings"][0];
    assert_eq!(settings["dhcp_client"]["ipv4"], true, "{settings:#}");
    assert_eq!(settings["addresses"].as_array().map(Vec::len), Some(0));
}

#[test]
fn the_operators_first_policy_is_taken_if_it_is_one() {
    let own = r#"{"zones": [{"name": "mine", "interfaces": ["card0"], "management": true}], "zone_pairs": [],
        "rules": [], "services": [], "nat_rules": [], "published_services": []}"#;
    let mut daemon = Daemon::of_slot("a", &["card0", "card1"]);
    fs::write(daemon.root().join("config.json"), own).expect("write");
    daemon.start_again();
    assert_eq!(names(&config(&daemon)["zones"]), ["local", "mine"]);

    let mut daemon = Daemon::of_slot("a", &["card0", "card1"]);
    fs::write(
        daemon.root().join("config.json"),
        own.replace("\"zones\"", "\"zonen\""),
    )
    .expect("write");
    daemon.start_again();
    assert_eq!(names(&config(&daemon)["zones"]), ["local", "lan", "wan"]);
    let (_, log) = daemon.signal("TERM");
    assert!(log.contains("config.json") && log.contains("/zonen"), "{log}");
}

#[test]
fn a_lost_store_leads_to_the_copy_until_somebody_acknowledges_it() {
    let mut daemon = Daemon::of_slot("a", &["card0", "card1"]);
    daemon.start_again();
    let before = config(&daemon);
    // A stop makes a copy at once.
    daemon.signal("TERM");
    assert_eq!(copies(&daemon).len(), 1);
    fs::remove_file(store(&daemon)).expect("remove");
    daemon.start_again();
    assert_eq!(config(&daemon), before);
    assert!(
        recovery(&daemon).contains("last-known-good"),
        "{}",
        recovery(&daemon)
    );
    // It is told until then, whatever happens.
    daemon.kill();
    daemon.start_again();
    assert!(
        recovery(&daemon).contains("the store is missing"),
        "{}",
        recovery(&daemon)
    );
    let acknowledged = daemon.send("POST", "/api/v1/system/recovery/acknowledge", "");
    assert!(acknowledged.starts_with("HTTP/1.1 200"), "{acknowledged}");
    assert_eq!(body(&acknowledged)["state"], "none");
    assert_eq!(recovery(&daemon), "none");
    let again = daemon.send("POST", "/api/v1/system/recovery/acknowledge", "");
    assert!(
        again.starts_with("HTTP/1.1 409") && again.contains("nothing-to-acknowledge"),
        "{again}"
    );
    let kept = eventually(COPIED, || {
        (!daemon.state_dir().join("a/recovery.json").exists()).then_some(())
    });
    assert!(kept.is_some());
    daemon.signal("TERM");
    daemon.start_again();
    assert_eq!(recovery(&daemon), "none");
}

#[test]
fn without_a_copy_only_management_passes_until_an_operator_restores_a_policy() {
    let mut daemon = Daemon::of_slot("a", &["card0", "card1"]);
    daemon.start_again();
    let before = config(&daemon);
    daemon.signal("TERM");
    for copy in copies(&daemon) {
        fs::remove_file(daemon.state_dir().join("a").join(copy)).expect("remove");
    }
    let length = fs::metadata(store(&daemon)).expect("store").len();
    fs::File::options()
        .write(true)
        .open(store(&daemon))
        .expect("open")
        .set_len(length / 2)
        .expect("cut");
    daemon.start_again();
    assert!(recovery(&daemon).contains("lockdown"), "{}", recovery(&daemon));
    let lockdown = config(&daemon);
    assert_eq!(names(&lockdown["zones"]), ["local", "lan"], "{lockdown:#}");
    assert_eq!(lockdown["rules"], Value::Array(Vec::new()));
    assert_eq!(lockdown["zone_pairs"], Value::Array(Vec::new()));
    assert_eq!(
        lockdown["interface_settings"][0]["addresses"],
        serde_json::json!(["192.168.77.1/24"])
    );
    let put = daemon.send("PUT", "/api/v1/config", &before.to_string());
    assert!(put.starts_with("HTTP/1.1 200"), "{put}");
    assert_eq!(recovery(&daemon), "none");
    assert_eq!(names(&config(&daemon)["zones"]), names(&before["zones"]));
    daemon.kill();
    daemon.start_again();
    assert_eq!(recovery(&daemon), "none");
    assert_eq!(names(&config(&daemon)["zones"]), names(&before["zones"]));
}

#[test]
fn a_commit_is_copied_soon() {
    let mut daemon = Daemon::of_slot("a", &["card0", "card1"]);
    daemon.start_again();
    let copied = |daemon: &Daemon, revision: u64| {
        eventually(COPIED, || {
            let part = format!("-{revision}-");
            copies(daemon)
                .iter()
                .any(|name| name.contains(&part))
                .then_some(())
        })
    };
    assert!(copied(&daemon, 1).is_some(), "{:?}", copies(&daemon));
    let zone = daemon.send("POST", "/api/v1/zones", r#"{"name": "dmz"}"#);
    assert!(zone.starts_with("HTTP/1.1 201"), "{zone}");
    assert!(copied(&daemon, 2).is_some(), "{:?}", copies(&daemon));
    assert_eq!(copies(&daemon).len(), 2);
}

#[test]
fn starts_that_end_early_lead_to_another_revision_and_then_to_lockdown_and_a_stop_does_not_count() {
    let mut daemon = Daemon::of_slot("a", &["card0", "card1"]);
    daemon.start_again();
    daemon.signal("TERM");
    daemon.start_again();
    let zone = daemon.send("POST", "/api/v1/zones", r#"{"name": "dmz"}"#);
    assert!(zone.starts_with("HTTP/1.1 201"), "{zone}");
    let (_, log) = daemon.signal("TERM");
    assert_eq!(copies(&daemon).len(), 2, "{log}");
    let dmz = |daemon: &Daemon| names(&config(daemon)["zones"]).contains(&"dmz");
    for _ in 0..4 {
        daemon.start_again();
        daemon.signal("TERM");
    }
    for _ in 0..3 {
        daemon.start_again();
        assert!(
            dmz(&daemon) && recovery(&daemon) == "none",
            "{}",
            recovery(&daemon)
        );
        daemon.kill();
    }
    daemon.start_again();
    assert!(!dmz(&daemon));
    assert!(
        recovery(&daemon).contains("ended early again and again"),
        "{}",
        recovery(&daemon)
    );
    for _ in 0..3 {
        daemon.kill();
        daemon.start_again();
    }
    assert!(recovery(&daemon).contains("lockdown"), "{}", recovery(&daemon));
    daemon.signal("TERM");
    daemon.start_again();
    assert!(
        recovery(&daemon).contains("lockdown"),
        "it stays: {}",
        recovery(&daemon)
    );
}

/// Killed at any moment of its start, and of commits: what was acknowledged is there, and nothing is recovered from.
#[test]
fn kills_at_any_moment_lose_nothing_that_was_acknowledged() {
    let rounds: u64 = if std::env::var_os("RAVELIN_FULL").is_some() {
        60
    } else {
        6
    };
    let mut daemon = Daemon::of_slot("a", &["card0", "card1"]);
    // The first boot, too, may be cut off anywhere.
    for round in 0..rounds {
        daemon.start_and_kill_after(Duration::from_millis(round * 7 % 120));
        // As a power cut has it: nobody is left who saw it.
        drop(fs::remove_file(daemon.run_dir().join("starts.json")));
    }
    daemon.start_again();
    assert_eq!(names(&config(&daemon)["zones"]), ["local", "lan", "wan"]);
    let mut acknowledged = 0;
    for round in 0..rounds {
        for _ in 0..round % 4 {
            let zone = daemon.send(
                "POST",
                "/api/v1/zones",
                &format!(r#"{{"name": "z{acknowledged}"}}"#),
            );
            assert!(zone.starts_with("HTTP/1.1 201"), "{zone}");
            acknowledged += 1;
        }
        daemon.kill();
        drop(fs::remove_file(daemon.run_dir().join("starts.json")));
        daemon.start_again();
        assert_eq!(recovery(&daemon), "none", "round {round}");
        let now = config(&daemon);
        let zones = names(&now["zones"])
            .iter()
            .filter(|name| name.starts_with('z'))
            .count();
        assert_eq!(zones, acknowledged, "round {round}");
    }
}

#[test]
fn another_slot_begins_with_a_copy() {
    let mut daemon = Daemon::of_slot("a", &["card0", "card1"]);
    daemon.start_again();
    let before = config(&daemon);
    daemon.signal("TERM");
    let files = |daemon: &Daemon| {
        let mut files: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(daemon.state_dir().join("a"))
            .expect("directory")
            .map(|entry| entry.expect("entry").path())
            .map(|path| (path.clone(), fs::read(path).expect("read")))
            .collect();
        files.sort();
        files
    };
    let kept = files(&daemon);
    daemon.run_as_slot("b");
    daemon.start_again();
    assert_eq!(config(&daemon), before);
    assert_eq!(recovery(&daemon), "none");
    daemon.signal("TERM");
    assert!(files(&daemon) == kept, "the other slot's files were touched");
    assert_eq!(
        fs::read_to_string(daemon.state_dir().join("current")).expect("current"),
        "a\n"
    );
}
