//! A second veth pair behind the receiver, whose far end counts and drops, and the routes between the two.

use anyhow::Context;
use aya::maps::{Array, MapData};
use aya::programs::{Xdp, XdpMode};
use aya::{Ebpf, EbpfLoader};

use crate::lab::{Lab, RECEIVER, SENDER, index_of, run};

/// Where forwarded frames leave.
pub const OUTPUT: &str = "bench2";
/// Where they arrive.
pub const SINK: &str = "bench3";

pub const OUTPUT_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x03];
pub const SINK_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x04];

/// Our addresses on the output, which connections are translated to.
pub const OUTPUT4: &str = "10.79.0.1";
pub const OUTPUT6: &str = "fd79::1";

pub struct Ground {
    pub output_index: u32,
    pub sink_index: u32,
    programs: Ebpf,
}

impl Ground {
    /// Once in a lab.
    pub fn lay(lab: &Lab) -> anyhow::Result<Self> {
        ip(&format!(
            "link add {OUTPUT} address 02:00:00:00:00:03 type veth peer name {SINK} address 02:00:00:00:00:04"
        ))?;
        for name in [OUTPUT, SINK] {
            ip(&format!("link set {name} up"))?;
        }
        // Frames that come back from the sink are received as those of the sender are.
        run("ethtool", &["-K", OUTPUT, "gro", "on"])?;
        run("ethtool", &["-K", SENDER, "gro", "on"])?;
        for (device, address4, address6, next4, next6, mac) in [
            (
                RECEIVER,
                "10.63.0.1",
                "fd63::1",
                "10.63.0.2",
                "fd63::2",
                "02:00:00:00:00:01",
            ),
            (
                OUTPUT,
                OUTPUT4,
                OUTPUT6,
                "10.79.0.2",
                "fd79::2",
                "02:00:00:00:00:04",
            ),
        ] {
            ip(&format!("address add {address4}/24 dev {device}"))?;
            ip(&format!("-6 address add {address6}/64 dev {device} nodad"))?;
            for next in [next4, next6] {
                ip(&format!(
                    "neighbour replace {next} lladdr {mac} dev {device} nud permanent"
                ))?;
            }
        }
        for (network, next) in [
            ("10.64.0.0/16", "10.63.0.2"),
            ("10.80.0.0/16", "10.79.0.2"),
            ("fd64::/64", "fd63::2"),
            ("fd80::/64", "fd79::2"),
        ] {
            ip(&format!("route replace {network} via {next}"))?;
        }
        lab.forward()?;
        let output_index = index_of(OUTPUT)?;
        let mut programs = EbpfLoader::new()
            .override_global("bench_addresses", &addresses()[..], true)
            .load(aya::include_bytes_aligned!(concat!(
                env!("OUT_DIR"),
                "/forward.bpf.o"
            )))
            .context("load the programs that forward")?;
        let sink: &mut Xdp = program(&mut programs, "bench_sink")?;
        sink.load()?;
        sink.attach(SINK, XdpMode::Driver)?;
        Ok(Self {
            output_index,
            sink_index: index_of(SINK)?,
            programs,
        })
    }

    /// Frames that arrived at the sink.
    pub fn arrived(&self) -> anyhow::Result<u64> {
        let map = self.programs.map(".bss").context("variables of the sink")?;
        let variables: Array<&MapData, u64> = Array::try_from(map)?;
        Ok(variables.get(&0, 0)?)
    }
}

/// What every forwarded frame is addressed to, in words.
pub fn addresses() -> [u32; 3] {
    let mut bytes = [0; 12];
    bytes[..6].copy_from_slice(&SINK_MAC);
    bytes[6..].copy_from_slice(&OUTPUT_MAC);
    [0, 4, 8].map(|at| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
}

pub fn program<'a>(programs: &'a mut Ebpf, name: &str) -> anyhow::Result<&'a mut Xdp> {
    let program = programs
        .program_mut(name)
        .with_context(|| format!("program {name}"))?;
    Ok(program.try_into()?)
}

fn ip(arguments: &str) -> anyhow::Result<()> {
    run("ip", &arguments.split(' ').collect::<Vec<_>>())
}
