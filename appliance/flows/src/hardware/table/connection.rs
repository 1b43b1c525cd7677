//! A connection and its place in a card.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ravelin_kernel::{FlowerState, RouteRule, RuleName};
use ravelin_model::{FlowCount, FlowTuple, HwOffloadFailure};

/// Bytes of an Ethernet header, which cards count and conntrack does not; with a VLAN tag.
const ETHERNET: u64 = 14;
const TAG: u64 = 4;
/// A connection that could be in a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) original: FlowTuple,
    /// Conntrack's number for it.
    pub(crate) connection: u32,
    /// Packets per second, both directions together.
    pub(crate) rate: u64,
    pub(crate) rules: [RouteRule; 2],
}

/// A connection that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Installed {
    pub(crate) connection: u32,
    pub(crate) rules: [RouteRule; 2],
    pub(crate) names: [RuleName; 2],
    /// What the card counted of each direction; bytes from the IP header on.
    pub(crate) counts: [FlowCount; 2],
    /// Packets per second, both directions together.
    pub(crate) rate: u64,
    /// When it was put in.
    pub(crate) since: Instant,
    /// When its rules were last read, and when a packet was last counted.
    pub(super) read: Instant,
    pub(super) used: Instant,
    pub(super) number: u32,
}

/// What a card forwarded since the last reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) original: FlowTuple,
    pub(crate) connection: u32,
    pub(crate) counts: [FlowCount; 2],
}

/// Sums since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    pub(crate) installs: u64,
    pub(crate) removals: u64,
    pub(crate) failures: [u64; HwOffloadFailure::ALL.len()],
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) install_time: Duration,
}

/// What a card counted since the last reading; None: nothing.
pub(super) fn count(
    original: &FlowTuple,
    installed: &mut Installed,
    found: &HashMap<RuleName, FlowerState>,
    now: Instant,
) -> Option<Counted> {
    let mut more = [FlowCount::default(); 2];
    for direction in [0, 1] {
        let Some(state) = found.get(&installed.names[direction]) else {
            continue;
        };
        let tag = if installed.rules[direction].ingress_tag.is_some() {
            TAG
        } else {
            0
        };
        let bytes = state
            .bytes
            .saturating_sub(state.packets.saturating_mul(ETHERNET + tag));
        let before = &mut installed.counts[direction];
        // Cards may count anew after a reset: what is less than before is nothing more.
        more[direction] = FlowCount {
            packets: state.packets.saturating_sub(before.packets),
            bytes: bytes.saturating_sub(before.bytes),
        };
        *before += more[direction];
    }
    let packets = more[0].packets + more[1].packets;
    let elapsed = now.saturating_duration_since(installed.read);
    if elapsed >= Duration::from_secs(1) {
        installed.rate =
            packets.saturating_mul(1000) / u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        installed.read = now;
    }
    if packets == 0 {
        return None;
    }
    installed.used = now;
    Some(Counted {
        original: *original,
        connection: installed.connection,
        counts: more,
    })
}
