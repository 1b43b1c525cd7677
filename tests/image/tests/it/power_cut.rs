//! The power goes at any moment: nothing that was acknowledged is lost, the box comes up again, and never open.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle, scope};
use std::time::{Duration, Instant};

use ravelin_compile::generate::Random;
use ravelin_test_harness::privileged;
use ravelin_tests_image::{
    Api, Appliance, Direction, Disk, Networks, PATIENCE, Probes, fresh_disk, full, image_file,
};
use serde_json::{Value, json};

/// The rule that is changed over and over.
const RULE: &str = "changed until the power goes";
/// The number of a change is the port the rule names, counted from here.
const FIRST_PORT: u64 = 10_000;
/// Longest from ready to the cut, while policy is committed.
const COMMITTING: Duration = Duration::from_secs(8);
/// Longest from ready to the cut, while an update is sent, written, started on trial and found good.
const UPDATING: Duration = Duration::from_secs(150);
/// Until it is asked again.
const PAUSE: Duration = Duration::from_millis(200);
/// Longest from power-on to a cut while it starts.
const STARTING: Duration = Duration::from_secs(60);

#[test]
fn a_power_cut_loses_no_commit_that_was_acknowledged() {
    let rounds = if full() { 64 } else { 2 };
    cut_over_and_over(rounds, COMMITTING, None);
}

#[test]
fn a_power_cut_during_an_update_leaves_a_slot_that_starts_with_the_policy() {
    let rounds = if full() { 16 } else { 1 };
    cut_over_and_over(rounds, UPDATING, Some("ravelin-next.raucb"));
}

/// What the client knows.
#[derive(Debug, Default, Clone, Copy)]
struct Known {
    /// Number of the last change the box acknowledged, and its revision.
    number: u64,
    revision: u64,
    /// Number of the last change that was sent.
    sent: u64,
}

fn cut_over_and_over(rounds: u32, longest: Duration, bundle: Option<&str>) {
    if !privileged("image") {
        return;
    }
    let bundle = bundle.map(|name| std::fs::read(image_file(name)).expect("the bundle"));
    let mut random = Random::seeded();
    let networks = Networks::new();
    let probes = Probes::start(&networks);
    let disk = fresh_disk();
    let mut appliance = Appliance::between(&networks, &disk);
    appliance.wait_ready();
    appliance.sign_in();
    let admin_token = appliance.admin_token().to_owned();
    let mut known = first_change(&appliance);

    for round in 1..=rounds {
        let delay = longest.mul_f64(f64::from(random.within(0..=1000)) / 1000.0);
        known = change_until(&mut appliance, known, delay, bundle.as_deref());
        let cut = appliance.cut_power(&mut random);
        eprintln!("round {round}: cut {delay:?} after ready, {cut:?}, {known:?}");
        // One start in four does not come to its end either: 100 cuts in the long forms of both tests.
        if round % 4 == 2 {
            cut_a_start(&networks, &disk, &mut random);
        }
        appliance = Appliance::between(&networks, &disk);
        appliance.wait_ready();
        appliance.sign_in_with(&admin_token);
        known = nothing_is_lost(&appliance, known);
        for family in [4, 6] {
            let inward = probes.passed(&networks, Direction::In, family);
            let since = appliance.machine().switched_on();
            let times: Vec<_> = inward.iter().map(|seen| seen.at.duration_since(since)).collect();
            assert!(
                inward.is_empty(),
                "round {round}: open to the WAN, since the power came: {times:?}; {:?}",
                inward.first()
            );
        }
        probes.none_passed_before_the_policy(&networks, &appliance);
        for network in [&networks.lan, &networks.wan] {
            network.capture.clear();
        }
    }
    for family in [4, 6] {
        ravelin_test_harness::wait_until("probes pass outward", PATIENCE, || {
            !probes.passed(&networks, Direction::Out, family).is_empty()
        });
    }
}

fn cut_a_start(networks: &Networks, disk: &Disk, random: &mut Random) {
    let appliance = Appliance::between(networks, disk);
    let delay = STARTING.mul_f64(f64::from(random.within(0..=1000)) / 1000.0);
    std::thread::sleep(delay);
    let cut = appliance.cut_power(random);
    eprintln!("    and {delay:?} after power-on, {cut:?}");
}

fn rule(number: u64) -> Value {
    json!({
        "name": RULE, "from_zone": "lan", "to_zone": "wan", "action": "drop",
        "services": [{ "protocol": "udp", "destination_ports": [(FIRST_PORT + number).to_string()] }],
    })
}

