use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use ravelin_control::{Config, ControlError, Precondition};
use ravelin_datapath::HitCounter;
use ravelin_model::{Feature, Revision};
use ravelin_store::Store;
use tokio::io::{AsyncRead, AsyncReadExt, BufReader, ReadBuf};

use crate::engine::{Engine, actor, id};

#[tokio::test]
async fn a_report_accounts_for_every_line() {
    let engine = Engine::start().await;
    engine.enable(Feature::DnsBlocklist).await;
    let text = "# a comment\n\n0.0.0.0 ads.example\r\n||tracker.example^\n*.cdn.example\nTracker.example\n\
                not a name!\nexample.com##.banner\n";
    let report = engine.import("dns-blocklist", text).await;
    assert_eq!(
        (report.accepted, report.duplicates, report.ignored, report.invalid),
        (3, 1, 3, 1),
        "{report:?}"
    );
    let lines: Vec<u64> = report.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [7, 8], "{report:?}");
    assert_eq!(
        (report.list.entries_count, report.list.revision),
        (3, Revision(2))
    );
    for name in ["ads.example", "a.tracker.example", "a.cdn.example"] {
        assert!(engine.plane.now().blocks(name), "{name}");
    }
    assert!(!engine.plane.now().blocks("cdn.example"));
}

#[tokio::test]
async fn values_that_stay_keep_id_and_counter() {
    let engine = Engine::start().await;
    engine.enable(Feature::DdosProtection).await;
    let before = engine.add("blocklist", &["192.0.2.1", "192.0.2.2"]).await;
    let row = engine.plane.now().row_of("192.0.2.2");
    let hits = HitCounter {
        packets: 4,
        bytes: 40,
    };
    engine.plane.now().hits.insert(row, hits);
    let loads = engine.plane.now().address_loads;
    let report = engine.import("blocklist", "192.0.2.2\n192.0.2.3\n").await;
    assert_eq!(report.accepted, 2);
    assert_eq!(
        engine.plane.now().address_loads,
        loads + 1,
        "one load, so no packet sees a mixture"
    );
    assert_eq!(engine.plane.now().row_of("192.0.2.2"), row);
    let kept = engine
        .control
        .entry(&id("blocklist"), before[1].id)
        .await
        .expect("kept");
    assert_eq!((kept.entry, kept.hits), (before[1].clone(), Some(hits)));
    let gone = engine.control.entry(&id("blocklist"), before[0].id).await;
    assert!(matches!(gone, Err(ControlError::UnknownEntry { .. })), "{gone:?}");
    assert!(!engine.plane.now().drops("192.0.2.1") && engine.plane.now().drops("192.0.2.3"));
}

#[tokio::test]
async fn a_text_over_the_limit_changes_nothing() {
    let config = Config {
        import_limit_bytes: 40,
        ..Config::default()
    };
    let store = Store::in_memory().await.expect("store");
    let engine = Engine::with(store, config, |_| {}).await;
    engine.import("blocklist", "192.0.2.1\n").await;
    for text in ["192.0.2.2\n".repeat(5), "x".repeat(100)] {
        let any = Precondition::Exists;
        // A small buffer, so that the limit is met in the middle of a line.
        let reader = BufReader::with_capacity(7, text.as_bytes());
        let refused = engine
            .control
            .import_entries(&id("blocklist"), any, reader, &actor())
            .await;
        assert!(
            matches!(refused, Err(ControlError::ImportTooLarge { limit_bytes: 40 })),
            "{refused:?}"
        );
    }
    assert_eq!(engine.control.revision(), Revision(1));
}

#[tokio::test]
async fn a_line_that_is_too_long_is_one_problem() {
    let engine = Engine::start().await;
    let text = format!("192.0.2.1\n{}\n192.0.2.2", "x".repeat(10_000));
    let report = engine.import("blocklist", &text).await;
    assert_eq!((report.accepted, report.invalid), (2, 1));
    assert_eq!((report.problems.len(), report.problems[0].line), (1, 2));
}

#[tokio::test]
async fn a_body_that_breaks_off_changes_nothing() {
    let engine = Engine::start().await;
    let broken = BufReader::new((&b"192.0.2.1\n"[..]).chain(Broken));
    let any = Precondition::Exists;
    let refused = engine
        .control
        .import_entries(&id("blocklist"), any, broken, &actor())
        .await;
    assert!(matches!(refused, Err(ControlError::ImportRead(_))), "{refused:?}");
    assert_eq!(engine.control.revision(), Revision(0));
}

#[tokio::test]
async fn a_stale_import_is_refused_before_it_is_read() {
    let engine = Engine::start().await;
    engine.import("blocklist", "192.0.2.1\n").await;
    let at = Precondition::Revision(Revision(0));
    let refused = engine
        .control
        .import_entries(&id("blocklist"), at, tokio::io::empty(), &actor())
        .await;
    assert!(
        matches!(refused, Err(ControlError::Stale { current: Revision(1) })),
        "{refused:?}"
    );
}

/// A connection that is reset.
struct Broken;

impl AsyncRead for Broken {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}
