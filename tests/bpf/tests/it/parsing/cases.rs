//! The frames.

use ravelin_abi::rv_protocol::{
    RV_PROTOCOL_IPV4_ICMP, RV_PROTOCOL_IPV4_OTHER, RV_PROTOCOL_IPV4_TCP, RV_PROTOCOL_IPV4_UDP,
    RV_PROTOCOL_IPV6_ICMP, RV_PROTOCOL_IPV6_OTHER, RV_PROTOCOL_IPV6_TCP, RV_PROTOCOL_IPV6_UDP,
    RV_PROTOCOL_OTHER,
};
use ravelin_test_harness::packet::{ACK, Extension, FIN, Packet, RST, SYN, Transport};

use crate::plane::Flow;

const QINQ: [u16; 2] = [0x88a8, 0x8100];

/// A frame and what is to be seen in it.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub frame: Vec<u8>,
    /// `rv_protocol`.
    pub row: u32,
    /// Its flow; interface, packets and bytes are the program's to say.
    pub flow: Option<Flow>,
}

fn unreadable(name: impl Into<String>, frame: Vec<u8>) -> Case {
    Case {
        name: name.into(),
        frame,
        row: RV_PROTOCOL_OTHER,
        flow: None,
    }
}

/// A case whose flow has what the packet says. `later`: a later fragment, whose ports nobody can know.
fn case_of(name: impl Into<String>, packet: &Packet, later: bool) -> Case {
    let four = packet.source.is_ipv4();
    let (protocol, row, ports, tcp_flags) = match &packet.transport {
        Transport::Tcp(tcp) => {
            let row = [RV_PROTOCOL_IPV6_TCP, RV_PROTOCOL_IPV4_TCP][usize::from(four)];
            (6, row, (tcp.source, tcp.destination), tcp.flags)
        }
        Transport::Udp(udp) => {
            let row = [RV_PROTOCOL_IPV6_UDP, RV_PROTOCOL_IPV4_UDP][usize::from(four)];
            (17, row, (udp.source, udp.destination), 0)
        }
        Transport::Icmp(_) => {
            let row = [RV_PROTOCOL_IPV6_ICMP, RV_PROTOCOL_IPV4_ICMP][usize::from(four)];
            (if four { 1 } else { 58 }, row, (0, 0), 0)
        }
        Transport::Sctp(sctp) => {
            let row = [RV_PROTOCOL_IPV6_OTHER, RV_PROTOCOL_IPV4_OTHER][usize::from(four)];
            (132, row, (sctp.source, sctp.destination), 0)
        }
        Transport::Raw(1, _) if four => (1, RV_PROTOCOL_IPV4_ICMP, (0, 0), 0),
        Transport::Raw(58, _) if !four => (58, RV_PROTOCOL_IPV6_ICMP, (0, 0), 0),
        Transport::Raw(protocol, _) => {
            let row = [RV_PROTOCOL_IPV6_OTHER, RV_PROTOCOL_IPV4_OTHER][usize::from(four)];
            (*protocol, row, (0, 0), 0)
        }
    };
    Case {
        name: name.into(),
        frame: packet.build(),
        row,
        flow: Some(Flow {
            source: packet.source,
            destination: packet.destination,
            ports: if later { (0, 0) } else { ports },
            ifindex: 0,
            protocol,
            packets: 0,
            bytes: 0,
            tcp_flags: if later { 0 } else { tcp_flags },
        }),
    }
}

fn transports(family: u8) -> Vec<(&'static str, Packet)> {
    let mut tcp = Packet::tcp(family, 40000, 443, b"hello".as_slice());
    let mut options = tcp.clone();
    let mut bare = tcp.clone();
    let mut largest = tcp.clone();
    for (packet, length, flags, payload) in [
        (&mut tcp, 0, ACK, b"hello".as_slice()),
        (&mut options, 12, SYN, b""),
        (&mut bare, 0, FIN | RST, b""),
        (&mut largest, 40, ACK, b"x"),
    ] {
        if let Transport::Tcp(tcp) = &mut packet.transport {
            tcp.options = vec![1; length];
            tcp.flags = flags;
            tcp.payload = payload.to_vec();
        }
    }
    vec![
        ("udp", Packet::udp(family, 5000, 6000, b"hello".as_slice())),
        ("udp, empty", Packet::udp(family, 5000, 6000, b"".as_slice())),
        ("udp, port 0", Packet::udp(family, 0, 0, b"x".as_slice())),
        (
            "udp, port 53, no query",
            Packet::udp(family, 5000, 53, b"short".as_slice()),
        ),
        ("tcp", tcp),
        ("tcp, options", options),
        ("tcp, no payload", bare),
        ("tcp, longest header", largest),
        ("echo", Packet::new(family, Transport::echo(family))),
        (
            "icmp of the other family",
            Packet::new(family, Transport::echo(10 - family)),
        ),
        ("sctp", Packet::new(family, Transport::Raw(132, vec![0; 12]))),
        ("gre, empty", Packet::new(family, Transport::Raw(47, Vec::new()))),
        ("esp", Packet::new(family, Transport::Raw(50, vec![7; 40]))),
        (
            "unknown protocol",
            Packet::new(family, Transport::Raw(253, vec![0; 4])),
        ),
    ]
}

