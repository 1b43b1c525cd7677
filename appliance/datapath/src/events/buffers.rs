//! Memory for events: taken when a buffer is made, given back when there are to be fewer.

use std::collections::BTreeMap;

use crate::RawEvent;

/// Memory for so many events, and those in it.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) events: Vec<RawEvent>,
    holds: usize,
}

impl Buffer {
    /// None: there is no memory for it.
    fn new(holds: usize) -> Option<Self> {
        let mut events = Vec::new();
        events.try_reserve_exact(holds).ok()?;
        Some(Self { events, holds })
    }

    /// Events there is room for.
    pub(crate) fn room(&self) -> usize {
        self.holds - self.events.len()
    }
}

/// Every buffer there is, and those nobody has.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    free: Vec<Buffer>,
    /// How many there are of each size, wherever they are.
    made: BTreeMap<usize, usize>,
    wanted: usize,
    holds: usize,
}

impl Buffers {
    /// Has there be so many of this size, one event in one buffer at least. Those in use follow when they come back;
    /// where memory is short there are fewer.
    pub(crate) fn tune(&mut self, wanted: usize, holds: usize) {
        self.wanted = wanted.max(1);
        self.holds = holds.max(1);
        for buffer in std::mem::take(&mut self.free) {
            self.give_back(buffer);
        }
        self.fill();
    }

    pub(crate) fn take(&mut self) -> Option<Buffer> {
        self.free.pop()
    }

    pub(crate) fn give_back(&mut self, mut buffer: Buffer) {
        buffer.events.clear();
        if buffer.holds == self.holds && self.count() <= self.wanted {
            self.free.push(buffer);
            return;
        }
        if let Some(made) = self.made.get_mut(&buffer.holds) {
            *made -= 1;
        }
        self.made.retain(|_, made| *made > 0);
        drop(buffer);
        self.fill();
    }

    fn fill(&mut self) {
        for _ in self.count()..self.wanted {
            let Some(buffer) = Buffer::new(self.holds) else {
                return;
            };
            *self.made.entry(self.holds).or_default() += 1;
            self.free.push(buffer);
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.made.values().sum()
    }

    /// Events the largest holds.
    pub(crate) fn holds(&self) -> usize {
        self.made.keys().next_back().copied().unwrap_or(0)
    }

    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> usize {
        let events: usize = self.made.iter().map(|(holds, made)| holds * made).sum();
        events * size_of::<RawEvent>()
    }
}
