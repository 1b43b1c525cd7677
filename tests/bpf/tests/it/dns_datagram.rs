//! `dns_blocklist` over UDP, in XDP and in tc where XDP does not run.

mod cases;

use ravelin_abi::{
    rv_event_kind, rv_protocol::RV_PROTOCOL_IPV4_UDP, rv_protocol::RV_PROTOCOL_IPV6_UDP, rv_reason, rv_switch,
};
use ravelin_test_harness::packet::{CLIENT_MAC, ROUTER_MAC, Transport, nxdomain, read};

use crate::dns_datagram::cases::{Case, Fate, blocked, passing};
use crate::isolated::isolated;
use crate::names::{Listed, listed};
use crate::plane::{Cell, Hook, IFINDEX, Outcome, Plane, SLOT, Verdict};

const FEATURES: u32 = rv_switch::RV_SWITCH_STATISTICS
    | rv_switch::RV_SWITCH_FLOW_MONITORING
    | rv_switch::RV_SWITCH_DNS_BLOCKLIST;

const HOOKS: [Hook; 2] = [Hook::Xdp, Hook::Ingress];

fn check(plane: &mut Plane, listed: &Listed, case: &Case) {
    let what = format!("{}: {}", plane.hook().program(), case.name);
    let outcome = plane.run(&case.frame);
    let (verdict, reason) = match case.fate {
        Fate::Pass => (Verdict::Pass, rv_reason::RV_REASON_PASS),
        Fate::Drop => (Verdict::Drop, rv_reason::RV_REASON_DNS_DROPPED),
        Fate::Answer { .. } => (Verdict::Back, rv_reason::RV_REASON_DNS_ANSWERED),
    };
    assert_eq!(outcome.verdict, verdict, "{what}");
    match case.fate {
        Fate::Pass => assert_eq!(outcome.frame, case.frame, "{what}: frame"),
        Fate::Drop => {}
        Fate::Answer { edns } => check_answer(&what, &outcome, case, edns),
    }
    let cell = Cell {
        slot: SLOT,
        egress: false,
        row: case.row,
        reason,
        packets: 1,
        bytes: case.length(),
    };
    assert_eq!(plane.take_cells(), [cell], "{what}: statistics");
    let flows = plane.take_flows();
    if case.fate == Fate::Pass {
        assert_eq!(plane.take_events(), [], "{what}: events");
    } else {
        assert_eq!(flows, [], "{what}: flows");
        check_hit(plane, listed, &what, case, reason);
    }
}

fn check_answer(what: &str, outcome: &Outcome, case: &Case, edns: Option<bool>) {
    let reply = read(&outcome.frame);
    let datagram = reply.udp();
    let Transport::Udp(asked) = &case.packet.transport else {
        panic!("{what}: only datagrams are answered");
    };
    assert_eq!(reply.destination_mac, CLIENT_MAC, "{what}");
    assert_eq!(reply.source_mac, ROUTER_MAC, "{what}");
    assert_eq!(reply.tags, case.packet.tags, "{what}");
    assert_eq!(reply.source, case.packet.destination, "{what}");
    assert_eq!(reply.destination, case.packet.source, "{what}");
    assert_eq!(reply.ttl, 64, "{what}");
    assert_eq!(datagram.source, asked.destination, "{what}");
    assert_eq!(datagram.destination, asked.source, "{what}");
    assert_eq!(datagram.payload, nxdomain(&case.query, edns), "{what}: message");
}

fn check_hit(plane: &mut Plane, listed: &Listed, what: &str, case: &Case, reason: u32) {
    let (set, whole) = listed.hit(&case.query.name);
    let row = set * 2 + u32::from(!whole);
    assert_eq!(
        plane.take_hits("dns_hits", row),
        (1, case.length()),
        "{what}: hits"
    );
    let events = plane.take_events();
    let [event] = events.as_slice() else {
        panic!("{what}: {} events", events.len());
    };
    let name = case.query.name.to_ascii_lowercase();
    assert_eq!(u32::from(event.kind), rv_event_kind::RV_EVENT_DNS, "{what}");
    assert_eq!(event.length as usize, size_of_val(event), "{what}");
    assert_eq!(event.ifindex, IFINDEX, "{what}");
    assert_eq!(u64::from(event.frame_length), case.length(), "{what}");
    assert_eq!(u32::from(event.reason), reason, "{what}");
    assert_eq!(
        event.family,
        if case.packet.source.is_ipv4() { 4 } else { 6 },
        "{what}"
    );
    assert_eq!(event.protocol, 17, "{what}");
    assert_eq!(event.destination_port, 53, "{what}");
    assert_eq!(event.object, set, "{what}: set");
    assert_eq!(
        &event.name[..usize::from(event.name_length)],
        name,
        "{what}: name"
    );
    assert!(
        event.name[name.len()..].iter().all(|&byte| byte == 0),
        "{what}: name"
    );
}

fn check_all(switches: u32, cases: &[Case]) {
    isolated(|pins| {
        let listed = listed();
        for hook in HOOKS {
            let mut plane = Plane::load(hook, pins);
            plane.load_names(&listed.image);
            plane.set_switches(switches);
            for case in cases {
                check(&mut plane, &listed, case);
            }
        }
    });
}

#[test]
fn a_query_for_a_listed_name_is_answered_nxdomain() {
    let cases = blocked();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    check_all(FEATURES, &cases);
}

#[test]
fn a_query_for_a_listed_name_is_dropped_where_that_is_asked_for() {
    let cases: Vec<Case> = blocked()
        .into_iter()
        .map(|case| Case {
            fate: Fate::Drop,
            ..case
        })
        .collect();
    check_all(FEATURES | rv_switch::RV_SWITCH_DNS_DROP, &cases);
}

#[test]
fn whatever_is_no_query_for_a_listed_name_goes_on_untouched() {
    let cases = passing();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    check_all(FEATURES, &cases);
    check_all(FEATURES | rv_switch::RV_SWITCH_DNS_DROP, &cases);
}

#[test]
fn with_the_feature_off_every_query_goes_on() {
    let off = FEATURES & !rv_switch::RV_SWITCH_DNS_BLOCKLIST;
    let cases: Vec<Case> = blocked()
        .into_iter()
        .map(|case| Case {
            fate: Fate::Pass,
            ..case
        })
        .collect();
    check_all(off, &cases);
}

#[test]
fn where_xdp_runs_tc_leaves_datagrams_alone() {
    isolated(|pins| {
        let listed = listed();
        let mut plane = Plane::load(Hook::Ingress, pins);
        plane.load_names(&listed.image);
        plane.set_switches(FEATURES);
        plane.set_zone(ravelin_abi::rv_zone_flag::RV_ZONE_XDP);
        for case in blocked() {
            let outcome = plane.run(&case.frame);
            assert_eq!(outcome.verdict, Verdict::Pass, "{}", case.name);
            assert_eq!(outcome.frame, case.frame, "{}", case.name);
            assert_eq!(plane.take_cells(), [], "{}", case.name);
            assert_eq!(plane.take_flows(), [], "{}", case.name);
            assert_eq!(plane.take_events(), [], "{}", case.name);
        }
    });
}

/// The row a datagram of the family is counted in.
fn udp_row(family: u8) -> u32 {
    match family {
        4 => RV_PROTOCOL_IPV4_UDP,
        _ => RV_PROTOCOL_IPV6_UDP,
    }
}
