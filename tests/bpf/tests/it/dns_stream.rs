//! `dns_blocklist` over TCP: tc judges the segment, answers the client and resets the server.

mod capture;
mod cases;

use ravelin_abi::{
    rv_protocol::{RV_PROTOCOL_IPV4_TCP, RV_PROTOCOL_IPV6_TCP},
    rv_reason, rv_switch,
    rv_zone_flag::RV_ZONE_XDP,
};
use ravelin_test_harness::packet::{ACK, CLIENT_MAC, FIN, PSH, ROUTER_MAC, RST, Read, Tcp, nxdomain, read};

use crate::dns_stream::capture::Capture;
use crate::dns_stream::cases::{Case, blocked, merged, passing};
use crate::isolated::isolated;
use crate::names::{Listed, listed};
use crate::plane::{Cell, Context, Hook, Plane, SLOT, Verdict};

const FEATURES: u32 = rv_switch::RV_SWITCH_STATISTICS
    | rv_switch::RV_SWITCH_FLOW_MONITORING
    | rv_switch::RV_SWITCH_DNS_BLOCKLIST;

fn cell(case: &Case, reason: u32) -> Cell {
    Cell {
        slot: SLOT,
        egress: false,
        row: if case.packet.source.is_ipv4() {
            RV_PROTOCOL_IPV4_TCP
        } else {
            RV_PROTOCOL_IPV6_TCP
        },
        reason,
        packets: 1,
        bytes: case.length(),
    }
}

fn check_answered(plane: &mut Plane, listed: &Listed, wire: &mut Capture, case: &Case) {
    let what = &case.name;
    let outcome = plane.run(&case.frame);
    assert_eq!(outcome.verdict, Verdict::Pass, "{what}");
    assert_eq!(
        plane.take_cells(),
        [cell(case, rv_reason::RV_REASON_DNS_ANSWERED)],
        "{what}"
    );
    assert_eq!(plane.take_flows(), [], "{what}: flows");
    check_hit(plane, listed, case);
    let asked = case.segment();
    let sent = wire.sent();
    let [reply] = sent.as_slice() else {
        panic!("{what}: {} packets sent", sent.len());
    };
    check_reply(what, &read(reply), case, asked);
    check_reset(what, &read(&outcome.frame), case, asked);
}

fn check_reply(what: &str, reply: &Read, case: &Case, asked: &Tcp) {
    let message = nxdomain(&case.query, case.edns);
    let mut framed = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    framed.extend(message);
    let segment = reply.tcp();
    let fin = u32::from(asked.flags & FIN);
    let consumed = u32::try_from(asked.payload.len()).unwrap() + fin;
    assert_eq!(
        (reply.source_mac, reply.destination_mac),
        (ROUTER_MAC, CLIENT_MAC),
        "{what}"
    );
    assert_eq!(reply.tags, case.packet.tags, "{what}");
    assert_eq!(reply.source, case.packet.destination, "{what}");
    assert_eq!(reply.destination, case.packet.source, "{what}");
    assert_eq!(reply.ttl, 64, "{what}");
    assert_eq!(
        (segment.source, segment.destination),
        (53, asked.source),
        "{what}"
    );
    assert_eq!(segment.sequence, asked.acknowledgement, "{what}");
    assert_eq!(
        segment.acknowledgement,
        asked.sequence.wrapping_add(consumed),
        "{what}"
    );
    assert_eq!(segment.flags, PSH | ACK | FIN, "{what}");
    assert_eq!(segment.payload, framed, "{what}: message");
}

fn check_reset(what: &str, reset: &Read, case: &Case, asked: &Tcp) {
    let segment = reset.tcp();
    assert_eq!(
        (reset.source_mac, reset.destination_mac),
        (CLIENT_MAC, ROUTER_MAC),
        "{what}"
    );
    assert_eq!(reset.tags, case.packet.tags, "{what}");
    assert_eq!(reset.source, case.packet.source, "{what}");
    assert_eq!(reset.destination, case.packet.destination, "{what}");
    assert_eq!(reset.ttl, case.packet.ttl, "{what}");
    assert_eq!(
        (segment.source, segment.destination),
        (asked.source, 53),
        "{what}"
    );
    assert_eq!(segment.sequence, asked.sequence, "{what}");
    assert_eq!(segment.acknowledgement, asked.acknowledgement, "{what}");
    assert_eq!(segment.flags, RST | ACK, "{what}");
    assert!(segment.payload.is_empty(), "{what}");
}

fn check_hit(plane: &mut Plane, listed: &Listed, case: &Case) {
    let (set, whole) = listed.hit(&case.query.name);
    let hits = plane.take_hits("dns_hits", set * 2 + u32::from(!whole));
    assert_eq!(hits, (1, case.length()), "{}: hits", case.name);
    let events = plane.take_events();
    assert_eq!(events.len(), 1, "{}: events", case.name);
    assert_eq!(
        events[0].name[..usize::from(events[0].name_length)],
        case.query.name.to_ascii_lowercase(),
        "{}",
        case.name
    );
}

fn plane(pins: &std::path::Path, listed: &Listed, switches: u32, flags: u32) -> Plane {
    let mut plane = Plane::load(Hook::Ingress, &pins.join(format!("{flags}-{switches}")));
    plane.load_names(&listed.image);
    plane.set_switches(switches);
    plane.set_zone(flags);
    plane
}

