//! Ravelin's fast path.

use std::time::Duration;

use anyhow::{bail, ensure};
use ravelin_datapath::{CachePort, CacheTiming, CachedFlow, Datapath as _, Inserted, Switches};

use super::Forwarder;
use super::flows::Flow;
use super::ground::{Ground, OUTPUT, OUTPUT4, OUTPUT6};
use crate::lab::Lab;
use crate::ours::{self, Ours};

/// Longer than any run.
const LONG: Duration = Duration::from_secs(3600);

/// How often the cache is filled anew where as many connections as it has room for leave a bucket too small.
const LOADS: usize = 10;

/// A row of the hit counters, so that counting a rule is measured too.
const COUNTER: u32 = 100;

/// What the connections are translated to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Translation {
    None,
    /// Our own address, and another port.
    Source,
}

/// The programs on both interfaces, statistics and the fast path on, as many connections in the cache.
pub struct Fast<'a> {
    lab: &'a Lab,
    ground: &'a Ground,
    flows: Vec<Flow>,
    translation: Translation,
    monitoring: bool,
    ours: Option<Ours>,
}

impl<'a> Fast<'a> {
    pub fn load(lab: &'a Lab, ground: &'a Ground, flows: &[Flow], translation: Translation) -> Self {
        Self {
            lab,
            ground,
            flows: flows.to_vec(),
            translation,
            monitoring: false,
            ours: None,
        }
    }

    /// With flow monitoring on as well.
    pub fn monitoring(mut self) -> Self {
        self.monitoring = true;
        self
    }

    fn cached(&self, flow: &Flow, number: u32) -> anyhow::Result<CachedFlow> {
        let original = flow.tuple;
        let mut reply = original.inverted();
        if self.translation == Translation::Source {
            let ours = if original.is_ipv6() { OUTPUT6 } else { OUTPUT4 };
            reply.destination = ours.parse()?;
            reply.destination_port = u16::try_from(number)? ^ 0x8000;
        }
        Ok(CachedFlow {
            connection: number,
            original,
            reply,
            counter: COUNTER,
        })
    }

    /// False: a bucket is full. Another seed spreads the connections otherwise.
    fn fill(&self, ours: &mut Ours) -> anyhow::Result<bool> {
        for (number, flow) in (0..).zip(&self.flows) {
            match ours.parts.cache.insert(&self.cached(flow, number)?) {
                Inserted::New => {}
                Inserted::Full => return Ok(false),
                other => bail!("connection {number}: {other:?}"),
            }
        }
        Ok(true)
    }

    fn start(&self, ours: &mut Ours) -> anyhow::Result<()> {
        ours.parts.datapath.set_switches(Switches {
            statistics: true,
            flow_monitoring: self.monitoring,
            flow_offload: true,
            ..Switches::default()
        })?;
        ours.attach(self.lab)?;
        ours.attach_to(OUTPUT, self.ground.output_index)?;
        let cache = &mut ours.parts.cache;
        let refused =
            cache.set_ports(&[self.lab.receiver_index, self.ground.output_index].map(Self::port))?;
        ensure!(refused.is_empty(), "no frames can be redirected to {refused:?}");
        cache.set_timing(&CacheTiming {
            tcp_refresh: LONG,
            udp_refresh: LONG,
            tcp_idle: LONG,
            udp_idle: LONG,
        });
        cache.keep_alive(LONG);
        Ok(())
    }

    fn port(index: u32) -> CachePort {
        CachePort {
            index,
            device: index,
            tag: None,
            redirect: true,
            verify_checksum: false,
        }
    }
}

impl Forwarder for Fast<'_> {
    fn name(&self) -> String {
        let translation = match self.translation {
            Translation::None => "",
            Translation::Source => ", translated",
        };
        let monitoring = if self.monitoring { " + flow_monitoring" } else { "" };
        format!("ravelin{translation}{monitoring}")
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        for _ in 0..LOADS {
            let mut ours = Ours::load(self.lab)?;
            if self.fill(&mut ours)? {
                self.start(&mut ours)?;
                self.ours = Some(ours);
                return Ok(());
            }
            drop(ours);
            ours::remove(&self.lab.bpffs)?;
        }
        bail!("{} connections do not fit the cache", self.flows.len())
    }

    fn forwarded(&self) -> anyhow::Result<Option<u64>> {
        let mut packets = 0;
        if let Some(ours) = &self.ours {
            ours.parts.cache.for_each(&mut |state| {
                packets += state
                    .directions
                    .iter()
                    .map(|direction| direction.count.packets)
                    .sum::<u64>();
            });
        }
        Ok(Some(packets))
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        self.ours = None;
        ours::remove(&self.lab.bpffs)
    }
}
