//! Going on with a cache of another size.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ravelin_datapath::{FlowCacheReader, Path};
use ravelin_flows::MoveError;
use ravelin_kernel::{ConnectionUpdate, Conntrack, MarkChange};
use ravelin_model::{FlowCount, FlowRecordsConfig, FlowSettings, FlowTuple, SyncState};

use crate::support::{Following, Make, ROOMY, SharedCache, in_namespace, keys, many, wait, wanted};

type Counts = BTreeMap<FlowTuple, [FlowCount; 2]>;

/// Both are kept in step, and what ends is recorded.
fn recording() -> FlowSettings {
    FlowSettings {
        records: Some(FlowRecordsConfig::default()),
        ..wanted(3600)
    }
}

/// Every connection ends; each is recorded once, with what was counted of it.
fn end_all(following: &Following, conntrack: &mut Conntrack, all: u32, counts: &Counts) {
    conntrack
        .delete(&keys(&many(0..all, Make::Answered)))
        .expect("delete");
    wait("all are recorded", || {
        let records = following.records();
        if records.len() >= counts.len() {
            Ok(())
        } else {
            Err(records.len())
        }
    });
    let records = following.records();
    assert_eq!(records.len(), counts.len());
    let recorded = records.into_iter().map(|stored| stored.record);
    let recorded: Counts = recorded.map(|record| (record.original, record.counts)).collect();
    assert_same(&recorded, counts, "the records");
}

#[track_caller]
fn assert_same(counts: &Counts, expected: &Counts, what: &str) {
    for (tuple, expected) in expected {
        assert_eq!(counts.get(tuple), Some(expected), "{what}: {tuple:?}");
    }
    assert_eq!(counts.len(), expected.len(), "{what}");
}

#[test]
fn a_thousand_connections_move_to_greater_and_smaller_caches_with_their_counts() {
    in_namespace("move", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack.create(&many(0..1000, Make::Answered)).expect("create");
        let mut following = Following::start(&SharedCache::with_room(600), recording(), ROOMY);
        following.until_synced();
        following.until_right(&mut conntrack);
        let counts = following.cache.forward();
        let reader = following.handle.cache_reader().expect("cache");
        assert_same(&following.counts(), &counts, "before");
        let mut left = 0;
        for (moves, (room, fits)) in (1..).zip([(4000, true), (700, true), (2000, true), (100, false)]) {
            let old = following.cache.clone();
            let flows = old.flows();
            let new = SharedCache::with_room(room);
            let moved = following.move_to(&new, || Ok(())).expect("move");
            // At once, whoever reads.
            let status = following.status();
            assert_eq!((status.capacity, status.moves), (room.into(), moves));
            assert_eq!(status.entries4 + status.entries6, moved.moved);
            assert_eq!(
                (status.last_pause, status.state),
                (moved.pause, SyncState::Synced)
            );
            assert_eq!(moved.moved + moved.refused, flows.len() as u64);
            assert_eq!(moved.refused == 0, fits, "{moved:?}");
            left += moved.refused;
            assert_eq!(status.left_behind, left);
            for (tuple, flow) in &new.flows() {
                let read = reader.get(tuple).expect("it was moved");
                assert_eq!((Some(flow), read.flow), (flows.get(tuple), *flow));
            }
            // XDP forwards by the new one, and by the old one no more.
            assert_eq!(old.alive().last(), Some(&Duration::ZERO));
            let alive = new.alive();
            assert!(!alive.is_empty() && !alive.contains(&Duration::ZERO), "{alive:?}");
            assert_same(&following.counts(), &counts, &format!("with room for {room}"));
        }
        // The two hundred that were used last, or nearly.
        let rest = following.cache.flows();
        assert!(rest.len() > 150, "{}", rest.len());
        let least = counts
            .iter()
            .filter(|(tuple, _)| rest.contains_key(*tuple))
            .map(|(_, counts)| counts[0].packets)
            .min();
        assert!(least > Some(350), "{least:?}");
        let status = following.status();
        assert_eq!((status.epoch, status.overruns, status.drift), (1, 0, 0));
        end_all(&following, &mut conntrack, 1000, &counts);
        following.stop();
    });
}

