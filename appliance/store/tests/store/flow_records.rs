//! What is left of connections, and how it is found again.

use std::net::IpAddr;

use ravelin_model::{
    EndReason, FlowCount, FlowRecord, FlowTuple, Offload, Revision, TcpState, VerdictLine, protocol,
};
use ravelin_store::{FlowRecordFilter, FlowRecordRetention, Store};

use crate::support::{at, store};

const EVERYTHING: FlowRecordFilter = FlowRecordFilter {
    since: None,
    until: None,
    address: None,
    port: None,
    protocol: None,
    zone: None,
    rule: None,
    end_reason: None,
    min_bytes: None,
    community_id: None,
    before: None,
    limit: 1000,
};

/// `6 192.0.2.1:40000 > 203.0.113.9:80`.
fn tuple(text: &str) -> FlowTuple {
    let [protocol, source, _, destination] =
        <[&str; 4]>::try_from(text.split(' ').collect::<Vec<_>>()).expect("four words");
    let end = |text: &str| -> (IpAddr, u16) {
        let (address, port) = text.rsplit_once(':').expect("port");
        let address = address.trim_matches(['[', ']']);
        (address.parse().expect("address"), port.parse().expect("port"))
    };
    let ((source, source_port), (destination, destination_port)) = (end(source), end(destination));
    FlowTuple {
        source,
        destination,
        protocol: protocol.parse().expect("protocol"),
        source_port,
        destination_port,
    }
}

/// A record without anything special that ended so many seconds after a fixed moment.
fn record(original: &str, seconds: i64) -> FlowRecord {
    let original = tuple(original);
    FlowRecord {
        original,
        reply: original.inverted(),
        counts: [FlowCount::default(); 2],
        started_at: None,
        ended_at: at(seconds),
        end_reason: EndReason::Timeout,
        tcp_state: None,
        line: None,
        revision: Revision(1),
        from_zone: None,
        to_zone: None,
        offload: Offload::None,
        community_id: None,
    }
}

fn retention(keep: u64, seconds: i64) -> FlowRecordRetention {
    FlowRecordRetention {
        keep,
        not_before: at(seconds),
    }
}

async fn append(store: &Store, records: &[FlowRecord]) {
    store
        .append_flow_records(records, &retention(1000, -1000))
        .await
        .expect("append");
}

async fn numbers(store: &Store, filter: &FlowRecordFilter) -> Vec<u64> {
    let found = store.flow_records(filter).await.expect("query");
    found.into_iter().map(|stored| stored.number).collect()
}

/// Which of records, by number, fit; newest first.
async fn check(store: &Store, filter: FlowRecordFilter, expected: &[u64]) {
    assert_eq!(numbers(store, &filter).await, expected, "{filter:?}");
}

/// Records that differ in everything; a translated one, one of IPv6, one of a ping, one without anything.
fn samples() -> [FlowRecord; 4] {
    let web = FlowRecord {
        reply: tuple("6 10.0.0.7:8080 > 198.51.100.1:61000"),
        counts: [
            FlowCount {
                packets: 12,
                bytes: 3400,
            },
            FlowCount {
                packets: u64::from(u32::MAX) + 1,
                bytes: 1 << 62,
            },
        ],
        started_at: Some(at(-7) + time::Duration::microseconds(123_456)),
        end_reason: EndReason::Closed,
        tcp_state: Some(TcpState::TimeWait),
        line: Some(VerdictLine::Rule("rul_1".parse().expect("id"))),
        revision: Revision(9),
        from_zone: Some("zon_1".parse().expect("id")),
        to_zone: Some("zon_2".parse().expect("id")),
        offload: Offload::Xdp,
        community_id: Some("1:LQU9qZlK+B5F3KDmev6m5PMibrg=".to_owned()),
        ..record("6 192.0.2.1:40000 > 203.0.113.9:80", 10)
    };
    let name = FlowRecord {
        counts: [
            FlowCount {
                packets: 1,
                bytes: 60,
            },
            FlowCount {
                packets: 1,
                bytes: 40,
            },
        ],
        end_reason: EndReason::Killed,
        line: Some(VerdictLine::ZonePair("zpr_1".parse().expect("id"))),
        from_zone: Some("zon_2".parse().expect("id")),
        offload: Offload::Flowtable,
        ..record("17 [2001:db8::1]:5353 > [2001:db8::53]:53", 20)
    };
    let ping = FlowRecord {
        reply: tuple("1 203.0.113.9:80 > 192.0.2.1:0"),
        end_reason: EndReason::Removed,
        line: Some(VerdictLine::UnwrittenPair),
        offload: Offload::Hardware,
        ..record("1 192.0.2.1:80 > 203.0.113.9:2048", 30)
    };
    [web, name, ping, record("47 10.9.9.9:0 > 10.8.8.8:0", 40)]
}

