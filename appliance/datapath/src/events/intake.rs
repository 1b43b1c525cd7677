//! Where events come in.

use std::sync::Arc;

use super::Pool;
use super::buffers::Buffer;
use super::pool::NoBuffer;
use crate::RawEvent;

/// Fills buffers; one thread has it. When it is dropped, no event comes any more.
#[derive(Debug)]
pub(crate) struct Intake {
    pool: Arc<Pool>,
    buffer: Option<Buffer>,
    /// Events put into it.
    read: u64,
}

impl Intake {
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self {
            pool,
            buffer: None,
            read: 0,
        }
    }

    /// Takes an event, and hands a full buffer on. Waits for a buffer where none is free; where nobody reads events any
    /// more it is lost. False: it was not taken, for this is the end.
    pub(crate) fn push(&mut self, event: RawEvent) -> bool {
        let buffer = match self.buffer.take().map_or_else(|| self.pool.buffer(), Ok) {
            Ok(buffer) => self.buffer.insert(buffer),
            Err(NoBuffer::Unread) => {
                self.lose();
                return true;
            }
            Err(NoBuffer::Stopped) => return false,
        };
        buffer.events.push(event);
        self.read += 1;
        if buffer.room() == 0 {
            self.hand_on();
        }
        true
    }

    /// Counts an event nobody gets.
    pub(crate) fn lose(&self) {
        self.pool.lock().counts.lost += 1;
    }

    /// Hands on what there is, as there are no more events for now: into the last batch that waits if it has room, so
    /// that a trickle does not use up the buffers while nobody takes them.
    pub(crate) fn hand_on(&mut self) {
        let Some(buffer) = &mut self.buffer else {
            return;
        };
        if buffer.events.is_empty() {
            return;
        }
        let mut state = self.pool.lock();
        state.counts.read += std::mem::take(&mut self.read);
        match state.queue.back_mut() {
            Some(last) if last.room() >= buffer.events.len() => {
                last.events.append(&mut buffer.events);
            }
            _ => {
                state.counts.batches += 1;
                state.queue.extend(self.buffer.take());
            }
        }
        drop(state);
        self.pool.filled.notify_one();
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.hand_on();
        let mut state = self.pool.lock();
        if let Some(buffer) = self.buffer.take() {
            state.buffers.give_back(buffer);
        }
        state.ended = true;
        drop(state);
        self.pool.filled.notify_one();
    }
}
