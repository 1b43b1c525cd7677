//! The data plane in the kernel.
//!
//! Everything that must outlive the process is pinned under `<bpffs>/ravelin`: the maps in `v<hash>/`, the hash
//! being that of their layout and capacities, those of the flow cache, which has any size, below in `cache/`, and the
//! links in `links/`. Killing the process at any point leaves packets with whole programs and whole tables, and the
//! next start adopts what it finds:
//!
//! | killed | what is left | next start |
//! | --- | --- | --- |
//! | while pinning maps | maps no program uses | made anew, unless all are there |
//! | before a link is pinned | no link: the kernel drops it with the process | attaches |
//! | while filling a half | the other half is live | fills it again |
//! | after a flip | the new half is live | waits for packets in flight before it writes |
//! | between two hooks of an interface | the first has the new program, both the same tables | replaces the rest |
//! | while staging a flow cache | maps in `staged/`, and a program no link runs | removes them |
//! | while its program is put behind the links | it forwards nothing yet | adopts the old one |
//! | after `staged/` became `cache/` and that `staged/` | all links run it | adopts it, removes the old one |
//!
//! One process at a time may use a BPF file system this way, in one network namespace: links found from another
//! namespace are of a data plane that is gone, and are removed.

mod address_tables;
mod attachments;
mod caches;
mod control;
mod events;
mod flow_cache;
mod flow_table;
mod grace_period;
mod hit_counter;
mod image_maps;
mod info;
mod links;
mod memory;
mod name_tables;
mod objects;
mod pins;
mod plane;
mod policy_tables;
mod ports;
mod prerequisites;
mod run_time;
mod schema;
mod statistics;
mod sys;
mod table;
mod test_run;

use std::os::unix::net::UnixStream;
use std::path::PathBuf;

pub use flow_table::KernelFlowTable;
pub use pins::remove_all;
pub use plane::{KernelDatapath, KernelParts};
pub use run_time::serve_run_time;
pub use test_run::TestRunOutcome;

use crate::{DatapathError, Loaded};

/// Where to pin and how much room to make. A capacity that changes, but that of the flow cache, makes new maps: the
/// lists are loaded anew, counters and flows start at 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelConfig {
    /// Mount point of the BPF file system.
    pub bpffs: PathBuf,
    /// Address entries that fit, IPv4 and IPv6 together, however they overlap: 16 bytes for each and CPU, and about
    /// 50 more for an entry that is there.
    pub addresses: u32,
    /// Buckets of the name table, eight names each at most; at least 2, rounded down to a power of two in use.
    /// 128 bytes each.
    pub name_buckets: u32,
    /// Entries of each flow map, one for each direction of a flow; about 150 bytes each.
    pub flows: u32,
    /// Connections of each family that fit into a new flow cache, 2 million at most; about 290 bytes each for IPv4 and
    /// 420 for IPv6. One that is there stays as large as it is.
    pub cached_connections: u32,
    /// Hit counters of the policy: rules, zone pairs and published services that can be told apart. 16 bytes for each
    /// and CPU.
    pub policy_counters: u32,
}

impl Default for KernelConfig {
    fn default() -> Self {
        Self {
            bpffs: PathBuf::from("/sys/fs/bpf"),
            addresses: 131_072,
            name_buckets: 131_072,
            flows: 262_144,
            cached_connections: 16_384,
            policy_counters: 131_072,
        }
    }
}

/// Loads the programs and adopts the maps an earlier process left, or makes them. Attaches nothing. Run times are
/// measured through `run_time_helper`, at whose other end [`serve_run_time`] runs with CAP_SYS_ADMIN; without it
/// this process needs the capability.
///
/// # Errors
/// [`DatapathError::Unavailable`] where there can be no data plane in the kernel; its text says what to do.
pub fn load(config: &KernelConfig, run_time_helper: Option<UnixStream>) -> Result<Loaded, DatapathError> {
    let KernelParts {
        mut datapath,
        flows,
        cache,
        events,
    } = KernelDatapath::load(config)?;
    datapath.measure_run_time_through(run_time_helper);
    Ok(Loaded {
        datapath: Box::new(datapath),
        flows: Box::new(flows),
        cache,
        events,
    })
}
