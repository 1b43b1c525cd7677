//! Where lists are read from: the store, or a change under way that already has the new entries.

use ravelin_model::{DomainPattern, List, ListId};
use ravelin_store::{Change, Store, StoredEntry};
use time::OffsetDateTime;

use crate::ControlError;
use crate::error::stored;

#[derive(Debug)]
pub(super) enum Source<'a> {
    Store(&'a Store),
    Change(&'a mut Change),
}

impl Source<'_> {
    pub(super) async fn list(&mut self, id: &ListId) -> Result<List, ControlError> {
        let list = match self {
            Self::Store(store) => store.list(id, OffsetDateTime::now_utc()).await,
            Self::Change(change) => change.list(id).await,
        };
        list.map_err(stored)?
            .ok_or_else(|| ControlError::UnknownList(id.clone()))
    }

    pub(super) async fn entries(&mut self, id: &ListId) -> Result<Vec<StoredEntry>, ControlError> {
        match self {
            Self::Store(store) => store.entries(id).await,
            Self::Change(change) => change.entries(id).await,
        }
        .map_err(stored)
    }

    pub(super) async fn patterns(&mut self, id: &ListId) -> Result<Vec<DomainPattern>, ControlError> {
        match self {
            Self::Store(store) => store.patterns(id).await,
            Self::Change(change) => change.patterns(id).await,
        }
        .map_err(stored)
    }
}
