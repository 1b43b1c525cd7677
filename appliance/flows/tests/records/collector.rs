//! Records at a collector others have made: nfcapd takes them, nfdump shows them. Needs root.

use std::net::IpAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ravelin_flows::records::Ended;
use ravelin_model::{
    Connection, ConnectionStatus, EndReason, FlowCount, FlowRecord, FlowRecordsConfig, FlowTuple, Offload,
    TcpState, protocol,
};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::support::{Recording, installed, run, tuple, until};
use ravelin_test_harness::in_fresh_namespace;

const PORT: u16 = 4739;

/// Ends with the test.
struct Collector(Child);

impl Collector {
    /// Listens when this returns.
    async fn start(address: &str, directory: &Path) -> Self {
        let mut command = Command::new("nfcapd");
        command
            .args(["-b", address, "-p", &PORT.to_string(), "-t", "3600", "-w"])
            .arg(directory)
            .stdout(Stdio::null());
        let collector = Self(command.spawn().expect("start nfcapd"));
        until("nfcapd listens", || waiting().is_some()).await;
        collector
    }

    /// Has it take all that has come, write it and end.
    async fn stop(mut self) {
        until("nfcapd has read all", || waiting() == Some(0)).await;
        let id = libc::pid_t::try_from(self.0.id()).expect("id");
        // SAFETY: only sends a signal, to a child that was not waited for.
        assert_eq!(unsafe { libc::kill(id, libc::SIGTERM) }, 0);
        let mut ended = None;
        until("nfcapd ends", || {
            ended = self.0.try_wait().expect("wait");
            ended.is_some()
        })
        .await;
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Bytes that wait at the collector's port; None: nobody listens.
fn waiting() -> Option<u64> {
    let port = format!(":{PORT:04X}");
    ["udp", "udp6"].iter().find_map(|family| {
        let table = std::fs::read_to_string(format!("/proc/thread-self/net/{family}")).expect("table");
        table.lines().find_map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let is_it = words.get(1)?.ends_with(&port);
            let (_, bytes) = words.get(4)?.split_once(':')?;
            u64::from_str_radix(bytes, 16).ok().filter(|_| is_it)
        })
    })
}

/// What nfdump shows of a record.
fn expected(record: &FlowRecord) -> Vec<(&'static str, Value)> {
    let FlowRecord {
        original,
        reply,
        counts: [sent, received],
        started_at,
        ended_at,
        ..
    } = record;
    let four = original.source.is_ipv4();
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]");
    let time = |at: OffsetDateTime| Value::from(at.format(format).expect("format"));
    let address = |address: IpAddr| Value::from(address.to_string());
    let either = |v4, v6| if four { v4 } else { v6 };
    let mut fields = vec![
        ("last", time(*ended_at)),
        ("proto", original.protocol.into()),
        (either("src4_addr", "src6_addr"), address(original.source)),
        (either("dst4_addr", "dst6_addr"), address(original.destination)),
        ("in_packets", sent.packets.into()),
        ("in_bytes", sent.bytes.into()),
        ("out_packets", received.packets.into()),
        ("out_bytes", received.bytes.into()),
    ];
    if let Some(started_at) = started_at {
        fields.push(("first", time(*started_at)));
    }
    if original.has_ports() {
        fields.push(("src_port", original.source_port.into()));
        fields.push(("dst_port", original.destination_port.into()));
    }
    if (reply.source, reply.destination) != (original.destination, original.source) {
        // nfdump 1.7 does not know the translated addresses of IPv6 (281 and 282); its ports are numbers in quotes.
        if four {
            fields.push(("src4_xlt_ip", address(reply.destination)));
            fields.push(("dst4_xlt_ip", address(reply.source)));
        }
        fields.push(("src_xlt_port", reply.destination_port.to_string().into()));
        fields.push(("dst_xlt_port", reply.source_port.to_string().into()));
    }
    fields
}

