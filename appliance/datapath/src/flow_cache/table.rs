//! The flows of a family, as their one writer has them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

use ravelin_abi::rv_fast_flag::RV_FAST_TRANSLATED;
use ravelin_abi::rv_fast_state::{RV_FAST_ENDED, RV_FAST_LIVE};
use ravelin_abi::{rv_fast_counts, rv_fast_path, rv_fast_rest};
use ravelin_model::FlowTuple;

use super::buckets::{Buckets, Place};
use super::control::Moment;
use super::family::{Family, Head, Parts};
use super::flows::Flows;
use super::pairs::{Pair, Pairs};
use super::view::{self, View};
use super::words::Words;
use crate::{CachedDirection, CachedFlow, CachedState, Inserted, Path, RemovedFlow};

// As wide as a flow has them.
const LIVE: u8 = RV_FAST_LIVE.to_le_bytes()[0];
const ENDED: u8 = RV_FAST_ENDED.to_le_bytes()[0];
const TRANSLATED: u16 = RV_FAST_TRANSLATED.to_le_bytes()[0] as u16;

/// Index, flows, and which of them are free.
#[derive(Debug)]
pub(super) struct Table<F> {
    view: View<F>,
    pairs: Pairs,
}

impl<F: Family> Table<F> {
    /// Over memory without flows.
    pub(super) fn new(index: Arc<dyn Words<AtomicU32>>, flows: Arc<dyn Words<AtomicU64>>, seed: u64) -> Self {
        let flows = Flows::new(flows);
        Self {
            pairs: Pairs::new(flows.len()),
            view: View {
                buckets: Buckets::new(index),
                flows,
                seed,
            },
        }
    }

    /// Adopts what an earlier process left: connections of which both directions are whole and can be found. The
    /// rest cannot be found afterwards; its slots may be written once a grace period has passed.
    pub(super) fn adopt(&mut self) {
        self.pairs = adopt(&mut self.view);
    }

    pub(super) fn view(&self) -> &View<F> {
        &self.view
    }

    /// Connections that are there.
    pub(super) fn live(&self) -> usize {
        self.pairs.live()
    }

    /// Most connections.
    pub(super) fn capacity(&self) -> usize {
        self.pairs.capacity()
    }

    pub(super) fn insert(&mut self, flow: &CachedFlow, moment: Moment) -> Inserted {
        let Some(keys) = keys::<F>(flow) else {
            return Inserted::Unsuited;
        };
        let found = self.find(&keys, flow);
        if let [Some(first), Some(second)] = found
            && Pair::of_slot(first).slots() == [first, second]
            && self.view.flows.read(first).rest.connection == flow.connection
            && self.confirm(Pair::of_slot(first), flow.counter, moment)
        {
            return Inserted::Known;
        }
        self.make_way(found);
        self.put_in(flow, keys, [Past::none(moment); 2])
    }

    /// As [`crate::FlowCache::restore`].
    pub(super) fn restore(&mut self, state: &CachedState, moment: Moment) -> Inserted {
        let Some(keys) = keys::<F>(&state.flow) else {
            return Inserted::Unsuited;
        };
        let found = self.find(&keys, &state.flow);
        self.make_way(found);
        let pasts = state.directions.map(|direction| Past::of(&direction, moment));
        self.put_in(&state.flow, keys, pasts)
    }

    /// The slots of both directions.
    fn find(&self, keys: &[F::Tuple; 2], flow: &CachedFlow) -> [Option<u32>; 2] {
        [0, 1].map(|direction| self.view.find(&keys[direction], flow.original.protocol))
    }

    /// Takes out what is in slots that were found.
    fn make_way(&mut self, found: [Option<u32>; 2]) {
        for slot in found.into_iter().flatten() {
            let pair = Pair::of_slot(slot);
            // Both may have been of one.
            if self.pairs.is_live(pair) {
                self.take_out(pair);
            }
        }
    }

    /// Sets the counter of a connection, and wakes it up where it was idle; false: it has ended.
    fn confirm(&mut self, pair: Pair, counter: u32, moment: Moment) -> bool {
        let ended = |slot: u32| self.view.flows.head(slot).state == ENDED;
        // Its last counts are those of the line it was on.
        if pair.slots().into_iter().any(ended) {
            return false;
        }
        for slot in pair.slots() {
            let head = self.view.flows.head(slot);
            if head.state != LIVE {
                // Or it would be idle again with its next packet.
                self.view.flows.renew(slot, moment.now_ns);
            }
            let was = self.view.flows.change_head(slot, |head| {
                let confirmed = Head {
                    state: LIVE,
                    counter,
                    ..head
                };
                // A program may have ended it since.
                (head.state != ENDED && head != confirmed).then_some(confirmed)
            });
            if was.state == ENDED {
                return false;
            }
        }
        true
    }

    fn put_in(&mut self, flow: &CachedFlow, keys: [F::Tuple; 2], pasts: [Past; 2]) -> Inserted {
        let protocol = flow.original.protocol;
        let hashes = keys.map(|key| self.view.hash(&key, protocol));
        let Some(places) = self.view.buckets.room(hashes) else {
            return Inserted::Full;
        };
        let Some(pair) = self.pairs.take() else {
            return Inserted::Full;
        };
        let leave = [&flow.reply, &flow.original].map(|tuple| F::tuple(&tuple.inverted()));
        for (((slot, key), translated), past) in pair.slots().into_iter().zip(keys).zip(leave).zip(pasts) {
            let translated = translated.unwrap_or(key);
            self.view
                .flows
                .write(slot, parts::<F>(flow, key, translated, past));
        }
        for ((place, hash), slot) in places.into_iter().zip(hashes).zip(pair.slots()) {
            self.view.buckets.set(place, hash, slot);
        }
        Inserted::New
    }

