//! Entries whose time is over. The data plane stops matching them by itself; here they leave the store.

use std::collections::BTreeMap;
use std::time::Duration;

use ravelin_model::{ListId, chain};
use ravelin_store::StoredEntry;
use time::OffsetDateTime;

use super::lists::{existing, rows_of};
use super::{Engine, Handover, Work};
use crate::error::stored;
use crate::hit_rows::RowChange;
use crate::{Actor, ControlError};

/// Wait before a deletion that failed is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Longest wait, so that a step of the wall clock is not overslept.
const LONGEST: Duration = Duration::from_secs(60);

impl Engine {
    /// How long until something expires, or until it is worth another look.
    pub(crate) fn until_expiry(&self) -> Duration {
        self.next_expiry.map_or(LONGEST, |at| {
            Duration::try_from(at - OffsetDateTime::now_utc())
                .unwrap_or_default()
                .min(LONGEST)
        })
    }

    pub(super) async fn schedule_expiry(&mut self) {
        match self.store.next_expiry().await {
            Ok(at) => self.next_expiry = at,
            Err(error) => {
                tracing::warn!(error = chain(&error), "the next expiry could not be read");
                self.next_expiry = Some(OffsetDateTime::now_utc() + RETRY);
            }
        }
    }

    /// Deletes what has expired.
    pub(crate) async fn expire(&mut self) {
        if self.next_expiry.is_none_or(|at| at > OffsetDateTime::now_utc()) {
            return;
        }
        if let Err(error) = self.try_expire().await {
            tracing::warn!(error = chain(&error), "expired entries could not be deleted");
            self.next_expiry = Some(OffsetDateTime::now_utc() + RETRY);
        }
    }

    async fn try_expire(&mut self) -> Result<(), ControlError> {
        let actor = Actor {
            name: "ravelin".to_owned(),
            origin: "engine".to_owned(),
        };
        let mut change = self.begin(&actor, "delete expired entries".to_owned()).await?;
        let mut expired: BTreeMap<ListId, Vec<StoredEntry>> = BTreeMap::new();
        for (list, entry) in change.delete_expired().await.map_err(stored)? {
            expired.entry(list).or_default().push(entry);
        }
        if expired.is_empty() {
            drop(change);
            self.schedule_expiry().await;
            return Ok(());
        }
        let mut work = Work::default();
        let mut lists = Vec::new();
        for (id, entries) in &expired {
            let list = existing(&mut change, id).await?;
            work.touched.insert(id.clone());
            let rows = RowChange::freeing(rows_of(entries));
            work.rows.push(Handover::new(&list, rows));
            lists.push(list);
        }
        let next = (*self.now()).clone();
        self.finish(change, next, work).await?;
        for list in &lists {
            self.tell_list(list);
        }
        Ok(())
    }
}
