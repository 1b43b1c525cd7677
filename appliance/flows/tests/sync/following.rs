//! Going on from there by news, and comparing.

use ravelin_datapath::CachedFlow;
use ravelin_kernel::{ConnectionUpdate, Conntrack, MarkChange};
use ravelin_model::SyncState;

use crate::support::{Following, Make, ROOMY, SharedCache, in_namespace, keys, many, wanted};

#[test]
fn connections_come_change_and_go_by_news_alone() {
    in_namespace("news", || {
        let mut conntrack = Conntrack::open().expect("open");
        let following = Following::start(&SharedCache::new(), wanted(3600), ROOMY);
        following.until_synced();
        let all = many(0..2000, Make::Answered);
        conntrack.create(&all).expect("create");
        following.until_right(&mut conntrack);
        assert_eq!(following.cache.flows().len(), 2000);
        let mark = MarkChange {
            value: 77,
            mask: 0x000f_ffff,
        };
        let marks: Vec<ConnectionUpdate> = keys(&all)
            .into_iter()
            .map(|key| ConnectionUpdate {
                key,
                timeout_seconds: None,
                mark: Some(mark),
                liberal: false,
            })
            .collect();
        conntrack.update(&marks).expect("mark");
        following.until_right(&mut conntrack);
        assert!(following.cache.flows().values().all(|flow| flow.counter == 77));
        conntrack.delete(&keys(&all[..1500])).expect("delete");
        following.until_right(&mut conntrack);
        assert_eq!(following.cache.flows().len(), 500);
        let status = following.until("counted", |status| status.removed == 1500);
        assert_eq!((status.inserted, status.drift, status.epoch), (2000, 0, 1));
        assert!(status.events >= 5500, "{status:?}");
        following.stop();
    });
}

#[test]
fn a_comparison_finds_and_repairs_what_is_different() {
    in_namespace("drift", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack.create(&many(0..2000, Make::Answered)).expect("create");
        let following = Following::start(&SharedCache::new(), wanted(1), ROOMY);
        following.until_synced();
        following.until_right(&mut conntrack);
        assert_eq!(following.status().drift, 0);
        {
            let mut cache = following.cache.lock();
            for made in many(0..10, Make::Answered) {
                assert!(cache.remove(&made.original));
            }
            for made in many(50_000..50_005, Make::Answered) {
                cache.insert(&CachedFlow {
                    connection: 1,
                    original: made.original,
                    reply: made.reply,
                    counter: 0,
                });
            }
        }
        let status = following.until("repaired", |status| status.drift > 0);
        assert_eq!((status.drift, status.state), (15, SyncState::Synced));
        following.until_right(&mut conntrack);
        following.stop();
    });
}
