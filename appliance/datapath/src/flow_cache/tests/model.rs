//! Random calls, against a list of connections.

use proptest::prelude::*;

use super::ground::{Ground, Nobody, all, plain, translated};
use crate::flow_cache::cache::TableCache;
use crate::{CachedDirection, CachedFlow, FlowCache as _, Inserted, Path};

const ENDED: u8 = 2;
const IDLE: u8 = 3;
/// Pairs of slots; in one bucket only eight connections fit.
const CONNECTIONS: usize = 11;
const IN_ONE_BUCKET: usize = 8;

#[derive(Debug, Clone)]
enum Step {
    Insert(CachedFlow),
    /// By the tuple of the original direction, or the other.
    Remove(CachedFlow, bool),
    Collect,
    /// Another process goes on.
    Restart,
    /// Everything goes on in another cache.
    Move,
    /// A program sees its end, or that it was idle, in either direction.
    SetState(CachedFlow, bool, u8),
    /// A program forwards a packet.
    Count(CachedFlow, bool),
}

/// Connections whose tuples meet: few clients, few ports they are translated to, few ids.
fn flow() -> impl Strategy<Value = CachedFlow> {
    (0u16..12, prop::option::of(0u16..6), 0u32..2, 0u32..3).prop_map(|(client, port, connection, counter)| {
        let flow = match port {
            None => plain(4, client),
            Some(port) => translated(4, client, 50_000 + port),
        };
        CachedFlow {
            connection,
            counter,
            ..flow
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => flow().prop_map(Step::Insert),
        3 => (flow(), any::<bool>()).prop_map(|(flow, reply)| Step::Remove(flow, reply)),
        2 => Just(Step::Collect),
        1 => Just(Step::Restart),
        1 => Just(Step::Move),
        1 => (flow(), any::<bool>(), prop_oneof![Just(ENDED), Just(IDLE)])
            .prop_map(|(flow, reply, state)| Step::SetState(flow, reply, state)),
        2 => (flow(), any::<bool>()).prop_map(|(flow, reply)| Step::Count(flow, reply)),
    ]
}

/// A connection as it ought to be in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    flow: CachedFlow,
    ended: bool,
    packets: [u64; 2],
}

#[derive(Debug)]
struct Model {
    live: Vec<Known>,
    quarantined: Vec<Known>,
    most: usize,
}

impl Model {
    fn take_out(&mut self, which: impl Fn(&CachedFlow) -> bool) -> bool {
        let (out, stay): (Vec<_>, Vec<_>) = self.live.drain(..).partition(|known| which(&known.flow));
        self.live = stay;
        let any = !out.is_empty();
        self.quarantined.extend(out);
        any
    }

    fn insert(&mut self, flow: &CachedFlow) -> Inserted {
        let same = |known: &Known| {
            let CachedFlow {
                connection,
                original,
                reply,
                counter: _,
            } = known.flow;
            (connection, original, reply) == (flow.connection, flow.original, flow.reply) && !known.ended
        };
        if let Some(known) = self.live.iter_mut().find(|known| same(known)) {
            known.flow.counter = flow.counter;
            return Inserted::Known;
        }
        self.take_out(|other| other.original == flow.original || other.reply == flow.reply);
        if self.live.len() == self.most || self.live.len() + self.quarantined.len() == CONNECTIONS {
            return Inserted::Full;
        }
        self.live.push(Known {
            flow: *flow,
            ended: false,
            packets: [0; 2],
        });
        Inserted::New
    }

    fn find(&mut self, flow: &CachedFlow) -> Option<&mut Known> {
        let same =
            |known: &&mut Known| (known.flow.original, known.flow.reply) == (flow.original, flow.reply);
        self.live.iter_mut().find(same)
    }
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_unstable();
    items
}

fn play(buckets: usize, most: usize, steps: Vec<Step>) {
    let new = || Ground::new(u32::try_from(CONNECTIONS).expect("few"), buckets);
    let mut ground = new();
    let mut cache = ground.open();
    let mut model = Model {
        live: Vec::new(),
        quarantined: Vec::new(),
        most,
    };
    for step in steps {
        if matches!(step, Step::Move) {
            take(&ground, &mut cache, &mut model, &Step::Collect);
            ground = new();
            cache = move_to(&ground, &cache, &mut model);
        } else {
            take(&ground, &mut cache, &mut model, &step);
        }
        compare(&ground, &cache, &model);
    }
}

fn move_to(ground: &Ground, from: &TableCache<Nobody>, model: &mut Model) -> TableCache<Nobody> {
    let mut cache = ground.open();
    for state in all(from) {
        assert_eq!(cache.restore(&state), Inserted::New);
        let is_ended = |direction: &CachedDirection| direction.path == Path::Ended;
        let known = model.find(&state.flow).expect("it is known");
        // One that was idle does not wake up any more.
        known.ended = state.directions.iter().any(is_ended);
    }
    cache
}

fn take(ground: &Ground, cache: &mut TableCache<Nobody>, model: &mut Model, step: &Step) {
    match step {
        Step::Insert(flow) => assert_eq!(cache.insert(flow), model.insert(flow)),
        Step::Remove(flow, reply) => {
            let tuple = if *reply { flow.reply } else { flow.original };
            let expected = model.take_out(|known| known.original == tuple || known.reply == tuple);
            assert_eq!(cache.remove(&tuple), expected);
        }
        Step::Collect => {
            let found = cache.collect().expect("free").into_iter();
            let found =
                sorted(found.map(|removed| (key(&removed.flow), removed.counts.map(|count| count.packets))));
            let expected = model.quarantined.drain(..);
            assert_eq!(
                found,
                sorted(expected.map(|known| (key(&known.flow), known.packets)))
            );
        }
        Step::Move => unreachable!("the ground is another then"),
        Step::Restart => {
            *cache = ground.open();
            model.quarantined.clear();
        }
        Step::SetState(flow, reply, state) => {
            if let Some(known) = model.find(flow) {
                let slot = ground.slots4(&known.flow)[usize::from(*reply)];
                // A program does not touch what has ended.
                if !known.ended {
                    ground.change4(slot, |there| there.state = *state);
                    known.ended = *state == ENDED;
                }
            }
        }
        Step::Count(flow, reply) => {
            if let Some(known) = model.find(flow) {
                let direction = usize::from(*reply);
                ground.change4(ground.slots4(&known.flow)[direction], |there| {
                    there.counts.packets += 1
                });
                known.packets[direction] += 1;
            }
        }
    }
}

fn compare(ground: &Ground, cache: &TableCache<Nobody>, model: &Model) {
    let expected = sorted(model.live.iter().map(|known| (key(&known.flow), known.packets)));
    let found = all(cache).into_iter();
    let found = sorted(found.map(|state| (key(&state.flow), state.directions.map(|way| way.count.packets))));
    assert_eq!(found, expected);
    assert_eq!(cache.occupancy().ipv4, model.live.len() as u64);
    // A word for each direction of each connection, and none for anything else.
    let slots = sorted(model.live.iter().flat_map(|known| ground.slots4(&known.flow)));
    assert_eq!(ground.named(0), slots);
    let reader = cache.reader();
    for known in &model.live {
        for tuple in [known.flow.original, known.flow.reply] {
            assert_eq!(reader.get(&tuple).map(|state| state.flow), Some(known.flow));
        }
    }
    for known in &model.quarantined {
        let found = reader.get(&known.flow.original).map(|state| state.flow);
        assert!(found.is_none_or(|flow| model.live.iter().any(|known| known.flow == flow)));
    }
}

type Key = (ravelin_model::FlowTuple, ravelin_model::FlowTuple, u32, u32);

fn key(flow: &CachedFlow) -> Key {
    (flow.original, flow.reply, flow.connection, flow.counter)
}

proptest! {
    #[test]
    fn a_cache_is_a_list_of_connections_whatever_is_done_to_it(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        play(16, CONNECTIONS, steps);
    }

    #[test]
    fn a_bucket_that_runs_over_loses_nothing_that_is_in_it(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        play(1, IN_ONE_BUCKET, steps);
    }
}
