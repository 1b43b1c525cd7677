//! What happened between two readings.

use std::collections::BTreeMap;

use ravelin_datapath::EventFigures;
use ravelin_model::{
    BatchFigures, CacheWindow, EventWindow, QueuePackets, ReceiveWindow, SoftnetCpu, SoftnetWindow,
    StoreWindow, Told, TuningWindow, WorkerWindow,
};

use crate::{CacheReading, Reading};

/// The window from one reading to a later one. `spread`: queues in use of interfaces whose card spreads packets.
pub(super) fn between(before: &Reading, after: &Reading, spread: &BTreeMap<String, u64>) -> TuningWindow {
    let receive = spread.iter().filter_map(|(interface, in_use)| {
        let packets = queues(
            before.queues.get(interface)?.known()?,
            after.queues.get(interface)?.known()?,
        );
        Some(ReceiveWindow {
            interface: interface.clone(),
            packets,
            in_use: *in_use,
        })
    });
    TuningWindow {
        elapsed: after.at.saturating_duration_since(before.at),
        cache: both(&before.cache, &after.cache).map(|(old, new)| cache(old, new, before, after)),
        events: both(&before.events, &after.events).map(|(old, new)| events(old, new)),
        workers: WorkerWindow {
            count: u64::try_from(after.workers.busy.len()).unwrap_or(u64::MAX),
            busy: after.workers.total_busy.saturating_sub(before.workers.total_busy),
            batches: more(before.workers.batches, after.workers.batches),
        },
        store: [
            stored(&before.verdict_batches, &after.verdict_batches),
            stored(&before.flow_record_batches, &after.flow_record_batches),
        ]
        .into_iter()
        .fold(StoreWindow::default(), |sum, part| StoreWindow {
            batches: sum.batches.saturating_add(part.batches),
            rows: sum.rows.saturating_add(part.rows),
            total: sum.total.saturating_add(part.total),
        }),
        softnet: both(&before.softnet, &after.softnet).map(|(old, new)| softnet(old, new)),
        engine_cpu: both(&before.process, &after.process).map(|(old, new)| new.cpu.saturating_sub(old.cpu)),
        receive: receive.collect(),
    }
}

/// What both readings know.
fn both<'a, T>(before: &'a Told<T>, after: &'a Told<T>) -> Option<(&'a T, &'a T)> {
    Some((before.known()?, after.known()?))
}

/// How much a count grew. One that fell began anew: its maps were made again, or another size of them.
fn more(before: u64, after: u64) -> u64 {
    after.checked_sub(before).unwrap_or(after)
}

fn cache(old: &CacheReading, new: &CacheReading, before: &Reading, after: &Reading) -> CacheWindow {
    let (was, is) = (&before.sync, &after.sync);
    CacheWindow {
        capacity: new.capacity.into(),
        entries4: is.entries4,
        entries6: is.entries6,
        growth: is
            .entries4
            .saturating_sub(was.entries4)
            .max(is.entries6.saturating_sub(was.entries6)),
        inserted: more(was.inserted, is.inserted),
        refused: more(was.full, is.full),
        hits: more(old.lookups.hits, new.lookups.hits),
        misses: more(old.lookups.misses, new.lookups.misses),
    }
}

fn events(old: &EventFigures, new: &EventFigures) -> EventWindow {
    EventWindow {
        read: more(old.read, new.read),
        suppressed: more(old.suppressed, new.suppressed),
        lost: more(old.lost, new.lost),
        buffer_hits: more(old.buffer_hits, new.buffer_hits),
        buffer_misses: more(old.buffer_misses, new.buffer_misses),
        batches: more(old.batches, new.batches),
        waiting: new.waiting,
        buffers: new.tuning.buffers.into(),
        batch: new.tuning.batch.into(),
        rate: new.tuning.rate.into(),
    }
}

fn stored(old: &BatchFigures, new: &BatchFigures) -> StoreWindow {
    StoreWindow {
        batches: more(old.batches, new.batches),
        rows: more(old.rows, new.rows),
        total: new.total.saturating_sub(old.total),
    }
}

/// CPUs that are in both; the kernel's counts start again at 0 after 32 bits.
fn softnet(old: &[SoftnetCpu], new: &[SoftnetCpu]) -> SoftnetWindow {
    let mut window = SoftnetWindow::default();
    for now in new {
        let Some(then) = old.iter().find(|then| then.cpu == now.cpu) else {
            continue;
        };
        window.processed += u64::from(now.processed.wrapping_sub(then.processed));
        window.dropped += u64::from(now.dropped.wrapping_sub(then.dropped));
        window.squeezed += u64::from(now.squeezed.wrapping_sub(then.squeezed));
    }
    window
}

