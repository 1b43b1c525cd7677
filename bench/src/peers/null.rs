//! The floor: programs that do nothing.

use anyhow::{Context, bail};
use aya::Ebpf;
use aya::programs::xdp::XdpLinkId;
use aya::programs::{Program, Xdp, XdpMode};

use super::Dropper;
use crate::lab::RECEIVER;

/// `return XDP_DROP` on the receiver.
pub struct NullDrop {
    programs: Ebpf,
    link: Option<XdpLinkId>,
}

impl NullDrop {
    pub fn load() -> anyhow::Result<Self> {
        Ok(Self {
            programs: null_programs()?,
            link: None,
        })
    }

    fn program(&mut self) -> anyhow::Result<&mut Xdp> {
        let program = self
            .programs
            .program_mut("bench_drop")
            .context("program bench_drop")?;
        Ok(program.try_into()?)
    }
}

impl Dropper for NullDrop {
    fn name(&self) -> &'static str {
        "null XDP_DROP"
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        self.link = Some(self.program()?.attach(RECEIVER, XdpMode::Driver)?);
        Ok(())
    }

    fn dropped(&self) -> anyhow::Result<Option<u64>> {
        Ok(None)
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        if let Some(link) = self.link.take() {
            self.program()?.detach(link)?;
        }
        Ok(())
    }
}

/// The programs that do nothing, loaded.
pub fn null_programs() -> anyhow::Result<Ebpf> {
    let object = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/null.bpf.o"));
    let mut programs = Ebpf::load(object).context("load the null programs")?;
    for (name, program) in programs.programs_mut() {
        match program {
            Program::Xdp(xdp) => xdp.load()?,
            Program::SchedClassifier(classifier) => classifier.load()?,
            _ => bail!("program {name} is of another type"),
        }
    }
    Ok(programs)
}