    pub(super) fn remove(&mut self, tuple: &FlowTuple) -> bool {
        let found = F::tuple(tuple).and_then(|key| self.view.find(&key, tuple.protocol));
        if let Some(slot) = found {
            self.take_out(Pair::of_slot(slot));
        }
        found.is_some()
    }

    /// Has no packet find a connection any more, and programs that have found it do no more with it.
    fn take_out(&mut self, pair: Pair) {
        for slot in pair.slots() {
            let parts = self.view.flows.read(slot);
            let hash = self.view.hash(&parts.key, parts.head.protocol);
            self.view.buckets.clear(hash, slot);
        }
        for slot in pair.slots() {
            let ended = |head| Some(Head { state: ENDED, ..head });
            self.view.flows.change_head(slot, ended);
        }
        self.pairs.quarantine(pair);
    }

    /// Whether there are connections taken out whose slots are not free yet.
    pub(super) fn has_quarantined(&self) -> bool {
        self.pairs.has_quarantined()
    }

    /// Frees the slots of the connections taken out, which no program holds any more.
    pub(super) fn release(&mut self) -> Vec<RemovedFlow> {
        let released = self.pairs.release().into_iter();
        let last = |pair: Pair| {
            let parts = pair.slots().map(|slot| self.view.flows.read(slot));
            RemovedFlow {
                flow: view::flow::<F>(&parts),
                counts: [0, 1].map(|direction| view::count(&parts[direction])),
            }
        };
        released.map(last).collect()
    }

    pub(super) fn for_each(&self, moment: Moment, each: &mut dyn FnMut(&CachedState)) {
        for pair in self.pairs.iter() {
            let parts = pair.slots().map(|slot| self.view.flows.read(slot));
            each(&view::state::<F>(&parts, moment));
        }
    }
}

/// Both directions as packets come in; None: they cannot be told apart.
fn keys<F: Family>(flow: &CachedFlow) -> Option<[F::Tuple; 2]> {
    let keys = [F::tuple(&flow.original)?, F::tuple(&flow.reply)?];
    (keys[0] != keys[1] && flow.original.protocol == flow.reply.protocol).then_some(keys)
}

/// What a direction brings along.
#[derive(Debug, Clone, Copy)]
struct Past {
    state: u8,
    counts: rv_fast_counts,
    inserted_ns: u64,
}

impl Past {
    /// Of one that no packet was seen of yet. Not refreshed either: the first packet goes up, for conntrack may be
    /// about to forget the connection.
    fn none(moment: Moment) -> Self {
        Self {
            state: LIVE,
            counts: rv_fast_counts::default(),
            inserted_ns: moment.now_ns,
        }
    }

    /// Of one that was in another cache.
    fn of(direction: &CachedDirection, moment: Moment) -> Self {
        let then = |time: Option<_>| time.map_or(0, |time| moment.before(time));
        let CachedDirection {
            count,
            idle,
            refreshed,
            path,
        } = *direction;
        let (last_seen_ns, refreshed_ns) = (then(idle), then(refreshed));
        Self {
            state: if path == Path::Ended { ENDED } else { LIVE },
            counts: rv_fast_counts {
                packets: count.packets,
                bytes: count.bytes,
                last_seen_ns,
                refreshed_ns,
            },
            // Idle for as long as it was; one that conntrack has not heard of yet counts as new.
            inserted_ns: match refreshed {
                Some(_) => last_seen_ns.max(refreshed_ns),
                None => moment.now_ns,
            },
        }
    }
}

/// A direction whose way is not known.
fn parts<F: Family>(flow: &CachedFlow, key: F::Tuple, translated: F::Tuple, past: Past) -> Parts<F::Tuple> {
    let (network_delta, transport_delta) = F::deltas(&key, &translated);
    Parts {
        key,
        translated,
        head: Head {
            protocol: flow.original.protocol,
            state: past.state,
            flags: if key == translated { 0 } else { TRANSLATED },
            counter: flow.counter,
        },
        path: rv_fast_path::default(),
        counts: past.counts,
        rest: rv_fast_rest {
            connection: flow.connection,
            network_delta,
            transport_delta,
            inserted_ns: past.inserted_ns,
            ..rv_fast_rest::default()
        },
    }
}

/// Finds the whole connections among what the buckets name, and clears every other word.
fn adopt<F: Family>(view: &mut View<F>) -> Pairs {
    let slots = view.flows.len();
    let mut places: Vec<Option<Place>> = vec![None; slots];
    let mut stray = Vec::new();
    for (place, slot) in view.buckets.named() {
        let fits = |parts: &Parts<F::Tuple>| {
            let hash = view.hash(&parts.key, parts.head.protocol);
            view.buckets.belongs(place, hash, slot)
        };
        let free = places.get_mut(slot as usize).filter(|place| place.is_none());
        match free {
            Some(free) if fits(&view.flows.read(slot)) => *free = Some(place),
            _ => stray.push(place),
        }
    }
    let mut live = Vec::new();
    for pair in Pair::all(slots) {
        match pair.slots().map(|slot| places[slot as usize]) {
            [Some(_), Some(_)] if is_whole(view, pair) => live.push(pair),
            places => stray.extend(places.into_iter().flatten()),
        }
    }
    for place in stray {
        view.buckets.free(place);
    }
    Pairs::adopt(slots, &live)
}

/// Whether both directions are written, and of one connection.
fn is_whole<F: Family>(view: &View<F>, pair: Pair) -> bool {
    let parts = view.flows.read_whole(pair.slots());
    parts.is_some_and(|[original, reply]| {
        original.rest.connection == reply.rest.connection && original.head.protocol == reply.head.protocol
    })
}
