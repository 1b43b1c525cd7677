//! Finding connections of a family, for the writer and for readers.

use ravelin_abi::rv_fast_refusal::{
    RV_FAST_ASYMMETRIC, RV_FAST_CHECKSUM, RV_FAST_FITS, RV_FAST_LOCAL, RV_FAST_NO_NEIGHBOUR,
    RV_FAST_NO_ROUTE, RV_FAST_PORT, RV_FAST_SOURCE_LISTED,
};
use ravelin_abi::rv_fast_state::RV_FAST_LIVE;
use ravelin_abi::{rv_fast_counts, rv_fast_path, rv_fast_rest};
use ravelin_model::{FlowCount, FlowTuple};

use super::buckets::Buckets;
use super::control::Moment;
use super::family::{Family, Parts};
use super::flows::Flows;
use super::hash::FlowHash;
use super::pairs::Pair;
use crate::{CachedDirection, CachedFlow, CachedState, CachedWays, Path, PathRefusal, Way};

/// Readings that may be torn by the writer before a reader gives up: each takes less than a microsecond.
const ATTEMPTS: usize = 64;

/// Index and flows of a family. Cheap to clone: it is the same memory.
#[derive(Debug)]
pub(super) struct View<F> {
    pub(super) buckets: Buckets,
    pub(super) flows: Flows<F>,
    pub(super) seed: u64,
}

impl<F> Clone for View<F> {
    fn clone(&self) -> Self {
        Self {
            buckets: self.buckets.clone(),
            flows: self.flows.clone(),
            seed: self.seed,
        }
    }
}

impl<F: Family> View<F> {
    pub(super) fn hash(&self, key: &F::Tuple, protocol: u8) -> FlowHash {
        F::hash(self.seed, key, protocol)
    }

    /// The slot of a direction.
    pub(super) fn find(&self, key: &F::Tuple, protocol: u8) -> Option<u32> {
        let mut candidates = self.buckets.candidates(self.hash(key, protocol));
        candidates.find(|slot| self.flows.is(*slot, key, protocol))
    }

    /// A connection by the tuple of either direction, while the writer writes.
    pub(super) fn get(&self, tuple: &FlowTuple, moment: Moment) -> Option<CachedState> {
        Some(state::<F>(&self.whole(tuple)?, moment))
    }

    /// The ways of a connection by the tuple of either direction, while the writer writes.
    pub(super) fn ways(&self, tuple: &FlowTuple, moment: Moment) -> Option<CachedWays> {
        let parts = self.whole(tuple)?;
        Some(CachedWays {
            flow: flow::<F>(&parts),
            ways: [0, 1].map(|direction| way(&parts[direction], moment)),
        })
    }

    /// Every connection, while the writer writes.
    pub(super) fn for_each(&self, moment: Moment, each: &mut dyn FnMut(&CachedState)) {
        for (_, slot) in self.buckets.named() {
            let [original, reply] = Pair::of_slot(slot).slots();
            if slot != original {
                continue;
            }
            let parts = self.flows.read_whole([original, reply]);
            if let Some(parts) = parts.filter(|[one, other]| one.rest.connection == other.rest.connection) {
                each(&state::<F>(&parts, moment));
            }
        }
    }

    /// Both directions, by the tuple of either.
    fn whole(&self, tuple: &FlowTuple) -> Option<[Parts<F::Tuple>; 2]> {
        let key = F::tuple(tuple)?;
        for _ in 0..ATTEMPTS {
            let slot = self.find(&key, tuple.protocol)?;
            let pair = Pair::of_slot(slot).slots();
            let found = self.flows.read_whole(pair).filter(|parts| {
                let of_key = |parts: &Parts<_>| parts.key == key && parts.head.protocol == tuple.protocol;
                // The slots may have been given to another connection since they were found.
                parts.iter().any(of_key) && parts[0].rest.connection == parts[1].rest.connection
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The connection of two directions.
pub(super) fn flow<F: Family>([original, reply]: &[Parts<F::Tuple>; 2]) -> CachedFlow {
    let tuple = |parts: &Parts<_>| F::flow_tuple(&parts.key, parts.head.protocol);
    CachedFlow {
        connection: original.rest.connection,
        original: tuple(original),
        reply: tuple(reply),
        counter: original.head.counter,
    }
}

/// What XDP forwarded.
pub(super) fn count<T>(parts: &Parts<T>) -> FlowCount {
    let rv_fast_counts { packets, bytes, .. } = parts.counts;
    FlowCount { packets, bytes }
}

/// What there is to know of a connection.
pub(super) fn state<F: Family>(parts: &[Parts<F::Tuple>; 2], moment: Moment) -> CachedState {
    let since = |then_ns: u64| (then_ns != 0).then(|| moment.since(then_ns));
    let direction = |parts: &Parts<_>| CachedDirection {
        count: count(parts),
        idle: since(parts.counts.last_seen_ns),
        refreshed: since(parts.counts.refreshed_ns),
        path: if u32::from(parts.head.state) == RV_FAST_LIVE {
            path(&parts.path, &parts.rest, moment)
        } else {
            Path::Ended
        },
    };
    let [original, reply] = parts;
    CachedState {
        flow: flow::<F>(parts),
        directions: [direction(original), direction(reply)],
    }
}

/// The way of a direction; None: it is not forwarded, or not by this generation.
fn way<T>(parts: &Parts<T>, moment: Moment) -> Option<Way> {
    let live = u32::from(parts.head.state) == RV_FAST_LIVE;
    if !live || !matches!(path(&parts.path, &parts.rest, moment), Path::Forwarded { .. }) {
        return None;
    }
    let tag = |tag: u16| (tag != 0).then_some(tag);
    let (path, rest) = (&parts.path, &parts.rest);
    Some(Way {
        ingress: path.ingress,
        ingress_tag: tag(path.ingress_tag),
        own_address: rest.own_mac,
        egress: path.egress,
        egress_tag: tag(path.egress_tag),
        source_address: path.source_mac,
        destination_address: path.destination_mac,
        mtu: path.mtu,
    })
}

fn path(path: &rv_fast_path, rest: &rv_fast_rest, moment: Moment) -> Path {
    let refusal = u32::from(path.refusal);
    // A neighbour is asked for again and again: this refusal belongs to no generation.
    if path.generation == 0 && refusal == RV_FAST_NO_NEIGHBOUR {
        return Path::Refused(PathRefusal::NoNeighbour);
    }
    if path.generation != moment.generation {
        return Path::Unknown;
    }
    let interface = |device: u32, vlan: u16| match vlan {
        0 => device,
        vlan => vlan.into(),
    };
    Path::Refused(match refusal {
        RV_FAST_FITS => {
            return Path::Forwarded {
                ingress: interface(path.ingress, rest.ingress_vlan),
                egress: interface(path.egress, rest.egress_vlan),
            };
        }
        RV_FAST_NO_ROUTE => PathRefusal::NoRoute,
        RV_FAST_NO_NEIGHBOUR => PathRefusal::NoNeighbour,
        RV_FAST_ASYMMETRIC => PathRefusal::Asymmetric,
        RV_FAST_LOCAL => PathRefusal::Local,
        RV_FAST_PORT => PathRefusal::Port,
        RV_FAST_CHECKSUM => PathRefusal::Checksum,
        RV_FAST_SOURCE_LISTED => PathRefusal::SourceListed,
        // Of a program of another version.
        _ => return Path::Unknown,
    })
}
