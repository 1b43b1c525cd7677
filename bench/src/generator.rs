//! The traffic source: frames made in the kernel and redirected into the veth pair.

use anyhow::Context;
use aya::maps::Array;
use aya::programs::Xdp;
use aya::{Ebpf, EbpfLoader, TestRun, TestRunAttrs, TestRunOptions};

use crate::frames;
use crate::lab::Lab;

/// Frames the kernel hands over at a time; NAPI takes as many.
const BATCH: u32 = 64;

pub struct Generator {
    object: Ebpf,
    frame: Vec<u8>,
}

impl Generator {
    /// Sends copies of a frame from these sources in turn, again and again; at least one.
    pub fn load(lab: &Lab, frame: Vec<u8>, sources: &[[u8; 16]]) -> anyhow::Result<Self> {
        let slots = u32::try_from(sources.len().next_power_of_two())?;
        let mut object = EbpfLoader::new()
            .override_global("bench_ifindex", &lab.sender_index, true)
            .override_global("bench_sources_mask", &(slots - 1), true)
            .map_max_entries("sources", slots)
            .load(aya::include_bytes_aligned!(concat!(
                env!("OUT_DIR"),
                "/generate.bpf.o"
            )))
            .context("load the generator")?;
        program(&mut object)?.load()?;
        let map = object.map_mut("sources").context("map sources")?;
        let mut table: Array<_, [u8; 16]> = Array::try_from(map)?;
        for (slot, source) in (0..slots).zip(sources.iter().cycle()) {
            table.set(slot, frames::source_of(&frame, *source), 0)?;
        }
        Ok(Self { object, frame })
    }

    /// Sends so many frames and answers nanoseconds a frame, from making it to the end of its
    /// processing at the receiver. The kernel's own clock: setting a run up takes tens of milliseconds.
    pub fn send(&mut self, frames: u32) -> anyhow::Result<f64> {
        let options = TestRunOptions {
            data_in: Some(&self.frame),
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
