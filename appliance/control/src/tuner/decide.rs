//! The decision: limits, then rules, then the memory ceiling.

use std::collections::BTreeMap;

use ravelin_model::{Adjustment, Bounds, Tunable, TunedObject, TuningLimits, TuningMode, TuningWindow};

use super::event_workers::busy_percent;
use super::memory::{Proposed, Way};
use super::receive_queues::per_second;
use super::state::TunerState;
use super::wish::{Finding, Wish};
use super::{event_batch, event_buffers, event_rate, event_workers, flow_cache, receive_queues};

type Values = BTreeMap<TunedObject, u64>;

/// Percent of their time workers work when another one would help before fewer events do.
const BUSY: u128 = 80;

/// Decides what to change after a window: at most one step of each object. Bounds and ceiling are orders and obeyed
/// without traffic too; everything else needs traffic. What became of each adjustment must be told to
/// [`TunerState::note`] before the next window.
pub fn decide(window: &TuningWindow, limits: &TuningLimits, state: &mut TunerState) -> Vec<Adjustment> {
    let values = values(window);
    state.pass(&values);
    if limits.mode == TuningMode::Off {
        return Vec::new();
    }
    let mut decided = orders(window, &values, limits, state);
    let mut planned = values.clone();
    planned.extend(decided.iter().map(|order| (order.object.clone(), order.to)));
    for (object, value) in &values {
        if decided.iter().any(|order| order.object == *object) {
            continue;
        }
        let finding = find(object, window, limits, state);
        let way = match finding {
            Finding::Pressed(_) => Way::Pressed,
            _ => Way::Calm,
        };
        let memory = state.memory(object, *value);
        let Some(wish) = finding.due(memory) else { continue };
        if memory.rests() {
            continue;
        }
        let proposed = Proposed {
            way,
            load: wish.load,
            remembered: wish.remembered,
        };
        let Some(adjustment) = fitting(object, *value, wish, &planned, limits, state) else {
            continue;
        };
        state.propose(object, *value, proposed);
        planned.insert(object.clone(), adjustment.to);
        decided.push(adjustment);
    }
    untold(decided, limits, state)
}

/// Only what bounds and ceiling order, as when they were just changed.
pub(crate) fn obey(window: &TuningWindow, limits: &TuningLimits, state: &mut TunerState) -> Vec<Adjustment> {
    if limits.mode == TuningMode::Off {
        return Vec::new();
    }
    let decided = orders(window, &values(window), limits, state);
    untold(decided, limits, state)
}

/// Advice is given once.
fn untold(mut decided: Vec<Adjustment>, limits: &TuningLimits, state: &mut TunerState) -> Vec<Adjustment> {
    if limits.mode == TuningMode::Advise {
        decided.retain(|advice| {
            let memory = state.memory(&advice.object, advice.from);
            !memory.was_advised(advice.from, advice.to)
        });
    }
    decided
}

fn object(tunable: Tunable) -> TunedObject {
    TunedObject {
        tunable,
        interface: None,
    }
}

/// What is tuned, as it was at the end of the window; what could not be read is missing.
pub(crate) fn values(window: &TuningWindow) -> Values {
    let mut values = Values::new();
    if let Some(cache) = &window.cache {
        values.insert(object(Tunable::FlowCacheConnections), cache.capacity);
    }
    if let Some(events) = &window.events {
        values.insert(object(Tunable::EventBuffers), events.buffers);
        values.insert(object(Tunable::EventBatch), events.batch);
        values.insert(object(Tunable::EventRate), events.rate);
    }
    if window.workers.count > 0 {
        values.insert(object(Tunable::EventWorkers), window.workers.count);
    }
    for receive in &window.receive {
        let object = TunedObject {
            tunable: Tunable::ReceiveQueues,
            interface: Some(receive.interface.clone()),
        };
        values.insert(object, receive.in_use);
    }
    // What has no size is not there: without a data plane, everything is 0.
    values.retain(|_, value| *value > 0);
    values
}

/// The bounds of an object: of an interface not more queues than it has.
pub(crate) fn bounds(object: &TunedObject, window: &TuningWindow, limits: &TuningLimits) -> Bounds {
    let Bounds { min, max } = limits.bounds_of(object.tunable);
    let receive = window.receive.iter();
    let most = receive
        .filter(|receive| Some(&receive.interface) == object.interface.as_ref())
        .find_map(|receive| u64::try_from(receive.packets.len()).ok());
    let most = most.map_or(max, |queues| queues.min(max));
    Bounds {
        min: min.min(most),
        max: most,
    }
}

