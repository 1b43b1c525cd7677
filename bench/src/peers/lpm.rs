//! The kernel's longest-prefix-match trie in an XDP program.

use anyhow::Context;
use aya::maps::lpm_trie::{Key, LpmTrie as Trie};
use aya::maps::{MapData, PerCpuArray};
use aya::programs::xdp::XdpLinkId;
use aya::programs::{Xdp, XdpMode};
use aya::{Ebpf, EbpfLoader};
use ipnet::IpNet;

use super::Dropper;
use crate::lab::RECEIVER;

pub struct LpmTrie {
    object: Ebpf,
    link: Option<XdpLinkId>,
    dropped_before: u64,
}

impl LpmTrie {
    pub fn load(entries: &[IpNet]) -> anyhow::Result<Self> {
        let size = u32::try_from(entries.len())?;
        let mut object = EbpfLoader::new()
            .map_max_entries("listed4", size)
            .map_max_entries("listed6", size)
            .load(aya::include_bytes_aligned!(concat!(
                env!("OUT_DIR"),
                "/lpm.bpf.o"
            )))
            .context("load the LPM trie")?;
        let mut listed4: Trie<MapData, [u8; 4], u32> =
            Trie::try_from(object.take_map("listed4").context("listed4")?)?;
        let mut listed6: Trie<MapData, [u8; 16], u32> =
            Trie::try_from(object.take_map("listed6").context("listed6")?)?;
        for entry in entries {
            match entry {
                IpNet::V4(net) => {
                    listed4.insert(&Key::new(net.prefix_len().into(), net.network().octets()), 1, 0)?
                }
                IpNet::V6(net) => {
                    listed6.insert(&Key::new(net.prefix_len().into(), net.network().octets()), 1, 0)?
                }
            }
        }
        let mut trie = Self {
            object,
            link: None,
            dropped_before: 0,
        };
        trie.program()?.load()?;
        Ok(trie)
    }

    fn program(&mut self) -> anyhow::Result<&mut Xdp> {
        let program = self
            .object
            .program_mut("bench_lpm")
            .context("program bench_lpm")?;
        Ok(program.try_into()?)
    }

    fn dropped_ever(&self) -> anyhow::Result<u64> {
        let counter: PerCpuArray<_, u64> =
            PerCpuArray::try_from(self.object.map("dropped").context("dropped")?)?;
        Ok(counter.get(&0, 0)?.iter().sum())
    }
}

impl Dropper for LpmTrie {
    fn name(&self) -> &'static str {
        "XDP, LPM trie"
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        self.dropped_before = self.dropped_ever()?;
        self.link = Some(self.program()?.attach(RECEIVER, XdpMode::Driver)?);
        Ok(())
    }

    fn dropped(&self) -> anyhow::Result<Option<u64>> {
        Ok(Some(self.dropped_ever()? - self.dropped_before))
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        if let Some(link) = self.link.take() {
            self.program()?.detach(link)?;
        }
        Ok(())
    }
}
