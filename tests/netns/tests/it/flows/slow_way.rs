//! Packets of forwarded connections that XDP must leave to the kernel.

use ravelin_test_harness::packet::{ACK, Extension, FIN, Packet, RST, Tag, Transport};

use super::wires::{ALL, DNS, Kind, Live, PORT, start, with};
use crate::policy::ground::crossing;
use crate::policy::shot::*;

/// Longest packets the WAN takes in [`longer_packets`], and the payload of one that is longer.
const MTU: usize = 1400;
const LONG: usize = 1420;

/// Makes what a packet carries so long.
fn filled(packet: &mut Packet, length: usize) {
    match &mut packet.transport {
        Transport::Udp(udp) => udp.payload.resize(length, 0),
        Transport::Tcp(tcp) => tcp.payload.resize(length, 0),
        other => panic!("{other:?}"),
    }
}

fn long(packet: Packet) -> Vec<Vec<u8>> {
    with(packet, |packet| {
        filled(packet, LONG);
        packet.dont_fragment = true;
    })
}

/// Just as long as the WAN takes.
fn longest(packet: Packet) -> Vec<Vec<u8>> {
    let tcp = matches!(packet.transport, Transport::Tcp(_));
    let headers = if packet.source.is_ipv4() { 20 } else { 40 } + if tcp { 20 } else { 8 };
    with(packet, |packet| filled(packet, MTU - headers))
}

fn long_to_be_cut(packet: Packet) -> Vec<Vec<u8>> {
    with(packet, |packet| filled(packet, LONG))
}

fn in_fragments(mut packet: Packet) -> Vec<Vec<u8>> {
    filled(&mut packet, 80);
    packet.fragments(48).map(|part| part.build()).to_vec()
}

fn tagged(packet: Packet, tags: &[(u16, u16)]) -> Vec<Vec<u8>> {
    let tag = |&(ethertype, tci): &(u16, u16)| Tag { ethertype, tci };
    with(packet, |packet| packet.tags = tags.iter().map(tag).collect())
}

#[test]
fn a_packet_on_its_last_hop_is_answered() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    for (kind, family) in ALL {
        let live = Live::begin(&ground, kind, family, WAN);
        let last = |packet| with(packet, |packet| packet.ttl = 1);
        for shot in [live.there(), live.back()] {
            let shot = shot.shaped(last).answered((11, 0), (3, 0), "web");
            live.goes_up("the last hop", &shot);
        }
        let two = live
            .there()
            .shaped(|packet| with(packet, |packet| packet.ttl = 2));
        let arrival = live.meets(&two).delivered.pop().expect("it was delivered");
        assert_eq!(arrival.view.ttl, 1);
    }
}

#[test]
fn a_packet_that_is_too_long_is_answered_or_cut() {
    let Some(crossing) = crossing() else { return };
    crossing.router.ip(&format!("link set wan0 mtu {MTU}"));
    let ground = start(&crossing);
    for (kind, family) in ALL {
        let live = Live::begin(&ground, kind, family, WAN);
        let told = live.there().shaped(long).answered((3, 4), (2, 0), "web");
        let outcome = live.goes_up("too long", &told);
        let told = &outcome.refusals[0].view.transport;
        assert_eq!(
            told[6..8],
            u16::try_from(MTU).expect("an MTU").to_be_bytes(),
            "IPv{family}"
        );
        if family == 4 {
            // The first fragment carries the marker; both are at the server.
            let before = live.forwarded();
            let cut = live.there().shaped(long_to_be_cut).passes("web");
            let outcome = live.meets(&cut);
            assert!(outcome.delivered[0].view.fragment.is_some(), "{outcome:?}");
            assert_eq!(
                live.forwarded(),
                before,
                "XDP forwarded a packet that does not fit"
            );
        }
        // The longest that fits is for XDP.
        let before = live.forwarded();
        for shot in [live.there(), live.back()] {
            for _ in 0..3 {
                live.pass(&shot.shaped(longest));
            }
        }
        let after = live.forwarded();
        assert!((0..2).all(|way| after[way] > before[way]), "{:?}", live.cached());
    }
}

