use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::ground::{Ground, plain, translated};
use crate::{CachedFlow, FlowCache as _};

/// How often the writer gives the slots to another connection, and readers find one, at least.
const TURNS: u32 = 5000;

#[test]
fn a_reader_sees_a_connection_whole_or_not_at_all() {
    // Room for one: each connection takes the slots of the one before.
    let mut cache = Ground::new(1, 1).open();
    let reader = cache.reader();
    let flows: Vec<CachedFlow> = (0..4)
        .map(|number| CachedFlow {
            counter: number.into(),
            ..if number % 2 == 0 {
                plain(6, number)
            } else {
                translated(6, number, 40_000 + number)
            }
        })
        .collect();
    let (ended, seen) = (AtomicBool::new(false), AtomicU32::new(0));
    let read = || {
        while !ended.load(Relaxed) {
            for flow in &flows {
                for tuple in [flow.original, flow.reply] {
                    if let Some(state) = reader.get(&tuple) {
                        assert_eq!(state.flow, *flow);
                        seen.fetch_add(1, Relaxed);
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let readers = [(); 2].map(|()| scope.spawn(read));
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut turns = 0;
        while (turns < TURNS || seen.load(Relaxed) < TURNS)
            && Instant::now() < deadline
            && !readers.iter().any(std::thread::ScopedJoinHandle::is_finished)
        {
            for flow in &flows {
                cache.insert(flow);
                cache.remove(&flow.original);
                cache.collect().expect("free");
            }
            turns += 1;
        }
        ended.store(true, Relaxed);
    });
    assert!(
        seen.load(Relaxed) >= TURNS,
        "readers found {} only",
        seen.load(Relaxed)
    );
}
