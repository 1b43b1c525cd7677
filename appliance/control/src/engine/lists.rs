//! Changes to lists and their entries.

use std::sync::Arc;

use ravelin_model::{
    EntryId, EntryValue, Event, Feature, List, ListEntry, ListId, ListKind, ListName, ObjectKind, ObjectRef,
    Revision,
};
use ravelin_store::{Change, StoredEntry};

use super::{Engine, Handover, Work};
use crate::error::stored;
use crate::hit_rows::RowChange;
use crate::{Actor, Applied, ControlError, NewList, Precondition, policy};

impl Engine {
    pub(crate) async fn create_list(&mut self, list: NewList, actor: &Actor) -> Result<List, ControlError> {
        let NewList { name, kind } = list;
        let mut change = self.begin(actor, format!("create list '{name}'")).await?;
        let list = change.create_list(&name, kind).await.map_err(stored)?;
        Ok(self.finish_list(change, list, Work::default()).await?.value)
    }

    pub(crate) async fn rename_list(
        &mut self,
        id: &ListId,
        name: ListName,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<List, ControlError> {
        let mut change = self.begin(actor, format!("rename list '{id}'")).await?;
        let list = existing(&mut change, id).await?;
        precondition.check(list.revision)?;
        if list.name == name {
            return Ok(list);
        }
        let list = change.rename_list(id, &name).await.map_err(stored)?;
        Ok(self.finish_list(change, list, Work::default()).await?.value)
    }

    pub(crate) async fn delete_list(
        &mut self,
        id: &ListId,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<Revision, ControlError> {
        let now = self.now();
        let mut change = self.begin(actor, format!("delete list '{id}'")).await?;
        let list = existing(&mut change, id).await?;
        precondition.check(list.revision)?;
        if id.is_built_in() {
            return Err(ControlError::BuiltIn(id.clone()));
        }
        let mut users: Vec<ObjectRef> = now
            .settings
            .users_of(id)
            .into_iter()
            .map(feature_reference)
            .collect();
        users.extend(policy::users(&now.policy.policy, ObjectKind::List, id.as_str()));
        if !users.is_empty() {
            return Err(ControlError::ListInUse {
                list: id.clone(),
                users,
            });
        }
        change.delete_list(id).await.map_err(stored)?;
        let work = Work {
            rows: vec![Handover::new(&list, now.rows.replacing(list.number, []))],
            ..Work::default()
        };
        let next = self.finish(change, (*now).clone(), work).await?.value;
        Arc::make_mut(&mut self.live.retired).forget_list(id);
        self.hub.publish(Event::ListChanged {
            list: id.clone(),
            entries_count: None,
            revision: next.revision,
        });
        Ok(next.revision)
    }

    pub(crate) async fn add_entries(
        &mut self,
        id: &ListId,
        values: &[EntryValue],
        actor: &Actor,
    ) -> Result<Applied<(List, Vec<ListEntry>)>, ControlError> {
        let now = self.now();
        let mut change = self.begin(actor, format!("add entries to list '{id}'")).await?;
        let stored_entries = change
            .add_entries(id, values, &mut now.rows.free())
            .await
            .map_err(stored)?;
        let list = existing(&mut change, id).await?;
        let rows = now.rows.adding(list.number, rows_of(&stored_entries));
        let work = Work::on_list(&list, rows);
        let Applied { value, live_flows } = self.finish_list(change, list, work).await?;
        let entries = stored_entries.into_iter().map(|stored| stored.entry);
        Ok(Applied {
            value: (value, entries.collect()),
            live_flows,
        })
    }

    pub(crate) async fn delete_entry(
        &mut self,
        id: &ListId,
        entry: EntryId,
        actor: &Actor,
    ) -> Result<Applied<List>, ControlError> {
        let mut change = self
            .begin(actor, format!("delete entry '{entry}' of list '{id}'"))
            .await?;
        let deleted = change.delete_entry(id, entry).await.map_err(stored)?;
        let deleted = deleted.ok_or_else(|| ControlError::UnknownEntry {
            list: id.clone(),
            entry,
        })?;
        let list = existing(&mut change, id).await?;
        let work = Work::on_list(&list, RowChange::freeing(rows_of(&[deleted])));
        self.finish_list(change, list, work).await
    }

    pub(crate) async fn replace_entries(
        &mut self,
        id: &ListId,
        precondition: Precondition,
        values: &[EntryValue],
        actor: &Actor,
    ) -> Result<Applied<List>, ControlError> {
        let now = self.now();
        let mut change = self
            .begin(actor, format!("import entries into list '{id}'"))
            .await?;
        precondition.check(existing(&mut change, id).await?.revision)?;
        change
            .replace_entries(id, values, &mut now.rows.free())
            .await
            .map_err(stored)?;
        let list = existing(&mut change, id).await?;
        let rows = match list.kind {
            ListKind::Address => {
                let entries = change.entries(id).await.map_err(stored)?;
                now.rows.replacing(list.number, rows_of(&entries))
            }
            ListKind::Domain => RowChange::default(),
        };
        let work = Work::on_list(&list, rows);
        self.finish_list(change, list, work).await
    }

    /// Finishes a change to a list and tells of it.
    async fn finish_list(
        &mut self,
        change: Change,
        list: List,
        work: Work,
    ) -> Result<Applied<List>, ControlError> {
        let next = (*self.now()).clone();
        let live_flows = self.finish(change, next, work).await?.live_flows;
        self.tell_list(&list);
        Ok(Applied {
            value: list,
            live_flows,
        })
    }

    pub(super) fn tell_list(&self, list: &List) {
        self.hub.publish(Event::ListChanged {
            list: list.id.clone(),
            entries_count: Some(list.entries_count),
            revision: list.revision,
        });
    }
}

/// A feature as others name it.
pub(crate) fn feature_reference(feature: Feature) -> ObjectRef {
    ObjectRef {
        kind: ObjectKind::Feature,
        id: feature.name().to_owned(),
        name: feature.name().to_owned(),
    }
}

/// The list as the change leaves it so far.
pub(super) async fn existing(change: &mut Change, id: &ListId) -> Result<List, ControlError> {
    let list = change.list(id).await.map_err(stored)?;
    list.ok_or_else(|| ControlError::UnknownList(id.clone()))
}

/// Hit counters of entries.
pub(super) fn rows_of(entries: &[StoredEntry]) -> impl Iterator<Item = (u32, EntryId)> + '_ {
    entries
        .iter()
        .filter_map(|stored| Some((stored.counter?, stored.entry.id)))
}
