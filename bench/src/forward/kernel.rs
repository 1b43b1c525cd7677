//! The kernel's own ways.

use super::Forwarder;
use super::flows::Flow;
use super::ground::Ground;
use crate::lab::Lab;
use crate::lists::Family;
use crate::peers::nft;
use crate::replay::Replay;

/// Forwarding without a rule or a connection.
pub struct Plain;

impl Forwarder for Plain {
    fn name(&self) -> String {
        "kernel forwarding, no rules".to_owned()
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn forwarded(&self) -> anyhow::Result<Option<u64>> {
        Ok(None)
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// nft with connection tracking, and nothing but that.
pub struct Conntrack {
    there: Replay,
    back: Replay,
    frames: u32,
}

impl Conntrack {
    /// For these connections, each of which gets an answer before anything is measured.
    pub fn new(lab: &Lab, ground: &Ground, family: Family, flows: &[Flow]) -> anyhow::Result<Self> {
        let there: Vec<[u8; 60]> = flows.iter().map(Flow::headers).collect();
        let back: Vec<[u8; 60]> = flows.iter().map(|flow| flow.answer().headers()).collect();
        Ok(Self {
            there: Replay::load(lab, family, &there)?,
            back: Replay::load_at(ground.sink_index, super::ground::OUTPUT_MAC, family, &back)?,
            frames: u32::try_from(flows.len())?,
        })
    }
}

impl Forwarder for Conntrack {
    fn name(&self) -> String {
        "nft, conntrack accept".to_owned()
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        nft(
            "table inet bench_forward { chain forward { type filter hook forward priority filter; policy drop; \
             ct state established,related accept; ct state new accept; }; }\n",
        )?;
        // A network card has looked at the checksums.
        std::fs::write("/proc/sys/net/netfilter/nf_conntrack_checksum", "0")?;
        self.there.send(self.frames)?;
        self.back.send(self.frames)?;
        // What is not established is not forwarded from here on.
        nft("flush chain inet bench_forward forward\n\
             add rule inet bench_forward forward ct state established,related accept\n")
    }

    fn forwarded(&self) -> anyhow::Result<Option<u64>> {
        Ok(None)
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        nft("delete table inet bench_forward\n")
    }
}
