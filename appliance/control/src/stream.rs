//! The event stream: a ring of the latest events that every subscriber reads at its own pace.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ravelin_model::{Event, SequencedEvent};
use time::OffsetDateTime;
use tokio::sync::watch;

/// Events kept for subscribers that are slow or come back.
const KEPT: usize = 4096;

/// What a subscriber gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamItem {
    /// An event.
    Event(SequencedEvent),
    /// The subscriber was too slow, or resumed from too long ago: so many events are missing here.
    Gap(u64),
}

#[derive(Debug, Default)]
struct Ring {
    /// The oldest first, without holes.
    events: VecDeque<SequencedEvent>,
    /// Sequence number of the newest event there ever was; the first one gets 1.
    last: u64,
    closed: bool,
}

impl Ring {
    /// Sequence number of the oldest event kept, or of the next one to come.
    fn first(&self) -> u64 {
        self.events.front().map_or(self.last + 1, |event| event.sequence)
    }
}

/// Where events are published. Publishing never waits.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    ring: Arc<Mutex<Ring>>,
    changed: watch::Sender<()>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            ring: Arc::default(),
            changed: watch::Sender::new(()),
        }
    }

    pub(crate) fn publish(&self, event: Event) {
        {
            let mut ring = lock(&self.ring);
            ring.last += 1;
            let sequence = ring.last;
            if ring.events.len() == KEPT {
                ring.events.pop_front();
            }
            ring.events.push_back(SequencedEvent {
                sequence,
                at: OffsetDateTime::now_utc(),
                event,
            });
        }
        self.changed.send_replace(());
    }

    /// Ends every stream once its subscriber has read what is there.
    pub(crate) fn close(&self) {
        lock(&self.ring).closed = true;
        self.changed.send_replace(());
    }

    /// Events after the one with this number, or from now on. A number that was never given out comes from an
    /// earlier process: everything this one still has is new to the subscriber.
    pub(crate) fn subscribe(&self, after: Option<u64>) -> EventStream {
        let last = lock(&self.ring).last;
        let next = match after {
            None => last + 1,
            Some(after) if after > last => 1,
            Some(after) => after + 1,
        };
        EventStream {
            ring: Arc::clone(&self.ring),
            changed: self.changed.subscribe(),
            next,
        }
    }
}

/// Events from a place in the stream on.
#[derive(Debug)]
pub struct EventStream {
    ring: Arc<Mutex<Ring>>,
    changed: watch::Receiver<()>,
    next: u64,
}

impl EventStream {
    /// The next item; None when the engine shuts down.
    pub async fn next(&mut self) -> Option<StreamItem> {
        loop {
            // Marked seen before looking, so an event published while looking wakes the wait below.
            self.changed.borrow_and_update();
            {
                let ring = lock(&self.ring);
                let first = ring.first();
                if self.next < first {
                    let missing = first - self.next;
                    self.next = first;
                    return Some(StreamItem::Gap(missing));
                }
                let place = usize::try_from(self.next - first).ok()?;
                if let Some(event) = ring.events.get(place) {
                    self.next += 1;
                    return Some(StreamItem::Event(event.clone()));
                }
                if ring.closed {
                    return None;
                }
            }
            self.changed.changed().await.ok()?;
        }
    }
}

/// The ring is whole after every statement, so a panic elsewhere does not spoil it.
fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(index: u32) -> Event {
        Event::InterfaceChanged {
            interface: "lan0".to_owned(),
            index,
            present: true,
            attached: true,
        }
    }

    /// Publishes `count` events, subscribes after `after`, closes, and tells what comes: the sum of gaps and
    /// the sequence numbers.
    async fn check(count: usize, after: Option<u64>, gap: u64, sequences: std::ops::RangeInclusive<u64>) {
        let hub = Hub::new();
        for _ in 0..count {
            hub.publish(event(1));
        }
        let mut stream = hub.subscribe(after);
        hub.close();
        let (mut missed, mut seen) = (0, Vec::new());
        while let Some(item) = stream.next().await {
            match item {
                StreamItem::Gap(count) => missed += count,
                StreamItem::Event(event) => seen.push(event.sequence),
            }
        }
        assert_eq!(missed, gap, "gap of {count} events after {after:?}");
        assert_eq!(
            seen,
            sequences.collect::<Vec<_>>(),
            "{count} events after {after:?}"
        );
    }

    #[tokio::test]
    #[allow(clippy::reversed_empty_ranges, reason = "no events expected")]
    async fn a_subscriber_resumes_where_it_was_and_hears_what_it_missed() {
        check(3, None, 0, 1..=0).await;
        check(3, Some(0), 0, 1..=3).await;
        check(3, Some(2), 0, 3..=3).await;
        check(3, Some(3), 0, 1..=0).await;
        check(KEPT + 10, Some(0), 10, 11..=KEPT as u64 + 10).await;
        check(KEPT + 10, Some(5), 5, 11..=KEPT as u64 + 10).await;
        // From an earlier process.
        check(3, Some(99), 0, 1..=3).await;
    }

    #[tokio::test]
    async fn a_waiting_subscriber_is_woken() {
        let hub = Hub::new();
        let mut stream = hub.subscribe(None);
        let (item, ()) = tokio::join!(stream.next(), async { hub.publish(event(7)) });
        assert!(matches!(item, Some(StreamItem::Event(e)) if e.event == event(7)));
    }
}
