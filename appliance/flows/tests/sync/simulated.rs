//! Moves of a simulated data plane.

use std::sync::Arc;

use ravelin_datapath::simulate_cache;
use ravelin_flows::{FlowsError, MoveError, Parts, spawn};
use ravelin_model::FlowSettings;
use ravelin_store::Store;
use tokio::sync::watch;

use crate::support::timeouts;

#[tokio::test]
async fn a_simulated_cache_is_as_large_as_told() {
    let (_timeouts, timeouts) = watch::channel(timeouts());
    let (_settings, settings) = watch::channel(FlowSettings::default());
    let (flows, _tasks) = spawn(Parts {
        table: None,
        timeouts,
        cache: Some(simulate_cache(100)),
        links: watch::channel(Arc::default()).1,
        settings,
        judge: watch::channel(None).1,
        store: Store::in_memory().await.expect("store"),
        conntrack: false,
        event_buffer_bytes: 0,
    });
    for (moves, room) in [(1, 5000), (2, 70)] {
        let moved = flows.move_cache(simulate_cache(room), || Ok(())).await;
        let moved = moved.expect("move");
        assert_eq!((moved.moved, moved.refused), (0, 0));
        let status = flows.sync().borrow().clone();
        assert_eq!((status.moves, status.capacity), (moves, u64::from(room)));
    }
    let refused = flows.move_cache(simulate_cache(9), || Err("no".to_owned())).await;
    assert!(matches!(refused, Err(MoveError::Unused(_))), "{refused:?}");
    assert_eq!(flows.sync().borrow().capacity, 70);
    let told = flows.take_out(Vec::new()).await;
    assert!(matches!(told, Err(FlowsError::NoConntrack)), "{told:?}");
}

#[tokio::test]
async fn without_a_cache_there_is_nothing_to_move() {
    let (_timeouts, timeouts) = watch::channel(timeouts());
    let (_settings, settings) = watch::channel(FlowSettings::default());
    let (flows, _tasks) = spawn(Parts {
        table: None,
        timeouts,
        cache: None,
        links: watch::channel(Arc::default()).1,
        settings,
        judge: watch::channel(None).1,
        store: Store::in_memory().await.expect("store"),
        conntrack: false,
        event_buffer_bytes: 0,
    });
    let moved = flows.move_cache(simulate_cache(9), || Ok(())).await;
    assert!(matches!(moved, Err(MoveError::NoCache)), "{moved:?}");
}