#[test]
fn who_found_no_room_is_put_in_as_soon_as_there_is_some_and_was_not_missing_by_mistake() {
    in_namespace("room", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack.create(&many(0..1000, Make::Answered)).expect("create");
        let mut following = Following::start(&SharedCache::with_room(100), recording(), ROOMY);
        let status = following.until_synced();
        let refused = 1000 - status.entries4 - status.entries6;
        assert!(refused >= 800, "{status:?}");
        let counts = following.cache.forward();
        // However often they are told, each is counted once.
        let mark = MarkChange {
            value: 5,
            mask: 0x000f_ffff,
        };
        let marks: Vec<ConnectionUpdate> = keys(&many(0..1000, Make::Answered))
            .into_iter()
            .map(|key| ConnectionUpdate {
                key,
                timeout_seconds: None,
                mark: Some(mark),
                liberal: false,
            })
            .collect();
        conntrack.update(&marks).expect("mark");
        following.until("all were told", |status| status.events >= 1000);
        let moved = following
            .move_to(&SharedCache::with_room(10), || Ok(()))
            .expect("move");
        assert!(moved.refused > 150, "{moved:?}");
        assert_eq!(following.status().full, refused);
        following
            .move_to(&SharedCache::with_room(5000), || Ok(()))
            .expect("move");
        following.until_right(&mut conntrack);
        assert_eq!(following.cache.flows().len(), 1000);
        let status = following.until("told", |status| status.entries4 + status.entries6 == 1000);
        assert_eq!((status.drift, status.epoch, status.full), (0, 1, refused));
        for (tuple, now) in following.counts() {
            let expected = counts.get(&tuple).copied().unwrap_or_default();
            assert_eq!(now, expected, "{tuple:?}");
        }
        following.stop();
    });
}

#[test]
fn where_the_programs_do_not_use_the_new_cache_the_old_one_goes_on() {
    in_namespace("stay", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack.create(&many(0..1000, Make::Answered)).expect("create");
        let mut following = Following::start(&SharedCache::with_room(600), recording(), ROOMY);
        following.until_synced();
        following.until_right(&mut conntrack);
        let counts = following.cache.forward();
        let (old, small) = (following.cache.clone(), SharedCache::with_room(10));
        let refused = following.move_to(&small, || Err("no interface takes them".to_owned()));
        assert!(
            matches!(&refused, Err(MoveError::Unused(why)) if why == "no interface takes them"),
            "{refused:?}"
        );
        assert_eq!(old.flows().len(), 1000);
        let alive = old.alive();
        assert!(
            matches!(alive[..], [.., halted, on] if halted == Duration::ZERO && on > Duration::ZERO),
            "{alive:?}"
        );
        assert!(!small.alive().iter().any(|time| *time > Duration::ZERO));
        let status = following.status();
        assert_eq!((status.capacity, status.moves, status.left_behind), (600, 0, 0));
        assert_same(&following.counts(), &counts, "afterwards");
        // News are followed with the old one.
        conntrack
            .create(&many(1000..1100, Make::Answered))
            .expect("create");
        following.until_right(&mut conntrack);
        conntrack
            .delete(&keys(&many(1000..1100, Make::Answered)))
            .expect("delete");
        following.until_right(&mut conntrack);
        wait("they are recorded", || match following.records().len() {
            100 => Ok(()),
            some => Err(some),
        });
        let mut all = counts;
        for record in following.records() {
            all.insert(record.record.original, [FlowCount::default(); 2]);
        }
        end_all(&following, &mut conntrack, 1000, &all);
        following.stop();
    });
}

#[test]
fn news_that_come_while_it_moves_are_read_afterwards() {
    in_namespace("meanwhile", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack.create(&many(0..1000, Make::Answered)).expect("create");
        let mut following = Following::start(&SharedCache::new(), wanted(3600), ROOMY);
        following.until_synced();
        for room in [5000_u32, 3000, 8000] {
            let mut other = Conntrack::open().expect("open");
            let moved = following.move_to(&SharedCache::with_room(room), move || {
                let some = many(0..300, Make::Answered);
                other.delete(&keys(&some)).expect("delete");
                other.create(&some[..150]).expect("create");
                let more = room..room + 1000;
                other.create(&many(more, Make::Answered)).expect("create");
                Ok(())
            });
            moved.expect("move");
            following.until_right(&mut conntrack);
            conntrack.create(&many(150..300, Make::Answered)).expect("create");
            following.until_right(&mut conntrack);
        }
        assert_eq!(following.cache.flows().len(), 4000);
        let status = following.status();
        assert_eq!((status.epoch, status.overruns, status.drift), (1, 0, 0));
        following.stop();
    });
}

