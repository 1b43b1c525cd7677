//! The thread that follows conntrack.

mod moving;
mod telling;
mod waiting;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_datapath::CacheTiming;
use ravelin_kernel::{ConntrackSettings, Hint, Link};
use ravelin_model::{FlowSettings, SyncState, SyncStatus, chain};
use time::OffsetDateTime;
use tokio::sync::watch;

use super::carried::Carried;
use super::keeper::Keeper;
use super::machine::{Deed, Happening, Machine};
use super::ports::Ports;
use super::sources::{Sources, count_connections, let_be};
use super::status::Publisher;
use super::timing::timing;
use super::{Cache, Command, CommandReceiver, Locals, reading};
use crate::records::RecordSink;
use telling::log_turn;
use waiting::Deadlines;

/// XDP forwards for so long after this thread last said so.
const ALIVE: Duration = Duration::from_secs(10);

/// Batches of news between two looks at everything else.
const ROUNDS: usize = 4;

/// Connections asked for because news did not tell all of them, each time.
const MOST_UNSURE: usize = 1024;

/// Between two readings when news were lost again and again.
const PAUSE: Duration = Duration::from_millis(100);

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) cache: Option<Cache>,
    pub(crate) links: watch::Receiver<Arc<Vec<Link>>>,
    pub(crate) settings: watch::Receiver<FlowSettings>,
    pub(crate) commands: CommandReceiver,
    pub(crate) carried: Carried,
    pub(crate) records: RecordSink,
    pub(crate) status: watch::Sender<SyncStatus>,
    /// Bytes of news the kernel holds.
    pub(crate) event_buffer_bytes: usize,
}

/// Owns the cache, and follows conntrack with it.
#[derive(Debug)]
pub(crate) struct Follower {
    links: watch::Receiver<Arc<Vec<Link>>>,
    settings: watch::Receiver<FlowSettings>,
    commands: CommandReceiver,
    records: RecordSink,
    publisher: Publisher,
    event_buffer_bytes: usize,
    keeper: Keeper,
    has_cache: bool,
    machine: Machine,
    sources: Option<Sources>,
    /// Why there are none.
    problem: Option<String>,
    ports: Ports,
    timing: Option<CacheTiming>,
    forget: bool,
    /// All of conntrack is to be read.
    unread: bool,
    connections: u64,
    last_reading: Duration,
    last_pause: Duration,
    deadlines: Deadlines,
}

impl Follower {
    pub(crate) fn new(inputs: Inputs) -> Self {
        let Inputs {
            cache,
            mut links,
            mut settings,
            commands,
            carried,
            records,
            status,
            event_buffer_bytes,
        } = inputs;
        links.mark_changed();
        settings.mark_changed();
        Self {
            links,
            settings,
            commands,
            records,
            publisher: Publisher::new(status),
            event_buffer_bytes,
            has_cache: cache.is_some(),
            keeper: Keeper::new(cache, carried),
            machine: Machine::default(),
            sources: None,
            problem: None,
            ports: Ports::default(),
            timing: None,
            forget: false,
            unread: false,
            connections: 0,
            last_reading: Duration::ZERO,
            last_pause: Duration::ZERO,
            deadlines: Deadlines::new(Instant::now()),
        }
    }

    /// Follows until the sender of the settings is dropped.
    pub(crate) fn run(mut self) {
        while self.settings.has_changed().is_ok() {
            self.follow_settings();
            self.follow_links();
            self.obey();
            self.hear_news();
            self.read_all();
            self.hear_hints();
            self.keep_times();
            self.records_of_the_ended();
            self.publish();
            self.wait();
        }
    }

    /// Does what follows from what happened.
    fn take(&mut self, happening: Happening) {
        let before = self.machine.state.clone();
        let deed = self.machine.take(happening, OffsetDateTime::now_utc());
        if before != self.machine.state {
            log_turn(&before, &self.machine.state);
        }
        match deed {
            Deed::Nothing => {}
            Deed::Read => {
                self.keeper.set_caching(true);
                self.unread = true;
            }
            Deed::Halt => self.halt(),
            Deed::HaltAndRead => {
                self.halt();
                self.unread = true;
            }
            Deed::Empty => {
                self.halt();
                self.keeper.set_caching(false);
                self.unread = false;
            }
            Deed::Forward => self.forward(),
        }
        self.publish();
    }

