use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{EventBatch, EventBatches, Intake, Pool};
use crate::{EventFigures, EventTuning, RawEvent};

const EVENT_BYTES: u64 = size_of::<RawEvent>() as u64;

fn event(number: u32) -> RawEvent {
    RawEvent(ravelin_abi::rv_event {
        kind: 1,
        version: 2,
        length: 344,
        ktime_ns: 0,
        ifindex: number,
        frame_length: 0,
        reason: 0,
        family: 4,
        protocol: 17,
        source_port: 0,
        destination_port: 0,
        source: [0; 16],
        destination: [0; 16],
        object: 0,
        list: 0,
        revision: 0,
        name_length: 0,
        from_zone: 0,
        to_zone: 0,
        pad: [0; 5],
        name: [0; 256],
    })
}

fn tuning(buffers: u32, batch: u32) -> EventTuning {
    EventTuning {
        buffers,
        batch,
        rate: 200,
    }
}

fn figures(pool: &Pool) -> EventFigures {
    pool.figures(0, 0, 200)
}

/// Pushes so many numbered events on a thread of its own, which hands on what it has after every `burst`.
fn push(mut intake: Intake, events: u32, burst: u32) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for number in 0..events {
            assert!(intake.push(event(number)), "nobody stops it");
            if number % burst == burst - 1 {
                intake.hand_on();
            }
        }
    })
}

fn numbers(batch: &EventBatch) -> impl Iterator<Item = u32> {
    batch.iter().map(|event| event.0.ifindex)
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        thread::yield_now();
    }
}

/// The next batch, or None at the end.
fn next(batches: &EventBatches) -> Option<EventBatch> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(batches.next())
}

