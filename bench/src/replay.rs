//! The traffic source of the classifier: as [`crate::generator`], with other headers in every frame.

use anyhow::Context;
use aya::maps::Array;
use aya::programs::Xdp;
use aya::{Ebpf, EbpfLoader, TestRun, TestRunAttrs, TestRunOptions};

use crate::lab::Lab;
use crate::lists::Family;

/// Frames the kernel hands over at a time; NAPI takes as many.
const BATCH: u32 = 64;

pub struct Replay {
    object: Ebpf,
    frame: Vec<u8>,
}

impl Replay {
    /// Sends frames with these headers in turn, again and again; a power of two of them.
    pub fn load(lab: &Lab, family: Family, headers: &[[u8; 60]]) -> anyhow::Result<Self> {
        let slots = u32::try_from(headers.len())?;
        let mut object = EbpfLoader::new()
            .override_global("bench_ifindex", &lab.sender_index, true)
            .override_global("bench_headers_mask", &(slots - 1), true)
            .map_max_entries("headers", slots)
            .load(aya::include_bytes_aligned!(concat!(
                env!("OUT_DIR"),
                "/replay.bpf.o"
            )))
            .context("load the generator")?;
        program(&mut object)?.load()?;
        let map = object.map_mut("headers").context("map headers")?;
        let mut table: Array<_, [u8; 64]> = Array::try_from(map)?;
        for (slot, bytes) in (0..slots).zip(headers) {
            let mut value = [0; 64];
            value[..60].copy_from_slice(bytes);
            table.set(slot, value, 0)?;
        }
        let mut frame = vec![0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1];
        frame.extend(match family {
            Family::Ipv4 => [0x08, 0x00],
            Family::Ipv6 => [0x86, 0xdd],
        });
        frame.extend([0; 60]);
        Ok(Self { object, frame })
    }

    /// As [`crate::generator::Generator::send`].
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
        .program_mut("bench_replay")
        .context("program bench_replay")?
        .try_into()?)
}
