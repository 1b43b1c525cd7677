//! What the two ends share.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::buffers::{Buffer, Buffers};
use super::{EventBatches, Intake};
use crate::{EventFigures, EventTuning};

/// Buffers and the queue of full ones.
#[derive(Debug)]
pub(crate) struct Pool {
    state: Mutex<State>,
    /// A buffer came back, or nobody waits for events any more.
    pub(super) freed: Condvar,
    /// A batch waits, or none comes any more.
    pub(super) filled: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) buffers: Buffers,
    pub(super) queue: VecDeque<Buffer>,
    /// Batches handed out so far.
    pub(super) handed_out: u64,
    /// No event comes any more.
    pub(super) ended: bool,
    /// Nobody reads events any more.
    pub(super) unread: bool,
    /// The intake shall not wait any longer.
    pub(super) stopped: bool,
    pub(super) counts: Counts,
}

/// Why there will be no buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoBuffer {
    /// The intake shall end.
    Stopped,
    /// Nobody reads events any more.
    Unread,
}

/// Since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) read: u64,
    pub(super) lost: u64,
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) batches: u64,
}

impl Pool {
    /// Buffers as they are at the start, and both ends.
    pub(crate) fn new() -> (Arc<Self>, Intake, EventBatches) {
        let pool = Arc::new(Self {
            state: Mutex::default(),
            freed: Condvar::new(),
            filled: Notify::new(),
        });
        pool.tune(&EventTuning::default());
        let intake = Intake::new(Arc::clone(&pool));
        let batches = EventBatches::new(Arc::clone(&pool));
        (pool, intake, batches)
    }

    /// Changes buffers and batch; the rate is not known here.
    pub(crate) fn tune(&self, tuning: &EventTuning) {
        let EventTuning {
            buffers,
            batch,
            rate: _,
        } = *tuning;
        self.lock().buffers.tune(buffers as usize, batch as usize);
        self.freed.notify_one();
    }

    /// How it goes, with `rate` as what is in force of it and with what the programs count.
    pub(crate) fn figures(&self, suppressed: u64, lost: u64, rate: u32) -> EventFigures {
        let state = self.lock();
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        EventFigures {
            read: state.counts.read,
            suppressed,
            lost: state.counts.lost + lost,
            buffer_hits: state.counts.hits,
            buffer_misses: state.counts.misses,
            batches: state.counts.batches,
            waiting: state.queue.len() as u64,
            bytes: state.buffers.bytes() as u64,
            tuning: EventTuning {
                buffers: small(state.buffers.count()),
                batch: small(state.buffers.holds()),
                rate,
            },
        }
    }

    /// Has the intake wait no longer.
    #[cfg(feature = "kernel")]
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.freed.notify_all();
    }

    /// The state is whole after every call, so a panic elsewhere does not spoil it.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer, as soon as there is one.
    pub(super) fn buffer(&self) -> Result<Buffer, NoBuffer> {
        let mut state = self.lock();
        let mut missed = false;
        loop {
            if state.stopped {
                return Err(NoBuffer::Stopped);
            }
            if state.unread {
                return Err(NoBuffer::Unread);
            }
            if let Some(buffer) = state.buffers.take() {
                state.counts.hits += u64::from(!missed);
                return Ok(buffer);
            }
            if !missed {
                state.counts.misses += 1;
                missed = true;
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
