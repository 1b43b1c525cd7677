//! Ending connections on request.

use std::collections::HashSet;

use ravelin_flows::Ending;
use ravelin_kernel::Conntrack;
use ravelin_model::EndReason;

use crate::support::{Following, Make, ROOMY, SharedCache, dump, in_namespace, many, wanted};

#[test]
fn who_is_ended_is_in_neither_table_any_more() {
    in_namespace("end", || {
        let mut conntrack = Conntrack::open().expect("open");
        conntrack.create(&many(0..3000, Make::Answered)).expect("create");
        let following = Following::start(&SharedCache::new(), wanted(3600), ROOMY);
        following.until_synced();
        let doomed: Vec<Ending> = dump(&mut conntrack)
            .iter()
            .filter(|connection| connection.mark < 4)
            .map(|connection| Ending {
                id: connection.id,
                zone: connection.zone,
                original: connection.original,
                reason: EndReason::Killed,
            })
            .collect();
        let count = doomed.len();
        assert!(count > 500, "{count}");
        let handle = following.handle.clone();
        let ended = following.runtime.block_on(handle.end(doomed.clone()));
        assert_eq!(ended.expect("end"), u64::try_from(count).expect("few"));
        assert_eq!(following.cache.flows().len(), 3000 - count);
        following.until_right(&mut conntrack);
        // Those of the same ports that come later are others.
        conntrack.create(&many(0..3000, Make::Answered)).expect("create");
        following.until_right(&mut conntrack);
        assert_eq!(following.cache.flows().len(), 3000);
        // And to end those again ends only whom the kernel, which tells connections apart by where they are in memory,
        // gave the same number.
        let again: HashSet<_> = doomed.iter().map(|ending| (ending.original, ending.id)).collect();
        let now = dump(&mut conntrack);
        let same = now
            .iter()
            .filter(|connection| again.contains(&(connection.original, connection.id)))
            .count();
        let ended = following.runtime.block_on(handle.end(doomed));
        assert_eq!(ended.expect("end"), u64::try_from(same).expect("few"));
        assert_eq!(following.cache.flows().len(), 3000 - same);
        following.stop();
    });
}
