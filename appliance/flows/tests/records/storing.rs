//! Records in the store.

use std::time::Duration;

use ravelin_flows::records::{Ended, FlowRecordFilter};
use ravelin_model::{
    EndReason, FlowCount, FlowRecordsConfig, FlowSettings, Offload, RecordRetention, TcpState,
};

use crate::support::{PATIENCE, Recording, ended, until, with};

fn count(packets: u64, bytes: u64) -> FlowCount {
    FlowCount { packets, bytes }
}

#[tokio::test]
async fn a_record_says_what_became_of_the_connection() {
    let recording = Recording::begin(Some(FlowRecordsConfig::default())).await;
    let mut connection = ended(4000, 3);
    connection.cached = [count(10, 1000), count(20, 40_000)];
    connection.offload = Offload::Xdp;
    let told = connection.connection.clone();
    recording.sink.add(connection);
    let records = recording.end().await;
    let [stored] = records.as_slice() else {
        panic!("{records:?}");
    };
    let record = &stored.record;
    assert_eq!((record.original, record.reply), (told.original, told.reply));
    assert_eq!(record.counts, [count(13, 1180), count(20, 40_000)]);
    assert_eq!(record.offload, Offload::Xdp);
    assert_eq!(record.end_reason, EndReason::Timeout);
    let micros = |at: Option<time::OffsetDateTime>| at.map(|at| at.unix_timestamp_nanos() / 1000);
    assert_eq!(micros(record.started_at), micros(told.started_at));
    assert_eq!(micros(Some(record.ended_at)), micros(told.ended_at));
    assert_eq!(
        (&record.line, &record.from_zone, &record.to_zone),
        (&None, &None, &None)
    );
    let digest = ravelin_wire::community_id::digest(&told.original);
    assert_eq!(
        record.community_id,
        Some(ravelin_wire::community_id::text(&digest))
    );
}

/// What is known of an end, and what it means.
type Case = (Option<EndReason>, Option<TcpState>, Option<u32>, EndReason);

#[tokio::test]
async fn the_reason_is_the_hint_or_what_the_kernel_told() {
    use EndReason::{Closed, Killed, Policy, Removed, Reset, Timeout};
    // Hint, state, what was left of the time-out; the reason.
    let cases: [Case; 15] = [
        (None, None, None, Timeout),
        (None, None, Some(3), Removed),
        (None, Some(TcpState::Established), None, Timeout),
        (None, Some(TcpState::Established), Some(3), Removed),
        (None, Some(TcpState::SynSent), None, Timeout),
        (None, Some(TcpState::FinWait), None, Timeout),
        (None, Some(TcpState::CloseWait), Some(3), Removed),
        (None, Some(TcpState::LastAck), None, Closed),
        (None, Some(TcpState::TimeWait), None, Closed),
        (None, Some(TcpState::TimeWait), Some(3), Closed),
        (None, Some(TcpState::Close), None, Reset),
        (None, Some(TcpState::Close), Some(3), Reset),
        (Some(Killed), Some(TcpState::Established), Some(3), Killed),
        (Some(Policy), None, None, Policy),
        (Some(Killed), Some(TcpState::Close), None, Killed),
    ];
    let recording = Recording::begin(Some(FlowRecordsConfig::default())).await;
    for (reason_hint, tcp_state, timeout_seconds, _) in cases {
        let mut ended = ended(4000, 1);
        ended.connection.tcp_state = tcp_state;
        ended.connection.timeout_seconds = timeout_seconds;
        recording.sink.add(Ended { reason_hint, ..ended });
    }
    let records = recording.end().await;
    for (case, stored) in cases.iter().zip(&records) {
        assert_eq!(stored.record.end_reason, case.3, "{case:?}");
        assert_eq!(stored.record.tcp_state, case.1);
    }
    assert_eq!(records.len(), cases.len());
}

