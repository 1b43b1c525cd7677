//! Looking for records.

use ravelin_store::{FlowRecordFilter, StoredFlowRecord};

use crate::{FlowsError, FlowsHandle};

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowRecordPage {
    /// Newest first.
    pub items: Vec<StoredFlowRecord>,
    /// Where the next page starts: [`FlowRecordFilter::before`]; None: this was the last.
    pub next: Option<u64>,
}

impl FlowsHandle {
    /// Records of connections that ended, newest first. Also of those from before a restart.
    pub async fn records(&self, filter: FlowRecordFilter) -> Result<FlowRecordPage, FlowsError> {
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        // One more than asked for tells whether there is a next page.
        let filter = FlowRecordFilter {
            limit: filter.limit.saturating_add(1),
            ..filter
        };
        let mut items = self.store.flow_records(&filter).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| last.number);
        Ok(FlowRecordPage { items, next })
    }

    /// The record with this number; None: there is none, or no more.
    pub async fn record(&self, number: u64) -> Result<Option<StoredFlowRecord>, FlowsError> {
        Ok(self.store.flow_record(number).await?)
    }
}
