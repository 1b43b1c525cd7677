//! Ravelin's own data plane on the receiver.

use std::path::Path;

use anyhow::{Context, ensure};
use ravelin_compile::AddressImage;
use ravelin_datapath::kernel::{KernelDatapath, KernelParts};
use ravelin_datapath::{AttachTarget, Datapath as _, KernelConfig, Switches, remove_all};
use ravelin_model::{Hook, Reason, XdpMode};

use crate::lab::{Lab, RECEIVER};
use crate::lists;

/// What a user has who switched `ddos_protection` on: the features that are on by default, and it.
pub const DROPPING: Switches = Switches {
    statistics: true,
    flow_monitoring: true,
    ddos_protection: true,
    ddos_external_only: false,
    dns_blocklist: false,
    dns_drop: false,
    policy_classifier: false,
};

pub struct Ours {
    pub parts: KernelParts,
}

impl Ours {
    pub fn load(lab: &Lab) -> anyhow::Result<Self> {
        let config = KernelConfig {
            bpffs: lab.bpffs.clone(),
            ..KernelConfig::default()
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
        let target = AttachTarget {
            name: RECEIVER.to_owned(),
            index: lab.receiver_index,
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
        ensure!(native, "XDP is not native on {RECEIVER}");
        Ok(())
    }

    /// Packets dropped so far because their source is listed.
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
