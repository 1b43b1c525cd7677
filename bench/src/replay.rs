//! The traffic source of the classifier: as [`crate::generator`], with other headers in every frame.

use anyhow::Context;
use aya::maps::Array;
use aya::programs::Xdp;
use aya::{Ebpf, EbpfLoader, TestRun, TestRunAttrs, TestRunOptions};

use crate::lab::Lab;
use crate::lists::Family;

/// Frames the kernel hands over at a time; NAPI takes as many.
const BATCH: u32 = 64;

/// A frame of 74 bytes, in words of eight.
const SLOT_BYTES: usize = 80;

pub struct Replay {
    object: Ebpf,
    frame: Vec<u8>,
}

impl Replay {
    /// Sends frames with these headers in turn, again and again; a power of two of them.
    pub fn load(lab: &Lab, family: Family, headers: &[[u8; 60]]) -> anyhow::Result<Self> {
        Self::load_at(lab.sender_index, [0x02, 0, 0, 0, 0, 2], family, headers)
    }

    /// The same out of another interface, to this address.
    pub fn load_at(
        interface: u32,
        to: [u8; 6],
        family: Family,
        headers: &[[u8; 60]],
    ) -> anyhow::Result<Self> {
        let slots = u32::try_from(headers.len())?;
        let mut object = EbpfLoader::new()
            .override_global("bench_ifindex", &interface, true)
            .override_global("bench_frames_mask", &(slots - 1), true)
            .map_max_entries("frames", slots)
            .load(aya::include_bytes_aligned!(concat!(
                env!("OUT_DIR"),
                "/replay.bpf.o"
            )))
            .context("load the generator")?;
        program(&mut object)?.load()?;
        let map = object.map_mut("frames").context("map frames")?;
        let mut table: Array<_, [u8; SLOT_BYTES]> = Array::try_from(map)?;
        let mut frame = to.to_vec();
        frame.extend([0x02, 0, 0, 0, 0, 1]);
        frame.extend(match family {
            Family::Ipv4 => [0x08, 0x00],
            Family::Ipv6 => [0x86, 0xdd],
        });
        frame.extend([0; 60]);
        for (slot, bytes) in (0..slots).zip(headers) {
            frame[14..].copy_from_slice(bytes);
            let mut value = [0; SLOT_BYTES];
            value[..frame.len()].copy_from_slice(&frame);
            table.set(slot, value, 0)?;
        }
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
