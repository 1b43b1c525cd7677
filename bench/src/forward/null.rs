//! The floor: TTL, addresses, redirect.

use anyhow::Context;
use aya::maps::xdp::DevMap;
use aya::programs::XdpMode;
use aya::programs::xdp::XdpLinkId;
use aya::{Ebpf, EbpfLoader};

use super::Forwarder;
use super::ground::{Ground, addresses, program};
use crate::lab::RECEIVER;

/// A program that asks nothing of the packet.
pub struct NullForward {
    programs: Ebpf,
    link: Option<XdpLinkId>,
}

impl NullForward {
    pub fn load(ground: &Ground) -> anyhow::Result<Self> {
        let mut programs = EbpfLoader::new()
            .override_global("bench_addresses", &addresses()[..], true)
            .load(aya::include_bytes_aligned!(concat!(
                env!("OUT_DIR"),
                "/forward.bpf.o"
            )))
            .context("load the program that forwards")?;
        program(&mut programs, "bench_forward")?.load()?;
        let map = programs.map_mut("device").context("map device")?;
        let mut device: DevMap<_> = map.try_into()?;
        device.set(0, ground.output_index, None, 0)?;
        Ok(Self { programs, link: None })
    }
}

impl Forwarder for NullForward {
    fn name(&self) -> String {
        "null XDP forward".to_owned()
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        let program = program(&mut self.programs, "bench_forward")?;
        self.link = Some(program.attach(RECEIVER, XdpMode::Driver)?);
        Ok(())
    }

    fn forwarded(&self) -> anyhow::Result<Option<u64>> {
        Ok(None)
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        if let Some(link) = self.link.take() {
            program(&mut self.programs, "bench_forward")?.detach(link)?;
        }
        Ok(())
    }
}
