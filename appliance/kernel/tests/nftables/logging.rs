//! Packets that are logged arrive, with what is known of them.

use std::time::{Duration, Instant};

use ravelin_compile::{NftSettings, fixed_counter};
use ravelin_kernel::{LoggedPacket, Nftables, PacketLog};
use ravelin_model::{Action, Revision};

use crate::support::{counted_to, in_namespace, link_out, logging_ruleset, visit};

const GROUP: u16 = 5;

async fn next(log: &mut PacketLog) -> LoggedPacket {
    tokio::time::timeout(Duration::from_secs(10), log.next())
        .await
        .expect("a packet within 10 s")
        .expect("read")
}

#[test]
fn a_logged_packet_says_what_was_decided_and_by_which_revision() {
    in_namespace("log", || async {
        link_out();
        let mut log = PacketLog::open(GROUP).await.expect("open");
        let mut nftables = Nftables::open().expect("open");
        for (revision, action) in [(7, Action::Accept), (8, Action::Drop), (9, Action::Reject)] {
            let table = logging_ruleset(Revision(revision), action, &NftSettings::default());
            nftables.apply(&table).await.expect("apply");
            // Another connection each time.
            let port = 4000 + u16::try_from(revision).expect("small");
            let socket = std::net::UdpSocket::bind(("192.0.2.2", port)).expect("bind");
            let _ = socket.send_to(b"12345", "192.0.2.1:53");
            let packet = next(&mut log).await;
            let verdict = match action {
                Action::Accept => 1,
                Action::Drop => 2,
                Action::Reject => 3,
            };
            assert_eq!(packet.revision, Revision(revision));
            assert_eq!(packet.mark, verdict << 30 | 2 << 24 | fixed_counter::FIRST_FREE);
            assert_eq!(
                (packet.source_port, packet.destination_port, packet.protocol),
                (port, 53, 17)
            );
            assert_eq!(packet.source.to_string(), "192.0.2.2");
            assert_eq!(packet.destination.to_string(), "192.0.2.1");
            assert_eq!(packet.packet_bytes, 20 + 8 + 5);
            assert!(packet.input.is_none() && packet.output.is_some());
        }
        assert_eq!(log.lost(), 0);
    });
}

#[test]
fn packets_beyond_the_rate_are_counted_but_not_logged() {
    in_namespace("rate", || async {
        link_out();
        let mut log = PacketLog::open(GROUP).await.expect("open");
        let mut nftables = Nftables::open().expect("open");
        let settings = NftSettings {
            log_rate: 5,
            ..NftSettings::default()
        };
        let table = logging_ruleset(Revision(1), Action::Drop, &settings);
        nftables.apply(&table).await.expect("apply");
        let sent = visit("192.0.2.1", 500);
        assert_eq!(
            counted_to(&mut nftables, fixed_counter::FIRST_FREE).await.packets,
            sent
        );
        let mut logged = 0;
        while let Ok(packet) = tokio::time::timeout(Duration::from_millis(500), log.next()).await {
            packet.expect("read");
            logged += 1;
        }
        assert!((5..100).contains(&logged), "{logged} of {sent}");
    });
}

/// The reader sleeps while more is logged than the socket holds.
#[test]
fn what_could_not_be_read_is_counted() {
    in_namespace("lost", || async {
        link_out();
        let mut log = PacketLog::open(GROUP).await.expect("open");
        let mut nftables = Nftables::open().expect("open");
        let settings = NftSettings {
            log_rate: 1_000_000,
            ..NftSettings::default()
        };
        let table = logging_ruleset(Revision(1), Action::Drop, &settings);
        nftables.apply(&table).await.expect("apply");
        let sent = visit("192.0.2.1", 60_000);
        let (mut read, begin) = (0, Instant::now());
        while read + log.lost() < sent {
            assert!(
                begin.elapsed() < Duration::from_secs(120),
                "{read} read, {} lost of {sent}",
                log.lost()
            );
            match tokio::time::timeout(Duration::from_millis(200), log.next()).await {
                Ok(packet) => {
                    packet.expect("read");
                    read += 1;
                }
                // The last ones may be among the lost, and only one behind them tells.
                Err(_) => drop(visit("192.0.2.1", 1)),
            }
        }
        assert!(log.lost() > 0, "{read} of {sent} read");
    });
}

#[test]
fn two_engines_do_not_listen_to_one_group() {
    in_namespace("two", || async {
        let _first = PacketLog::open(GROUP).await.expect("open");
        let error = PacketLog::open(GROUP).await.expect_err("taken");
        assert!(error.to_string().contains("log group 5"), "{error}");
    });
}
