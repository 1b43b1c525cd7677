//! The flow table of a data plane without packets: always empty.

use super::maps;
use crate::{DatapathError, FlowSweep, FlowTable, FlowTimeouts};

#[derive(Debug)]
pub(super) struct SimFlowTable;

impl FlowTable for SimFlowTable {
    fn sweep(&mut self, _: &FlowTimeouts) -> Result<FlowSweep, DatapathError> {
        Ok(FlowSweep {
            capacity: u64::from(maps::FLOWS),
            ..FlowSweep::default()
        })
    }
}
