//! Packets eBPF leaves to nftables, and packets that are none of the policy's.

use ravelin_test_harness::packet::{Extension, Packet, Tag, Transport};

use super::case::Group;
use super::draft::{rule, tcp, udp as udp_ports};
use super::ground::check;
use super::shot::*;

fn options(mut packet: Packet, options: &[u8]) -> Vec<Vec<u8>> {
    packet.options = options.to_vec();
    vec![packet.build()]
}

fn extended(packet: Packet, extensions: &[Extension]) -> Vec<Vec<u8>> {
    vec![packet.extended(extensions).build()]
}

/// The halves of a packet; the transport header and the marker are in the first.
fn halves(mut packet: Packet) -> [Packet; 2] {
    match &mut packet.transport {
        Transport::Udp(udp) => udp.payload.extend([0; 64]),
        Transport::Tcp(tcp) => tcp.payload.extend([0; 64]),
        other => panic!("{other:?}"),
    }
    packet.fragments(48)
}

fn tagged(mut packet: Packet, tci: u16) -> Vec<Vec<u8>> {
    packet.tags = vec![Tag {
        ethertype: 0x8100,
        tci,
    }];
    vec![packet.build()]
}

fn with_mac(frame: &mut [u8], mac: [u8; 6]) {
    frame[..6].copy_from_slice(&mac);
}

fn web() -> Group {
    Group::new("web")
        .rule(
            rule("web")
                .from("lan")
                .to("wan")
                .service(tcp(&["80"]))
                .service(udp_ports(&["80"]))
                .accept(),
        )
        .rule(
            rule("no")
                .from("lan")
                .to("wan")
                .service(tcp(&["81"]))
                .service(udp_ports(&["81"]))
                .drop(),
        )
}

#[test]
fn odd_packets_are_judged() {
    check(
        &[
            options_and_extension_headers(),
            fragments(),
            tagged_frames(),
            what_the_kernel_does_first(),
        ]
        .concat(),
    );
}

fn options_and_extension_headers() -> Vec<Group> {
    let group = web()
        .case4(
            "no-operation options: accepted",
            syn(LAN, WAN, 80)
                .shaped(|p| options(p, &[1, 1, 1, 1]))
                .passes("web"),
        )
        .case4(
            "no-operation options: dropped",
            syn(LAN, WAN, 81)
                .shaped(|p| options(p, &[1, 1, 1, 1]))
                .dropped("no"),
        )
        .case4(
            "no-operation options: unmatched",
            syn(LAN, WAN, 82)
                .shaped(|p| options(p, &[1, 1, 1, 1]))
                .dropped(UNWRITTEN),
        )
        .case4(
            "a router alert",
            udp(LAN, WAN, 80)
                .shaped(|p| options(p, &[148, 4, 0, 0]))
                .passes("web"),
        )
        .case6(
            "hop-by-hop options: accepted",
            syn(LAN, WAN, 80)
                .shaped(|p| extended(p, &[Extension::HopByHop(0)]))
                .passes("web"),
        )
        .case6(
            "hop-by-hop options: dropped",
            syn(LAN, WAN, 81)
                .shaped(|p| extended(p, &[Extension::HopByHop(0)]))
                .dropped("no"),
        )
        .case6(
            "destination options: accepted",
            syn(LAN, WAN, 80)
                .shaped(|p| extended(p, &[Extension::Destination(1)]))
                .passes("web"),
        )
        .case6(
            "destination options: dropped",
            udp(LAN, WAN, 81)
                .shaped(|p| extended(p, &[Extension::Destination(1)]))
                .dropped("no"),
        )
        .case6(
            "a routing header: accepted",
            udp(LAN, WAN, 80)
                .shaped(|p| extended(p, &[Extension::Routing(0)]))
                .passes("web"),
        )
        .case6(
            "several headers: dropped",
            syn(LAN, WAN, 81)
                .shaped(|p| extended(p, &[Extension::HopByHop(0), Extension::Destination(0)]))
                .dropped("no"),
        )
        .case6(
            "several headers: accepted",
            syn(LAN, WAN, 80)
                .shaped(|p| extended(p, &[Extension::HopByHop(0), Extension::Destination(0)]))
                .passes("web"),
        );
    vec![group]
}

fn fragments() -> Vec<Group> {
    let both = |p| halves(p).map(|half| half.build()).to_vec();
    let turned = |p| {
        let [first, second] = halves(p).map(|half| half.build());
        vec![second, first]
    };
    let first = |p| vec![halves(p)[0].build()];
    let second = |p| vec![halves(p)[1].build()];
    let group = web()
        .case(
            "a datagram in two: accepted",
            udp(LAN, WAN, 80).shaped(both).passes("web"),
        )
        .case(
            "a datagram in two: dropped",
            udp(LAN, WAN, 81).shaped(both).dropped("no"),
        )
        .case(
            "a datagram in two, the second first",
            udp(LAN, WAN, 80).shaped(turned).passes("web"),
        )
        .case(
            "a SYN in two: accepted",
            syn(LAN, WAN, 80).shaped(both).passes("web"),
        )
        .case(
            "a SYN in two: dropped",
            syn(LAN, WAN, 81).shaped(both).dropped("no"),
        )
        .case(
            "a SYN in two: unmatched",
            syn(LAN, WAN, 82).shaped(both).dropped(UNWRITTEN),
        )
        .case(
            "a first fragment alone waits",
            udp(LAN, WAN, 80).shaped(first).dropped(By::Nothing),
        )
        .case(
            "a second fragment alone waits",
            udp(LAN, WAN, 80).shaped(second).dropped(By::Nothing),
        );
    vec![group]
}

fn tagged_frames() -> Vec<Group> {
    let group = web()
        .case(
            "a VLAN the router has no interface for",
            syn(LAN, WAN, 80).shaped(|p| tagged(p, 100)).dropped(By::Nothing),
        )
        .case(
            "a priority tag: accepted",
            syn(LAN, WAN, 80).shaped(|p| tagged(p, 0xe000)).passes("web"),
        )
        .case(
            "a priority tag: dropped",
            syn(LAN, WAN, 81).shaped(|p| tagged(p, 0xe000)).dropped("no"),
        );
    vec![group]
}

fn what_the_kernel_does_first() -> Vec<Group> {
    let ttl = |mut packet: Packet| {
        packet.ttl = 1;
        vec![packet.build()]
    };
    let broken = |packet: Packet| {
        let mut frame = packet.build();
        frame[24] ^= 0xff;
        vec![frame]
    };
    let stranger = |packet: Packet| {
        let mut frame = packet.build();
        with_mac(&mut frame, [2, 0, 0, 0, 0, 0x77]);
        vec![frame]
    };
    let nowhere = Host::Far(Port::Lan, "203.0.113.1", "2001:db8:ffff::1");
    // What the box says about a packet it never decided about is of a connection without a rule.
    let told = By::Fixed("earlier_connection");
    let group = web()
        .case(
            "the last hop: the sender is told",
            udp(LAN, WAN, 80).shaped(ttl).answered((11, 0), (3, 0), told),
        )
        .case4(
            "a broken IPv4 checksum",
            udp(LAN, WAN, 80).shaped(broken).dropped(By::Nothing),
        )
        .case(
            "for another host on the link",
            udp(LAN, WAN, 80).shaped(stranger).dropped(By::Nothing),
        )
        .case(
            "no route: the sender is told",
            // Another host: the kernel has a limit for each (net/ipv4/route.c, ip_error).
            udp(Port::Lan.host(12), nowhere, 80)
                .not_simulated()
                .answered((3, 0), (1, 0), told),
        );
    vec![group]
}
