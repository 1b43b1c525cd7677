//! Random policies and packets: what the loaded programs make of the bytes of a packet, and what the reference says.
//! `RAVELIN_FULL=1` makes it a million pairs; `RAVELIN_SEED` brings a run back.

use std::net::IpAddr;

use ravelin_compile::generate::{Random, Shape, World, packet, packet_to_published};
use ravelin_compile::{PolicyImages, PolicyPacket, Ruleset};
use ravelin_datapath::{Classification, Datapath as _};
use ravelin_model::{Action, Hook, ZoneNumber, protocol};
use ravelin_test_harness::packet::{Icmp, Packet, SYN, Sctp, Tcp, Transport, Udp};

use crate::policy::ground::Ground;

/// Interfaces of generated worlds.
const INTERFACES: [u32; 9] = [100, 101, 102, 103, 104, 105, 106, 107, 108];

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

/// A packet, where it comes in, and what is to become of it.
struct Case {
    interface: u32,
    frame: Vec<u8>,
    packet: PolicyPacket,
    destination: IpAddr,
    destination_port: u16,
    expected: Classification,
}

/// Bytes nobody reads beside the headers.
fn transport(packet: &PolicyPacket) -> Transport {
    let (source, destination) = (packet.source_port, packet.destination_port);
    match packet.protocol {
        protocol::TCP => Transport::Tcp(Tcp {
            source,
            destination,
            sequence: 1,
            acknowledgement: 0,
            flags: SYN,
            options: Vec::new(),
            payload: Vec::new(),
        }),
        protocol::UDP => Transport::Udp(Udp {
            source,
            destination,
            payload: vec![0; 20],
        }),
        protocol::SCTP => Transport::Sctp(Sctp {
            source,
            destination,
            tag: 0,
            chunks: vec![1, 0, 0, 4],
        }),
        number if packet.is_icmp() => Transport::Icmp(Icmp {
            protocol: number,
            kind: packet.icmp.0,
            code: packet.icmp.1,
            rest: [0; 4],
            payload: vec![0; 8],
        }),
        number => Transport::Raw(number, vec![0; 40]),
    }
}

fn frame(packet: &PolicyPacket) -> Vec<u8> {
    let mut made = Packet::new(if packet.source.is_ipv4() { 4 } else { 6 }, transport(packet));
    made.source = packet.source;
    made.destination = packet.destination;
    made.build()
}

/// Whether the programs leave such packets to nftables, whatever the policy.
fn is_left(packet: &PolicyPacket) -> bool {
    const EXTENSIONS: [u8; 5] = [0, 43, 44, 51, 60];
    match packet.destination {
        IpAddr::V4(address) => {
            [0, 51].contains(&packet.protocol) || address.is_multicast() || address.is_broadcast()
        }
        IpAddr::V6(address) => address.is_multicast() || EXTENSIONS.contains(&packet.protocol),
    }
}

/// A packet into the ground; None: no interface leads there or from there.
fn case(random: &mut Random, ruleset: &Ruleset, ground: &mut Ground) -> Option<Case> {
    let mut sent = match packet_to_published(random, ruleset) {
        Some(published) if random.once_in(4) => published,
        _ => packet(random, ruleset),
    };
    let interfaces = |zone: ZoneNumber| -> Vec<u32> {
        let of_zone = ruleset
            .zone_of_interface
            .iter()
            .filter(|(_, other)| **other == zone);
        of_zone.map(|(index, _)| *index).collect()
    };
    let from = interfaces(sent.from);
    if from.is_empty() {
        return None;
    }
    let interface = *random.of(&from);
    let frame = frame(&sent);
    let mut left = is_left(&sent);
    let port = if protocol::has_ports(sent.protocol) {
        sent.destination_port
    } else {
        0
    };
    let translated = ruleset.translate(sent.from, sent.destination, sent.protocol, port);
    let (destination, destination_port) =
        translated.map_or((sent.destination, port), |(_, to, port)| (to, port));
    // No table of routes says where that goes.
    left |= stays_on_link(sent.source) && !stays_on_link(destination);
    // The target of a translation may be no unicast address, which no route leads to.
    if unroutable(destination) {
        return None;
    }
    let wanted = match interfaces(sent.to).as_slice() {
        // Nobody forwards what is for this link.
        _ if sent.to == ZoneNumber::LOCAL || stays_on_link(destination) => None,
        [] => return None,
        some => Some(*random.of(some)),
    };
    let by = ground.plan_route(interface, destination, wanted);
    sent.to = by.map_or(ZoneNumber::LOCAL, |by| ruleset.zone_of_interface[&by]);
    (sent.destination, sent.destination_port) = (destination, destination_port);
    let decision = ruleset.evaluate(&sent);
    let expected = if left {
        Classification::None
    } else if decision.rate_limited {
        Classification::Deferred
    } else {
        Classification::Decided {
            action: decision.action,
            counter: decision.counter,
        }
    };
    Some(Case {
        interface,
        frame,
        packet: sent,
        destination,
        destination_port,
        expected,
    })
}