#[tokio::test]
async fn a_record_comes_back_as_it_was() {
    let store = store().await;
    let samples = samples();
    append(&store, &samples).await;
    let found = store.flow_records(&EVERYTHING).await.expect("query");
    let found: Vec<_> = found.into_iter().map(|stored| stored.record).collect();
    let newest_first: Vec<_> = samples.iter().rev().cloned().collect();
    assert_eq!(found, newest_first);
    for (number, sample) in (1..).zip(samples) {
        let stored = store.flow_record(number).await.expect("query").expect("is there");
        assert_eq!((stored.number, stored.record), (number, sample));
    }
    for number in [0, 5, u64::MAX] {
        assert_eq!(store.flow_record(number).await.expect("query"), None);
    }
}

#[tokio::test]
async fn every_name_comes_back_as_it_was() {
    let store = store().await;
    let base = record("6 192.0.2.1:40000 > 203.0.113.9:80", 0);
    let lines = [
        VerdictLine::AntiLockout,
        VerdictLine::PublishedService("pub_1".parse().expect("id")),
        VerdictLine::InvalidState,
        VerdictLine::NoZone,
        VerdictLine::Infrastructure,
    ];
    let mut records = Vec::new();
    records.extend(EndReason::ALL.map(|end_reason| FlowRecord {
        end_reason,
        ..base.clone()
    }));
    records.extend(TcpState::ALL.map(|state| FlowRecord {
        tcp_state: Some(state),
        ..base.clone()
    }));
    records.extend(Offload::ALL.map(|offload| FlowRecord {
        offload,
        ..base.clone()
    }));
    records.extend(lines.map(|line| FlowRecord {
        line: Some(line),
        ..base.clone()
    }));
    append(&store, &records).await;
    let found = store.flow_records(&EVERYTHING).await.expect("query");
    let found: Vec<_> = found.into_iter().rev().map(|stored| stored.record).collect();
    assert_eq!(found, records);
}

#[tokio::test]
async fn records_are_found_by_what_they_say() {
    let store = store().await;
    append(&store, &samples()).await;
    let address = |text: &str| FlowRecordFilter {
        address: Some(text.parse().expect("network")),
        ..EVERYTHING
    };
    check(&store, address("192.0.2.1/32"), &[3, 1]).await;
    check(&store, address("203.0.113.0/24"), &[3, 1]).await;
    check(&store, address("10.0.0.0/8"), &[4, 1]).await;
    check(&store, address("198.51.100.1/32"), &[1]).await;
    check(&store, address("2001:db8::/32"), &[2]).await;
    check(&store, address("2001:db8::2/128"), &[]).await;
    check(&store, address("0.0.0.0/0"), &[4, 3, 1]).await;
    let port = |port| FlowRecordFilter {
        port: Some(port),
        ..EVERYTHING
    };
    // The identifier of the ping is 80 as well, and its type and code are 2048.
    for (number, expected) in [
        (80, &[1_u64][..]),
        (61_000, &[1]),
        (8080, &[1]),
        (53, &[2]),
        (2048, &[]),
        (0, &[]),
    ] {
        check(&store, port(number), expected).await;
    }
    let protocol = |protocol| FlowRecordFilter {
        protocol: Some(protocol),
        ..EVERYTHING
    };
    check(&store, protocol(protocol::TCP), &[1]).await;
    check(&store, protocol(47), &[4]).await;
    let zone = |id: &str| FlowRecordFilter {
        zone: Some(id.parse().expect("id")),
        ..EVERYTHING
    };
    check(&store, zone("zon_1"), &[1]).await;
    check(&store, zone("zon_2"), &[2, 1]).await;
    let rule = |id: &str| FlowRecordFilter {
        rule: Some(id.parse().expect("id")),
        ..EVERYTHING
    };
    check(&store, rule("rul_1"), &[1]).await;
    check(&store, rule("rul_2"), &[]).await;
    let reason = |reason| FlowRecordFilter {
        end_reason: Some(reason),
        ..EVERYTHING
    };
    check(&store, reason(EndReason::Killed), &[2]).await;
    check(&store, reason(EndReason::Policy), &[]).await;
    let bytes = |bytes| FlowRecordFilter {
        min_bytes: Some(bytes),
        ..EVERYTHING
    };
    check(&store, bytes(100), &[2, 1]).await;
    check(&store, bytes(101), &[1]).await;
    check(&store, bytes((1 << 62) + 3401), &[]).await;
    let community_id = |id: &str| FlowRecordFilter {
        community_id: Some(id.to_owned()),
        ..EVERYTHING
    };
    check(&store, community_id("1:LQU9qZlK+B5F3KDmev6m5PMibrg="), &[1]).await;
    check(&store, community_id("1:"), &[]).await;
    let both = FlowRecordFilter {
        port: Some(80),
        ..zone("zon_2")
    };
    check(&store, both, &[1]).await;
}

