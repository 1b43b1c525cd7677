//! Messages of IPFIX and Community IDs as tshark reads them.

use std::path::Path;

use ravelin_model::{EndReason, FlowCount, FlowRecord, FlowTuple, Offload, Revision, protocol};
use ravelin_wire::{community_id, ipfix::Session};
use time::OffsetDateTime;

use crate::support::{installed, run, tuple};

/// Link type of packets that begin with the IP header (LINKTYPE_RAW).
const RAW: u32 = 101;

/// A file of packets, as libpcap writes it.
fn write(path: &Path, packets: &[Vec<u8>]) {
    let mut file: Vec<u8> = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, RAW] {
        file.extend(u32::to_le_bytes(word));
    }
    for packet in packets {
        let length = u32::try_from(packet.len()).expect("short");
        for word in [1_700_000_000, 0, length, length] {
            file.extend(u32::to_le_bytes(word));
        }
        file.extend(packet);
    }
    std::fs::write(path, file).expect("write");
}

/// A packet of IP with this payload; checksums are 0, which nobody looks at.
fn packet(tuple: &FlowTuple, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("short");
    let mut packet = Vec::new();
    match (tuple.source, tuple.destination) {
        (std::net::IpAddr::V4(source), std::net::IpAddr::V4(destination)) => {
            packet.extend([0x45, 0]);
            packet.extend((length + 20).to_be_bytes());
            packet.extend([0, 0, 0, 0, 64, tuple.protocol, 0, 0]);
            packet.extend(source.octets());
            packet.extend(destination.octets());
        }
        (std::net::IpAddr::V6(source), std::net::IpAddr::V6(destination)) => {
            packet.extend([0x60, 0, 0, 0]);
            packet.extend(length.to_be_bytes());
            packet.extend([tuple.protocol, 64]);
            packet.extend(source.octets());
            packet.extend(destination.octets());
        }
        _ => unreachable!("one family"),
    }
    packet.extend(payload);
    packet
}

fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    let length = u16::try_from(payload.len() + 8).expect("short");
    for word in [source, destination, length, 0] {
        datagram.extend(word.to_be_bytes());
    }
    datagram.extend(payload);
    datagram
}

/// The fields of each packet.
fn read(path: &Path, options: &[&str], fields: &[&str]) -> Vec<Vec<String>> {
    let mut arguments = vec![
        "-r",
        path.to_str().expect("text"),
        "-T",
        "fields",
        "-E",
        "separator=|",
    ];
    arguments.extend(options);
    for field in fields {
        arguments.extend(["-e", field]);
    }
    let text = run("tshark", &arguments, "");
    let words = |line: &str| line.split('|').map(str::to_owned).collect();
    text.lines().map(words).collect()
}

