//! What is asked of control and what it answers.

use ravelin_datapath::HitCounter;
use ravelin_model::{EntryId, List, ListEntry, ListKind, ListName, Revision};

use crate::{ControlError, LiveReport};

/// Who asks, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Principal, e.g. `uid:0` or `admin`.
    pub name: String,
    /// Where from, e.g. `unix` or a peer address.
    pub origin: String,
}

/// What an `If-Match` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// `*`: whatever is there.
    Exists,
    /// One of these revisions.
    Revision(Revision),
}

impl Precondition {
    /// Refuses a change to something that is at another revision.
    pub(crate) fn check(self, current: Revision) -> Result<(), ControlError> {
        match self {
            Self::Exists => Ok(()),
            Self::Revision(asked) if asked == current => Ok(()),
            Self::Revision(_) => Err(ControlError::Stale { current }),
        }
    }
}

/// A state-changing call, also a refused one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Who and from where.
    pub actor: Actor,
    /// Id of the request, as answered in `X-Request-Id`.
    pub request_id: String,
    /// HTTP method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// Revision when the call came and when it was answered.
    pub before: Revision,
    /// See `before`.
    pub after: Revision,
}

/// A list to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewList {
    /// Unique.
    pub name: ListName,
    /// What it holds.
    pub kind: ListKind,
}

/// Which entries to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryQuery {
    /// Entries whose text contains this, lower case.
    pub search: Option<String>,
    /// Entries after this one (entries are ordered by id).
    pub after: Option<EntryId>,
    /// At most so many, 1..=1000.
    pub limit: u32,
}

/// An entry with what it caught. Domain entries have no counter of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEntry {
    /// The entry.
    pub entry: ListEntry,
    /// Packets and bytes it caught since it came, or since the maps were made.
    pub hits: Option<HitCounter>,
}

/// A page of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPage {
    /// In id order.
    pub items: Vec<ListedEntry>,
    /// Where the next page starts after; None: this was the last.
    pub next: Option<EntryId>,
}

/// A line of an import that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportProblem {
    /// From 1.
    pub line: u64,
    /// Why.
    pub detail: String,
}

/// What became of the lines of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// The list after the import.
    pub list: List,
    /// Entries now in the list.
    pub accepted: u64,
    /// Values that came more than once.
    pub duplicates: u64,
    /// Empty lines, comments, cosmetic filters, localhost lines of hosts files.
    pub ignored: u64,
    /// Lines that could not be read.
    pub invalid: u64,
    /// The first 1000 of the ignored-with-meaning and invalid lines.
    pub problems: Vec<ImportProblem>,
    /// What it meant for live connections, where rules name the list.
    pub live_flows: LiveReport,
}

/// Whether the data plane does what the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Everything that is enabled is at work.
    pub ready: bool,
    /// Revision of the configuration.
    pub revision: Revision,
    /// What is missing, one sentence each.
    pub problems: Vec<String>,
}

/// Events that never reached the stream, since the maps were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventLosses {
    /// Over the budget of the data plane.
    pub suppressed: u64,
    /// The ring buffer or the queue behind it was full.
    pub lost: u64,
}
