//! Updates: what is good stays, what is not goes back by itself, what is not ours is not even written.

use ravelin_test_harness::privileged;
use ravelin_tests_image::{
    Appliance, Direction, Networks, PATIENCE, Probes, VERSION, fresh_disk, full, image_file,
};
use serde_json::{Value, json};

/// Version of the bundle that follows (`scripts/lib/image_bundles.sh`).
const NEXT: &str = "99.0.0";
/// Where bundles are sent.
const UPDATE: &str = "/api/v1/system/updates";

#[test]
fn an_update_stays_if_it_is_good_and_goes_back_if_not() {
    if !privileged("image") {
        return;
    }
    let networks = Networks::new();
    let probes = Probes::start(&networks);
    let disk = fresh_disk();
    let mut appliance = Appliance::between(&networks, &disk);
    appliance.wait_ready();
    appliance.sign_in();
    let mut rules = Vec::new();
    add_rule(&appliance, &mut rules);
    runs(&appliance, VERSION, "a", &rules);

    bundles_that_are_not_ours_are_refused(&appliance);
    let broken: &[&str] = if full() {
        &["does-not-boot", "does-not-attach", "does-not-serve"]
    } else {
        &["does-not-boot"]
    };
    for name in broken {
        eprintln!("{name}: {:?}", appliance.machine().switched_on().elapsed());
        send(&mut appliance, name);
        // Two starts: of the slot on trial, as far as it comes, and of the old one.
        appliance.wait_restored();
        runs(&appliance, VERSION, "a", &rules);
        let update = last_update(&appliance);
        assert_eq!(update["state"], "rolled_back", "{name}: {update}");
        assert!(
            update["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
            "{update}"
        );
    }

    eprintln!("next: {:?}", appliance.machine().switched_on().elapsed());
    send(&mut appliance, "next");
    becomes_good(&mut appliance, NEXT);
    runs(&appliance, NEXT, "b", &rules);
    assert_eq!(last_update(&appliance)["state"], "good");

    if full() {
        // Back and forth: the policy that is taken along is always the one that was in use.
        for (slot, version) in [("a", VERSION), ("b", NEXT)] {
            add_rule(&appliance, &mut rules);
            boots_by_flag(&mut appliance, slot, version);
            runs(&appliance, version, slot, &rules);
        }
    }
    for family in [4, 6] {
        let inward = probes.passed(&networks, Direction::In, family).len();
        assert_eq!(inward, 0, "it was open to the WAN");
        ravelin_test_harness::wait_until("probes pass outward", PATIENCE, || {
            !probes.passed(&networks, Direction::Out, family).is_empty()
        });
    }
}

/// One more rule, which changes nothing but that it is known by its name.
fn add_rule(appliance: &Appliance<'_>, rules: &mut Vec<String>) {
    let name = format!("policy {}", rules.len());
    appliance.commit(&[json!({ "op": "create", "kind": "rule", "value": {
        "name": name, "from_zone": "lan", "to_zone": "wan", "action": "drop",
        "services": [{ "protocol": "udp", "destination_ports": ["9"] }],
    }})]);
    rules.push(name);
}

/// This version runs in this slot, for good, and with these rules.
#[track_caller]
fn runs(appliance: &Appliance<'_>, version: &str, slot: &str, rules: &[String]) {
    let system = appliance.api().get("/api/v1/system").expect(200).json();
    assert_eq!(system["image_version"], version, "{system}");
    let slots = system["slots"].as_array().expect("slots");
    let own = slots.iter().find(|own| own["name"] == slot).expect("its slot");
    assert!(own["booted"] == true && own["good"] == true, "{system}");
    let config = appliance.api().get("/api/v1/config").expect(200).json();
    let found = config["rules"].as_array().expect("rules");
    for name in rules {
        assert!(
            found.iter().any(|rule| rule["name"] == **name),
            "{name}: {config}"
        );
    }
}

/// It starts on trial, and the trial ends well.
#[track_caller]
fn becomes_good(appliance: &mut Appliance<'_>, version: &str) {
    appliance.wait_ready();
    appliance.renew();
    appliance.wait_for("the slot to be good", "/api/v1/system", |system| {
        system["trial"].is_null() && system["image_version"] == version
    });
}

fn last_update(appliance: &Appliance<'_>) -> Value {
    let updates = appliance.api().get("/api/v1/system/updates").expect(200).json();
    updates["items"][0].clone()
}

/// Sends a bundle and has it booted.
#[track_caller]
fn send(appliance: &mut Appliance<'_>, name: &str) {
    let bundle = std::fs::read(image_file(&format!("ravelin-{name}.raucb"))).expect("the bundle");
    appliance.renew();
    appliance.expect_restart();
    let path = format!("{UPDATE}?reboot=true");
    let answer = appliance.api().try_send("POST", &path, &OCTETS, &bundle);
    let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
    answer.expect(202);
}

const OCTETS: [(&str, &str); 1] = [("content-type", "application/octet-stream")];

fn bundles_that_are_not_ours_are_refused(appliance: &Appliance<'_>) {
    let next = std::fs::read(image_file("ravelin-next.raucb")).expect("the bundle");
    let file = |name: &str| std::fs::read(image_file(&format!("ravelin-{name}.raucb"))).expect("the bundle");
    let cases = [
        ("update-unsigned", "no signature", file("unsigned")),
        ("update-untrusted", "Verify error", file("other-key")),
        ("update-truncated", "bytes", next[..next.len() / 8].to_vec()),
        ("update-not-newer", "allow_downgrade", file("older")),
    ];
    for (kind, why, bundle) in cases {
        let answer = appliance.api().try_send("POST", UPDATE, &OCTETS, &bundle);
        let answer = answer.unwrap_or_else(|error| panic!("{kind}: {error}"));
        let problem = answer.json();
        assert!(
            (400..500).contains(&answer.status),
            "{}: {problem}",
            answer.status
        );
        assert_eq!(problem["type"], format!("/problems/{kind}"), "{problem}");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains(why), "{problem}");
        let update = last_update(appliance);
        assert_eq!(update["state"], "failed", "{update}");
    }
    let system = appliance.api().get("/api/v1/system").expect(200).json();
    let slots = system["slots"].as_array().expect("slots");
    assert!(
        slots
            .iter()
            .all(|slot| slot["name"] == "a" || slot["next"] == false),
        "{system}"
    );
}

/// The other slot is booted again; an older version only if that is said.
fn boots_by_flag(appliance: &mut Appliance<'_>, slot: &str, version: &str) {
    let path = format!("/api/v1/system/slots/{slot}/boot");
    if version == VERSION {
        let refused = appliance.api().post(&path, &json!({}));
        assert!((400..500).contains(&refused.status), "{}", refused.text());
    }
    appliance.expect_restart();
    appliance
        .api()
        .post(
            &path,
            &json!({ "allow_downgrade": version == VERSION, "reboot": true }),
        )
        .expect(202);
    becomes_good(appliance, version);
}
