//! Rules one after the other in XDP.

use anyhow::Context;
use aya::maps::Array;
use aya::programs::xdp::XdpLinkId;
use aya::programs::{Xdp, XdpMode};
use aya::{Ebpf, EbpfLoader, Pod};
use ipnet::IpNet;
use ravelin_model::protocol;

use super::Dropper;
use crate::lab::RECEIVER;
use crate::lists::Family;
use crate::rules::Rule;

/// `struct rule4` and `struct rule6` of bench/bpf/linear.bpf.c.
#[derive(Clone, Copy)]
#[repr(C)]
struct Row<const WORDS: usize> {
    address: [[u8; 4]; WORDS],
    mask: [[u8; 4]; WORDS],
    port: [u16; 2],
    protocol: u16,
    pad: u16,
}

// SAFETY: integers only, without padding.
unsafe impl<const WORDS: usize> Pod for Row<WORDS> {}

/// `struct count`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Count {
    rules: u32,
    pad: u32,
    dropped: u64,
}

// SAFETY: as above.
unsafe impl Pod for Count {}

/// The linear scan on the receiver.
pub struct Linear {
    object: Ebpf,
    rules: u32,
    link: Option<XdpLinkId>,
}

impl Linear {
    pub fn load(family: Family, rules: &[Rule]) -> anyhow::Result<Self> {
        let count = u32::try_from(rules.len())?;
        let name = match family {
            Family::Ipv4 => "rules4",
            Family::Ipv6 => "rules6",
        };
        let mut object = EbpfLoader::new()
            .map_max_entries(name, count.max(1))
            .load(aya::include_bytes_aligned!(concat!(
                env!("OUT_DIR"),
                "/linear.bpf.o"
            )))
            .context("load the linear scan")?;
        let map = object.map_mut(name).context("map of rules")?;
        match family {
            Family::Ipv4 => fill::<2>(Array::try_from(map)?, rules)?,
            Family::Ipv6 => fill::<8>(Array::try_from(map)?, rules)?,
        }
        let mut linear = Self {
            object,
            rules: count,
            link: None,
        };
        linear.program()?.load()?;
        Ok(linear)
    }

    fn program(&mut self) -> anyhow::Result<&mut Xdp> {
        let program = self.object.program_mut("bench_linear");
        Ok(program.context("program bench_linear")?.try_into()?)
    }
}

fn fill<const WORDS: usize>(
    mut map: Array<&mut aya::maps::MapData, Row<WORDS>>,
    rules: &[Rule],
) -> anyhow::Result<()> {
    for (index, rule) in (0..).zip(rules) {
        let words = |bytes: Vec<u8>| {
            let words: Vec<[u8; 4]> = bytes
                .chunks_exact(4)
                .map(|word| [word[0], word[1], word[2], word[3]])
                .collect();
            words
                .try_into()
                .map_err(|_| anyhow::anyhow!("an address of the other family"))
        };
        let row = Row {
            address: words([octets(rule.source, false), octets(rule.destination, false)].concat())?,
            mask: words([octets(rule.source, true), octets(rule.destination, true)].concat())?,
            port: rule.ports.into(),
            protocol: protocol::TCP.into(),
            pad: 0,
        };
        map.set(index, row, 0)?;
    }
    Ok(())
}

fn octets(net: IpNet, of_mask: bool) -> Vec<u8> {
    let address = if of_mask { net.netmask() } else { net.network() };
    match address {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    }
}

impl Dropper for Linear {
    fn name(&self) -> &'static str {
        "XDP, linear scan of the rules"
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        let count = Count {
            rules: self.rules,
            pad: 0,
            dropped: 0,
        };
        let map = self.object.map_mut("counts").context("map counts")?;
        Array::<_, Count>::try_from(map)?.set(0, count, 0)?;
        self.link = Some(self.program()?.attach(RECEIVER, XdpMode::Driver)?);
        Ok(())
    }

    fn dropped(&self) -> anyhow::Result<Option<u64>> {
        let map = self.object.map("counts").context("map counts")?;
        Ok(Some(Array::<_, Count>::try_from(map)?.get(&0, 0)?.dropped))
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        if let Some(link) = self.link.take() {
            self.program()?.detach(link)?;
        }
        Ok(())
    }
}
