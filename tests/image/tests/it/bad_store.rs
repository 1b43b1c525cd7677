//! A store that is of no use: the box comes up with the last revision that was known to be good, or closed but for
//! management from the LAN, and its console says which and why.

use std::os::unix::fs::FileExt;
use std::path::Path;

use ravelin_test_harness::{eventually, privileged};
use ravelin_tests_image::{
    Appliance, Direction, Disk, Networks, PATIENCE, Partition, Probes, fresh_disk, full,
};
use serde_json::{Value, json};

/// Where raveld keeps the store of the slot that runs and copies of it, in the state partition.
const DIRECTORY: &str = "/ravelin/a";
/// The store of the slot that runs.
const STORE: &str = "/ravelin/a/ravelin.db";

/// What becomes of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Deleted,
    FlippedBytes,
    Truncated,
    NewerSchema,
    /// With every copy there is.
    AllDeleted,
}

#[test]
fn a_bad_store_leaves_the_last_good_revision_or_lockdown() {
    if !privileged("image") {
        return;
    }
    let networks = Networks::new();
    let probes = Probes::start(&networks);
    let disk = fresh_disk();
    let (admin_token, revision) = a_good_revision(&networks, &disk);
    let damages: &[Damage] = if full() {
        &[
            Damage::FlippedBytes,
            Damage::AllDeleted,
            Damage::Deleted,
            Damage::Truncated,
            Damage::NewerSchema,
        ]
    } else {
        &[Damage::FlippedBytes, Damage::AllDeleted]
    };
    for damage in damages {
        let disk = disk.copy();
        destroy(&disk, *damage, revision);
        for network in [&networks.lan, &networks.wan] {
            network.capture.clear();
        }
        let mut appliance = Appliance::between(&networks, &disk);
        appliance.wait_ready();
        appliance.sign_in_with(&admin_token);
        comes_up(&appliance, *damage, revision);
        let lockdown = *damage == Damage::AllDeleted;
        for family in [4, 6] {
            let inward = probes.passed(&networks, Direction::In, family).len();
            assert_eq!(inward, 0, "{damage:?}: open to the WAN");
        }
        let outward = || !probes.passed(&networks, Direction::Out, 4).is_empty();
        if lockdown {
            // The console has answered, management works, the probes were sent all the time.
            assert!(!outward(), "{damage:?}: it forwards");
        } else {
            let passed = eventually(PATIENCE, || outward().then_some(()));
            assert!(passed.is_some(), "{damage:?}: what is allowed does not pass");
            probes.none_passed_before_the_policy(&networks, &appliance);
        }
    }
}

/// Has the box make a policy and switch itself off, by which it keeps a copy.
fn a_good_revision(networks: &Networks, disk: &Disk) -> (String, u64) {
    let mut appliance = Appliance::between(networks, disk);
    appliance.wait_ready();
    appliance.sign_in();
    let rule = json!({
        "name": "known by its name", "from_zone": "lan", "to_zone": "wan", "action": "drop",
        "services": [{ "protocol": "udp", "destination_ports": ["9"] }],
    });
    let revision = appliance.commit(&[json!({ "op": "create", "kind": "rule", "value": rule })]);
    let admin_token = appliance.admin_token().to_owned();
    appliance
        .api()
        .post("/api/v1/system/shutdown", &Value::Null)
        .expect(202);
    appliance.into_machine().wait_for_off(PATIENCE);
    (admin_token, revision)
}

fn destroy(disk: &Disk, damage: Damage, revision: u64) {
    let state = Partition::take(disk, "ravelin-state");
    let names = state.names(DIRECTORY);
    let copies: Vec<&String> = names.iter().filter(|name| name.contains(".db.good-")).collect();
    let of_revision = format!("-{revision}-");
    assert!(
        copies.iter().any(|name| name.contains(&of_revision)),
        "no copy of it: {names:?}"
    );
    // What is not in the store yet would mend it.
    for name in names.iter().filter(|name| name.starts_with("ravelin.db-")) {
        state.remove(&format!("{DIRECTORY}/{name}"));
    }
    match damage {
        Damage::Deleted => state.remove(STORE),
        Damage::AllDeleted => {
            state.remove(STORE);
            for name in copies {
                state.remove(&format!("{DIRECTORY}/{name}"));
            }
        }
        Damage::FlippedBytes | Damage::Truncated | Damage::NewerSchema => {
            let copy = state.read(STORE);
            change(&copy, damage);
            state.write(STORE, &copy);
        }
    }
    state.put_back();
}

fn change(store: &Path, damage: Damage) {
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(store)
        .expect("the store");
    let bytes = file.metadata().expect("length").len();
    match damage {
        Damage::Truncated => file.set_len(bytes / 2).expect("truncate"),
        Damage::FlippedBytes => {
            // Some in each page but the first, so that SQLite still takes it for a database.
            let mut at = 4096 + 100;
            while at < bytes {
                let mut byte = [0];
                file.read_exact_at(&mut byte, at).expect("read");
                file.write_all_at(&[!byte[0]], at).expect("write");
                at += 512;
            }
        }
        Damage::NewerSchema => newer_schema(store),
        Damage::Deleted | Damage::AllDeleted => {}
    }
}

/// As a later version would leave it: one more migration, which this one does not know.
fn newer_schema(store: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("runtime");
    runtime.block_on(async {
        use sqlx::ConnectOptions;
        use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
        let options = SqliteConnectOptions::new()
            .filename(store)
            .journal_mode(SqliteJournalMode::Delete);
        let mut connection = options.connect().await.expect("open the store");
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (999999, 'of a later version', TRUE, X'00', 0)",
        )
        .execute(&mut connection)
        .await
        .expect("one more migration");
    });
}

fn comes_up(appliance: &Appliance<'_>, damage: Damage, revision: u64) {
    let system = appliance.api().get("/api/v1/system").expect(200).json();
    let recovery = &system["recovery"];
    let told = appliance.shown("RECOVERY: ");
    let config = appliance.api().get("/api/v1/config").expect(200).json();
    let rules = config["rules"].as_array().expect("rules");
    let known = rules.iter().any(|rule| rule["name"] == "known by its name");
    if damage == Damage::AllDeleted {
        assert_eq!(recovery["state"], "lockdown", "{system}");
        assert!(told.starts_with("lockdown since "), "{told}");
        assert!(!known, "{config}");
    } else {
        assert_eq!(recovery["state"], "last_known_good", "{damage:?}: {system}");
        assert_eq!(
            recovery["revision"].as_u64(),
            Some(revision),
            "{damage:?}: {system}"
        );
        assert!(
            told.starts_with(&format!("last-known-good revision {revision} since ")),
            "{told}"
        );
        assert!(known, "{damage:?}: {config}");
    }
}