fn orders(
    window: &TuningWindow,
    values: &Values,
    limits: &TuningLimits,
    state: &mut TunerState,
) -> Vec<Adjustment> {
    let mut decided = Vec::new();
    let mut planned = values.clone();
    for (object, &value) in values {
        let Bounds { min, max } = bounds(object, window, limits);
        let to = value.clamp(min, max);
        if to == value || state.memory(object, value).rests() {
            continue;
        }
        let wish = Wish::step(to, 0, format!("its limits are {min} to {max}"));
        if let Some(order) = fitting(object, value, wish, &planned, limits, state) {
            planned.insert(object.clone(), to);
            decided.push(order);
        }
    }
    let ceiling = limits.memory_ceiling_bytes;
    let needed = state.costs.total(&planned);
    if needed > ceiling {
        let shrinking = smaller(&planned, window, limits, state)
            .filter(|(object, _)| !decided.iter().any(|order| order.object == *object));
        if let Some((object, to)) = shrinking {
            let from = values[&object];
            let reason = format!("all tuned objects take {needed} bytes of at most {ceiling}");
            decided.push(Adjustment {
                object,
                from,
                to,
                reason,
            });
        }
    }
    for order in &decided {
        let proposed = Proposed {
            way: Way::Ordered,
            load: 0,
            remembered: 0,
        };
        state.propose(&order.object, order.from, proposed);
    }
    decided
}

/// The object that takes most and can take less, and half of it.
fn smaller(
    values: &Values,
    window: &TuningWindow,
    limits: &TuningLimits,
    state: &mut TunerState,
) -> Option<(TunedObject, u64)> {
    let mut candidates: Vec<(u64, TunedObject, u64)> = Vec::new();
    for (object, &value) in values {
        let least = bounds(object, window, limits).min;
        let bytes = state.costs.of(object, values);
        if bytes > 0 && value > least && !state.memory(object, value).rests() {
            candidates.push((bytes, object.clone(), (value / 2).max(least)));
        }
    }
    let largest = candidates.into_iter().max_by_key(|(bytes, ..)| *bytes);
    largest.map(|(_, object, to)| (object, to))
}

/// The wish, or as much of it as the ceiling has room for; None: the ceiling has none, which is noted.
fn fitting(
    object: &TunedObject,
    from: u64,
    wish: Wish,
    planned: &Values,
    limits: &TuningLimits,
    state: &mut TunerState,
) -> Option<Adjustment> {
    let Wish {
        mut to,
        least,
        reason,
        load: _,
        remembered: _,
    } = wish;
    let adjustment = |to, reason| Adjustment {
        object: object.clone(),
        from,
        to,
        reason,
    };
    let ceiling = limits.memory_ceiling_bytes;
    let now = state.costs.total(planned);
    loop {
        let mut then = planned.clone();
        then.insert(object.clone(), to);
        let needed = state.costs.total(&then);
        if needed <= ceiling || needed <= now {
            return Some(adjustment(to, reason));
        }
        if to <= least {
            state.withhold(adjustment(to, reason), ceiling, needed);
            return None;
        }
        to = (to / 2).max(least);
    }
}

/// What the rule of an object finds in the window.
fn find(
    object: &TunedObject,
    window: &TuningWindow,
    limits: &TuningLimits,
    state: &mut TunerState,
) -> Finding {
    let bounds = bounds(object, window, limits);
    let events = window.events.unwrap_or_default();
    let load = per_second(events.offered(), window.elapsed);
    match object.tunable {
        Tunable::FlowCacheConnections => {
            let Some(cache) = &window.cache else {
                return Finding::Nothing;
            };
            let took = state.memory(object, cache.capacity).took;
            flow_cache::find(cache, window.elapsed, took, bounds)
        }
        Tunable::EventBuffers => event_buffers::find(&events, bounds, load),
        Tunable::EventBatch => event_batch::find(&events, bounds, load),
        Tunable::EventWorkers => event_workers::find(&window.workers, &events, window.elapsed, bounds, load),
        Tunable::EventRate => {
            let others = others_can_grow(window, limits, state);
            let most = limits.bounds_of(Tunable::EventWorkers).max;
            event_rate::find(window, &events, bounds, others, window.workers.count < most)
        }
        Tunable::ReceiveQueues => {
            let receive = window.receive.iter();
            let mut receive = receive.filter(|receive| Some(&receive.interface) == object.interface.as_ref());
            let Some(receive) = receive.next() else {
                return Finding::Nothing;
            };
            let found = state.memory(object, receive.in_use).first;
            let softnet = window.softnet.as_ref();
            receive_queues::find(receive, softnet, window.elapsed, bounds, found)
        }
    }
}

/// There could be more buffers, or more workers where they are what is short.
fn others_can_grow(window: &TuningWindow, limits: &TuningLimits, state: &mut TunerState) -> bool {
    let events = window.events.unwrap_or_default();
    let buffers = object(Tunable::EventBuffers);
    let most = bounds(&buffers, window, limits).max;
    let memory = state.memory(&buffers, events.buffers);
    let more_buffers = events.buffers < most && memory.withheld.is_none() && !memory.rests();
    let workers = object(Tunable::EventWorkers);
    let count = window.workers.count;
    let busy = busy_percent(window.workers.busy, window.elapsed, count) >= BUSY;
    let memory = state.memory(&workers, count);
    let more_workers = busy && count < bounds(&workers, window, limits).max && !memory.rests();
    more_buffers || more_workers
}
