//! Tuning as its owner sees it: a decision that cannot be carried out.

use std::time::Duration;

use ravelin_control::{Precondition, StreamItem};
use ravelin_model::{Bounds, Event, Tunable, TuningLimits, TuningMode, TuningOutcome};

use crate::engine::{Engine, actor};

const CACHE: Tunable = Tunable::FlowCacheConnections;

fn limits(mode: TuningMode, max: u64) -> TuningLimits {
    let mut limits = TuningLimits {
        mode,
        window_seconds: 1,
        ..TuningLimits::default()
    };
    limits.bounds.insert(CACHE, Bounds { min: 64, max });
    limits
}

#[tokio::test]
async fn a_change_that_fails_leaves_the_object_is_told_once_and_rests() {
    let engine = Engine::start().await;
    let control = &engine.control;
    let mut events = control.subscribe(None);
    let wanted = limits(TuningMode::Auto, 1024);
    let set = control
        .set_tuning(wanted.clone(), Precondition::Exists, &actor())
        .await;
    let settings = set.expect("set");
    assert_eq!(settings.limits, wanted);

    let decision = loop {
        let item = tokio::time::timeout(Duration::from_secs(20), events.next()).await;
        if let Some(StreamItem::Event(event)) = item.expect("an event")
            && let Event::TuningDecided(decision) = event.event
        {
            break decision;
        }
    };
    let TuningOutcome::Failed(problem) = &decision.outcome else {
        panic!("{decision:?}")
    };
    assert_eq!(problem, "nobody keeps the flow cache");
    let status = control.tuning();
    let cache = status
        .objects
        .iter()
        .find(|object| object.object.tunable == CACHE);
    let cache = cache.expect("the flow cache");
    assert_eq!(
        (cache.value, cache.last_changed_at),
        (decision.adjustment.from, None)
    );

    // Windows go by, and it is not tried again.
    let mut ended = Vec::new();
    while ended.len() < 3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let window = control.tuning().window.map(|(at, _)| at);
        if window.is_some() && ended.last() != window.as_ref() {
            ended.extend(window);
        }
    }
    let status = control.tuning();
    assert_eq!(status.decisions.len(), 1, "{:?}", status.decisions);
    assert_eq!(status.counts.values().sum::<u64>(), 1);

    let stale = control
        .set_tuning(
            wanted,
            Precondition::Revision(ravelin_model::Revision(0)),
            &actor(),
        )
        .await;
    assert!(stale.is_err(), "{stale:?}");
}
