//! Conntrack and connections whose packets it does not see.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use ravelin_kernel::{ConnectionKey, ConnectionUpdate, Conntrack, ConntrackSettings};
use ravelin_model::{FlowTuple, chain, protocol};

use crate::sync::Identity;

/// Between two times conntrack is told; far less than its time-outs.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Connections whose packets conntrack has not heard of.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    unheard: HashSet<Identity>,
    told: Instant,
}

impl KeepAlive {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            unheard: HashSet::new(),
            told: now,
        }
    }

    /// A card forwarded packets of it.
    pub(crate) fn note(&mut self, identity: Identity) {
        self.unheard.insert(identity);
    }

    /// Has conntrack keep connections whose packets only a card sees.
    pub(crate) fn tell(&mut self, now: Instant) {
        if self.unheard.is_empty() || now.saturating_duration_since(self.told) < KEEP_ALIVE {
            return;
        }
        self.told = now;
        let told = ConntrackSettings::read().and_then(|settings| {
            let updates: Vec<ConnectionUpdate> = self
                .unheard
                .iter()
                .map(|(original, _)| renewal(original, &settings))
                .collect();
            Conntrack::open()?.update(&updates)
        });
        match told {
            Ok(_) => self.unheard.clear(),
            Err(error) => tracing::warn!(
                error = chain(&error),
                "conntrack could not be told that connections in cards live"
            ),
        }
    }
}

/// Renews the time-out as a packet would.
fn renewal(original: &FlowTuple, settings: &ConntrackSettings) -> ConnectionUpdate {
    let whole = match original.protocol {
        protocol::TCP => settings.tcp_established_timeout,
        _ => settings.udp_stream_timeout,
    };
    ConnectionUpdate {
        key: ConnectionKey {
            original: *original,
            zone: 0,
            id: None,
        },
        timeout_seconds: Some(u32::try_from(whole.as_secs()).unwrap_or(u32::MAX)),
        mark: None,
        liberal: false,
    }
}
