//! Damaged packets: whatever arrives, it is counted once, and ends here only if something is listed.

use ravelin_abi::{rv_switch, rv_zone_flag::RV_ZONE_XDP};
use ravelin_test_harness::packet::{Extension, Packet, Query, Transport};

use crate::isolated::isolated;
use crate::names::listed;
use crate::plane::{Hook, Plane, Verdict};
use crate::random::Random;

const EVERYTHING: u32 = rv_switch::RV_SWITCH_STATISTICS
    | rv_switch::RV_SWITCH_FLOW_MONITORING
    | rv_switch::RV_SWITCH_DDOS_PROTECTION
    | rv_switch::RV_SWITCH_DNS_BLOCKLIST;

const ROUNDS: usize = 3000;

fn originals() -> Vec<Vec<u8>> {
    let query = Query::new("a.blocked.example").edns(0x8000, &[0, 10, 0, 2, 1, 2]);
    let chain = [
        Extension::HopByHop(0),
        Extension::Routing(1),
        Extension::Fragment(0, false),
        Extension::Destination(0),
    ];
    let mut frames = Vec::new();
    for family in [4, 6] {
        let udp = Packet::udp(family, 40000, 53, query.build());
        frames.push(udp.build());
        frames.push(udp.clone().tagged(&[0x88a8, 0x8100]).build());
        frames.push(Packet::tcp(family, 40000, 53, query.framed()).build());
        frames.push(Packet::tcp(family, 40000, 53, query.build()).build());
        frames.push(Packet::new(family, Transport::echo(family)).build());
    }
    let udp = Packet::udp(6, 40000, 53, query.build());
    frames.push(udp.extended(&chain).build());
    frames.push(Packet::tcp(6, 40000, 53, query.framed()).extended(&chain).build());
    let options = Packet {
        options: vec![1; 8],
        ..Packet::udp(4, 40000, 53, query.build())
    };
    frames.push(options.build());
    frames
}

/// Flips, cuts, stretches; the two addresses of Ethernet and its type mostly stay.
fn damaged(random: &mut Random, originals: &[Vec<u8>]) -> Vec<u8> {
    let mut frame = random.of(originals).clone();
    for _ in 0..random.below(5) {
        let from = if random.once_in(10) { 0 } else { 14 };
        let at = from + random.below(frame.len() - from);
        frame[at] = if random.once_in(3) {
            *random.of(&[0, 1, 0xc0, 0xff])
        } else {
            random.byte()
        };
    }
    match random.below(6) {
        0 => frame.truncate(15 + random.below(frame.len() - 15)),
        1 => frame.extend((0..random.below(80)).map(|_| random.byte())),
        _ => {}
    }
    frame
}

fn packets_counted(plane: &mut Plane) -> u64 {
    plane.take_cells().iter().map(|cell| cell.packets).sum()
}

#[test]
fn nothing_is_dropped_or_changed_while_nothing_is_listed() {
    isolated(|pins| {
        let mut random = Random::new();
        let originals = originals();
        for hook in [Hook::Ingress, Hook::Egress] {
            let mut plane = Plane::load(hook, pins);
            plane.set_switches(EVERYTHING);
            for _ in 0..ROUNDS {
                let frame = damaged(&mut random, &originals);
                if hook.takes(&frame) {
                    let outcome = plane.run(&frame);
                    assert_eq!(outcome.verdict, Verdict::Pass, "{hook:?}: {frame:02x?}");
                    assert_eq!(outcome.frame, frame, "{hook:?}");
                    assert_eq!(packets_counted(&mut plane), 1, "{hook:?}: {frame:02x?}");
                }
            }
        }
    });
}

#[test]
fn xdp_and_tc_together_count_every_packet_once_whatever_is_listed() {
    isolated(|pins| {
        let mut random = Random::new();
        let originals = originals();
        let listed = listed();
        let mut xdp = Plane::load(Hook::Xdp, pins);
        let mut tc = Plane::load(Hook::Ingress, pins);
        for plane in [&mut xdp, &mut tc] {
            plane.load_names(&listed.image);
            plane.set_switches(EVERYTHING);
            plane.set_zone(RV_ZONE_XDP);
        }
        let mut ended = 0;
        for _ in 0..ROUNDS {
            let frame = damaged(&mut random, &originals);
            let outcome = xdp.run(&frame);
            let mut counted = packets_counted(&mut xdp);
            if outcome.verdict == Verdict::Pass {
                assert_eq!(outcome.frame, frame);
                if Hook::Ingress.takes(&frame) {
                    tc.run(&frame);
                    counted += packets_counted(&mut tc);
                }
            } else {
                ended += 1;
            }
            assert_eq!(counted, 1, "{frame:02x?}");
        }
        assert!(ended > 0, "not one query survived the damage");
    });
}
