//! Events of programs in memory: a channel stands for the ring, a thread reads it as the kernel's is read.

use std::sync::Arc;
use std::thread;

use tokio::sync::mpsc;

use crate::events::{EventBatches, Intake, Pool};
use crate::{EventFigures, EventTuning, RawEvent};

/// Events that fit into the ring.
const RING: usize = 1024;

/// The same as of the kernel's data plane.
#[derive(Debug)]
pub(super) struct SimEvents {
    pool: Arc<Pool>,
    rate: u32,
    /// So that the events do not end before the data plane does.
    _told: mpsc::Sender<RawEvent>,
}

impl SimEvents {
    /// The data plane's part, where its programs would send, and where their events are read.
    pub(super) fn start() -> (Self, mpsc::Sender<RawEvent>, EventBatches) {
        let (told, ring) = mpsc::channel(RING);
        let (pool, intake, batches) = Pool::new();
        let started = thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || read(ring, intake));
        if let Err(error) = started {
            tracing::error!(%error, "the thread that reads events could not be started");
        }
        let events = Self {
            pool,
            rate: EventTuning::default().rate,
            _told: told.clone(),
        };
        (events, told, batches)
    }

    pub(super) fn tune(&mut self, tuning: &EventTuning) -> EventTuning {
        self.rate = tuning.rate.max(1);
        self.pool.tune(tuning);
        self.figures().tuning
    }

    pub(super) fn figures(&self) -> EventFigures {
        self.pool.figures(0, 0, self.rate)
    }
}

fn read(mut ring: mpsc::Receiver<RawEvent>, mut intake: Intake) {
    while let Some(first) = ring.blocking_recv() {
        let mut next = Some(first);
        while let Some(event) = next {
            if !intake.push(event) {
                return;
            }
            next = ring.try_recv().ok();
        }
        intake.hand_on();
    }
}