fn first_change(appliance: &Appliance<'_>) -> Known {
    let revision = appliance.commit(&[json!({ "op": "create", "kind": "rule", "value": rule(1) })]);
    Known {
        number: 1,
        revision,
        sent: 1,
    }
}

/// Changes the rule, and sends the bundle meanwhile, until the time is up. What the box does not take is not counted:
/// on trial it refuses changes.
fn change_until(
    appliance: &mut Appliance<'_>,
    mut known: Known,
    delay: Duration,
    bundle: Option<&[u8]>,
) -> Known {
    let id = stored_rule(appliance).0;
    let mut away = false;
    let deadline = Instant::now() + delay;
    let over = AtomicBool::new(false);
    scope(|scope| {
        let upload = bundle.map(|bundle| send(scope, appliance.api().clone(), bundle, &over));
        while Instant::now() < deadline {
            // Another slot may have come, with all that was known to this one.
            if away {
                let Some(number) = number_if_it_answers(appliance) else {
                    std::thread::sleep(PAUSE);
                    continue;
                };
                assert!(
                    (known.number..=known.sent).contains(&number),
                    "after a restart: change {number}, and the client knows {known:?}"
                );
                away = false;
            }
            known.sent += 1;
            let operation = json!({ "op": "update", "kind": "rule", "id": id, "value": rule(known.sent) });
            let body = json!({ "operations": [operation] });
            match appliance.api().try_json("POST", "/api/v1/changes", &body) {
                Ok(answer) if answer.status == 200 => {
                    known.number = known.sent;
                    known.revision = answer.json()["revision"].as_u64().expect("a revision");
                }
                // It restarts, or is on trial.
                Ok(answer) if answer.status < 500 => panic!("{}: {}", answer.status, answer.text()),
                _ => {
                    away = true;
                    std::thread::sleep(PAUSE);
                }
            }
        }
        over.store(true, Ordering::Relaxed);
        drop(upload);
        known
    })
}

fn send<'scope, 'env: 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    api: Api<'env>,
    bundle: &'env [u8],
    over: &'env AtomicBool,
) -> ScopedJoinHandle<'scope, ()> {
    scope.spawn(move || {
        let headers = [("content-type", "application/octet-stream")];
        let path = "/api/v1/system/updates?allow_downgrade=true&reboot=true";
        let answer = api.try_send("POST", path, &headers, bundle);
        if !over.load(Ordering::Relaxed) {
            eprintln!(
                "    the bundle: {:?}",
                answer.map(|answer| (answer.status, answer.text()))
            );
        }
    })
}

/// Id and number of the rule as the box has it, and its revision.
#[track_caller]
fn stored_rule(appliance: &Appliance<'_>) -> (String, u64, u64) {
    let config = appliance.api().get("/api/v1/config").expect(200).json();
    let (id, number) = rule_of(&config);
    let ready = appliance.api().get("/readyz").expect(200).json();
    (id, number, ready["revision"].as_u64().expect("a revision"))
}

/// Number of the rule as the box has it, if it is there to say.
fn number_if_it_answers(appliance: &Appliance<'_>) -> Option<u64> {
    let answer = appliance
        .api()
        .try_json("GET", "/api/v1/config", &Value::Null)
        .ok()?;
    (answer.status == 200).then(|| rule_of(&answer.json()).1)
}

#[track_caller]
fn rule_of(config: &Value) -> (String, u64) {
    let rules = config["rules"].as_array().expect("rules");
    let rule = rules.iter().find(|rule| rule["name"] == RULE);
    let rule = rule.unwrap_or_else(|| panic!("the rule is lost: {config}"));
    let port = &rule["services"][0]["destination_ports"][0];
    let port: Option<u64> = port.as_str().and_then(|port| port.parse().ok()).or(port.as_u64());
    let number = port.and_then(|port| port.checked_sub(FIRST_PORT));
    (
        rule["id"].as_str().expect("an id").to_owned(),
        number.unwrap_or_else(|| panic!("no number in {rule}")),
    )
}

/// What was acknowledged is there; what was sent last may be.
#[track_caller]
fn nothing_is_lost(appliance: &Appliance<'_>, known: Known) -> Known {
    let (_, number, revision) = stored_rule(appliance);
    assert!(
        (known.number..=known.sent).contains(&number) && revision >= known.revision,
        "change {number} at revision {revision}, and the client knows {known:?}"
    );
    let system = appliance.api().get("/api/v1/system").expect(200).json();
    assert_eq!(system["recovery"]["state"], "none", "{system}");
    Known {
        number,
        revision,
        sent: known.sent,
    }
}
