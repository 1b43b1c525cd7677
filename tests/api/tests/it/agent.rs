//! An agent that does nothing and remembers what it was asked, on a real socket.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ravelin_system::update::{Update, UpdateOptions, UpdateSource, UpdateState};
use ravelin_system::{Refusal, Slot};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::UnixListener;

/// What the agent was asked: method and path with query, and the body.
pub type Asked = (String, Vec<u8>);

/// What it is told to say, and what it heard.
#[derive(Debug, Clone, Default)]
pub struct SimulatedAgent(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    asked: Vec<Asked>,
    hangs: bool,
    /// Times somebody looked at the updates.
    looks: usize,
    /// Answers to the next requests but GET; then it is done as asked.
    refusals: VecDeque<Refusal>,
    updates: Vec<Update>,
    status: Value,
    logs: Value,
}

impl SimulatedAgent {
    /// Slot a of two runs, and is the good one.
    pub fn new() -> Self {
        let agent = Self::default();
        agent.set_status(status(None));
        agent.set_logs(json!({ "entries": [], "next_cursor": null }));
        agent
    }

    pub fn set_status(&self, status: Value) {
        self.inner(|inner| inner.status = status);
    }

    pub fn set_logs(&self, logs: Value) {
        self.inner(|inner| inner.logs = logs);
    }

    pub fn set_updates(&self, updates: Vec<Update>) {
        self.inner(|inner| inner.updates = updates);
    }

    /// Answers nothing from now on.
    pub fn hang(&self) {
        self.inner(|inner| inner.hangs = true);
    }

    /// Refuses the next request that is none to read.
    pub fn refuse(&self, refusal: Refusal) {
        self.inner(|inner| inner.refusals.push_back(refusal));
    }

    /// What it was asked since the last time, but for readings.
    pub fn asked(&self) -> Vec<Asked> {
        self.inner(|inner| std::mem::take(&mut inner.asked))
    }

    /// Times somebody looked at the updates.
    pub fn looks(&self) -> usize {
        self.inner(|inner| inner.looks)
    }

    /// Serves on a socket for as long as the runtime it is called on lives.
    pub async fn serve(self, socket: &Path) {
        let listener = UnixListener::bind(socket).expect("bind");
        let app = Router::new().fallback(answer).with_state(self);
        axum::serve(listener, app).await.expect("serve");
    }

    fn inner<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().expect("lock"))
    }
}

async fn answer(State(agent): State<SimulatedAgent>, request: Request) -> Response {
    if agent.inner(|inner| inner.hangs) {
        std::future::pending::<()>().await;
    }
    let what = format!("{} {}", request.method(), request.uri());
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("body").to_vec();
    let path = parts.uri.path();
    let reads = parts.method == "GET" || path == "/logs";
    let refusal = agent.inner(|inner| {
        if parts.method != "GET" {
            inner.asked.push((what, body));
        }
        (!reads).then(|| inner.refusals.pop_front()).flatten()
    });
    if let Some(refusal) = refusal {
        let text = serde_json::to_string(&refusal).expect("serialise");
        return (refusal.code.status(), text).into_response();
    }
    let said = agent.inner(|inner| match path {
        "/status" => inner.status.clone(),
        "/logs" => inner.logs.clone(),
        "/dhcp-leases" => leases(),
        "/updates" if reads => {
            inner.looks += 1;
            json!(inner.updates)
        }
        "/updates" | "/slots/b/boot" => json!(update("upd_7", UpdateState::Writing)),
        _ => match path.strip_prefix("/updates/") {
            Some(id) => json!(inner.updates.iter().find(|update| update.id == id)),
            None => Value::Null,
        },
    });
    if said.is_null() && path.starts_with("/updates/") {
        let refusal = Refusal::new(ravelin_system::RefusalCode::NotFound, "there is no such update");
        return (
            StatusCode::NOT_FOUND,
            serde_json::to_string(&refusal).expect("serialise"),
        )
            .into_response();
    }
    said.to_string().into_response()
}

/// Slot a runs; slot b has the version before.
pub fn status(trial: Option<Value>) -> Value {
    let slot = |name: &str, version: &str, runs: bool| {
        json!({
            "slot": name, "version": version, "installed_at": null,
            "booted": runs, "good": runs, "next": runs, "bad": false,
        })
    };
    json!({
        "version": "2.0.0",
        "built_at": "2026-01-31T12:00:00Z",
        "slots": [slot("a", "2.0.0", true), slot("b", "1.0.0", false)],
        "booted": "a",
        "trial": trial,
        "state": "repaired",
        "state_disk": { "size_bytes": 1000, "used_bytes": 400, "free_bytes": 600 },
        "temperatures": [{ "sensor": "coretemp", "label": "Package id 0", "celsius": 41.5 }],
        "load": [0.5, 0.25, 0.125],
        "memory": { "total_bytes": 512, "available_bytes": 256 },
        "uptime_seconds": 12.5,
        "boot_id": "11111111-2222-3333-4444-555555555555",
        "clock": { "now": "2026-02-01T00:00:00Z", "synchronised": true, "maximum_error_seconds": 0.5 },
        "first_boot": false,
    })
}

/// An update of slot b.
pub fn update(id: &str, state: UpdateState) -> Update {
    let at = OffsetDateTime::from_unix_timestamp(1_769_860_800).expect("time");
    Update {
        id: id.to_owned(),
        state,
        source: UpdateSource::Upload,
        options: UpdateOptions::default(),
        created_at: at,
        changed_at: at,
        from_version: Some("2.0.0".to_owned()),
        version: Some("2.1.0".to_owned()),
        slot: Some(Slot::B),
        received_bytes: 100,
        total_bytes: Some(100),
        written_percent: Some(40),
        problem: None,
        reason: None,
    }
}

/// A client that told its name, one that did not, and one that tells it at length.
fn leases() -> Value {
    let lease = |address: &str, number: u32, hostname: Option<&str>| {
        json!({
            "address": address,
            "holder": { "mac": format!("02:00:00:00:00:{number:02x}"), "hostname": hostname },
            "expires_at_seconds": 1_800_000_000 + number,
        })
    };
    json!({ "leases": [
        lease("192.168.77.9", 9, Some("tv")),
        lease("192.168.77.10", 10, None),
        lease("192.168.77.100", 100, Some("\\x1b[2J")),
    ] })
}
