//! News that are lost.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ravelin_kernel::Conntrack;
use ravelin_model::SyncState;

use crate::support::{Following, Make, SharedCache, in_namespace, keys, many, wanted};

/// Longest until the cache is right again.
const RIGHT: Duration = Duration::from_secs(5);

/// The least the kernel takes.
const SMALLEST: usize = 4096;

#[test]
fn lost_news_stop_xdp_and_are_made_good_within_five_seconds() {
    in_namespace("overrun", || {
        let mut conntrack = Conntrack::open().expect("open");
        let all = many(0..5000, Make::Answered);
        conntrack.create(&all).expect("create");
        let following = Following::start(&SharedCache::new(), wanted(3600), SMALLEST);
        following.until_synced();
        let made = AtomicU32::new(0);
        let begin = Instant::now();
        // Bursts, as fast as conntrack takes them.
        while following.status().overruns == 0 || begin.elapsed() < Duration::from_secs(1) {
            let start = 10_000 + made.fetch_add(500, Ordering::Relaxed) % 20_000;
            let burst = many(start..start + 500, Make::Answered);
            conntrack.create(&burst).expect("create");
            conntrack.delete(&keys(&burst[..499])).expect("delete");
            assert!(begin.elapsed() < Duration::from_secs(30), "nothing is lost");
        }
        let rate = f64::from(made.load(Ordering::Relaxed)) * 2.0 / begin.elapsed().as_secs_f64();
        conntrack.delete(&keys(&all[..1000])).expect("delete");
        let end = Instant::now();
        following.until_synced();
        following.until_right(&mut conntrack);
        let took = end.elapsed();
        println!("{rate:.0} news a second were lost in part; right again after {took:?}");
        assert!(took <= RIGHT, "right again after {took:?}");
        let status = following.until("in step", |status| status.state == SyncState::Synced);
        assert!(status.overruns >= 1, "{status:?}");
        assert!(status.epoch >= 2, "{status:?}");
        let alive = following.cache.alive();
        assert!(alive.contains(&Duration::ZERO), "{alive:?}");
        assert!(alive.last() > Some(&Duration::ZERO), "{alive:?}");
        following.stop();
    });
}
