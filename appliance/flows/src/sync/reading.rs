//! Reading all of conntrack.

use std::collections::{HashSet, VecDeque};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ravelin_datapath::CachedFlow;
use ravelin_kernel::{ConntrackEvent, ConntrackEvents, EventsRead};
use ravelin_model::{FlowTuple, chain};

use super::carried::Identity;
use super::keeper::Keeper;
use super::sources::{Sources, let_be};

/// Connections between two looks for news, so that few wait in the kernel.
const LOOK: u64 = 64;
/// Connections put into the cache at a time.
const BATCH: u64 = 512;
/// Batches that wait for conntrack to let their windows be.
const BATCHES: usize = 8;
/// News taken between two looks for more.
const AT_ONCE: usize = 1024;
/// News kept during a reading; more are as good as lost.
const MOST_NEWS: usize = 1 << 17;
/// Differences looked into after a comparison; the next one finds the rest.
const MOST_DIFFERENCES: usize = 1 << 16;

/// Has conntrack let the windows of connections be; false: they must not be forwarded.
type LetBe<'a> = &'a mut dyn FnMut(&[CachedFlow]) -> bool;

/// What a reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// News were lost meanwhile: it has to be done again.
    pub(super) overrun: bool,
    pub(super) connections: u64,
    /// There was room for connections there was none for earlier, and there are more of them.
    pub(super) more: bool,
    pub(super) took: Duration,
}

/// News that came during a reading.
#[derive(Debug, Default)]
struct News {
    events: VecDeque<ConntrackEvent>,
    overrun: bool,
    failure: Option<String>,
}

impl News {
    fn gather(&mut self, events: &mut ConntrackEvents) {
        if self.overrun || self.failure.is_some() {
            return;
        }
        match events.read(Duration::ZERO, &mut |event| self.events.push_back(event)) {
            Ok(EventsRead::Overrun) => self.overrun = true,
            Ok(_) => self.overrun = self.events.len() > MOST_NEWS,
            Err(error) => self.failure = Some(chain(&error)),
        }
    }

    /// Takes them all, and those that come meanwhile.
    fn replay(&mut self, events: &mut ConntrackEvents, keeper: &mut Keeper, let_be: LetBe<'_>) {
        self.gather(events);
        while !self.events.is_empty() {
            let some = self.events.len().min(AT_ONCE);
            for event in self.events.drain(..some) {
                keeper.news(event);
            }
            keeper.flush(let_be);
            self.gather(events);
        }
    }
}

/// Reads all connections into the cache, takes out what is no more, then takes the news told meanwhile.
pub(super) fn seed(sources: &mut Sources, keeper: &mut Keeper) -> Result<Reading, String> {
    let begin = Instant::now();
    let Sources {
        questions,
        changes,
        events,
        ..
    } = sources;
    let mut seen = keeper.has_anything().then(HashSet::<Identity>::new);
    let mut news = News::default();
    // Whose windows are to be let be.
    let mut strange = Vec::new();
    let mut connections = 0;
    // Windows are let be while the dump goes on: either takes about as long as the other.
    thread::scope(|scope| {
        let (sender, batches) = sync_channel::<Vec<CachedFlow>>(BATCHES);
        let changes = &mut *changes;
        let tell = move || batches.iter().try_for_each(|batch| let_be(changes, &batch));
        let teller = thread::Builder::new()
            .name("conntrack-tell".to_owned())
            .spawn_scoped(scope, tell)
            .map_err(|error| format!("a thread could not be started: {error}"))?;
        let dumped = questions.dump(&mut |connection| {
            connections += 1;
            if let Some(seen) = &mut seen {
                seen.insert((connection.original, connection.id));
            }
            strange.extend(keeper.read(&connection, seen.is_none()));
            if connections % BATCH == 0 {
                flush(keeper, &mut strange, &sender);
            }
            if connections % LOOK == 0 {
                news.gather(events);
            }
        });
        flush(keeper, &mut strange, &sender);
        drop(sender);
        while !teller.is_finished() {
            news.gather(events);
            thread::sleep(Duration::from_millis(1));
        }
        match teller.join() {
            Ok(told) => told.map_err(|error| chain(&error))?,
            Err(_) => return Err("the thread that tells conntrack panicked".to_owned()),
        }
        dumped.map_err(|error| chain(&error))
    })?;
    if let Some(seen) = seen {
        keeper.keep_only(&seen);
    }
    news.replay(events, keeper, &mut |flows| let_be(changes, flows).is_ok());
    match news.failure {
        Some(failure) => Err(failure),
        None => Ok(Reading {
            overrun: news.overrun,
            connections,
            more: false,
            took: begin.elapsed(),
        }),
    }
}

/// Puts in what is to be put in. XDP forwards none of it before the thread says so, which it does when every window is
/// let be.
fn flush(keeper: &mut Keeper, strange: &mut Vec<CachedFlow>, teller: &SyncSender<Vec<CachedFlow>>) {
    // Err: it has failed and says so at its end.
    let _ = teller.send(std::mem::take(strange));
    keeper.flush(&mut |_| true);
}

/// Compares all connections with the cache and puts right what is different. News go on being taken meanwhile. What
/// is different because of news under way is asked for again, so it is not counted.
pub(super) fn compare(sources: &mut Sources, keeper: &mut Keeper) -> Result<Reading, String> {
    let begin = Instant::now();
    let Sources {
        questions,
        changes,
        events,
        ..
    } = sources;
    let mut seen = HashSet::<Identity>::new();
    let mut differences: Vec<FlowTuple> = Vec::new();
    let mut connections = 0;
    let mut following = Ok(false);
    let dumped = questions.dump(&mut |connection| {
        connections += 1;
        seen.insert((connection.original, connection.id));
        if differences.len() < MOST_DIFFERENCES {
            differences.extend(keeper.compare(&connection));
        }
        if connections % LOOK == 0 && following == Ok(false) {
            following = follow(events, keeper, &mut |flows| let_be(changes, flows).is_ok());
        }
    });
    dumped.map_err(|error| chain(&error))?;
    let mut overrun = following?;
    if !overrun {
        overrun = follow(events, keeper, &mut |flows| let_be(changes, flows).is_ok())?;
    }
    let mut reading = Reading {
        overrun,
        connections,
        more: false,
        took: begin.elapsed(),
    };
    if overrun {
        return Ok(reading);
    }
    let rest = MOST_DIFFERENCES - differences.len().min(MOST_DIFFERENCES);
    differences.extend(keeper.compare_rest(&seen).into_iter().take(rest));
    let before = keeper.figures();
    let mut first = None;
    for original in &differences {
        let connection = questions.get(original, 0).map_err(|error| chain(&error))?;
        if keeper.repair(original, connection.as_ref()) {
            first = first.or(Some(original));
        }
    }
    keeper.flush(&mut |flows| let_be(changes, flows).is_ok());
    let drift = keeper.count_drift(&before);
    reading.more = differences.len() >= MOST_DIFFERENCES && keeper.figures().late > before.late;
    if drift > 0 {
        tracing::warn!(
            connections = drift,
            ?first,
            "the flow cache was not in step with conntrack"
        );
    }
    Ok(reading)
}

/// Takes what news there are, a batch at most; whether some were lost.
pub(super) fn follow(
    events: &mut ConntrackEvents,
    keeper: &mut Keeper,
    let_be: LetBe<'_>,
) -> Result<bool, String> {
    let read = events.read(Duration::ZERO, &mut |event| keeper.news(event));
    keeper.flush(let_be);
    match read {
        Ok(read) => Ok(read == EventsRead::Overrun),
        Err(error) => Err(chain(&error)),
    }
}
