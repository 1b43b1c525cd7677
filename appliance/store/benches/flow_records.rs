//! How many flow records a second can be written, and how long questions about them take.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use ravelin_model::{EndReason, FlowCount, FlowRecord, FlowTuple, Offload, Revision, TcpState, VerdictLine};
use ravelin_store::{FlowRecordFilter, FlowRecordRetention, Store};
use time::OffsetDateTime;

/// Records of one transaction, as many as the engine takes.
const BATCH: u32 = 5_000;

fn record(number: u32) -> FlowRecord {
    let bits = number.wrapping_mul(0x9e37_79b1);
    let [_, _, high, low] = bits.to_be_bytes();
    let port = u16::from_be_bytes([high, low]);
    let (source, destination): (IpAddr, IpAddr) = if number.is_multiple_of(4) {
        let base = u128::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0));
        (
            Ipv6Addr::from(base | u128::from(bits)).into(),
            Ipv6Addr::from(base | 1).into(),
        )
    } else {
        (
            Ipv4Addr::from(0x0a00_0000 | bits >> 8).into(),
            Ipv4Addr::new(203, 0, 113, low).into(),
        )
    };
    let original = FlowTuple {
        source,
        destination,
        protocol: 6,
        source_port: port,
        destination_port: 443,
    };
    let mut reply = original.inverted();
    if number % 2 == 1 {
        reply.destination = Ipv4Addr::new(198, 51, 100, 1).into();
    }
    let ended_at = OffsetDateTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + u64::from(number));
    FlowRecord {
        original,
        reply,
        counts: [FlowCount {
            packets: 12,
            bytes: u64::from(bits),
        }; 2],
        started_at: Some(ended_at - Duration::from_secs(3)),
        ended_at,
        end_reason: EndReason::Closed,
        tcp_state: Some(TcpState::TimeWait),
        line: Some(VerdictLine::Rule("rul_0123456789abcdef".parse().expect("id"))),
        revision: Revision(7),
        from_zone: Some("zon_0123456789abcdef".parse().expect("id")),
        to_zone: Some("zon_fedcba9876543210".parse().expect("id")),
        offload: Offload::Xdp,
        community_id: Some(format!("1:{bits:028x}")),
    }
}

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let store = Store::open(&path).await.expect("open");
    let retention = FlowRecordRetention {
        keep: 1_000_000,
        not_before: OffsetDateTime::UNIX_EPOCH,
    };
    let mut written = 0;
    for (what, batches) in [
        ("into an empty store", 100),
        ("until there are a million", 100),
        ("while as many old ones go", 100),
    ] {
        let records: Vec<Vec<FlowRecord>> = (0..batches)
            .map(|batch| {
                (0..BATCH)
                    .map(|index| record(written + batch * BATCH + index))
                    .collect()
            })
            .collect();
        let mut longest = Duration::ZERO;
        let start = Instant::now();
        for batch in &records {
            let begin = Instant::now();
            store
                .append_flow_records(batch, &retention)
                .await
                .expect("append");
            longest = longest.max(begin.elapsed());
        }
        let took = start.elapsed();
        let count = batches * BATCH;
        written += count;
        println!(
            "{count} records {what}: {took:?}, {:.0} a second, longest transaction {longest:?}",
            f64::from(count) / took.as_secs_f64()
        );
    }
    let all = FlowRecordFilter {
        limit: 100,
        ..FlowRecordFilter::default()
    };
    let last_hour = record(written).ended_at - Duration::from_secs(600);
    for (what, filter) in [
        ("the newest", all.clone()),
        (
            "since ten minutes",
            FlowRecordFilter {
                since: Some(last_hour),
                ..all.clone()
            },
        ),
        (
            "until ten minutes ago",
            FlowRecordFilter {
                until: Some(last_hour),
                ..all.clone()
            },
        ),
        (
            "of an address nobody has",
            FlowRecordFilter {
                address: Some("192.0.2.0/24".parse().expect("network")),
                ..all.clone()
            },
        ),
        (
            "of a Community ID nobody has",
            FlowRecordFilter {
                community_id: Some("1:none".to_owned()),
                ..all.clone()
            },
        ),
    ] {
        let start = Instant::now();
        let found = store.flow_records(&filter).await.expect("query").len();
        println!("{found} records {what}: {:?}", start.elapsed());
    }
    println!("{} bytes", path.metadata().expect("file").len());
}
