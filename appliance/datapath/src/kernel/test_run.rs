//! Running a loaded program on a packet that never was: `BPF_PROG_TEST_RUN`. Maps see it like any other packet, but
//! for that of a probe.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aya::programs::{ProgramError, SchedClassifier, TestRun as _, TestRunOptions, Xdp};
use ravelin_abi::rv_mark::RV_MARK_COUNTER;
use ravelin_abi::rv_policy_action::{RV_ACTION_ACCEPT, RV_ACTION_DEFER, RV_ACTION_DROP, RV_ACTION_REJECT};
use ravelin_abi::rv_probe;
use ravelin_model::{Action, Hook, Reason, ZoneNumber};

use super::objects::LoadedProgram;
use crate::{Classification, DatapathError, Probe};

/// Room for an answer that is longer than its query.
const GROWTH_BYTES: usize = 1024;

/// Bytes of `struct xdp_md` and `struct __sk_buff`, and where the fields are (include/uapi/linux/bpf.h).
const XDP_MD_BYTES: usize = 24;
const XDP_MD_DATA: usize = 0;
const XDP_MD_DATA_END: usize = 4;
const XDP_MD_INGRESS_IFINDEX: usize = 12;
const SK_BUFF_BYTES: usize = 192;
const SK_BUFF_MARK: usize = 8;
const SK_BUFF_INGRESS_IFINDEX: usize = 36;
const SK_BUFF_IFINDEX: usize = 40;

const PROBE_BYTES: usize = size_of::<rv_probe>();

/// What a program did with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRunOutcome {
    /// What it returned: `XDP_…` or `TC_ACT_…`.
    pub return_code: u32,
    /// The frame as it left it.
    pub frame: Vec<u8>,
    /// What XDP would hand to tc ingress.
    pub metadata: Vec<u8>,
    /// The mark tc left on the packet; 0 for XDP, whose packets have none yet.
    pub mark: u32,
}

/// Runs a program on a frame that comes in on, or goes out of, an interface of this network namespace; 0: on none.
pub(super) fn run(
    program: &LoadedProgram,
    frame: &[u8],
    interface: u32,
) -> Result<TestRunOutcome, DatapathError> {
    run_with(program, &[], frame, interface)
}

/// The same with XDP metadata in front of the frame.
fn run_with(
    program: &LoadedProgram,
    metadata: &[u8],
    frame: &[u8],
    interface: u32,
) -> Result<TestRunOutcome, DatapathError> {
    let hook = program.source.hook;
    let failed = |source: ProgramError| DatapathError::TestRun {
        hook,
        source: source.into(),
    };
    let input = [metadata, frame].concat();
    let context = context(hook, metadata.len(), input.len(), interface);
    let mut context_out = vec![0; context.len()];
    let mut out = vec![0; input.len() + GROWTH_BYTES];
    let options = TestRunOptions {
        data_in: Some(&input),
        data_out: Some(&mut out),
        ctx_in: Some(&context),
        ctx_out: Some(&mut context_out),
        ..TestRunOptions::new()
    };
    let loaded = program.program()?;
    let result = match hook {
        Hook::Xdp => <&Xdp>::try_from(loaded).and_then(|xdp| xdp.test_run(options)),
        Hook::TcIngress | Hook::TcEgress => {
            <&SchedClassifier>::try_from(loaded).and_then(|classifier| classifier.test_run(options))
        }
    }
    .map_err(failed)?;
    out.truncate(result.data_size_out as usize);
    let (metadata_bytes, mark) = match hook {
        Hook::Xdp => (field(&context_out, XDP_MD_DATA) as usize, 0),
        Hook::TcIngress | Hook::TcEgress => (0, field(&context_out, SK_BUFF_MARK)),
    };
    let frame = out.split_off(metadata_bytes.min(out.len()));
    Ok(TestRunOutcome {
        return_code: result.return_value,
        frame,
        metadata: out,
        mark,
    })
}

fn context(hook: Hook, metadata_bytes: usize, bytes: usize, interface: u32) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let (size, fields): (usize, &[(usize, u32)]) = match hook {
        Hook::Xdp => (
            XDP_MD_BYTES,
            &[
                (XDP_MD_DATA, number(metadata_bytes)),
                (XDP_MD_DATA_END, number(bytes)),
                (XDP_MD_INGRESS_IFINDEX, interface),
            ],
        ),
        Hook::TcIngress => (
            SK_BUFF_BYTES,
            &[(SK_BUFF_INGRESS_IFINDEX, interface), (SK_BUFF_IFINDEX, interface)],
        ),
        Hook::TcEgress => (SK_BUFF_BYTES, &[(SK_BUFF_IFINDEX, interface)]),
    };
    let mut context = vec![0; size];
    for (at, value) in fields {
        context[*at..*at + 4].copy_from_slice(&value.to_ne_bytes());
    }
    context
}

fn field(context: &[u8], at: usize) -> u32 {
    let bytes = context[at..at + 4].try_into().expect("four bytes");
    u32::from_ne_bytes(bytes)
}

/// Runs the XDP program on a frame that leaves no trace.
pub(super) fn probe(
    program: &LoadedProgram,
    magic: u32,
    frame: &[u8],
    interface: u32,
) -> Result<Probe, DatapathError> {
    let question = rv_probe {
        magic,
        ..rv_probe::default()
    };
    let outcome = run_with(program, bytemuck::bytes_of(&question), frame, interface)?;
    let answer: rv_probe = match outcome.metadata.get(..PROBE_BYTES) {
        Some(bytes) => bytemuck::pod_read_unaligned(bytes),
        None => question,
    };
    // With every feature off the program looks at nothing and fills in nothing.
    Ok(Probe {
        reason: Reason::from_number(answer.reason.into()).unwrap_or(Reason::Pass),
        classification: classification(&answer),
        mark: answer.mark,
        from: ZoneNumber::new(answer.from_zone.into()),
        to: ZoneNumber::new(answer.to_zone.into()),
        destination: destination(&answer, frame),
        destination_port: u16::from_be(answer.target_port),
    })
}

fn classification(answer: &rv_probe) -> Classification {
    let action = match u32::from(answer.action) {
        RV_ACTION_ACCEPT => Action::Accept,
        RV_ACTION_DROP => Action::Drop,
        RV_ACTION_REJECT => Action::Reject,
        RV_ACTION_DEFER => return Classification::Deferred,
        _ => return Classification::None,
    };
    Classification::Decided {
        action,
        counter: answer.mark & RV_MARK_COUNTER,
    }
}

/// None where the classifier did not come so far.
fn destination(answer: &rv_probe, frame: &[u8]) -> Option<IpAddr> {
    const ETHERTYPE: std::ops::Range<usize> = 12..14;
    if answer.target == [0; 4] {
        return None;
    }
    let bytes: [u8; 16] = bytemuck::cast(answer.target);
    match frame.get(ETHERTYPE) {
        Some([0x08, 0x00]) => {
            let [a, b, c, d, ..] = bytes;
            Some(Ipv4Addr::new(a, b, c, d).into())
        }
        _ => Some(Ipv6Addr::from(bytes).into()),
    }
}
