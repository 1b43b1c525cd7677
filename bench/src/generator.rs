//! The traffic source: frames made in the kernel and redirected into the veth pair.

use anyhow::Context;
use aya::maps::Array;
use aya::programs::Xdp;
use aya::{Ebpf, EbpfLoader, TestRun, TestRunAttrs, TestRunOptions};

use crate::lab::Lab;

/// Slots of the generator's address table, which it goes through again and again.
pub const ADDRESSES: u32 = 16384;
/// Frames the kernel hands over at a time; NAPI takes as many.
const BATCH: u32 = 64;

pub struct Generator {
    object: Ebpf,
}

impl Generator {
    pub fn load(lab: &Lab) -> anyhow::Result<Self> {
        let mut object = EbpfLoader::new()
            .override_global("bench_ifindex", &lab.sender_index, true)
            .load(aya::include_bytes_aligned!(concat!(
                env!("OUT_DIR"),
                "/generate.bpf.o"
            )))
            .context("load the generator")?;
        program(&mut object)?.load()?;
        Ok(Self { object })
    }

    /// Sets the sources, repeating the given ones as often as the table needs.
    pub fn set_sources(&mut self, sources: &[[u8; 16]]) -> anyhow::Result<()> {
        let map = self.object.map_mut("sources").context("map sources")?;
        let mut table: Array<_, [u8; 16]> = Array::try_from(map)?;
        for (slot, source) in (0..ADDRESSES).zip(sources.iter().cycle()) {
            table.set(slot, source, 0)?;
        }
        Ok(())
    }

    /// Sends `frames` copies of `frame` and answers nanoseconds a frame, from making it to the end of its
    /// processing at the receiver. The kernel's own clock: setting a run up takes tens of milliseconds.
    pub fn send(&mut self, frame: &[u8], frames: u32) -> anyhow::Result<f64> {
        let options = TestRunOptions {
            data_in: Some(frame),
            repeat: frames,
            attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
            ..TestRunOptions::new()
        };
        let result = program(&mut self.object)?
            .test_run(options)
            .context("run the generator")?;
        Ok(result.duration.as_secs_f64() * 1e9)
    }
}

fn program(object: &mut Ebpf) -> anyhow::Result<&mut Xdp> {
    Ok(object
        .program_mut("bench_generate")
        .context("program bench_generate")?
        .try_into()?)
}