#[test]
fn a_listed_name_is_answered_to_the_client_and_the_server_is_reset() {
    let cases = blocked();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    isolated(|pins| {
        let listed = listed();
        let mut wire = Capture::on_loopback();
        for flags in [0, RV_ZONE_XDP] {
            let mut plane = plane(pins, &listed, FEATURES, flags);
            for case in &cases {
                check_answered(&mut plane, &listed, &mut wire, case);
            }
        }
    });
}

#[test]
fn a_listed_name_is_dropped_where_that_is_asked_for() {
    isolated(|pins| {
        let listed = listed();
        let mut wire = Capture::on_loopback();
        let switches = FEATURES | rv_switch::RV_SWITCH_DNS_DROP;
        for flags in [0, RV_ZONE_XDP] {
            let mut plane = plane(pins, &listed, switches, flags);
            for case in &blocked() {
                assert_eq!(plane.run(&case.frame).verdict, Verdict::Drop, "{}", case.name);
                let dropped = cell(case, rv_reason::RV_REASON_DNS_DROPPED);
                assert_eq!(plane.take_cells(), [dropped], "{}", case.name);
                assert_eq!(plane.take_flows(), [], "{}", case.name);
                check_hit(&mut plane, &listed, case);
                assert!(wire.sent().is_empty(), "{}", case.name);
            }
        }
    });
}

#[test]
fn every_other_segment_goes_on_and_is_counted_once_by_xdp_and_tc_together() {
    let cases: Vec<Case> = passing().into_iter().chain(blocked()).collect();
    isolated(|pins| {
        let listed = listed();
        let mut wire = Capture::on_loopback();
        let mut xdp = Plane::load(Hook::Xdp, pins);
        xdp.load_names(&listed.image);
        xdp.set_switches(FEATURES);
        let mut tc = plane(pins, &listed, FEATURES, RV_ZONE_XDP);
        let mut alone = plane(pins, &listed, FEATURES, 0);
        for case in &cases {
            let what = &case.name;
            let outcome = xdp.run(&case.frame);
            assert_eq!(outcome.verdict, Verdict::Pass, "{what}: no segment ends in XDP");
            assert_eq!(outcome.frame, case.frame, "{what}");
            let mut cells = xdp.take_cells();
            let mut flows = xdp.take_flows();
            if !case.listed {
                let outcome = tc.run(&case.frame);
                assert_eq!(outcome.verdict, Verdict::Pass, "{what}");
                assert_eq!(outcome.frame, case.frame, "{what}");
                cells.extend(tc.take_cells());
                flows.extend(tc.take_flows());
                assert_eq!(
                    cells,
                    [cell(case, rv_reason::RV_REASON_PASS)],
                    "{what}: statistics"
                );
                assert_eq!(flows.len(), 1, "{what}: flows");
                assert_eq!(alone.run(&case.frame).verdict, Verdict::Pass, "{what}");
                assert_eq!(alone.take_cells(), cells, "{what}: statistics without XDP");
                assert_eq!(alone.take_flows(), flows, "{what}: flows without XDP");
                assert!(wire.sent().is_empty(), "{what}");
            } else {
                assert_eq!((cells, flows), (vec![], vec![]), "{what}: tc counts it");
            }
        }
    });
}

#[test]
fn with_the_feature_off_xdp_counts_every_segment_and_tc_none() {
    isolated(|pins| {
        let listed = listed();
        let off = FEATURES & !rv_switch::RV_SWITCH_DNS_BLOCKLIST;
        let mut xdp = Plane::load(Hook::Xdp, pins);
        xdp.set_switches(off);
        let mut tc = plane(pins, &listed, off, RV_ZONE_XDP);
        for case in &blocked() {
            assert_eq!(xdp.run(&case.frame).verdict, Verdict::Pass, "{}", case.name);
            let passed = cell(case, rv_reason::RV_REASON_PASS);
            assert_eq!(xdp.take_cells(), [passed], "{}", case.name);
            assert_eq!(tc.run(&case.frame).frame, case.frame, "{}", case.name);
            assert_eq!(tc.take_cells(), [], "{}", case.name);
            assert_eq!(tc.take_flows(), [], "{}", case.name);
        }
    });
}

#[test]
fn merged_segments_are_answered_as_one_and_counted_one_by_one() {
    isolated(|pins| {
        let listed = listed();
        let mut wire = Capture::on_loopback();
        let mut plane = plane(pins, &listed, FEATURES, RV_ZONE_XDP);
        for case in &merged() {
            let what = &case.name;
            let length = case.segment().payload.len();
            let context = Context {
                gso_segs: 2,
                gso_size: u32::try_from(length.div_ceil(2)).unwrap(),
                ..Context::default()
            };
            let outcome = plane.run_in(&case.frame, context);
            assert_eq!(outcome.verdict, Verdict::Pass, "{what}");
            let headers = case.length() - u64::try_from(length).unwrap();
            let answered = Cell {
                packets: 2,
                bytes: case.length() + headers,
                ..cell(case, rv_reason::RV_REASON_DNS_ANSWERED)
            };
            assert_eq!(plane.take_cells(), [answered], "{what}");
            check_reply(what, &read(&wire.sent()[0]), case, case.segment());
            check_reset(what, &read(&outcome.frame), case, case.segment());
        }
    });
}
