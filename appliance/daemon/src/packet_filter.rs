//! The table of nftables, without an engine.

use std::error::Error;

use ravelin_kernel::Nftables;
use tokio::runtime::Builder;

use crate::config::{Config, DatapathKind};

/// Removes the table if it is there: nothing is filtered any more.
pub fn remove(config: &Config) -> Result<(), Box<dyn Error>> {
    if config.datapath == DatapathKind::Sim {
        return Ok(());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut nftables = Nftables::open()?;
        if nftables.revision().await?.is_some() {
            nftables.remove().await?;
        }
        Ok(())
    })
}