/// IPv6 that no router forwards.
fn stays_on_link(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local() || address.is_loopback()
        || address.is_multicast())
}

fn unroutable(destination: IpAddr) -> bool {
    match destination {
        IpAddr::V4(address) => address.is_multicast() || address.is_broadcast() || address.is_unspecified(),
        IpAddr::V6(address) => address.is_multicast() || address.is_unspecified(),
    }
}

/// What nftables is told of it.
fn mark(expected: Classification, to: ZoneNumber) -> u32 {
    let Classification::Decided { action, counter } = expected else {
        return 0;
    };
    let verdict = match action {
        Action::Accept => 1,
        Action::Drop => 2,
        Action::Reject => 3,
    };
    verdict << 30 | u32::from(to.get()) << 24 | counter
}

fn check(ground: &Ground, case: &Case) {
    let datapath = &ground.parts.datapath;
    let probe = datapath.probe(&case.frame, case.interface).unwrap();
    let packet = &case.packet;
    assert_eq!(probe.classification, case.expected, "{packet:?} {probe:?}");
    let mark = mark(case.expected, packet.to);
    assert_eq!(probe.mark, mark, "{packet:?}");
    assert_eq!(probe.from, Some(packet.from), "{packet:?}");
    if case.expected != Classification::None {
        assert_eq!(probe.to, Some(packet.to), "{packet:?}");
        assert_eq!(
            (probe.destination, probe.destination_port),
            (Some(case.destination), case.destination_port),
            "{packet:?}"
        );
    }
    let is_dropped = packet.protocol == protocol::TCP
        && matches!(
            case.expected,
            Classification::Decided {
                action: Action::Drop,
                ..
            }
        );
    let xdp = datapath.test_run(Hook::Xdp, &case.frame, case.interface).unwrap();
    assert_eq!(
        xdp.return_code,
        if is_dropped { XDP_DROP } else { XDP_PASS },
        "{packet:?}"
    );
    assert_eq!(xdp.frame, case.frame, "{packet:?}");
    if !is_dropped {
        assert_eq!(xdp.metadata[4..], mark.to_ne_bytes(), "{packet:?}");
    }
    if let Ok(tc) = datapath.test_run(Hook::TcIngress, &case.frame, case.interface) {
        assert_eq!(
            tc.return_code.cast_signed(),
            if is_dropped { 2 } else { -1 },
            "{packet:?}"
        );
        assert_eq!(tc.mark, mark, "{packet:?}");
    }
}

#[test]
fn the_programs_judge_packets_as_the_reference_does() {
    let is_full = std::env::var_os("RAVELIN_FULL").is_some();
    let (pairs, packets) = if is_full {
        (1_000_000, 2500)
    } else {
        (20_000, 1000)
    };
    Ground::run(&INTERFACES, |mut ground| {
        let mut random = Random::seeded();
        let mut previous: Option<PolicyImages> = None;
        let mut done = 0;
        while done < pairs {
            let rules = *random.of(&[0, 1, 3, 10, 40, 150, 600]);
            let ruleset = World::new(&mut random, &Shape::rules(rules)).resolve();
            let images = PolicyImages::build(&ruleset, previous.as_ref()).unwrap();
            ground.parts.datapath.load_policy(&images).unwrap();
            previous = Some(images);
            let cases: Vec<Case> = (0..packets)
                .filter_map(|_| case(&mut random, &ruleset, &mut ground))
                .collect();
            ground.make_routes();
            for case in &cases {
                check(&ground, case);
            }
            ground.forget_routes();
            done += cases.len();
        }
        eprintln!("{done} pairs");
    });
}