/// Frames that can be read.
pub fn well_formed() -> Vec<Case> {
    let mut cases = Vec::new();
    for family in [4, 6] {
        for (name, packet) in transports(family) {
            cases.push(case_of(format!("IPv{family} {name}"), &packet, false));
        }
        let udp = Packet::udp(family, 5000, 6000, b"hello".as_slice());
        let tcp = Packet::tcp(family, 40000, 443, b"hello".as_slice());
        for (name, tags) in [
            ("802.1Q", &[0x8100][..]),
            ("802.1ad", &[0x88a8]),
            ("QinQ", &QINQ),
            ("802.1Q twice", &[0x8100, 0x8100]),
        ] {
            cases.push(case_of(
                format!("IPv{family} udp, {name}"),
                &udp.clone().tagged(tags),
                false,
            ));
            cases.push(case_of(
                format!("IPv{family} tcp, {name}"),
                &tcp.clone().tagged(tags),
                false,
            ));
        }
        let padded = Packet {
            padding: 13,
            ..udp.clone()
        };
        cases.push(case_of(format!("IPv{family} udp, padded frame"), &padded, false));
        let jumbo = Packet::udp(family, 5000, 6000, vec![0x5a; 3000]);
        cases.push(case_of(format!("IPv{family} udp, long frame"), &jumbo, false));
    }
    cases.extend(ipv4_cases());
    cases.extend(ipv6_cases());
    cases
}

fn ipv4_cases() -> Vec<Case> {
    let udp = Packet::udp(4, 5000, 6000, vec![1; 24]);
    let tcp = Packet::tcp(4, 40000, 443, vec![1; 24]);
    let mut cases = Vec::new();
    for length in [4, 8, 40] {
        for packet in [&udp, &tcp] {
            let packet = Packet {
                options: vec![1; length],
                ..packet.clone()
            };
            cases.push(case_of(
                format!("IPv4 with {length} bytes of options"),
                &packet,
                false,
            ));
        }
    }
    for (name, fragment, later) in [
        ("first", (0, true), false),
        ("middle", (1480, true), true),
        ("last", (2960, false), true),
        ("last at the highest offset", (0xfff8, false), true),
    ] {
        for packet in [&udp, &tcp] {
            let packet = Packet {
                fragment: Some(fragment),
                ..packet.clone()
            };
            cases.push(case_of(format!("IPv4 {name} fragment"), &packet, later));
        }
    }
    let later = Packet {
        fragment: Some((8, false)),
        ..Packet::new(4, Transport::Raw(6, vec![1]))
    };
    cases.push(Case {
        row: RV_PROTOCOL_IPV4_TCP,
        ..case_of("IPv4 last fragment of one byte", &later, true)
    });
    cases
}

fn ipv6_cases() -> Vec<Case> {
    use Extension::{Authentication, Destination, Fragment, HopByHop, Routing};
    let udp = Packet::udp(6, 5000, 6000, vec![1; 24]);
    let tcp = Packet::tcp(6, 40000, 443, vec![1; 24]);
    let mut cases = Vec::new();
    for chain in [
        &[HopByHop(0)][..],
        &[HopByHop(255)],
        &[Routing(2)],
        &[Destination(0)],
        &[Authentication(4)],
        &[Authentication(0)],
        &[Fragment(0, false)],
        &[
            HopByHop(0),
            Destination(1),
            Routing(0),
            Authentication(4),
            Destination(0),
        ],
        &[
            HopByHop(0),
            Destination(0),
            Routing(0),
            Fragment(0, false),
            Authentication(4),
            Destination(0),
        ],
        &[Destination(0); 7],
        &[HopByHop(0), Fragment(0, true)],
    ] {
        for packet in [&udp, &tcp] {
            cases.push(case_of(
                format!("IPv6 {chain:?}"),
                &packet.clone().extended(chain),
                false,
            ));
        }
    }
    for chain in [
        &[Fragment(1232, true)][..],
        &[Fragment(2464, false)],
        &[HopByHop(0), Routing(0), Fragment(1232, true)],
    ] {
        for packet in [&udp, &tcp] {
            cases.push(case_of(
                format!("IPv6 {chain:?}"),
                &packet.clone().extended(chain),
                true,
            ));
        }
    }
    let tagged = udp.clone().extended(&[HopByHop(1), Destination(0)]).tagged(&QINQ);
    cases.push(case_of("IPv6 extension headers behind QinQ", &tagged, false));
    let nothing = Packet::new(6, Transport::Raw(59, Vec::new())).extended(&[HopByHop(0)]);
    cases.push(case_of("IPv6 no next header", &nothing, false));
    let echo = Packet::new(6, Transport::echo(6)).extended(&[HopByHop(0)]);
    cases.push(case_of("IPv6 echo behind hop-by-hop", &echo, false));
    cases
}