fn record(original: FlowTuple, reply: FlowTuple) -> FlowRecord {
    let ended_at = OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("time");
    let number = u64::from(original.source_port);
    let count = |packets, bytes| FlowCount { packets, bytes };
    FlowRecord {
        original,
        reply,
        counts: [
            count(number, number * 100),
            count(2 * number, 5_000_000_000 + number),
        ],
        started_at: Some(ended_at - std::time::Duration::from_secs(3)),
        ended_at,
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

#[test]
fn tshark_reads_every_field_of_a_record() {
    if !installed("tshark") {
        return;
    }
    let nat4 = tuple(protocol::TCP, ("192.0.2.2", 2001), ("203.0.113.10", 80));
    let behind4 = tuple(protocol::TCP, ("10.0.0.7", 8080), ("198.51.100.1", 60_001));
    let nat6 = tuple(protocol::UDP, ("fd00::2", 3001), ("2001:db8:1::10", 443));
    let behind6 = tuple(protocol::UDP, ("fd00::7", 4433), ("2001:db8::ff", 61_001));
    let ping = tuple(protocol::ICMP, ("192.0.2.3", 4001), ("203.0.113.11", 8 << 8));
    let pong = tuple(protocol::ICMP, ("203.0.113.11", 4001), ("192.0.2.3", 0));
    let now = OffsetDateTime::from_unix_timestamp(1_700_000_100).expect("time");
    let mut session = Session::new(9);
    let mut messages = vec![session.templates(now)];
    for (original, reply) in [(nat4, behind4), (nat6, behind6), (ping, pong)] {
        messages.extend(session.messages(&[record(original, reply)], now));
    }
    let collector = tuple(protocol::UDP, ("192.0.2.1", 40_000), ("192.0.2.9", 4739));
    let packets: Vec<_> = messages
        .iter()
        .map(|message| packet(&collector, &udp(40_000, 4739, &message.bytes)))
        .collect();
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("ipfix.pcap");
    write(&path, &packets);
    let fields = [
        "cflow.version",
        "cflow.od_id",
        "cflow.sequence",
        "cflow.srcaddr",
        "cflow.dstaddr",
        "cflow.srcaddrv6",
        "cflow.dstaddrv6",
        "cflow.srcport",
        "cflow.dstport",
        "cflow.protocol",
        "cflow.flow_end_reason",
        "cflow.biflow_direction",
        "cflow.packets",
        "cflow.octets",
        "cflow.post_natsource_ipv4_address",
        "cflow.post_natdestination_ipv4_address",
        "cflow.post_nat_source_ipv6_address",
        "cflow.post_nat_destination_ipv6_address",
        "cflow.post_naptsource_transport_port",
        "cflow.post_naptdestination_transport_port",
        "cflow.icmp_type_code_ipv4",
        "_ws.malformed",
    ];
    let shown = read(&path, &["-d", "udp.port==4739,cflow"], &fields);
    let expected = [
        "10|9|0|||||||||||||||||||".to_owned(),
        "10|9|0|192.0.2.2|203.0.113.10|||2001|80|6|1|1|2001,4002|200100,5000002001|198.51.100.1|10.0.0.7|||60001|8080||".to_owned(),
        "10|9|1|||fd00::2|2001:db8:1::10|3001|443|17|1|1|3001,6002|300100,5000003001|||2001:db8::ff|fd00::7|61001|4433||".to_owned(),
        "10|9|2|192.0.2.3|203.0.113.11|||||1|1|1|4001,8002|400100,5000004001|||||||0x0800|".to_owned(),
    ];
    let shown: Vec<_> = shown.iter().map(|words| words.join("|")).collect();
    assert_eq!(shown, expected);
}

#[test]
fn tshark_gives_flows_the_same_community_id() {
    if !installed("tshark") {
        return;
    }
    let mut expected = Vec::new();
    let mut packets = Vec::new();
    for port in 0..200_u16 {
        let (low, high) = (port.wrapping_mul(331), port.wrapping_mul(7919).wrapping_add(3));
        let v4 = tuple(
            protocol::UDP,
            (&format!("10.0.{}.7", port % 5), low),
            (&format!("10.0.{}.7", port % 3), high),
        );
        let v6 = tuple(
            protocol::UDP,
            (&format!("2001:db8::{port:x}"), low),
            ("2001:db8::64", high),
        );
        for tuple in [v4, v6] {
            packets.push(packet(&tuple, &udp(low, high, b"data")));
            expected.push(community_id::text(&community_id::digest(&tuple)));
        }
        // Those of questions and answers; of errors tshark looks at the packet they quote.
        let kind = [8, 0, 13, 14, 15, 16, 17, 18, 10, 9][usize::from(port % 10)];
        let ping = FlowTuple {
            protocol: protocol::ICMP,
            destination_port: u16::from_be_bytes([kind, 1]),
            ..v4
        };
        packets.push(packet(&ping, &[&[kind, 1][..], &[0; 30]].concat()));
        expected.push(community_id::text(&community_id::digest(&ping)));
    }
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("flows.pcap");
    write(&path, &packets);
    let shown = read(&path, &["--enable-protocol", "communityid"], &["communityid"]);
    let shown: Vec<_> = shown.into_iter().map(|words| words.join("|")).collect();
    assert_eq!(shown.len(), expected.len());
    for (number, (shown, expected)) in shown.iter().zip(&expected).enumerate() {
        assert_eq!(shown, expected, "packet {number}");
    }
}