#[tokio::test]
async fn records_are_found_by_when_they_ended() {
    let store = store().await;
    // Numbers and times do not quite agree.
    let times = [10, 30, 20, 40];
    append(
        &store,
        &times.map(|seconds| record("6 10.0.0.1:1 > 10.0.0.2:2", seconds)),
    )
    .await;
    let between = |since: Option<i64>, until: Option<i64>| FlowRecordFilter {
        since: since.map(at),
        until: until.map(at),
        ..EVERYTHING
    };
    check(&store, between(Some(10), None), &[4, 3, 2, 1]).await;
    check(&store, between(Some(11), None), &[4, 3, 2]).await;
    check(&store, between(Some(21), None), &[4, 2]).await;
    check(&store, between(Some(41), None), &[]).await;
    check(&store, between(None, Some(41)), &[4, 3, 2, 1]).await;
    check(&store, between(None, Some(40)), &[3, 2, 1]).await;
    check(&store, between(None, Some(30)), &[3, 1]).await;
    check(&store, between(None, Some(10)), &[]).await;
    check(&store, between(Some(20), Some(30)), &[3]).await;
    check(&store, between(Some(30), Some(20)), &[]).await;
}

#[tokio::test]
async fn pages_follow_each_other() {
    let store = store().await;
    let records: Vec<_> = (0..150)
        .map(|second| record("6 10.0.0.1:1 > 10.0.0.2:2", second))
        .collect();
    append(&store, &records).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let filter = FlowRecordFilter {
            before,
            limit: 40,
            ..EVERYTHING
        };
        let page = numbers(&store, &filter).await;
        before = page.last().copied();
        seen.extend(page);
        if before.is_none() || seen.len() > 150 {
            break;
        }
    }
    assert_eq!(seen, (1..=150).rev().collect::<Vec<u64>>());
}

#[tokio::test]
async fn the_oldest_go_first_and_numbers_are_not_given_twice() {
    let store = store().await;
    let records: Vec<_> = (0..200)
        .map(|second| record("6 10.0.0.1:1 > 10.0.0.2:2", second))
        .collect();
    for chunk in records.chunks(70) {
        store
            .append_flow_records(chunk, &retention(100, -1))
            .await
            .expect("append");
    }
    check(&store, EVERYTHING, &(101..=200).rev().collect::<Vec<u64>>()).await;
    // By time; also when nothing comes.
    store
        .append_flow_records(&[], &retention(100, 150))
        .await
        .expect("trim");
    check(&store, EVERYTHING, &(151..=200).rev().collect::<Vec<u64>>()).await;
    store
        .append_flow_records(&[], &retention(10, 150))
        .await
        .expect("trim");
    check(&store, EVERYTHING, &(191..=200).rev().collect::<Vec<u64>>()).await;
    store
        .append_flow_records(&records[..1], &retention(100, 1000))
        .await
        .expect("trim");
    check(&store, EVERYTHING, &[]).await;
    append(&store, &records[..1]).await;
    check(&store, EVERYTHING, &[202]).await;
    // Three of 70 and what was left of 200, and two of one; what only trims is no batch.
    let told = store.flow_record_batches();
    assert_eq!((told.batches, told.rows), (5, 202));
    assert!(told.total >= told.longest && !told.longest.is_zero(), "{told:?}");
    assert_eq!(store.verdict_batches().batches, 0);
}

#[tokio::test]
async fn records_outlive_the_process() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let first = Store::open(&path).await.expect("open");
    append(&first, &samples()).await;
    first.close().await;
    let second = Store::open(&path).await.expect("open");
    check(&second, EVERYTHING, &[4, 3, 2, 1]).await;
}