/// Programs note an end in the cache they use, until they use another.
#[test]
fn what_ended_while_it_was_moved_is_not_forwarded_by_the_new_cache() {
    in_namespace("ended", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack.create(&many(0..100, Make::Answered)).expect("create");
        let mut following = Following::start(&SharedCache::new(), recording(), ROOMY);
        following.until_synced();
        following.until_right(&mut conntrack);
        let counts = following.cache.forward();
        let old = following.cache.clone();
        let ended: Vec<FlowTuple> = counts.keys().copied().step_by(10).collect();
        let over = ended.clone();
        let moved = following.move_to(&SharedCache::with_room(500), move || {
            for tuple in &over {
                let mut state = old.lock().reader().get(tuple).expect("it is there");
                state
                    .directions
                    .iter_mut()
                    .for_each(|direction| direction.path = Path::Ended);
                old.lock().restore(&state);
            }
            Ok(())
        });
        assert_eq!(moved.expect("move").moved, 100);
        let flows = following.cache.flows();
        assert_eq!(flows.len(), 90);
        assert!(!ended.iter().any(|tuple| flows.contains_key(tuple)));
        wait("their counts are carried", || {
            if following.counts() == counts {
                Ok(())
            } else {
                Err("they are not")
            }
        });
        end_all(&following, &mut conntrack, 100, &counts);
        following.stop();
    });
}

#[test]
fn a_cache_that_is_not_in_step_moves_as_well() {
    in_namespace("off", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack.create(&many(0..1000, Make::Answered)).expect("create");
        let mut following = Following::start(&SharedCache::new(), FlowSettings::default(), ROOMY);
        let (first, second) = (SharedCache::with_room(700), SharedCache::with_room(800));
        let moved = following.move_to(&first, || Ok(())).expect("move");
        assert_eq!((moved.moved, moved.refused), (0, 0));
        assert!(!first.alive().iter().any(|time| *time > Duration::ZERO));
        following.settings.send_replace(wanted(3600));
        // However far the reading is by then.
        following.move_to(&second, || Ok(())).expect("move");
        following.until_synced();
        following.until_right(&mut conntrack);
        assert_eq!(following.cache.flows().len(), 1000);
        following.settings.send_replace(FlowSettings::default());
        following.until("off", |status| status.state == SyncState::Off);
        let third = SharedCache::with_room(900);
        following.move_to(&third, || Ok(())).expect("move");
        assert_eq!(third.flows().len(), 0);
        assert!(!third.alive().iter().any(|time| *time > Duration::ZERO));
        following.settings.send_replace(wanted(3600));
        following.until_synced();
        following.until_right(&mut conntrack);
        let status = following.status();
        assert_eq!((status.moves, status.capacity, status.drift), (3, 900, 0));
        following.stop();
    });
}

#[test]
fn who_reads_meanwhile_finds_every_connection_with_its_counts() {
    in_namespace("read", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack.create(&many(0..1000, Make::Answered)).expect("create");
        let mut following = Following::start(&SharedCache::with_room(600), wanted(3600), ROOMY);
        following.until_synced();
        following.until_right(&mut conntrack);
        let counts = Arc::new(following.cache.forward());
        let reader = following.handle.cache_reader().expect("cache");
        let (stop, readings) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    read_all(reader.as_ref(), &counts);
                    readings.fetch_add(1, Ordering::Relaxed);
                }
            });
            for round in 0..20 {
                let before = readings.load(Ordering::Relaxed);
                let new = SharedCache::with_room(if round % 2 == 0 { 4000 } else { 700 });
                let moved = following.move_to(&new, || Ok(())).expect("move");
                assert_eq!((moved.moved, moved.refused), (1000, 0));
                wait("everything was read once more", || {
                    match readings.load(Ordering::Relaxed) {
                        now if now > before => Ok(()),
                        now => Err(now),
                    }
                });
            }
            stop.store(true, Ordering::Relaxed);
        });
        following.stop();
    });
}

fn read_all(reader: &dyn FlowCacheReader, counts: &Counts) {
    for (tuple, counts) in counts {
        let state = reader.get(tuple).expect("it is in either cache");
        let read = state.directions.map(|direction| direction.count);
        assert_eq!(read, *counts, "{tuple:?}");
    }
}