#[derive(Debug, Clone)]
enum Step {
    Take,
    GiveBack,
    Tune(u32, u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Take),
        3 => Just(Step::GiveBack),
        1 => (0u32..6, 0u32..9).prop_map(|(buffers, batch)| Step::Tune(buffers, batch)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_more_events_are_held_than_buffers_have_room_for_and_all_arrive_in_order(
        steps in prop::collection::vec(step(), 1..200),
        burst in 1u32..12,
    ) {
        const EVENTS: u32 = 600;
        let (pool, intake, batches) = Pool::new();
        let mut wanted = tuning(2, 4);
        pool.tune(&wanted);
        let pushing = push(intake, EVENTS, burst);
        let (mut held, mut released, mut expected) = (VecDeque::new(), 0, 0);
        let mut take = |held: &mut VecDeque<EventBatch>, batch: EventBatch| {
            assert!(!batch.is_empty());
            for number in numbers(&batch) {
                assert_eq!(number, expected);
                expected += 1;
            }
            held.push_back(batch);
        };
        for step in steps {
            match step {
                Step::Take => if let Some(batch) = batches.try_next() {
                    take(&mut held, batch);
                },
                Step::GiveBack => released += held.pop_front().map_or(0, |batch| batch.len() as u64),
                Step::Tune(buffers, batch) => {
                    let before = figures(&pool).tuning.buffers;
                    wanted = tuning(buffers.max(1), batch.max(1));
                    pool.tune(&tuning(buffers, batch));
                    let now = figures(&pool).tuning.buffers;
                    prop_assert!(now >= wanted.buffers && now <= before.max(wanted.buffers), "{now}");
                }
            }
            let now = figures(&pool);
            prop_assert!((now.read - released) * EVENT_BYTES <= now.bytes, "{now:?}, {released} released");
            prop_assert!(now.bytes <= u64::from(now.tuning.buffers) * u64::from(now.tuning.batch) * EVENT_BYTES);
        }
        held.clear();
        while let Some(batch) = next(&batches) {
            take(&mut held, batch);
            held.clear();
        }
        pushing.join().expect("it ends");
        prop_assert_eq!(expected, EVENTS);
        let now = figures(&pool);
        prop_assert_eq!((now.read, now.lost, now.waiting), (EVENTS.into(), 0, 0));
        prop_assert_eq!((now.tuning, now.bytes), (wanted, wanted.bytes()));
        // The last buffer may have been taken in vain: what was in it fitted into the batch before.
        let taken = now.buffer_hits + now.buffer_misses;
        prop_assert!(now.batches == taken || now.batches + 1 == taken, "{now:?}");
    }
}

#[test]
fn a_missing_buffer_is_one_miss_however_long_it_is_waited_for() {
    let (pool, intake, batches) = Pool::new();
    pool.tune(&tuning(1, 2));
    let pushing = push(intake, 6, 6);
    for misses in 1..=2 {
        wait_for("the buffer is missed", || figures(&pool).buffer_misses == misses);
        let now = figures(&pool);
        assert_eq!((now.waiting, now.buffer_hits), (1, 1), "{now:?}");
        let batch = batches.try_next().expect("a full one");
        assert_eq!(batch.len(), 2);
        drop(batch);
    }
    pushing.join().expect("it ends");
    assert_eq!(next(&batches).expect("the rest").len(), 2);
    assert!(next(&batches).is_none());
    assert!(batches.is_closed());
    assert_eq!(figures(&pool).buffer_misses, 2);
}

#[test]
fn more_buffers_end_a_wait() {
    let (pool, intake, batches) = Pool::new();
    pool.tune(&tuning(1, 1));
    let pushing = push(intake, 4, 1);
    wait_for("a buffer is missed", || figures(&pool).buffer_misses == 1);
    pool.tune(&tuning(4, 1));
    pushing.join().expect("it ends");
    let now = figures(&pool);
    assert_eq!((now.waiting, now.buffer_hits, now.buffer_misses), (4, 3, 1));
    assert_eq!(now.bytes, 4 * EVENT_BYTES);
    drop(batches);
}

#[test]
fn a_trickle_nobody_reads_shares_buffers() {
    let (pool, intake, batches) = Pool::new();
    pool.tune(&tuning(3, 8));
    push(intake, 16, 1).join().expect("it ends");
    assert_eq!(figures(&pool).waiting, 2);
    assert_eq!(next(&batches).map(|batch| batch.len()), Some(8));
    assert_eq!(next(&batches).map(|batch| batch.sequence()), Some(1));
}

#[test]
fn buffers_in_use_follow_when_they_come_back() {
    let (pool, intake, batches) = Pool::new();
    pool.tune(&tuning(3, 2));
    push(intake, 6, 2).join().expect("it ends");
    let held: Vec<_> = std::iter::from_fn(|| batches.try_next()).collect();
    assert_eq!(held.len(), 3);
    pool.tune(&tuning(1, 5));
    // Nothing could be freed yet.
    assert_eq!(
        (figures(&pool).tuning, figures(&pool).bytes),
        (tuning(3, 2), 6 * EVENT_BYTES)
    );
    drop(held);
    assert_eq!(
        (figures(&pool).tuning, figures(&pool).bytes),
        (tuning(1, 5), 5 * EVENT_BYTES)
    );
}

#[test]
fn events_nobody_reads_are_lost_and_nobody_waits() {
    let (pool, intake, batches) = Pool::new();
    pool.tune(&tuning(1, 1));
    let pushing = push(intake, 10, 1);
    wait_for("a buffer is missed", || figures(&pool).buffer_misses == 1);
    drop(batches);
    pushing.join().expect("it ends");
    let now = figures(&pool);
    assert_eq!((now.read, now.lost), (1, 9));
}

#[test]
fn an_end_is_told_to_everyone_who_waits() {
    let (_pool, intake, batches) = Pool::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    // Polled in this order: all of them wait when it ends.
    let told = runtime.expect("a runtime").block_on(async {
        let all = async {
            tokio::join!(batches.next(), batches.next(), batches.next(), async {
                drop(intake);
            })
        };
        tokio::time::timeout(Duration::from_secs(30), all).await
    });
    let (first, second, third, ()) = told.expect("everyone is told");
    assert!(first.is_none() && second.is_none() && third.is_none());
}
