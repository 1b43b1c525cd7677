//! A box in miniature: a flow cache that fills, events that wait for whoever works on them.

use std::time::Duration;

use ravelin_control::{Costs, TunerState, decide};
use ravelin_model::{
    Adjustment, CacheWindow, EventWindow, StoreWindow, Tunable, TuningLimits, TuningMode, TuningOutcome,
    TuningWindow, WorkerWindow,
};

/// CPUs that send events.
const CPUS: u64 = 2;
/// Events a worker makes of what the data plane tells, in a second.
const WORK: u64 = 400;
/// Batches a second a reader hands on at least, as it does not wait for them to be full.
const HURRY: u64 = 20;
/// Events come in peaks of so many times their average, which buffers must hold for a tenth of a second.
const PEAK: u64 = 4;
/// Bytes of a cached connection, about what the real ones take.
pub const CONNECTION_BYTES: u64 = 710;
/// Bytes of an event.
pub const EVENT_BYTES: u64 = 512;

/// What a window brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Live connections at its end.
    pub connections: u64,
    /// Connections that end and are replaced by others, a second.
    pub churn: u64,
    /// Packets a connection sends, a second.
    pub packets: u64,
    /// Events the programs have to tell, a second.
    pub events: u64,
    /// Milliseconds the store takes for a batch.
    pub store_ms: u64,
}

impl Load {
    pub fn is_none(&self) -> bool {
        self.churn == 0 && self.packets == 0 && self.events == 0
    }
}

/// A source of figures that tells the same whatever happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stuck {
    /// Everything is found in the flow cache.
    HitRate,
    /// Nothing is in it.
    Occupancy,
    /// It is full.
    OccupancyFull,
    /// Nothing is refused by it, and nothing is in it.
    Refusals,
    /// There always is a buffer.
    BufferMisses,
    /// There never is one.
    NoBuffers,
    /// Workers do nothing.
    Busy,
    /// There are connections and packets though there is no traffic.
    Traffic,
}

/// The objects as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    pub capacity: u64,
    pub buffers: u64,
    pub batch: u64,
    pub workers: u64,
    pub rate: u64,
    /// Live connections, and those of them that are in the cache.
    pub live: u64,
    pub cached: u64,
    /// Events that wait.
    pub backlog: u64,
    pub stuck: Option<Stuck>,
    pub random: u64,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            capacity: 16_384,
            buffers: 16,
            batch: 32,
            workers: 1,
            rate: 200,
            live: 0,
            cached: 0,
            backlog: 0,
            stuck: None,
            random: 0x2545_f491_4f6c_dd1d,
        }
    }
}

impl Machine {
    /// Up to 2 % more or less, the same in every run.
    fn about(&mut self, value: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        value * (980 + self.random % 41) / 1000
    }

    /// Lives through a window.
    pub fn live(&mut self, load: &Load, seconds: u64) -> TuningWindow {
        let cache = self.live_cache(load, seconds);
        let (events, workers) = self.live_events(load, seconds);
        let store = StoreWindow {
            batches: events.batches,
            rows: events.read,
            total: Duration::from_millis(events.batches * load.store_ms),
        };
        let mut window = TuningWindow {
            elapsed: Duration::from_secs(seconds),
            cache: Some(cache),
            events: Some(events),
            workers,
            store,
            ..TuningWindow::default()
        };
        self.pretend(&mut window);
        window
    }

    fn live_cache(&mut self, load: &Load, seconds: u64) -> CacheWindow {
        let before = self.cached;
        let churned = if self.live == 0 {
            0
        } else {
            self.about(load.churn * seconds).min(self.live * seconds)
        };
        let began = load.connections.saturating_sub(self.live) + churned;
        self.live = load.connections;
        // What found no room is tried again only where it comes again; comparing with conntrack puts it in later.
        let room = self.capacity;
        let refused = if self.live > room {
            began.min(self.live - room)
        } else {
            0
        };
        self.cached = self.live.min(room);
        let packets = self.about(self.live * load.packets * seconds);
        // One of a hundred packets goes up whatever the cache holds.
        let hits = packets * self.cached / self.live.max(1) * 99 / 100;
        CacheWindow {
            capacity: self.capacity,
            entries4: self.cached,
            entries6: self.cached / 4,
            growth: self.cached.saturating_sub(before),
            inserted: began - refused,
            refused,
            hits,
            misses: packets - hits,
        }
    }