#[test]
fn fragments_and_options_take_the_slow_way() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    for (kind, family) in ALL {
        let live = Live::begin(&ground, kind, family, WAN);
        for shot in [live.there(), live.back()] {
            let fragments = shot.shaped(in_fragments).passes("web");
            live.goes_up("a packet in fragments", &fragments);
            if family == 4 {
                let options = |packet| with(packet, |packet| packet.options = vec![1; 4]);
                live.goes_up("IPv4 options", &shot.shaped(options).passes("web"));
            } else {
                let hop_by_hop = |packet: Packet| vec![packet.extended(&[Extension::HopByHop(0)]).build()];
                live.goes_up("hop-by-hop options", &shot.shaped(hop_by_hop).passes("web"));
                let destination =
                    |packet: Packet| vec![packet.extended(&[Extension::Destination(0)]).build()];
                live.goes_up("destination options", &shot.shaped(destination).passes("web"));
            }
        }
    }
}

#[test]
fn errors_about_a_forwarded_connection_come_back() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    for family in [4, 6] {
        let live = Live::begin(&ground, Kind::Udp, family, WAN);
        for kinds in [((3, 3), (1, 4)), ((3, 4), (2, 0)), ((11, 0), (3, 0))] {
            let error = icmp_error(WAN, LAN, PORT, kinds.0, kinds.1).passes("web");
            live.meets(&error);
            live.is_forwarded();
        }
    }
}

#[test]
fn fin_and_reset_end_it_at_once() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    for family in [4, 6] {
        let ends = |live: &Live<'_>, shot: Shot| {
            live.pass(&shot);
            for flow in live.cached().into_iter().flatten() {
                assert_ne!(flow.state, 1, "{flow:?} lives after its end");
            }
        };
        let live = Live::begin(&ground, Kind::Tcp, family, WAN);
        ends(&live, segment(LAN, WAN, ACK | FIN, 1033, 5033).to(PORT));
        let before = live.forwarded();
        live.pass(&live.back());
        live.pass(&segment(WAN, LAN, ACK | FIN, 5033, 1050).from(PORT));
        live.pass(&segment(LAN, WAN, ACK, 1050, 5050).to(PORT));
        let after = live.forwarded();
        assert!(after == before || after == [0, 0], "{before:?} {after:?}");
        let live = Live::begin(&ground, Kind::Tcp, family, WAN);
        ends(&live, segment(WAN, LAN, RST | ACK, 5033, 1033).from(PORT));
    }
}

#[test]
fn frames_for_others_are_not_forwarded() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    for (kind, family) in ALL {
        let live = Live::begin(&ground, kind, family, WAN);
        // It comes by another interface than its connection did.
        let elsewhere = live.there().at(Port::Dmz);
        let before = live.forwarded();
        let _ = live.fire(&elsewhere);
        assert_eq!(live.forwarded(), before, "a packet from elsewhere was forwarded");
        let stranger = |packet: Packet| {
            let mut frame = packet.build();
            frame[5] = 0x77;
            vec![frame]
        };
        live.goes_up(
            "a frame for another host",
            &live.there().shaped(stranger).dropped(By::Nothing),
        );
    }
}

#[test]
fn frames_of_another_network_on_the_link_are_not_forwarded() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    for (kind, family) in ALL {
        let live = Live::begin(&ground, kind, family, WAN);
        let foreign = live
            .there()
            .shaped(|packet| tagged(packet, &[(0x8100, 100)]))
            .dropped(By::Nothing);
        live.goes_up("a frame of a VLAN without interface", &foreign);
        // VLAN 0 is a priority and no network (802.1Q).
        live.meets(
            &live
                .there()
                .shaped(|packet| tagged(packet, &[(0x8100, 0xe000)]))
                .passes("web"),
        );
        live.goes_up(
            "a frame of two VLANs",
            &live
                .there()
                .shaped(|packet| tagged(packet, &[(0x88a8, 100), (0x8100, 100)]))
                .dropped(By::Nothing),
        );
    }
}

#[test]
fn queries_are_left_to_the_blocklist_while_there_is_one() {
    let Some(crossing) = crossing() else { return };
    let ground = start(&crossing);
    let raveld = &ground.engine.raveld;
    for (kind, family) in ALL {
        let live = Live::begin_slow(&ground, kind, family, WAN, DNS);
        live.is_forwarded();
        raveld.switch("dns_blocklist", true);
        let before = live.forwarded();
        for _ in 0..5 {
            live.pass(&live.there());
        }
        assert_eq!(
            live.forwarded()[0],
            before[0],
            "{kind:?} over IPv{family}: not looked into"
        );
        raveld.switch("dns_blocklist", false);
        live.is_forwarded();
    }
}
