//! What every handler and layer shares.

use std::sync::Arc;

use ravelin_control::ControlHandle;
use ravelin_flows::FlowsHandle;
use tokio::sync::Mutex;

use crate::metrics::{Held, RequestMetrics};
use crate::middleware::{KnownQueries, Rates, Replies};
use crate::routes::{CHANGES_PATH, CONFIG_PATH};
use crate::secrets::Secrets;
use crate::system::Machine;

/// Bounds of what a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body; imports have a limit of their own.
    pub body_bytes: usize,
    /// Bytes of a body that may say a whole policy.
    pub policy_bytes: usize,
    /// Bytes of the request line and the header fields.
    pub header_bytes: usize,
    /// Requests a second of one principal, in the long run.
    pub requests_per_second: u32,
    /// Requests of one principal at once.
    pub requests_burst: u32,
    /// Wrong credentials a minute from one peer before it has to wait.
    pub failed_attempts_per_minute: u32,
}

impl Limits {
    /// Bytes of a body sent to this path.
    pub(crate) fn body_of(&self, path: &str) -> usize {
        if matches!(path, CHANGES_PATH | CONFIG_PATH) {
            self.policy_bytes
        } else {
            self.body_bytes
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            policy_bytes: 64 << 20,
            header_bytes: 16 << 10,
            requests_per_second: 200,
            requests_burst: 400,
            failed_attempts_per_minute: 10,
        }
    }
}

/// What every handler and layer shares. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    control: ControlHandle,
    flows: FlowsHandle,
    secrets: Secrets,
    limits: Limits,
    machine: Machine,
    metrics: RequestMetrics,
    held: Mutex<Held>,
    rates: Rates,
    replies: Replies,
    queries: KnownQueries,
}

impl AppState {
    /// The state of a router over this engine.
    pub fn new(
        control: ControlHandle,
        flows: FlowsHandle,
        secrets: Secrets,
        limits: Limits,
        machine: Machine,
    ) -> Self {
        Self(Arc::new(Shared {
            control,
            flows,
            secrets,
            limits,
            machine,
            metrics: RequestMetrics::default(),
            held: Mutex::default(),
            rates: Rates::new(&limits),
            replies: Replies::default(),
            queries: KnownQueries::of(&crate::openapi()),
        }))
    }

    pub(crate) fn control(&self) -> &ControlHandle {
        &self.0.control
    }

    pub(crate) fn flows(&self) -> &FlowsHandle {
        &self.0.flows
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn machine(&self) -> &Machine {
        &self.0.machine
    }

    pub(crate) fn metrics(&self) -> &RequestMetrics {
        &self.0.metrics
    }

    /// What was shown of counters.
    pub(crate) fn held(&self) -> &Mutex<Held> {
        &self.0.held
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.0.rates
    }

    pub(crate) fn replies(&self) -> &Replies {
        &self.0.replies
    }

    pub(crate) fn queries(&self) -> &KnownQueries {
        &self.0.queries
    }
}