    fn live_events(&mut self, load: &Load, seconds: u64) -> (EventWindow, WorkerWindow) {
        let offered = self.about(load.events * seconds);
        let sent = offered.min(self.rate * CPUS * seconds);
        let room = self.buffers * self.batch;
        let peak = sent * PEAK / seconds / 10;
        let batches = if sent == 0 {
            0
        } else {
            sent.div_ceil(self.batch).max(sent.min(HURRY * seconds))
        };
        let worked = (self.backlog + sent).min(self.workers * WORK * seconds);
        let left = self.backlog + sent - worked;
        let lost = left.saturating_sub(room) + if peak > room { (peak - room) * seconds } else { 0 };
        let lost = lost.min(sent);
        self.backlog = left.min(room);
        let misses = lost.div_ceil(self.batch);
        let events = EventWindow {
            read: sent - lost,
            suppressed: offered - sent,
            lost,
            buffer_hits: batches.saturating_sub(misses),
            buffer_misses: misses,
            batches,
            waiting: self.backlog.div_ceil(self.batch),
            buffers: self.buffers,
            batch: self.batch,
            rate: self.rate,
        };
        let workers = WorkerWindow {
            count: self.workers,
            busy: Duration::from_micros(worked * 1_000_000 / WORK),
            batches,
        };
        (events, workers)
    }

    fn pretend(&self, window: &mut TuningWindow) {
        let (Some(cache), Some(events)) = (&mut window.cache, &mut window.events) else {
            return;
        };
        match self.stuck {
            None => {}
            Some(Stuck::HitRate) => (cache.hits, cache.misses) = (1000, 0),
            Some(Stuck::Occupancy) => (cache.entries4, cache.entries6, cache.growth) = (0, 0, 0),
            Some(Stuck::OccupancyFull) => (cache.entries4, cache.growth) = (cache.capacity, 1),
            Some(Stuck::Refusals) => {
                (cache.refused, cache.growth, cache.entries4, cache.entries6) = (0, 0, 0, 0);
            }
            Some(Stuck::BufferMisses) => (events.buffer_misses, events.lost) = (0, 0),
            Some(Stuck::NoBuffers) => (events.buffer_misses, events.read) = (1, events.read.max(1)),
            Some(Stuck::Busy) => window.workers.busy = Duration::ZERO,
            Some(Stuck::Traffic) => (cache.hits, cache.entries4) = (1000, 0),
        }
    }

    pub fn value(&mut self, tunable: Tunable) -> &mut u64 {
        match tunable {
            Tunable::FlowCacheConnections => &mut self.capacity,
            Tunable::EventBuffers => &mut self.buffers,
            Tunable::EventBatch => &mut self.batch,
            Tunable::EventWorkers => &mut self.workers,
            Tunable::EventRate => &mut self.rate,
            Tunable::ReceiveQueues => unreachable!("there is no card"),
        }
    }
}

/// What a cache of so many connections costs, for the sizes there may be.
pub fn costs() -> Costs {
    let sizes = (6..=22).map(|exponent| 1_u64 << exponent);
    Costs::new(sizes.map(|size| (size, size * CONNECTION_BYTES)), EVENT_BYTES)
}

/// A machine, its tuner, and what they went through.
#[derive(Debug)]
pub struct Run {
    pub machine: Machine,
    pub state: TunerState,
    pub limits: TuningLimits,
    pub steps: Vec<Step>,
}

/// A window of a run.
#[derive(Debug, Clone)]
pub struct Step {
    pub phase: &'static str,
    pub load: Load,
    /// As it really was, whatever was told of it.
    pub truth: TuningWindow,
    pub decided: Vec<Adjustment>,
    /// After the decisions.
    pub after: Machine,
}

impl Run {
    pub fn new(limits: TuningLimits, machine: Machine) -> Self {
        Self {
            machine,
            state: TunerState::new(costs()),
            limits,
            steps: Vec::new(),
        }
    }

    /// One window.
    pub fn step(&mut self, phase: &'static str, load: Load) {
        let seconds = self.limits.window_seconds.into();
        let mut honest = Machine {
            stuck: None,
            ..self.machine.clone()
        };
        let truth = honest.live(&load, seconds);
        let told = self.machine.live(&load, seconds);
        let decided = decide(&told, &self.limits, &mut self.state);
        for adjustment in &decided {
            let outcome = match self.limits.mode {
                TuningMode::Auto => {
                    *self.machine.value(adjustment.object.tunable) = adjustment.to;
                    TuningOutcome::Applied(adjustment.to)
                }
                TuningMode::Advise | TuningMode::Off => TuningOutcome::Advised,
            };
            self.state.note(adjustment, &outcome);
        }
        self.steps.push(Step {
            phase,
            load,
            truth,
            decided,
            after: self.machine.clone(),
        });
    }

    /// So many windows, the load of each by its number from 0.
    pub fn phase(&mut self, name: &'static str, windows: u64, load: impl Fn(u64) -> Load) {
        for window in 0..windows {
            self.step(name, load(window));
        }
    }

    /// The windows of a phase.
    pub fn of(&self, phase: &str) -> Vec<&Step> {
        self.steps.iter().filter(|step| step.phase == phase).collect()
    }
}
