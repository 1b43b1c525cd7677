//! Ravelin's own data plane on the receiver.

use std::path::Path;

use anyhow::{Context, ensure};
use ravelin_compile::AddressImage;
use ravelin_datapath::kernel::{KernelDatapath, KernelParts};
use ravelin_datapath::{AttachTarget, Datapath as _, KernelConfig, Switches, remove_all};
use ravelin_model::{Hook, Reason, XdpMode};

use crate::lab::{Lab, RECEIVER};
use crate::lists;
use crate::peers::Dropper;

/// What a user has who switched `ddos_protection` on: the features that are on by default, and it.
pub const DROPPING: Switches = Switches {
    statistics: true,
    flow_monitoring: true,
    ddos_protection: true,
    ddos_external_only: false,
    dns_blocklist: false,
    dns_drop: false,
    policy_classifier: false,
    flow_offload: false,
};

pub struct Ours {
    pub parts: KernelParts,
}

impl Ours {
    pub fn load(lab: &Lab) -> anyhow::Result<Self> {
        Self::load_for(lab, 0)
    }

    /// With room for so many entries at least.
    pub fn load_for(lab: &Lab, entries: usize) -> anyhow::Result<Self> {
        let config = KernelConfig::default();
        let config = KernelConfig {
            bpffs: lab.bpffs.clone(),
            addresses: config.addresses.max(u32::try_from(entries)?),
            // For the most flows that are forwarded here.
            cached_connections: 65_536,
            ..config
        };
        Ok(Self {
            parts: KernelDatapath::load(&config).context("load the data plane")?,
        })
    }

    pub fn list(&mut self, entries: &[ipnet::IpNet]) -> anyhow::Result<()> {
        let datapath = &mut self.parts.datapath;
        let image = AddressImage::build(&lists::address_sources(entries), datapath.address_capacity())?;
        datapath.load_addresses(&image)?;
        Ok(())
    }

    pub fn attach(&mut self, lab: &Lab) -> anyhow::Result<()> {
        self.attach_to(RECEIVER, lab.receiver_index)
    }

    pub fn attach_to(&mut self, name: &str, index: u32) -> anyhow::Result<()> {
        let target = AttachTarget {
            name: name.to_owned(),
            index,
            external: false,
        };
        let attached = self.parts.datapath.attach(&target)?;
        ensure!(
            attached.problems.is_empty(),
            "attach: {}",
            attached.problems.join("; ")
        );
        let native = attached
            .attachments
            .iter()
            .any(|a| a.hook == Hook::Xdp && a.mode == Some(XdpMode::Native));
        ensure!(native, "XDP is not native on {name}");
        Ok(())
    }

    /// Packets dropped since it was attached because their source is listed.
    pub fn dropped(&self) -> anyhow::Result<u64> {
        let statistics = self.parts.datapath.statistics()?;
        let cells = statistics.iter().flat_map(|interface| &interface.cells);
        Ok(cells
            .filter(|cell| cell.reason == Reason::SourceListed)
            .map(|cell| cell.packets)
            .sum())
    }
}

/// Takes the programs off again, so that the next case has the interface to itself.
pub fn remove(bpffs: &Path) -> anyhow::Result<()> {
    remove_all(bpffs).context("remove the data plane")
}

/// `ddos_protection` with a list.
pub struct Protection<'a> {
    lab: &'a Lab,
    ours: Ours,
}

impl<'a> Protection<'a> {
    pub fn load(lab: &'a Lab, entries: &[ipnet::IpNet]) -> anyhow::Result<Self> {
        let mut ours = Ours::load_for(lab, entries.len())?;
        ours.list(entries)?;
        ours.parts.datapath.set_switches(DROPPING)?;
        Ok(Self { lab, ours })
    }
}

impl Dropper for Protection<'_> {
    fn name(&self) -> &'static str {
        "ravelin, ddos_protection"
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        self.ours.attach(self.lab)
    }

    fn dropped(&self) -> anyhow::Result<Option<u64>> {
        self.ours.dropped().map(Some)
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        Ok(self.ours.parts.datapath.detach(self.lab.receiver_index)?)
    }
}

impl Drop for Protection<'_> {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.lab.bpffs) {
            eprintln!("{error:#}");
        }
    }
}
