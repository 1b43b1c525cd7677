//! /proc/net/nf_conntrack beside ctnetlink, where this kernel has both.

use std::path::Path;

use ravelin_kernel::{Conntrack, ConntrackSettings, read_proc_connections};
use ravelin_model::{Connection, ConnectionStatus, protocol};

use crate::support::{dump, in_namespace, many, run, tuple};

/// That of the thread's namespace; `/proc/net` is that of the process.
const PATH: &str = "/proc/thread-self/net/nf_conntrack";

#[test]
fn both_sources_tell_the_same_connections() {
    in_namespace("proc", || {
        if !Path::new(PATH).exists() {
            eprintln!("skipped, because this kernel has no {PATH}");
            return;
        }
        ConntrackSettings::enable().expect("enable");
        run("nft", "add table inet t");
        run(
            "nft",
            "add chain inet t c { type filter hook output priority 0 ; }",
        );
        run("nft", "add rule inet t c ct state new accept");
        // Real traffic, so that there are counts, and made ones of every kind.
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
        socket.send_to(b"x", ("127.0.0.1", 9)).expect("send");
        let mut conntrack = Conntrack::open().expect("open");
        assert_eq!(conntrack.create(&many(300)).expect("create"), 300);
        for arguments in [
            "-p tcp -s 192.0.2.1 -d 198.51.100.2 --sport 1 --dport 80 --state ESTABLISHED -u SEEN_REPLY,ASSURED -m 7",
            "-p tcp -s 192.0.2.1 -d 198.51.100.2 --sport 2 --dport 80 --state SYN_SENT --src-nat 203.0.113.1",
            "-p tcp -s 2001:db8::1 -d 2001:db8::2 --sport 3 --dport 80 --state CLOSE_WAIT -u SEEN_REPLY -w 5",
            "-p udp -s 192.0.2.1 -d 203.0.113.9 --sport 5 --dport 53 --dst-nat 10.0.0.53:5353",
            "-p icmp -s 192.0.2.1 -d 192.0.2.9 --icmp-type 8 --icmp-code 0 --icmp-id 33",
            "-p icmpv6 -s 2001:db8::1 -d 2001:db8::2 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 34",
        ] {
            run("conntrack", &format!("-I {arguments} -t 300"));
        }

        let mut found = Vec::new();
        read_proc_connections(Path::new(PATH), &mut |connection| found.push(connection)).expect("read");
        found.sort_by_key(|connection| (connection.original, connection.zone));
        let told = dump(&mut conntrack);
        assert_eq!(found.len(), told.len());
        assert!(told.iter().any(|connection| connection.original
            == tuple(protocol::ICMPV6, "2001:db8::1", "2001:db8::2", (34, 128 << 8))));
        assert!(
            told.iter()
                .any(|connection| connection.counts.is_some_and(|[sent, _]| sent.packets == 1))
        );
        for (found, told) in found.iter().zip(&told) {
            same(found, told);
        }
    });
}

/// The same but for what is not told, and what went by meanwhile.
fn same(found: &Connection, told: &Connection) {
    let bits = ConnectionStatus::CONFIRMED
        | ConnectionStatus::SEEN_REPLY
        | ConnectionStatus::ASSURED
        | ConnectionStatus::SNAT
        | ConnectionStatus::DNAT;
    let expected = Connection {
        id: 0,
        status: ConnectionStatus(told.status.0 & bits),
        timeout_seconds: found.timeout_seconds,
        started_at: found.started_at,
        ..told.clone()
    };
    assert_eq!(found, &expected);
    let seconds = |connection: &Connection| connection.timeout_seconds.map(i64::from);
    let left = seconds(found)
        .zip(seconds(told))
        .map(|(found, told)| (found - told).abs());
    assert!(left.is_some_and(|left| left <= 30), "{found:?} {told:?}");
    let began = found
        .started_at
        .zip(told.started_at)
        .map(|(found, told)| (found - told).abs());
    assert!(
        began.is_some_and(|apart| apart.whole_seconds() <= 2),
        "{found:?} {told:?}"
    );
}