/// Frames nobody can read, or should guess at.
pub fn malformed() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut ethernet = |name: &str, ethertype: u16, length: usize| {
        let mut frame = vec![0xff; 12];
        frame.extend(ethertype.to_be_bytes());
        frame.resize(14 + length, 0x45);
        cases.push(unreadable(name, frame));
    };
    ethernet("ARP", 0x0806, 28);
    ethernet("LLC", 46, 46);
    ethernet("MPLS", 0x8847, 60);
    ethernet("nothing behind Ethernet", 0x0800, 0);
    ethernet("a tag and nothing else", 0x8100, 0);
    ethernet("IPv4 ethertype, IPv6 ethertype's bytes", 0x86dd, 60);
    for family in [4, 6] {
        let udp = Packet::udp(family, 5000, 6000, b"hello".as_slice());
        cases.push(unreadable(
            format!("IPv{family} behind three tags"),
            udp.clone().tagged(&[0x88a8, 0x8100, 0x8100]).build(),
        ));
        for (protocol, header) in [(6, 20), (17, 8), (if family == 4 { 1 } else { 58 }, 8)] {
            for length in [0, header / 2, header - 1] {
                // Padding must not be taken for the rest of the header.
                let packet = Packet {
                    padding: 40,
                    ..Packet::new(family, Transport::Raw(protocol, vec![0x50; length]))
                };
                let name = format!("IPv{family} protocol {protocol} of {length} bytes");
                cases.push(unreadable(name, packet.build()));
            }
        }
        for (offset, value) in [(0, 0x05), (0, 0xf5)] {
            cases.push(patched(
                format!("IPv{family} first byte {value:#x}"),
                &udp,
                offset,
                &[value],
            ));
        }
        let mut tcp = Packet::tcp(family, 40000, 443, b"hello".as_slice()).build();
        let header = if family == 4 { 20 } else { 40 };
        for offset in [0x00, 0x40, 0x70, 0xf0] {
            tcp[14 + header + 12] = offset;
            cases.push(unreadable(
                format!("IPv{family} tcp, data offset {offset:#x}"),
                tcp.clone(),
            ));
        }
    }
    let four = Packet::udp(4, 5000, 6000, b"hello".as_slice());
    cases.push(patched("IPv4 header of 16 bytes", &four, 0, &[0x44]));
    cases.push(patched("IPv4 header longer than the packet", &four, 0, &[0x4f]));
    cases.push(patched("IPv4 total length 0", &four, 2, &[0, 0]));
    cases.push(patched("IPv4 total length 19", &four, 2, &[0, 19]));
    cases.push(patched(
        "IPv4 total length beyond the frame",
        &four,
        2,
        &[0xff, 0xff],
    ));
    let six = Packet::udp(6, 5000, 6000, b"hello".as_slice());
    cases.push(patched("IPv6 payload length 0", &six, 4, &[0, 0]));
    cases.push(patched(
        "IPv6 payload length beyond the frame",
        &six,
        4,
        &[0xff, 0xff],
    ));
    cases.push(unreadable(
        "IPv6 eight extension headers",
        six.clone().extended(&[Extension::Destination(0); 8]).build(),
    ));
    let hop = six.clone().extended(&[Extension::HopByHop(0)]);
    cases.push(patched(
        "IPv6 extension header longer than the packet",
        &hop,
        41,
        &[255],
    ));
    let first = Packet::new(6, Transport::Raw(6, vec![0; 8])).extended(&[Extension::Fragment(0, true)]);
    cases.push(unreadable(
        "IPv6 first fragment too short for its TCP header",
        first.build(),
    ));
    cases
}

/// The packet with some bytes from its IP header on overwritten.
fn patched(name: impl Into<String>, packet: &Packet, offset: usize, bytes: &[u8]) -> Case {
    let mut frame = packet.build();
    let at = packet.network_offset() + offset;
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    unreadable(name, frame)
}

/// Frames cut off at every byte the kernel lets a test have.
pub fn truncated() -> Vec<Case> {
    use Extension::{Authentication, Destination, Fragment, HopByHop, Routing};
    let chain = [
        HopByHop(0),
        Destination(0),
        Routing(1),
        Fragment(0, false),
        Authentication(1),
    ];
    let mut cases = Vec::new();
    for (name, packet) in [
        ("IPv4 tcp", Packet::tcp(4, 40000, 443, b"hello".as_slice())),
        (
            "IPv4 udp behind options and QinQ",
            Packet {
                options: vec![1; 8],
                ..Packet::udp(4, 5000, 53, vec![0; 30]).tagged(&QINQ)
            },
        ),
        ("IPv6 tcp", Packet::tcp(6, 40000, 443, b"hello".as_slice())),
        (
            "IPv6 udp behind everything",
            Packet::udp(6, 5000, 53, vec![0; 30])
                .extended(&chain)
                .tagged(&QINQ),
        ),
        ("IPv6 echo", Packet::new(6, Transport::echo(6))),
    ] {
        let frame = packet.build();
        for length in 14..frame.len() {
            cases.push(unreadable(
                format!("{name}, {length} bytes of {}", frame.len()),
                frame[..length].to_vec(),
            ));
        }
    }
    cases
}
