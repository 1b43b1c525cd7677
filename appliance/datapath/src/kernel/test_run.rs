//! Running a loaded program on a packet that never was: `BPF_PROG_TEST_RUN`. Maps see it like any other packet.

use aya::programs::{SchedClassifier, TestRun as _, TestRunOptions, Xdp};
use ravelin_model::Hook;

use super::objects::LoadedProgram;
use crate::DatapathError;

/// Room for an answer that is longer than its query.
const GROWTH_BYTES: usize = 1024;

/// Bytes of `struct xdp_md` and `struct __sk_buff`, and where the fields are (include/uapi/linux/bpf.h).
const XDP_MD_BYTES: usize = 24;
const XDP_MD_DATA_END: usize = 4;
const XDP_MD_INGRESS_IFINDEX: usize = 12;
const SK_BUFF_BYTES: usize = 192;
const SK_BUFF_INGRESS_IFINDEX: usize = 36;
const SK_BUFF_IFINDEX: usize = 40;

/// What a program did with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRunOutcome {
    /// What it returned: `XDP_…` or `TC_ACT_…`.
    pub return_code: u32,
    /// The frame as it left it.
    pub frame: Vec<u8>,
}

/// Runs a program on a frame that comes in on, or goes out of, an interface of this network namespace; 0: on none.
pub(super) fn run(
    program: &LoadedProgram,
    frame: &[u8],
    interface: u32,
) -> Result<TestRunOutcome, DatapathError> {
    let hook = program.source.hook;
    let failed = |source: aya::programs::ProgramError| DatapathError::TestRun {
        hook,
        source: source.into(),
    };
    let context = context(hook, frame.len(), interface);
    let mut out = vec![0; frame.len() + GROWTH_BYTES];
    let options = TestRunOptions {
        data_in: Some(frame),
        data_out: Some(&mut out),
        ctx_in: Some(&context).filter(|_| interface != 0).map(Vec::as_slice),
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
    Ok(TestRunOutcome {
        return_code: result.return_value,
        frame: out,
    })
}

fn context(hook: Hook, frame_bytes: usize, interface: u32) -> Vec<u8> {
    let frame_bytes = u32::try_from(frame_bytes).unwrap_or(u32::MAX);
    let (bytes, fields): (usize, &[(usize, u32)]) = match hook {
        Hook::Xdp => (
            XDP_MD_BYTES,
            &[
                (XDP_MD_DATA_END, frame_bytes),
                (XDP_MD_INGRESS_IFINDEX, interface),
            ],
        ),
        Hook::TcIngress => (
            SK_BUFF_BYTES,
            &[(SK_BUFF_INGRESS_IFINDEX, interface), (SK_BUFF_IFINDEX, interface)],
        ),
        Hook::TcEgress => (SK_BUFF_BYTES, &[(SK_BUFF_IFINDEX, interface)]),
    };
    let mut context = vec![0; bytes];
    for (at, value) in fields {
        context[*at..*at + 4].copy_from_slice(&value.to_ne_bytes());
    }
    context
}