fn queues(old: &[QueuePackets], new: &[QueuePackets]) -> Vec<u64> {
    let before = |queue| old.iter().find(|then| then.queue == queue);
    new.iter()
        .map(|now| more(before(now.queue).map_or(0, |then| then.packets), now.packets))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use ravelin_datapath::{CacheLookups, EventTuning};
    use ravelin_model::{ProcessUsage, SyncStatus, WorkerFigures};

    use super::*;

    fn reading(at: Instant, count: u64) -> Reading {
        let narrow = u32::try_from(count).expect("a small count");
        Reading {
            at,
            cache: Told::Known(CacheReading {
                lookups: CacheLookups {
                    hits: count * 9,
                    misses: count,
                },
                capacity: 4096,
                bytes: 1,
            }),
            sync: SyncStatus {
                entries4: count,
                entries6: count / 2,
                inserted: count,
                full: count,
                ..SyncStatus::default()
            },
            events: Told::Known(EventFigures {
                read: count,
                suppressed: count,
                lost: count,
                buffer_hits: count,
                buffer_misses: count,
                batches: count,
                waiting: 3,
                bytes: 1,
                tuning: EventTuning {
                    buffers: 8,
                    batch: 16,
                    rate: 200,
                },
            }),
            workers: WorkerFigures {
                busy: vec![Duration::from_millis(count)],
                total_busy: Duration::from_millis(count),
                batches: count,
            },
            softnet: Told::Known(vec![SoftnetCpu {
                cpu: 0,
                processed: narrow.wrapping_sub(150),
                dropped: narrow,
                squeezed: narrow,
            }]),
            process: Told::Known(ProcessUsage {
                cpu: Duration::from_millis(count),
                ..ProcessUsage::default()
            }),
            queues: BTreeMap::from([(
                "eth0".to_owned(),
                Told::Known(vec![QueuePackets {
                    queue: 0,
                    packets: count,
                }]),
            )]),
            verdict_batches: BatchFigures {
                batches: count,
                rows: count,
                total: Duration::from_millis(count),
                ..BatchFigures::default()
            },
            flow_record_batches: BatchFigures::default(),
        }
    }

    #[test]
    fn a_window_is_what_was_added_and_no_count_runs_backwards() {
        let begin = Instant::now();
        let (first, later) = (reading(begin, 100), reading(begin + Duration::from_secs(7), 160));
        let spread = BTreeMap::from([("eth0".to_owned(), 1), ("gone0".to_owned(), 4)]);
        let window = between(&first, &later, &spread);
        assert_eq!(window.elapsed, Duration::from_secs(7));
        let cache = window.cache.expect("cache");
        assert_eq!((cache.hits, cache.misses, cache.growth), (540, 60, 60));
        assert_eq!((cache.inserted, cache.refused, cache.entries4), (60, 60, 160));
        assert!(cache.hit_rate().is_some_and(|rate| (rate - 0.9).abs() < 1e-9));
        let events = window.events.expect("events");
        assert_eq!((events.read, events.lost, events.waiting), (60, 60, 3));
        assert_eq!(window.workers.busy, Duration::from_millis(60));
        assert_eq!(window.store.latency(), Some(Duration::from_millis(1)));
        // Over the end of 32 bits.
        assert_eq!(window.softnet.expect("softnet").processed, 60);
        assert_eq!(window.engine_cpu, Some(Duration::from_millis(60)));
        assert_eq!(window.receive.len(), 1, "{:?}", window.receive);
        assert_eq!(window.receive[0].packets, [60]);

        // The maps were made anew: what they count now is all there was.
        let anew = between(&later, &reading(begin, 5), &spread);
        let cache = anew.cache.expect("cache");
        assert_eq!((cache.hits, cache.growth, cache.refused), (45, 0, 5));
        assert_eq!(anew.elapsed, Duration::ZERO);

        // No traffic, no rate; and what cannot be read is not 0.
        let still = between(&first, &first.clone(), &spread);
        assert_eq!(still.cache.expect("cache").hit_rate(), None);
        let mut blind = first.clone();
        blind.cache = Told::Failed("gone".to_owned());
        blind.softnet = Told::Unsupported;
        let window = between(&blind, &later, &spread);
        assert_eq!((window.cache, window.softnet), (None, None));
    }
}
