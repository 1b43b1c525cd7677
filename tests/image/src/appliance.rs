//! An appliance that is on: its machine, and its API as an operator who sees the console uses it.

use std::time::{Duration, SystemTime};

use ravelin_test_harness::eventually;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::console::{Console, Line};
use crate::disk::{Cut, Disk};
use crate::https::Api;
use crate::machine::{Cable, Machine, Plan};
use crate::networks::Networks;
use ravelin_compile::generate::Random;

/// Longest from the power to the ready line. An emulator on a busy machine needs a minute; it may start twice.
pub const BOOT: Duration = Duration::from_secs(420);
/// Longest from an update that is of no use until the slot before is back: it is written, has five minutes to show that
/// it works, and both start.
const RESTORED: Duration = Duration::from_secs(300 + 2 * 420);
/// Longest wait for something that runs to do something.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What the console says when everything is at work.
pub const READY: &str = "Ravelin is ready: https://";
/// What its certificate follows on the console.
pub const FINGERPRINT: &str = "certificate SHA-256 ";

/// An appliance.
#[derive(Debug)]
pub struct Appliance<'a> {
    machine: Machine,
    api: Api<'a>,
    admin_token: Option<String>,
    // Line of the console this boot begins with.
    since: usize,
}

impl<'a> Appliance<'a> {
    /// Switches the usual machine on, between the two networks.
    pub fn between(networks: &'a Networks, disk: &'a Disk) -> Self {
        let cards = [Cable::Tap(&networks.lan.tap), Cable::Tap(&networks.wan.tap)];
        Self::start(&Plan::new(disk, &cards), networks)
    }

    /// Switches a machine on whose LAN is that of the networks.
    pub fn start(plan: &Plan<'_>, networks: &'a Networks) -> Self {
        Self {
            machine: Machine::start(plan),
            api: Api::from_lan(&networks.lan.namespace),
            admin_token: None,
            since: 0,
        }
    }

    /// Waits until it is ready again after a slot that was of no use. That may not even get to say something, or answer
    /// all that is asked until its time is over.
    #[track_caller]
    pub fn wait_restored(&mut self) {
        let restored = eventually(RESTORED, || {
            let ask = |api: &Api<'_>, method, path| api.try_json(method, path, &Value::Null).ok();
            let updates = ask(&self.api, "GET", "/api/v1/system/updates")?;
            if updates.status == 401 {
                // A token is good for ten minutes.
                let buyer = self.api.clone().with_token(self.admin_token());
                let bought = ask(&buyer, "POST", "/api/v1/auth/token")?;
                self.api = buyer.with_token(bought.json()["access_token"].as_str()?);
                return None;
            }
            let over = updates.status == 200 && updates.json()["items"][0]["state"] == "rolled_back";
            over.then_some(())
        });
        assert!(
            restored.is_some(),
            "it does not go back:\n{}",
            self.machine.console().tail()
        );
        self.wait_ready();
        self.renew();
    }

    /// Waits until it says that it is ready, and pins the certificate it says it has.
    #[track_caller]
    pub fn wait_ready(&mut self) -> Line {
        let ready = self.machine.console().wait_for(READY, self.since, BOOT);
        let fingerprint = self.shown(FINGERPRINT);
        self.api = self.api.clone().pinned(&fingerprint);
        self.api.get("/healthz").expect(200);
        ready
    }

    /// What follows some words on a line of this boot, as it was shown last.
    #[track_caller]
    pub fn shown(&self, words: &str) -> String {
        let lines = self.machine.console().lines();
        let found = lines[self.since..].iter().rev().find_map(|line| {
            let (_, rest) = line.text.split_once(words)?;
            Some(rest.trim().to_owned())
        });
        found.unwrap_or_else(|| panic!("no {words:?}:\n{}", self.machine.console().tail()))
    }

    /// Has the console show the first token, and buys an access token with it.
    #[track_caller]
    pub fn sign_in(&mut self) {
        let token = first_token(self.machine.keyboard());
        self.admin_token = Some(token);
        self.renew();
    }

