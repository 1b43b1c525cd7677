//! Where events are read.

use std::ops::Deref;
use std::sync::Arc;

use super::Pool;
use super::buffers::Buffer;
use crate::RawEvent;

/// Batches of events, in the order the events came. Any number of tasks may wait for one at a time.
#[derive(Debug)]
pub struct EventBatches {
    pool: Arc<Pool>,
}

impl EventBatches {
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }

    /// There is no data plane, and no event ever comes.
    pub fn none() -> Self {
        Pool::new().2
    }

    /// The next batch; None: none comes any more. Cancelling it loses nothing.
    pub async fn next(&self) -> Option<EventBatch> {
        loop {
            if let Some(batch) = self.try_next() {
                return Some(batch);
            }
            if self.is_closed() {
                // Whoever else waits has to know as well.
                self.pool.filled.notify_one();
                return None;
            }
            self.pool.filled.notified().await;
        }
    }

    /// The next batch, if one is there now.
    pub fn try_next(&self) -> Option<EventBatch> {
        let mut state = self.pool.lock();
        let buffer = state.queue.pop_front()?;
        let sequence = state.handed_out;
        state.handed_out += 1;
        let more = !state.queue.is_empty();
        drop(state);
        if more {
            // A wake-up is for one batch at least, not for each.
            self.pool.filled.notify_one();
        }
        Some(EventBatch {
            sequence,
            buffer,
            pool: Arc::clone(&self.pool),
        })
    }

    /// Every event was read and none comes any more.
    pub fn is_closed(&self) -> bool {
        let state = self.pool.lock();
        state.ended && state.queue.is_empty()
    }
}

impl Drop for EventBatches {
    fn drop(&mut self) {
        self.pool.lock().unread = true;
        self.pool.freed.notify_all();
    }
}

/// Events in the order they came. Its buffer is free again when it is dropped.
#[derive(Debug)]
pub struct EventBatch {
    sequence: u64,
    buffer: Buffer,
    pool: Arc<Pool>,
}

impl EventBatch {
    /// Its place among all batches: the first is 0.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl Deref for EventBatch {
    type Target = [RawEvent];

    fn deref(&self) -> &[RawEvent] {
        &self.buffer.events
    }
}

impl Drop for EventBatch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        self.pool.lock().buffers.give_back(buffer);
        self.pool.freed.notify_one();
    }
}
