//! What can go wrong with a change or a question. The API maps each variant to one status.

use std::net::IpAddr;

use ravelin_datapath::DatapathError;
use ravelin_model::{EntryId, Feature, InvalidFeatureConfig, ListId, ListKind, ObjectRef, Revision};
use ravelin_store::StoreError;
use thiserror::Error;
use time::OffsetDateTime;

use crate::{CommitStep, Origin, Refusal};

/// A change was refused or failed; nothing changed.
#[derive(Debug, Error)]
pub enum ControlError {
    /// 404.
    #[error("there is no list '{0}'")]
    UnknownList(ListId),
    /// 404.
    #[error("list '{list}' has no entry '{entry}'")]
    UnknownEntry {
        /// The list.
        list: ListId,
        /// The entry.
        entry: EntryId,
    },
    /// 404.
    #[error("there is no interface '{0}'")]
    UnknownInterface(String),
    /// 404.
    #[error("there is no map '{0}'")]
    UnknownMap(String),
    /// 409: enable them first.
    #[error("{feature} needs {}, which is disabled", names(missing))]
    MissingDependency {
        /// What was to be enabled.
        feature: Feature,
        /// What it needs.
        missing: Vec<Feature>,
    },
    /// 409: disable them first.
    #[error("{feature} is needed by {}", names(users))]
    NeededBy {
        /// What was to be disabled.
        feature: Feature,
        /// Who needs it.
        users: Vec<Feature>,
    },
    /// 409.
    #[error("a list called '{0}' exists already")]
    NameTaken(String),
    /// 409.
    #[error("list '{list}' is used by {}", users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>().join(", "))]
    ListInUse {
        /// The list.
        list: ListId,
        /// Features whose configuration names it, and rules and the like.
        users: Vec<ObjectRef>,
    },
    /// 409.
    #[error("list '{0}' is built in and cannot be deleted")]
    BuiltIn(ListId),
    /// 422: every problem at once.
    #[error("the configuration of {feature} is invalid")]
    InvalidConfig {
        /// Of what.
        feature: Feature,
        /// Field by field.
        problems: Vec<InvalidFeatureConfig>,
    },
    /// 422.
    #[error("entry {index} does not fit a list of kind {kind:?}")]
    WrongKind {
        /// Position in the request, from 0.
        index: usize,
        /// What the list holds.
        kind: ListKind,
    },
    /// 412: the body carries the current revision as ETag.
    #[error("the resource is at revision {}", current.0)]
    Stale {
        /// What an If-Match would have to say.
        current: Revision,
    },
    /// Each refusal has a status of its own; every one there is, at once.
    #[error("{}", refusals.iter().map(|refusal| refusal.detail.as_str()).collect::<Vec<_>>().join("; "))]
    PolicyRefused {
        /// At least one, in the order of the operations.
        refusals: Vec<Refusal>,
    },
    /// 409: `confirm_within` lets it through.
    #[error("a new connection like that of this request would be refused")]
    WouldLockOut {
        /// What would refuse it.
        by: Origin,
    },
    /// 409: `confirm_within` lets it through.
    #[error("it takes away {address} of {interface}, which this request came to")]
    WouldTakeAddress {
        /// Whose address.
        interface: String,
        /// Which.
        address: IpAddr,
    },
    /// 409: until it is confirmed or taken back, nothing else is committed.
    #[error("revision {} waits to be confirmed", revision.0)]
    AwaitsConfirmation {
        /// Which.
        revision: Revision,
        /// When the old policy returns by itself.
        until: OffsetDateTime,
    },
    /// 409: there is no commit of that number that waits to be confirmed.
    #[error("revision {} does not wait to be confirmed", .0.0)]
    NothingToConfirm(Revision),
    /// 404.
    #[error("there is no revision {}", .0.0)]
    UnknownRevision(Revision),
    /// 409: there is no recovery, or it was acknowledged before.
    #[error("the engine goes by its store, as it should")]
    NothingToAcknowledge,
    /// 503: a change would be gone after a restart.
    #[error("changes cannot be kept: {0}")]
    NotKept(String),
    /// 404: no object has it.
    #[error("there is no {kind} '{id}'")]
    UnknownObject {
        /// Of this kind …
        kind: ravelin_model::ObjectKind,
        /// … with this id.
        id: String,
    },
    /// 409: what was to be simulated cannot be said of the policy as it is.
    #[error("{0}")]
    CannotSimulate(String),
    /// 507 where the source is [`Self::NoRoom`], else 500. The old policy stays in force.
    #[error("the commit failed at the step '{}'; the old policy stays in force", step.name())]
    CommitFailed {
        /// Which step.
        step: CommitStep,
        /// Why.
        #[source]
        source: Box<ControlError>,
    },
    /// 500.
    #[error("the card of interface {interface}: {why}")]
    Hardware {
        /// Whose.
        interface: String,
        /// What the card or its driver says.
        why: String,
    },
    /// 500.
    #[error("the network: {0}")]
    Network(String),
    /// 500.
    #[error("nftables failed")]
    Nftables(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// 500.
    #[error("{what} holds {}, not {wanted:?}", found.map_or_else(|| "no policy".to_owned(), |found| format!("{found:?}")))]
    ReadBack {
        /// Which back-end.
        what: &'static str,
        /// What it holds.
        found: Option<Revision>,
        /// What was given to it.
        wanted: Revision,
    },
    /// 507.
    #[error("the data plane has no room: {0}")]
    NoRoom(String),
    /// 413.
    #[error("the import is larger than {limit_bytes} bytes")]
    ImportTooLarge {
        /// Limit of the configuration.
        limit_bytes: u64,
    },
    /// 503: there is no data plane to ask.
    #[error("the data plane is not available: {0}")]
    NoDatapath(String),
    /// 503: a network card cannot be asked.
    #[error("the network card cannot be asked: {0}")]
    NoHardware(String),
    /// 500.
    #[error("the data plane failed")]
    Datapath(#[source] DatapathError),
    /// 500.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// 400: the body broke off.
    #[error("the import broke off")]
    ImportRead(#[source] std::io::Error),
    /// 503.
    #[error("the engine is shutting down")]
    ShuttingDown,
}

fn names(features: &[Feature]) -> String {
    features.iter().map(|f| f.name()).collect::<Vec<_>>().join(", ")
}

/// An error of the store in the words of this crate.
pub(crate) fn stored(error: StoreError) -> ControlError {
    match error {
        StoreError::NameTaken(name) => ControlError::NameTaken(name.to_string()),
        StoreError::UnknownList(list) => ControlError::UnknownList(list),
        StoreError::NoCounterLeft => ControlError::NoRoom(error.to_string()),
        other => ControlError::Store(other),
    }
}

/// An error of the data plane in the words of this crate.
pub(crate) fn loaded(error: DatapathError) -> ControlError {
    match error {
        DatapathError::TooLarge(image) => ControlError::NoRoom(image.to_string()),
        other => ControlError::Datapath(other),
    }
}
