//! Records at a collector.

use std::net::SocketAddr;
use std::time::Duration;

use ravelin_model::FlowRecordsConfig;
use ravelin_wire::ipfix::Session;
use time::OffsetDateTime;
use tokio::net::UdpSocket;

use crate::support::{Recording, ended, until, with};

const PATIENCE: Duration = Duration::from_secs(30);

/// A message, as far as a sender can be held to it: without its time.
fn timeless(message: &[u8]) -> Vec<u8> {
    [&message[..4], &message[8..]].concat()
}

async fn received(collector: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut message = vec![0; 65_536];
    let (bytes, from) = tokio::time::timeout(PATIENCE, collector.recv_from(&mut message))
        .await
        .expect("a message comes")
        .expect("receive");
    message.truncate(bytes);
    (message, from)
}

async fn collector(address: &str) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((address, 0)).await.expect("bind");
    let local = socket.local_addr().expect("address");
    (socket, local)
}

fn to(collector: SocketAddr, observation_domain: u32) -> FlowRecordsConfig {
    FlowRecordsConfig {
        collector: Some(collector),
        observation_domain,
        ..FlowRecordsConfig::default()
    }
}

/// What comes is templates, if a session begins, and what the store has.
async fn check(
    recording: &Recording,
    collector: &UdpSocket,
    session: &mut Session,
    port: u16,
    begins: bool,
) -> SocketAddr {
    recording.sink.add(ended(port, 2));
    let now = OffsetDateTime::UNIX_EPOCH;
    if begins {
        let (templates, _) = received(collector).await;
        assert_eq!(
            timeless(&templates),
            timeless(&session.templates(now).bytes),
            "templates"
        );
    }
    let (message, from) = received(collector).await;
    let newest = || async {
        let filter = ravelin_flows::records::FlowRecordFilter {
            port: Some(port),
            limit: 1,
            ..Default::default()
        };
        recording.store.flow_records(&filter).await.expect("query")
    };
    // The collector may have it first.
    let end = tokio::time::Instant::now() + PATIENCE;
    let mut stored = newest().await;
    while stored.is_empty() {
        assert!(tokio::time::Instant::now() < end, "not stored");
        stored = newest().await;
    }
    let records = [stored.remove(0).record];
    let expected = session.messages(&records, now);
    assert_eq!(expected.len(), 1);
    assert_eq!(timeless(&message), timeless(&expected[0].bytes), "record");
    from
}

#[tokio::test]
async fn a_collector_gets_templates_and_then_every_record() {
    for address in ["127.0.0.1", "::1"] {
        let (socket, local) = collector(address).await;
        let recording = Recording::begin(Some(to(local, 7))).await;
        let mut session = Session::new(7);
        let first = check(&recording, &socket, &mut session, 1, true).await;
        let second = check(&recording, &socket, &mut session, 2, false).await;
        assert_eq!(first, second, "one session");
        assert_eq!(recording.counters.exported(), 2);
        assert_eq!(recording.end().await.len(), 2);
    }
}

#[tokio::test]
async fn another_collector_or_domain_is_another_session() {
    let (one, one_address) = collector("127.0.0.1").await;
    let (other, other_address) = collector("127.0.0.1").await;
    let recording = Recording::begin(Some(to(one_address, 1))).await;
    check(&recording, &one, &mut Session::new(1), 1, true).await;
    recording.settings.send_replace(with(Some(to(other_address, 1))));
    check(&recording, &other, &mut Session::new(1), 2, true).await;
    recording.settings.send_replace(with(Some(to(other_address, 2))));
    check(&recording, &other, &mut Session::new(2), 3, true).await;
    recording
        .settings
        .send_replace(with(Some(FlowRecordsConfig::default())));
    recording.sink.add(ended(4, 1));
    until("stored", || recording.counters.stored() == 4).await;
    recording.settings.send_replace(with(Some(to(one_address, 1))));
    check(&recording, &one, &mut Session::new(1), 5, true).await;
    assert_eq!(recording.counters.exported(), 4);
}

#[tokio::test]
async fn a_collector_that_comes_late_learns_the_templates() {
    let (socket, local) = collector("127.0.0.1").await;
    drop(socket);
    let recording = Recording::begin(Some(to(local, 1))).await;
    for port in 1..=3 {
        recording.sink.add(ended(port, 1));
        until("stored", || recording.counters.stored() == u64::from(port)).await;
    }
    let socket = UdpSocket::bind(local).await.expect("bind again");
    recording.sink.add(ended(4, 1));
    let (first, _) = received(&socket).await;
    // The message itself may have gone before it was clear that nobody listened.
    let templates = if first[17] == 2 {
        first
    } else {
        received(&socket).await.0
    };
    assert_eq!(u16::from_be_bytes([templates[16], templates[17]]), 2, "templates");
}

/// The kernel lets nobody send there who has not asked for it.
#[tokio::test]
async fn a_collector_the_kernel_refuses_costs_no_record() {
    let collector = "255.255.255.255:4739".parse().expect("address");
    let recording = Recording::begin(Some(to(collector, 1))).await;
    let counters = recording.counters.clone();
    for port in 0..100 {
        recording.sink.add(ended(port, 1));
    }
    assert_eq!(recording.end().await.len(), 100);
    assert_eq!(counters.exported(), 0);
}
