//! Tasks that tell the events of the data plane in the words of the model.
//!
//! Each takes the next batch, makes events of it while others do the same with theirs, and publishes them when all
//! batches before have been: events stay in the order the programs sent them, whatever the number of tasks.

mod sinks;
mod worker;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ravelin_datapath::EventBatches;
use ravelin_model::WorkerFigures;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

pub(crate) use sinks::{EventSinks, Sinks};
use worker::Worker;

/// More than this nobody needs: they do not wait for anything but each other.
const MOST: u32 = 64;

/// Sets how many there are. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct EventWorkers {
    wanted: Arc<watch::Sender<u32>>,
    shared: Arc<Shared>,
}

/// What the tasks have in common.
#[derive(Debug)]
struct Shared {
    /// How many run.
    running: watch::Sender<u32>,
    /// The batch to be published next.
    turn: watch::Sender<u64>,
    figures: Mutex<Figures>,
}

#[derive(Debug, Default)]
struct Figures {
    /// By number of the task, also of those that ended.
    busy: Vec<Duration>,
    batches: u64,
}

impl EventWorkers {
    /// One worker, once [`Self::run`] does.
    pub(crate) fn new() -> Self {
        Self {
            wanted: Arc::new(watch::Sender::new(1)),
            shared: Arc::new(Shared {
                running: watch::Sender::new(0),
                turn: watch::Sender::new(0),
                figures: Mutex::default(),
            }),
        }
    }

    /// Has there be so many, one at least; how many there are when that is done. A task that is one too many ends with
    /// the batch it has.
    pub(crate) async fn set(&self, workers: u32) -> u32 {
        let wanted = workers.clamp(1, MOST);
        self.wanted.send_replace(wanted);
        let mut running = self.shared.running.subscribe();
        // Somebody else may want another number by now.
        let reached = running.wait_for(|running| *running == *self.wanted.borrow());
        reached.await.map_or_else(|_| self.now(), |running| *running)
    }

    /// How many run.
    pub(crate) fn now(&self) -> u32 {
        *self.shared.running.borrow()
    }

    /// How it goes.
    pub(crate) fn figures(&self) -> WorkerFigures {
        let running = self.now() as usize;
        let figures = self.shared.figures();
        // One that has not worked yet is there all the same.
        let of = |number| figures.busy.get(number).copied().unwrap_or_default();
        WorkerFigures {
            busy: (0..running).map(of).collect(),
            total_busy: figures.busy.iter().sum(),
            batches: figures.batches,
        }
    }

    /// Keeps as many tasks at work as are wanted. Never returns: without a data plane there are no events, and that is
    /// no reason to end the process. Dropping it ends them.
    ///
    /// # Panics
    /// If one of them does: the batches after its own could never be published.
    pub(crate) async fn run<S: Sinks>(self, events: EventBatches, sinks: S) {
        let (events, sinks) = (Arc::new(events), Arc::new(sinks));
        let mut wanted = self.wanted.subscribe();
        let mut tasks = JoinSet::new();
        let mut at_work = BTreeSet::new();
        loop {
            let target = *wanted.borrow_and_update();
            for number in 0..target {
                if at_work.insert(number) {
                    let worker = Worker {
                        number,
                        events: Arc::clone(&events),
                        sinks: Arc::clone(&sinks),
                        shared: Arc::clone(&self.shared),
                        wanted: self.wanted.subscribe(),
                    };
                    tasks.spawn(worker.run());
                }
            }
            self.tell(at_work.len());
            tokio::select! {
                // An error: nobody holds the sender, which `self` does.
                _ = wanted.changed() => {}
                Some(ended) = tasks.join_next() => {
                    if let Some(number) = number_of(ended) {
                        at_work.remove(&number);
                    }
                }
            }
        }
    }

    fn tell(&self, running: usize) {
        let running = u32::try_from(running).unwrap_or(u32::MAX);
        self.shared.running.send_replace(running);
    }
}

fn number_of(ended: Result<u32, JoinError>) -> Option<u32> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(number) => Some(number),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The process ends.
        Err(Err(_)) => None,
    }
}

impl Shared {
    /// Whole after every statement, so a panic elsewhere does not spoil it.
    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn worked(&self, number: u32, time: Duration) {
        let mut figures = self.figures();
        let number = number as usize;
        if figures.busy.len() <= number {
            figures.busy.resize(number + 1, Duration::ZERO);
        }
        if let Some(busy) = figures.busy.get_mut(number) {
            *busy += time;
        }
        figures.batches += 1;
    }
}

#[cfg(test)]
mod tests;
