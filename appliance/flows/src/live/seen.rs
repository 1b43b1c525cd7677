//! A connection as it was read, and what is known around it.

use std::sync::Arc;
use std::time::Duration;

use ravelin_compile::Judge;
use ravelin_datapath::{CachedState, FlowCacheReader};
use ravelin_kernel::{ConntrackSettings, Link};
use ravelin_model::{Connection, ConnectionStatus, FlowCount, FlowState, Offload, TcpState, protocol};

use super::ways::{Side, Sides};
use super::{FlowEnd, FlowId, FlowRate, FlowView, line, offload};
use crate::hardware::InCards;
use crate::sync::{Carried, Locals};

/// What connections are read with, as of the beginning of a reading.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) cache: Option<Arc<dyn FlowCacheReader>>,
    /// What XDP forwarded of connections while they were in the cache before.
    pub(super) carried: Carried,
    /// Connections cards forward.
    pub(super) in_cards: InCards,
    pub(super) judge: Option<Arc<Judge>>,
    /// Addresses of this box.
    pub(super) locals: Locals,
    pub(super) links: Arc<Vec<Link>>,
    /// What keeps XDP from forwarding anything.
    pub(super) hindrance: Option<String>,
    /// None: they could not be read.
    pub(super) settings: Option<ConntrackSettings>,
}

/// A connection with what the flow cache knows of it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) connection: Connection,
    pub(super) cached: Option<CachedState>,
    /// A card forwards it.
    pub(super) in_card: bool,
    /// From the IP header on, whoever forwarded them.
    pub(super) counts: Option<[FlowCount; 2]>,
}

impl Ground {
    pub(super) fn see(&self, connection: Connection) -> Seen {
        let cacheable = matches!(connection.original.protocol, protocol::TCP | protocol::UDP);
        let cache = self.cache.as_ref().filter(|_| cacheable && connection.zone == 0);
        let cached = cache
            .and_then(|cache| cache.get(&connection.original))
            .filter(|state| state.flow.connection == connection.id);
        let mut counts = connection.counts;
        if cache.is_some() {
            let carried = self.carried.counts(&(connection.original, connection.id));
            let now = cached.map(|state| state.directions.map(|direction| direction.count));
            for beside in now.into_iter().chain([carried]) {
                add(&mut counts, beside);
            }
        }
        Seen {
            in_card: self.in_cards.has(&(connection.original, connection.id)),
            connection,
            cached,
            counts,
        }
    }

    fn link(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }

    /// What forwards a connection.
    pub(super) fn offload(&self, seen: &Seen) -> Offload {
        if seen.in_card {
            return Offload::Hardware;
        }
        offload::offload(&seen.connection, seen.cached.as_ref(), self.hindrance.is_some())
    }

    /// A connection as it is shown.
    pub(super) fn view(&self, seen: Seen, sides: Sides, rate: Option<FlowRate>) -> FlowView {
        let offload = self.offload(&seen);
        let reason = || {
            offload::reason(
                &seen.connection,
                seen.cached.as_ref(),
                self.hindrance.as_deref(),
                &self.locals,
            )
        };
        let offload_reason = if seen.in_card { None } else { reason() };
        let idle = self.idle(&seen);
        let Seen {
            connection, counts, ..
        } = seen;
        let judge = self.judge.as_deref();
        FlowView {
            id: FlowId::of(&connection),
            original: connection.original,
            reply: connection.reply,
            state: FlowState::of(&connection),
            status: connection.status,
            from: sides.from.map(|side| self.end(side)),
            to: sides.to.map(|side| self.end(side)),
            started_at: connection.started_at,
            idle,
            counts,
            rate,
            line: judge.and_then(|judge| line::line(judge, line::counter(&connection))),
            mark: connection.mark,
            timeout_seconds: connection.timeout_seconds,
            offload,
            offload_reason,
        }
    }

    fn end(&self, side: Side) -> FlowEnd {
        let zone = self.judge.as_deref().and_then(|judge| {
            let zone = judge.ruleset().zones.get(&side.zone(judge)?)?;
            Some((zone.id.clone(), zone.name.clone()))
        });
        let interface = match side {
            Side::Local => None,
            Side::Interface(index) => self.link(index).map(|link| link.name.clone()),
        };
        FlowEnd { zone, interface }
    }

    /// Since the last packet: conntrack tells by how much of the time-out is gone, the cache by its own clock.
    fn idle(&self, seen: &Seen) -> Option<Duration> {
        let cached = seen.cached.iter().flat_map(|state| &state.directions);
        let cached = cached.filter_map(|direction| direction.idle).min();
        let connection = &seen.connection;
        let gone = self.settings.as_ref().and_then(|settings| {
            let whole = full_timeout(settings, connection)?;
            let left = Duration::from_secs(connection.timeout_seconds?.into());
            whole.checked_sub(left)
        });
        cached.into_iter().chain(gone).min()
    }
}

impl Seen {
    /// Bytes of each direction; 0 where nobody counts.
    pub(super) fn bytes(&self) -> [u64; 2] {
        self.counts
            .map_or([0, 0], |counts| counts.map(|count| count.bytes))
    }
}

/// Adds what was counted elsewhere; where nobody counted and nothing is added, it stays so.
fn add(counts: &mut Option<[FlowCount; 2]>, more: [FlowCount; 2]) {
    if counts.is_none() && more == [FlowCount::default(); 2] {
        return;
    }
    let counts = counts.get_or_insert_default();
    for (sum, count) in counts.iter_mut().zip(more) {
        *sum += count;
    }
}

/// The time-out a packet renews; None where nobody here knows it.
fn full_timeout(settings: &ConntrackSettings, connection: &Connection) -> Option<Duration> {
    match (connection.original.protocol, connection.tcp_state) {
        (protocol::TCP, Some(TcpState::Established)) => Some(settings.tcp_established_timeout),
        (protocol::UDP, _) if connection.status.has(ConnectionStatus::ASSURED) => {
            Some(settings.udp_stream_timeout)
        }
        (protocol::UDP, _) => Some(settings.udp_timeout),
        _ => None,
    }
}
