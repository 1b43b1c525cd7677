//! Which data plane the engine gets, or why it gets none.

use std::os::unix::net::UnixStream;

use ravelin_datapath::{Datapath, EventBatches, FlowCache, FlowTable, Loaded, simulate};

use crate::config::{Config, DatapathKind};

/// The data plane as far as there is one.
pub struct Parts {
    /// Or why there is none, in words.
    pub datapath: Result<Box<dyn Datapath>, String>,
    /// The flow maps.
    pub flows: Option<Box<dyn FlowTable>>,
    /// The flow cache.
    pub cache: Option<Box<dyn FlowCache>>,
    /// Ends at once where there is no data plane.
    pub events: EventBatches,
}

/// Loads the data plane. The engine runs without one too: it says so, and everything can still be configured.
/// `run_time_helper`: what [`start_run_time_helper`] gave.
pub fn load(config: &Config, run_time_helper: Option<UnixStream>) -> Parts {
    let loaded = match config.datapath {
        DatapathKind::Sim => {
            tracing::warn!("the data plane is simulated: no packet is touched");
            Ok(simulate())
        }
        DatapathKind::Kernel => kernel::load(config, run_time_helper),
    };
    match loaded {
        Ok(Loaded {
            datapath,
            flows,
            cache,
            events,
        }) => Parts {
            datapath: Ok(datapath),
            flows: Some(flows),
            cache: Some(cache),
            events,
        },
        Err(reason) => {
            tracing::error!(reason, "there is no data plane");
            Parts {
                datapath: Err(reason),
                flows: None,
                cache: None,
                events: EventBatches::none(),
            }
        }
    }
}

/// Starts the process through which run times are measured, where there is something to measure.
pub fn start_run_time_helper(config: &Config) -> Option<UnixStream> {
    match config.datapath {
        DatapathKind::Sim => None,
        DatapathKind::Kernel => kernel::start_run_time_helper(),
    }
}

/// Removes every program, link and map of Ravelin from the kernel.
pub fn remove(config: &Config) -> Result<(), String> {
    match config.datapath {
        DatapathKind::Sim => Ok(()),
        DatapathKind::Kernel => kernel::remove(config),
    }
}

#[cfg(feature = "kernel")]
mod kernel {
    use std::os::unix::net::UnixStream;

    use ravelin_datapath::{KernelConfig, Loaded};
    use ravelin_model::chain;

    use crate::config::{Capacity, Config};

    pub(super) fn load(config: &Config, run_time_helper: Option<UnixStream>) -> Result<Loaded, String> {
        let Capacity {
            addresses,
            name_buckets,
            flows,
            cached_connections,
        } = config.capacity;
        let kernel = KernelConfig {
            bpffs: config.bpffs.clone(),
            addresses,
            name_buckets,
            flows,
            cached_connections,
            ..KernelConfig::default()
        };
        ravelin_datapath::load(&kernel, run_time_helper).map_err(|error| chain(&error))
    }

    pub(super) fn start_run_time_helper() -> Option<UnixStream> {
        crate::run_time::start()
    }

    pub(super) fn remove(config: &Config) -> Result<(), String> {
        ravelin_datapath::remove_all(&config.bpffs).map_err(|error| chain(&error))
    }
}

#[cfg(not(feature = "kernel"))]
mod kernel {
    use std::os::unix::net::UnixStream;

    use ravelin_datapath::Loaded;

    use crate::config::Config;

    const ABSENT: &str = "this raveld was built without the one in the kernel (cargo feature \"kernel\")";

    pub(super) fn load(_: &Config, _: Option<UnixStream>) -> Result<Loaded, String> {
        Err(ABSENT.to_owned())
    }

    pub(super) fn start_run_time_helper() -> Option<UnixStream> {
        None
    }

    pub(super) fn remove(_: &Config) -> Result<(), String> {
        Err(ABSENT.to_owned())
    }
}