    fn halt(&mut self) {
        if let Some(cache) = self.keeper.cache() {
            cache.keep_alive(Duration::ZERO);
        }
    }

    fn forward(&mut self) {
        if let Some(cache) = self.keeper.cache() {
            cache.keep_alive(ALIVE);
        }
    }

    fn fail(&mut self, why: String) {
        self.sources = None;
        self.unread = false;
        self.problem = Some(why.clone());
        self.deadlines.retry.push(Instant::now());
        self.take(Happening::Failed(why));
    }

    fn follow_settings(&mut self) {
        if !matches!(self.settings.has_changed(), Ok(true)) {
            return;
        }
        let settings = self.settings.borrow_and_update().clone();
        // What is not about this thread, others do.
        let FlowSettings { sync, records, .. } = settings;
        if let Some(sync) = &sync {
            self.deadlines
                .check
                .set_period(Duration::from_secs(sync.check_seconds.max(1).into()));
        }
        if sync.is_none() && records.is_none() {
            self.sources = None;
            self.problem = None;
        } else {
            self.open_sources();
        }
        self.take(if sync.is_some() {
            Happening::Wanted
        } else {
            Happening::Unwanted
        });
        self.judge_sources();
    }

    fn open_sources(&mut self) {
        if self.sources.is_some() {
            return;
        }
        match Sources::open(self.event_buffer_bytes) {
            Ok(sources) => {
                self.set_timing(&sources.settings);
                self.sources = Some(sources);
                self.problem = None;
            }
            Err(problem) => {
                if self.problem.as_ref() != Some(&problem) {
                    tracing::error!(problem, "connections cannot be followed");
                }
                self.problem = Some(problem);
                self.deadlines.retry.push(Instant::now());
            }
        }
    }

    /// Says where there is nothing to follow with.
    fn judge_sources(&mut self) {
        if !self.has_cache {
            self.unread = false;
            self.take(Happening::Failed(
                "there is no flow cache without a data plane".to_owned(),
            ));
        } else if let Some(problem) = &self.problem {
            let mut told = problem.clone();
            match count_connections() {
                Ok((connections, took)) => {
                    (self.connections, self.last_reading) = (connections, took);
                    told.push_str("; connections are only counted, by /proc, and XDP forwards none");
                }
                Err(error) => tracing::debug!(error = chain(&error), "connections cannot be counted"),
            }
            self.take(Happening::Failed(told));
        }
    }

    fn follow_links(&mut self) {
        if !matches!(self.links.has_changed(), Ok(true)) {
            return;
        }
        let links = Arc::clone(&self.links.borrow_and_update());
        self.keeper.set_locals(Locals::of(&links));
        let mut ports = Ports::of(&links);
        if let Some(cache) = self.keeper.cache() {
            match cache.set_ports(&ports.cache) {
                Ok(refused) => ports.refuse(&refused),
                Err(error) => {
                    tracing::error!(error = chain(&error), "XDP cannot be told the interfaces");
                    let all: Vec<u32> = ports.cache.iter().map(|port| port.index).collect();
                    ports.refuse(&all);
                }
            }
        }
        if ports != self.ports {
            self.ports = ports;
            self.forget = true;
        }
    }

    fn obey(&mut self) {
        self.commands.hush();
        while let Some(command) = self.commands.next() {
            // Whoever asked may have gone away.
            match command {
                Command::TakeOut(endings, done) => {
                    self.keeper.take_out(&endings, Instant::now());
                    let _ = done.send(());
                }
                Command::Move(to, done) => {
                    let _ = done.send(self.move_cache(to));
                }
            }
        }
        // Somebody forbids something and waits for it; what the network hints at may wait for more of its kind.
        if self.commands.forget() {
            self.forget_paths();
        }
    }