fn ended(original: FlowTuple, reply: FlowTuple, tcp_state: Option<TcpState>) -> Ended {
    let now = OffsetDateTime::now_utc();
    let number = u64::from(original.source_port);
    let count = |packets, bytes| FlowCount { packets, bytes };
    Ended {
        connection: Connection {
            id: 1,
            zone: 0,
            original,
            reply,
            status: ConnectionStatus(ConnectionStatus::CONFIRMED),
            mark: 0,
            timeout_seconds: None,
            tcp_state,
            counts: Some([
                count(number, number * 100),
                count(2 * number, 5_000_000_000 + number),
            ]),
            started_at: Some(now - Duration::from_millis(number)),
            ended_at: Some(now),
            master: None,
            syn_proxy: false,
            labels: 0,
        },
        cached: [count(0, 0); 2],
        reason_hint: None,
        offload: Offload::None,
    }
}

#[test]
fn nfdump_shows_every_field_of_every_record() {
    if !installed("nfcapd") {
        return;
    }
    in_fresh_namespace(|| async {
        run("ip", &["link", "set", "lo", "up"], "");
        for address in ["127.0.0.1", "::1"] {
            check(address).await;
        }
    });
}

async fn check(address: &str) {
    let directory = tempfile::tempdir().expect("directory");
    let collector = Collector::start(address, directory.path()).await;
    let to = std::net::SocketAddr::new(address.parse().expect("address"), PORT);
    let recording = Recording::begin(Some(FlowRecordsConfig {
        collector: Some(to),
        ..FlowRecordsConfig::default()
    }))
    .await;
    let counters = recording.counters.clone();
    let mut all = Vec::new();
    for port in 1..=100 {
        let v4 = tuple(protocol::UDP, ("192.0.2.1", port), ("203.0.113.9", 53));
        let v6 = tuple(
            protocol::TCP,
            ("2001:db8::1", 1000 + port),
            ("2001:db8:1::9", 443),
        );
        let nat4 = tuple(protocol::TCP, ("192.0.2.2", 2000 + port), ("203.0.113.10", 80));
        let nat6 = tuple(protocol::UDP, ("fd00::2", 3000 + port), ("2001:db8:1::10", 443));
        let behind4 = tuple(protocol::TCP, ("10.0.0.7", 8080), ("198.51.100.1", 60_000 + port));
        let behind6 = tuple(protocol::UDP, ("fd00::7", 4433), ("2001:db8::ff", 61_000 + port));
        let ping = tuple(
            protocol::ICMP,
            ("192.0.2.3", 4000 + port),
            ("203.0.113.11", 8 << 8),
        );
        let pong = tuple(protocol::ICMP, ("203.0.113.11", 4000 + port), ("192.0.2.3", 0));
        all.extend([
            ended(v4, v4.inverted(), None),
            ended(v6, v6.inverted(), Some(TcpState::TimeWait)),
            ended(nat4, behind4, Some(TcpState::Close)),
            ended(nat6, behind6, None),
            ended(ping, pong, None),
        ]);
    }
    let count = all.len();
    for ended in all {
        recording.sink.add(ended);
    }
    until("exported", || counters.exported() == count as u64).await;
    collector.stop().await;
    let stored = recording.end().await;
    assert_eq!(stored.len(), count);
    let reasons = stored.iter().map(|stored| stored.record.end_reason);
    assert!(reasons.into_iter().any(|reason| reason == EndReason::Closed));
    let shown = Command::new("nfdump")
        .env("TZ", "UTC")
        .args(["-q", "-o", "json", "-R"])
        .arg(directory.path())
        .output()
        .expect("run nfdump");
    assert!(shown.status.success(), "{shown:?}");
    // Objects with commas in between.
    let text = String::from_utf8(shown.stdout).expect("text");
    let text = format!("[{}]", text.trim().trim_end_matches(','));
    let shown: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(shown.len(), count, "{shown:?}");
    for stored in &stored {
        let expected = expected(&stored.record);
        let fits = |shown: &&Value| expected.iter().all(|(name, value)| shown[*name] == *value);
        let near = || {
            let ports = |shown: &&Value| shown["in_packets"] == stored.record.counts[0].packets;
            shown.iter().filter(ports).collect::<Vec<_>>()
        };
        assert_eq!(
            shown.iter().filter(fits).count(),
            1,
            "{expected:?} is not one of {:?}",
            near()
        );
    }
}