    /// Signs in with an admin token that is known already.
    #[track_caller]
    pub fn sign_in_with(&mut self, admin_token: &str) {
        self.admin_token = Some(admin_token.to_owned());
        self.renew();
    }

    /// The admin token, once signed in.
    pub fn admin_token(&self) -> &str {
        self.admin_token.as_deref().expect("signed in")
    }

    /// Buys another access token: one is good for ten minutes.
    #[track_caller]
    pub fn renew(&mut self) {
        let token = access_token(&self.api, self.admin_token());
        self.api = self.api.clone().with_token(&token);
    }

    /// The API.
    pub fn api(&self) -> &Api<'a> {
        &self.api
    }

    /// The machine.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The machine.
    pub fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// The machine alone.
    pub fn into_machine(self) -> Machine {
        self.machine
    }

    /// What is on the console from now on belongs to the next boot.
    pub fn expect_restart(&mut self) {
        self.since = self.machine.console().lines().len();
    }

    /// Restarts it by its API and waits until it is ready again. Gives the line that says so.
    #[track_caller]
    pub fn reboot(&mut self) -> Line {
        self.expect_restart();
        self.api.post("/api/v1/system/reboot", &Value::Null).expect(202);
        let ready = self.wait_ready();
        self.renew();
        ready
    }

    /// Cuts its power.
    pub fn cut_power(self, random: &mut Random) -> Cut {
        self.machine.cut_power(random)
    }

    /// One commit of several changes; gives its revision.
    #[track_caller]
    pub fn commit(&self, operations: &[Value]) -> u64 {
        let answer = self
            .api
            .post("/api/v1/changes", &json!({ "operations": operations }))
            .expect(200);
        answer.json()["revision"].as_u64().expect("a revision")
    }

    /// When it wrote a line of its log in this boot, by our clock.
    #[track_caller]
    pub fn logged(&self, unit: &str, text: &str) -> SystemTime {
        let system = self.api.get("/api/v1/system").expect(200).json();
        let now = SystemTime::now();
        let path = format!("/api/v1/system/logs?unit={unit}&limit=200");
        let logs = self.api.get(&path).expect(200).json();
        let items = logs["items"].as_array().expect("items");
        // The newest first.
        let entry = items
            .iter()
            .find(|entry| entry["message"].as_str().is_some_and(|said| said.contains(text)));
        let entry = entry.unwrap_or_else(|| panic!("no {text:?} in {logs}"));
        now - (time_of(&system["clock"]["now"]) - time_of(&entry["at"])).unsigned_abs()
    }

    /// Waits until the API answers a path with 200 and what is wanted.
    #[track_caller]
    pub fn wait_for(&self, what: &str, path: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let mut last = None;
        let found = eventually(PATIENCE, || {
            let answer = self.api.try_json("GET", path, &Value::Null).ok()?;
            let value = (answer.status == 200).then(|| answer.json());
            last = Some(answer.text());
            value.filter(|value| wanted(value))
        });
        found.unwrap_or_else(|| panic!("waited in vain for {what}: {last:?}"))
    }
}

#[track_caller]
fn time_of(value: &Value) -> OffsetDateTime {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no time"));
    OffsetDateTime::parse(text, &Rfc3339).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Has a console show the first token.
#[track_caller]
pub fn first_token(console: &mut Console) -> String {
    let from = console.position();
    console.type_text("1\n");
    console.wait_for("Type: show", from, PATIENCE);
    console.type_text("show\n");
    console.wait_for("buy access tokens with it", from, PATIENCE);
    let lines = console.lines();
    let hint = lines
        .iter()
        .rposition(|line| line.text.contains("buy access tokens"));
    // What was typed may have been shown before the prompt it answers, which is then on the line of the token.
    let line = &lines[hint.expect("the hint") - 1].text;
    line.split_whitespace().next_back().expect("a token").to_owned()
}

/// Buys an access token with the admin token.
#[track_caller]
pub fn access_token(api: &Api<'_>, admin_token: &str) -> String {
    let buyer = api.clone().with_token(admin_token);
    let answer = buyer.post("/api/v1/auth/token", &Value::Null).expect(200).json();
    answer["access_token"].as_str().expect("a token").to_owned()
}
