use ravelin_model::{Bounds, Revision, Tunable, TuningLimits, TuningMode, TuningSettings};

use crate::support::{change, store};

#[tokio::test]
async fn what_tuning_keeps_to_is_the_default_until_it_is_set_and_then_that() {
    let store = store().await;
    assert_eq!(store.tuning().await.expect("read"), TuningSettings::default());
    for (number, mode) in TuningMode::ALL.into_iter().enumerate() {
        let mut limits = TuningLimits {
            mode,
            window_seconds: 7,
            memory_ceiling_bytes: 64 << 30,
            ..TuningLimits::default()
        };
        for tunable in Tunable::ALL {
            let (min, max) = tunable.range().into_inner();
            limits.bounds.insert(tunable, Bounds { min, max });
        }
        let revision = u64::try_from(number).expect("few") + 1;
        let mut change = change(&store, i64::try_from(revision).expect("few")).await;
        change.set_tuning(&limits).await.expect("write");
        change.commit().await.expect("commit");
        let stored = TuningSettings {
            limits,
            revision: Revision(revision),
        };
        assert_eq!(store.tuning().await.expect("read"), stored);
    }
}
