//! What the programs see in a frame: its row of the statistics and its flow. Nothing is listed, so all of it goes
//! on untouched.

mod cases;

use ravelin_abi::{rv_reason, rv_switch};

use crate::isolated::isolated;
use crate::parsing::cases::{Case, malformed, truncated, well_formed};
use crate::plane::{Cell, Flow, Hook, IFINDEX, Plane, SLOT, Verdict};

const EVERYTHING: u32 = rv_switch::RV_SWITCH_STATISTICS
    | rv_switch::RV_SWITCH_FLOW_MONITORING
    | rv_switch::RV_SWITCH_DDOS_PROTECTION
    | rv_switch::RV_SWITCH_DNS_BLOCKLIST;

fn check(plane: &mut Plane, case: &Case) {
    let Case {
        name,
        frame,
        row,
        flow,
    } = case;
    let what = format!("{}: {name}", plane.hook().program());
    let outcome = plane.run(frame);
    assert_eq!(outcome.verdict, Verdict::Pass, "{what}");
    assert_eq!(&outcome.frame, frame, "{what}: frame");
    let egress = plane.hook() == Hook::Egress;
    let length = u64::try_from(frame.len()).unwrap();
    let cell = Cell {
        slot: SLOT,
        egress,
        row: *row,
        reason: rv_reason::RV_REASON_PASS,
        packets: 1,
        bytes: length,
    };
    assert_eq!(plane.take_cells(), [cell], "{what}: statistics");
    let flow = flow.clone().map(|flow| Flow {
        ifindex: if egress { 0 } else { IFINDEX },
        packets: 1,
        bytes: length,
        ..flow
    });
    assert_eq!(
        plane.take_flows(),
        flow.into_iter().collect::<Vec<_>>(),
        "{what}: flow"
    );
}

fn check_all(cases: &[Case], at_least: usize) {
    assert!(cases.len() >= at_least, "{} cases", cases.len());
    isolated(|pins| {
        for hook in Hook::ALL {
            let mut plane = Plane::load(hook, pins);
            plane.set_switches(EVERYTHING);
            for case in cases.iter().filter(|case| hook.takes(&case.frame)) {
                check(&mut plane, case);
            }
            if hook != Hook::Egress {
                assert!(plane.take_events().is_empty(), "{hook:?}: events");
            }
        }
    });
}

#[test]
fn a_frame_that_can_be_read_is_counted_under_its_protocol_and_flow() {
    check_all(&well_formed(), 60);
}

#[test]
fn a_frame_that_cannot_be_read_goes_up_as_other_and_is_no_flow() {
    check_all(&malformed(), 30);
}

#[test]
fn a_frame_cut_off_anywhere_goes_up_as_other_and_is_no_flow() {
    check_all(&truncated(), 300);
}
