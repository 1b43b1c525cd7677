use std::time::Duration;

use ravelin_model::{Event, Feature};
use time::OffsetDateTime;

use crate::engine::{Engine, actor, expiring, id, value, wait_for};

#[tokio::test]
async fn an_entry_leaves_when_its_time_is_over() {
    let engine = Engine::start().await;
    engine.enable(Feature::DdosProtection).await;
    let mut stream = engine.control.subscribe(None);
    let soon = OffsetDateTime::now_utc() + Duration::from_millis(300);
    let values = vec![expiring("192.0.2.1", soon), value("192.0.2.2")];
    let (list, _) = engine
        .control
        .add_entries(&id("blocklist"), values, &actor())
        .await
        .expect("add")
        .value;
    assert_eq!(list.entries_count, 2);
    assert!(engine.plane.now().drops("192.0.2.1"));
    let row = engine.plane.now().row_of("192.0.2.1");
    let revision = wait_for(&mut stream, |event| match event {
        Event::ListChanged {
            entries_count: Some(1),
            revision,
            ..
        } => Some(*revision),
        _ => None,
    })
    .await;
    assert!(OffsetDateTime::now_utc() >= soon);
    assert!(!engine.plane.now().drops("192.0.2.1") && engine.plane.now().drops("192.0.2.2"));
    let list = engine.control.list(&id("blocklist")).await.expect("list");
    assert_eq!((list.entries_count, list.revision), (1, revision));
    engine.add("blocklist", &["192.0.2.3"]).await;
    assert_eq!(
        engine.plane.now().row_of("192.0.2.3"),
        row,
        "its counter is free again"
    );
}

#[tokio::test]
async fn the_data_plane_is_told_when_to_stop_on_its_own_clock() {
    let engine = Engine::start().await;
    engine.enable(Feature::DdosProtection).await;
    let at = OffsetDateTime::now_utc() + Duration::from_secs(3600);
    let values = vec![expiring("192.0.2.1", at)];
    engine
        .control
        .add_entries(&id("blocklist"), values, &actor())
        .await
        .expect("add");
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("clock");
    let now_ns = Duration::from(now).as_nanos();
    let expires_ns = {
        let told = engine.plane.now();
        let address = "192.0.2.1".parse().expect("address");
        let image = told.addresses.as_ref().expect("image");
        u128::from(image.lookup(address, 1).expect("listed").expires_ns)
    };
    let left = Duration::from_nanos(u64::try_from(expires_ns - now_ns).expect("later"));
    assert!(
        left > Duration::from_secs(3590) && left <= Duration::from_secs(3600),
        "{left:?}"
    );
}

#[tokio::test]
async fn entries_of_lists_nobody_uses_expire_too() {
    let engine = Engine::start().await;
    let mut stream = engine.control.subscribe(None);
    let soon = OffsetDateTime::now_utc() + Duration::from_millis(100);
    let values = vec![expiring("192.0.2.1", soon)];
    engine
        .control
        .add_entries(&id("blocklist"), values, &actor())
        .await
        .expect("add");
    wait_for(&mut stream, |event| {
        matches!(
            event,
            Event::ListChanged {
                entries_count: Some(0),
                ..
            }
        )
        .then_some(())
    })
    .await;
    assert_eq!(engine.plane.now().address_loads, 0);
}