    fn hear_news(&mut self) {
        for _ in 0..ROUNDS {
            let Some(sources) = &mut self.sources else {
                return;
            };
            let before = self.keeper.figures().events;
            let changes = &mut sources.changes;
            let heard = reading::follow(&mut sources.events, &mut self.keeper, &mut |flows| {
                let_be(changes, flows)
                    .inspect_err(|error| tracing::warn!(error = chain(error), "windows are not let be"))
                    .is_ok()
            });
            match heard {
                Ok(true) => return self.take(Happening::Overrun),
                Ok(false) if self.keeper.figures().events == before => break,
                Ok(false) => self.records_of_the_ended(),
                Err(why) => return self.fail(why),
            }
        }
        self.ask();
    }

    /// Asks for what news did not tell.
    fn ask(&mut self) {
        let unsure = self.keeper.take_unsure();
        let Some(sources) = self.sources.as_mut().filter(|_| !unsure.is_empty()) else {
            return;
        };
        let mut failure = None;
        for original in unsure.iter().take(MOST_UNSURE) {
            match sources.questions.get(original, 0) {
                Ok(Some(connection)) => self.keeper.told(&connection),
                Ok(None) => {}
                Err(error) => failure = Some(chain(&error)),
            }
        }
        let changes = &mut sources.changes;
        self.keeper.flush(&mut |flows| let_be(changes, flows).is_ok());
        if let Some(why) = failure {
            self.fail(why);
        }
    }

    /// Reads all of conntrack where that is due, the first time or to compare.
    fn read_all(&mut self) {
        let now = Instant::now();
        let compare = self.machine.state == SyncState::Synced && self.deadlines.check.is_due(now);
        let seed = self.unread && self.deadlines.reading.is_due(now);
        if !compare && !seed {
            return;
        }
        let Some(sources) = &mut self.sources else {
            return;
        };
        let read = if compare {
            reading::compare(sources, &mut self.keeper)
        } else {
            reading::seed(sources, &mut self.keeper)
        };
        let now = Instant::now();
        self.deadlines.check.push(now);
        self.deadlines.reading.push(now);
        match read {
            Ok(reading) => {
                (self.connections, self.last_reading) = (reading.connections, reading.took);
                if reading.more {
                    self.deadlines.check.hasten();
                }
                if reading.overrun {
                    self.take(Happening::Overrun);
                } else {
                    self.unread = false;
                    self.take(Happening::Read);
                }
            }
            Err(why) => self.fail(why),
        }
    }

    fn hear_hints(&mut self) {
        let Some(sources) = &mut self.sources else {
            return;
        };
        match sources.hints.read(Duration::ZERO) {
            // Who had no address is asked for again and again by the programs themselves.
            Ok(Hint::Nothing | Hint::NeighbourResolved) => {}
            Ok(Hint::Changed | Hint::Lost) => self.forget = true,
            Err(error) => self.fail(chain(&error)),
        }
    }

    /// What comes round again and again.
    fn keep_times(&mut self) {
        let now = Instant::now();
        if self.forget && self.deadlines.forget.pass(now) {
            self.forget_paths();
        }
        if self.machine.state == SyncState::Synced && self.deadlines.alive.pass(now) {
            self.forward();
        }
        if self.deadlines.collect.pass(now) {
            self.keeper.expire(now);
            if let Err(error) = self.keeper.collect() {
                tracing::warn!(
                    error = chain(&error),
                    "what XDP counted last could not be collected"
                );
            }
        }
        if self.sources.is_some() && self.deadlines.timing.pass(now) {
            match ConntrackSettings::read() {
                Ok(settings) => self.set_timing(&settings),
                Err(error) => tracing::warn!(error = chain(&error), "conntrack's times could not be read"),
            }
        }
        if self.problem.is_some() && self.deadlines.retry.pass(now) {
            self.open_sources();
            self.judge_sources();
            if self.problem.is_none() {
                self.take(Happening::Retry);
            }
        }
    }

    fn forget_paths(&mut self) {
        self.forget = false;
        if let Some(cache) = self.keeper.cache() {
            cache.forget_paths();
        }
    }

    fn set_timing(&mut self, settings: &ConntrackSettings) {
        let timing = timing(settings);
        if self.timing != Some(timing)
            && let Some(cache) = self.keeper.cache()
        {
            cache.set_timing(&timing);
            self.timing = Some(timing);
        }
    }

    fn records_of_the_ended(&mut self) {
        for ended in self.keeper.take_ended() {
            self.records.add(ended);
        }
    }
}