#[tokio::test]
async fn many_at_once_are_all_written_in_their_order() {
    let recording = Recording::begin(Some(FlowRecordsConfig::default())).await;
    let counters = recording.counters.clone();
    for port in 0..12_000 {
        recording.sink.add(ended(port, 1));
    }
    let records = recording.end().await;
    let ports: Vec<u16> = records
        .iter()
        .map(|stored| stored.record.original.source_port)
        .collect();
    assert_eq!(ports, (0..12_000).collect::<Vec<u16>>());
    assert_eq!((counters.stored(), counters.lost()), (12_000, 0));
}

#[tokio::test]
async fn nothing_is_written_while_records_are_off() {
    let recording = Recording::begin(None).await;
    recording.sink.add(ended(1, 1));
    recording
        .settings
        .send_replace(with(Some(FlowRecordsConfig::default())));
    recording.sink.add(ended(2, 1));
    until("stored", || recording.counters.stored() == 1).await;
    recording.settings.send_replace(with(None));
    recording.sink.add(ended(3, 1));
    let records = recording.end().await;
    let ports: Vec<u16> = records
        .iter()
        .map(|stored| stored.record.original.source_port)
        .collect();
    assert_eq!(ports, [2]);
}

#[tokio::test]
async fn as_many_are_kept_as_the_settings_say_now() {
    let config = |keep_records| FlowRecordsConfig {
        keep_records,
        ..FlowRecordsConfig::default()
    };
    let recording = Recording::begin(Some(config(100))).await;
    for port in 0..50 {
        recording.sink.add(ended(port, 1));
    }
    until("stored", || recording.counters.stored() == 50).await;
    recording.settings.send_replace(with(Some(config(10))));
    recording.sink.add(ended(50, 1));
    let records = recording.end().await;
    let ports: Vec<u16> = records
        .iter()
        .map(|stored| stored.record.original.source_port)
        .collect();
    assert_eq!(ports, (41..=50).collect::<Vec<u16>>());
}

#[tokio::test]
async fn what_was_written_goes_in_time_while_records_are_off() {
    let recording = Recording::begin(Some(FlowRecordsConfig::default())).await;
    let store = recording.store.clone();
    for port in 0..50 {
        recording.sink.add(ended(port, 1));
    }
    assert_eq!(recording.end().await.len(), 50);
    let keep = |records| FlowSettings {
        retention: Some(RecordRetention { records, hours: 24 }),
        ..FlowSettings::default()
    };
    let stored = async || {
        let filter = FlowRecordFilter {
            limit: 1000,
            ..FlowRecordFilter::default()
        };
        store.flow_records(&filter).await.expect("query").len()
    };
    // Before anybody has said how many are kept, all are.
    for (settings, kept) in [(FlowSettings::default(), 50), (keep(50), 50), (keep(7), 7)] {
        let recording = Recording::go_on(store.clone(), settings);
        wait_for(kept, &stored).await;
        assert_eq!(recording.end().await.len(), kept);
    }
}

/// Waits until there are so many.
async fn wait_for(kept: usize, stored: &impl AsyncFn() -> usize) {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let now = stored().await;
        if now == kept {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "{now} are kept");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_the_store_does_not_take_is_counted() {
    let recording = Recording::begin(Some(FlowRecordsConfig::default())).await;
    recording.store.close().await;
    for port in 0..7 {
        recording.sink.add(ended(port, 1));
    }
    until("lost", || recording.counters.lost() == 7).await;
    assert_eq!(recording.counters.stored(), 0);
}

/// The sink never waits: on one thread the task has no turn until this one waits itself.
#[tokio::test]
async fn what_comes_too_fast_is_counted() {
    const MANY: u64 = 100_000;
    let recording = Recording::begin(Some(FlowRecordsConfig {
        keep_records: u32::MAX,
        ..FlowRecordsConfig::default()
    }))
    .await;
    let counters = recording.counters.clone();
    for _ in 0..MANY {
        recording.sink.add(ended(1, 1));
    }
    assert!(counters.lost() > 0);
    let records = recording.end().await;
    assert_eq!(counters.stored() + counters.lost(), MANY);
    assert_eq!(u64::try_from(records.len()), Ok(counters.stored()));
}
