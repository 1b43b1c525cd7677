//! Reading what conntrack has when following begins.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ravelin_kernel::Conntrack;
use ravelin_model::{FlowSettings, SyncState};

use crate::support::{Following, Make, ROOMY, SharedCache, in_namespace, keys, many, wanted};

#[test]
fn ten_thousand_connections_are_there_when_it_is_in_step() {
    in_namespace("seed", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack
            .create(&many(0..10_000, Make::Answered))
            .expect("create");
        conntrack
            .create(&many(10_000..10_100, Make::Unanswered))
            .expect("create");
        let following = Following::start(&SharedCache::new(), wanted(3600), ROOMY);
        let status = following.until_synced();
        assert_eq!(following.cache.flows().len(), 10_000);
        following.until_right(&mut conntrack);
        assert_eq!((status.epoch, status.overruns, status.drift), (1, 0, 0));
        assert_eq!(status.connections, 10_100);
        assert!(status.synced_at.is_some() && status.last_reading > Duration::ZERO);
        let status = following.until("counted", |status| status.inserted == 10_000);
        assert_eq!((status.entries4, status.entries6), (5000, 5000));
        // XDP forwards nothing before that.
        let alive = following.cache.alive();
        assert!(alive.iter().all(|time| *time > Duration::ZERO), "{alive:?}");
        following.stop();
    });
}

#[test]
fn what_happens_while_conntrack_is_read_is_not_missed() {
    in_namespace("busy", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack
            .create(&many(0..10_000, Make::Answered))
            .expect("create");
        let (stop, mut other) = (AtomicBool::new(false), Conntrack::open().expect("open"));
        let following = std::thread::scope(|scope| {
            scope.spawn(|| {
                // Those that are there go and come again, and others come and go.
                for round in 0..600 {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let start = round * 97 % 9000;
                    let there = many(start..start + 200, Make::Answered);
                    let more = many(20_000 + start..20_200 + start, Make::Answered);
                    other.delete(&keys(&there[..100])).expect("delete");
                    other.create(&more).expect("create");
                    other.create(&there).expect("create");
                    other.delete(&keys(&more[..150])).expect("delete");
                    // Some ten thousand news a second.
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            let following = Following::start(&SharedCache::new(), wanted(3600), ROOMY);
            following.until_synced();
            stop.store(true, Ordering::Relaxed);
            following
        });
        following.until_right(&mut conntrack);
        let status = following.status();
        assert_eq!((status.state, status.drift), (SyncState::Synced, 0));
        following.stop();
    });
}

/// The cache is that of the maps an earlier process left pinned.
#[test]
fn a_new_process_keeps_what_is_still_so_and_mends_the_rest() {
    in_namespace("adopt", || {
        let mut conntrack = Conntrack::open().expect("open");
        let all = many(0..3000, Make::Answered);
        conntrack.create(&all).expect("create");
        let cache = SharedCache::new();
        let before = Following::start(&cache, wanted(3600), ROOMY);
        before.until_synced();
        before.stop();
        conntrack.delete(&keys(&all[..500])).expect("delete");
        conntrack
            .create(&many(5000..5700, Make::Answered))
            .expect("create");
        let following = Following::start(&cache, wanted(3600), ROOMY);
        following.until_synced();
        following.until_right(&mut conntrack);
        let status = following.until("counted", |status| status.inserted > 0);
        assert_eq!((status.inserted, status.removed, status.drift), (700, 500, 0));
        following.stop();
    });
}

#[test]
fn switched_off_the_cache_is_empty_and_switched_on_it_is_read_again() {
    in_namespace("switch", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack.create(&many(0..1000, Make::Answered)).expect("create");
        let following = Following::start(&SharedCache::new(), FlowSettings::default(), ROOMY);
        assert_eq!(following.status().state, SyncState::Off);
        following.settings.send_replace(wanted(3600));
        following.until_synced();
        following.until_right(&mut conntrack);
        following.settings.send_replace(FlowSettings::default());
        following.until("off", |status| status.state == SyncState::Off);
        assert_eq!(following.cache.flows().len(), 0);
        assert_eq!(following.cache.alive().last(), Some(&Duration::ZERO));
        following.settings.send_replace(wanted(3600));
        let status = following.until_synced();
        assert_eq!(status.epoch, 2);
        following.until_right(&mut conntrack);
        following.stop();
    });
}
