//! What the handle sends to the task.

use ravelin_model::{
    EntryId, EntryValue, Feature, FeatureConfig, List, ListEntry, ListId, ListName, Revision, TuningLimits,
};
use std::sync::Arc;
use tokio::sync::oneshot;

use crate::snapshot::Snapshot;
use crate::{
    Actor, Applied, CommitOptions, Committed, ControlError, NewList, PolicyOperation, PolicyView,
    Precondition,
};

/// Where the answer goes. Whoever asked may have gone away; the change is made nevertheless.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, ControlError>>;

/// A change and who asks for it.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) actor: Actor,
    pub(crate) change: ChangeRequest,
}

/// A change.
#[derive(Debug)]
pub(crate) enum ChangeRequest {
    SetEnabled {
        feature: Feature,
        enabled: bool,
        reply: Reply<Arc<Snapshot>>,
    },
    SetConfig {
        config: FeatureConfig,
        precondition: Precondition,
        reply: Reply<Arc<Snapshot>>,
    },
    SetExternal {
        name: String,
        external: bool,
        reply: Reply<Arc<Snapshot>>,
    },
    CreateList {
        list: NewList,
        reply: Reply<List>,
    },
    RenameList {
        id: ListId,
        name: ListName,
        precondition: Precondition,
        reply: Reply<List>,
    },
    DeleteList {
        id: ListId,
        precondition: Precondition,
        reply: Reply<Revision>,
    },
    AddEntries {
        id: ListId,
        values: Vec<EntryValue>,
        reply: Reply<Applied<(List, Vec<ListEntry>)>>,
    },
    DeleteEntry {
        id: ListId,
        entry: EntryId,
        reply: Reply<Applied<List>>,
    },
    CommitPolicy {
        operations: Vec<PolicyOperation>,
        options: CommitOptions,
        reply: Reply<Committed>,
    },
    RestorePolicy {
        revision: Revision,
        options: CommitOptions,
        reply: Reply<Committed>,
    },
    Confirm {
        revision: Revision,
        reply: Reply<Arc<PolicyView>>,
    },
    SetTuning {
        limits: TuningLimits,
        precondition: Precondition,
        reply: Reply<Arc<Snapshot>>,
    },
    ReplaceEntries {
        id: ListId,
        precondition: Precondition,
        values: Vec<EntryValue>,
        reply: Reply<Applied<List>>,
    },
}
