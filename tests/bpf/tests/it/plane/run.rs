//! `BPF_PROG_TEST_RUN`.

use aya::TestRun as _;
use aya::programs::{SchedClassifier, TestRunOptions, Xdp};

use super::context::MARK;
use super::{Context, Hook, Plane};

/// What a program says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on: `XDP_PASS`, `TC_ACT_UNSPEC`.
    Pass,
    /// It ends here: `XDP_DROP`, `TC_ACT_SHOT`.
    Drop,
    /// It goes back out: `XDP_TX`, `TC_ACT_REDIRECT`.
    Back,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub verdict: Verdict,
    /// The frame as the program leaves it.
    pub frame: Vec<u8>,
    /// The mark tc leaves on it.
    pub mark: u32,
}

impl Plane {
    /// Gives the program a frame of at least 14 bytes.
    pub fn run(&mut self, frame: &[u8]) -> Outcome {
        self.run_in(frame, Context::default())
    }

    /// The same with a context, which only tc programs have.
    pub fn run_in(&mut self, frame: &[u8], context: Context) -> Outcome {
        let mut out = vec![0; frame.len() + 256];
        let context_bytes = context.bytes();
        // The kernel's struct may be longer than ours.
        let mut context_out = [0; 256];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ctx_in: (self.hook != Hook::Xdp).then_some(&context_bytes[..]),
            ctx_out: (self.hook != Hook::Xdp).then_some(&mut context_out[..]),
            ..TestRunOptions::new()
        };
        let program = self.ebpf.program_mut(self.hook.program()).unwrap();
        let result = match self.hook {
            Hook::Xdp => <&mut Xdp>::try_from(program).unwrap().test_run(options),
            Hook::Ingress | Hook::Egress => <&mut SchedClassifier>::try_from(program)
                .unwrap()
                .test_run(options),
        };
        let result = result.unwrap_or_else(|error| panic!("{} bytes: {error:?}", frame.len()));
        out.truncate(result.data_size_out as usize);
        Outcome {
            verdict: verdict(self.hook, result.return_value),
            frame: out,
            mark: u32::from_ne_bytes(context_out[MARK..MARK + 4].try_into().unwrap()),
        }
    }
}

fn verdict(hook: Hook, returned: u32) -> Verdict {
    match (hook, returned.cast_signed()) {
        (Hook::Xdp, 2) | (Hook::Ingress | Hook::Egress, -1) => Verdict::Pass,
        (Hook::Xdp, 1) | (Hook::Ingress, 2) => Verdict::Drop,
        (Hook::Xdp, 3) | (Hook::Ingress, 7) => Verdict::Back,
        (_, other) => panic!("{} returned {other}", hook.program()),
    }
}
