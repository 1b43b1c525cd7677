//! What the rest of the engine may ask of control. Cheap to clone.

use ravelin_datapath::HitCounter;
use ravelin_model::{
    EntryId, EntryValue, Feature, FeatureConfig, FeatureStatus, Interface, InterfaceStatistics, List,
    ListEntry, ListId, ListKind, ListName, MapInfo, ProgramInfo, Revision, SequencedEvent,
};
use tokio::io::AsyncBufRead;

use crate::ControlError;

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

/// What a subscriber gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamItem {
    /// An event.
    Event(SequencedEvent),
    /// The subscriber was too slow, or resumed from too long ago: so many events are missing here.
    Gap(u64),
}

/// Events from a place in the stream on.
#[derive(Debug)]
pub struct EventStream {
    // Filled by the implementation.
}

impl EventStream {
    /// The next item; None when the engine shuts down.
    pub async fn next(&mut self) -> Option<StreamItem> {
        None
    }
}

/// Asks the control task.
#[derive(Debug, Clone)]
pub struct ControlHandle {
    // Filled by the implementation.
}

#[allow(unused_variables, clippy::unused_async)]
impl ControlHandle {
    /// Every feature.
    pub async fn features(&self) -> Result<Vec<FeatureStatus>, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// One feature.
    pub async fn feature(&self, feature: Feature) -> Result<FeatureStatus, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Switches a feature; idempotent: a switch that is there already makes no revision.
    pub async fn set_enabled(
        &self,
        feature: Feature,
        enabled: bool,
        actor: &Actor,
    ) -> Result<FeatureStatus, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Replaces the configuration of a feature.
    pub async fn set_config(
        &self,
        config: FeatureConfig,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<FeatureStatus, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Interfaces with counters read now.
    pub async fn interfaces(&self) -> Result<Vec<Interface>, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Says whether an interface faces the outside; stored by name.
    pub async fn set_interface_external(
        &self,
        name: &str,
        external: bool,
        actor: &Actor,
    ) -> Result<(Interface, Revision), ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Programs in the kernel.
    pub async fn programs(&self) -> Result<Vec<ProgramInfo>, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Maps in the kernel, occupancy of the flow maps as of the last sweep.
    pub async fn maps(&self) -> Result<Vec<MapInfo>, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Packet statistics by interface.
    pub async fn statistics(&self) -> Result<Vec<InterfaceStatistics>, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Events that never reached the stream.
    pub async fn event_losses(&self) -> Result<EventLosses, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Every list, built-in ones first, then by name.
    pub async fn lists(&self) -> Result<Vec<List>, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// One list.
    pub async fn list(&self, id: &ListId) -> Result<List, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Makes a list.
    pub async fn create_list(&self, list: NewList, actor: &Actor) -> Result<List, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Renames a list.
    pub async fn rename_list(
        &self,
        id: &ListId,
        name: ListName,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<List, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Deletes a list nobody uses, with its entries.
    pub async fn delete_list(
        &self,
        id: &ListId,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<Revision, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// A page of entries.
    pub async fn entries(&self, id: &ListId, query: EntryQuery) -> Result<EntryPage, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// One entry.
    pub async fn entry(&self, id: &ListId, entry: EntryId) -> Result<ListedEntry, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Adds entries, all or none; a value that is there already takes the new expiry and keeps its id.
    /// Answers in the order of `values`.
    pub async fn add_entries(
        &self,
        id: &ListId,
        values: Vec<EntryValue>,
        actor: &Actor,
    ) -> Result<(List, Vec<ListEntry>), ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Deletes an entry.
    pub async fn delete_entry(
        &self,
        id: &ListId,
        entry: EntryId,
        actor: &Actor,
    ) -> Result<List, ControlError> {
        Err(ControlError::ShuttingDown)
    }

    /// Replaces every entry by what the text says. The text is read to its end before anything changes; packets
    /// see the old entries or the new ones, never a mixture. Values that stay keep their id and counters.
    pub async fn import_entries<R>(
        &self,
        id: &ListId,
        precondition: Precondition,
        text: R,
        actor: &Actor,
    ) -> Result<ImportReport, ControlError>
    where
        R: AsyncBufRead + Unpin + Send,
    {
        Err(ControlError::ShuttingDown)
    }

    /// Whether everything enabled is at work.
    pub fn readiness(&self) -> Readiness {
        Readiness {
            ready: false,
            revision: Revision::default(),
            problems: Vec::new(),
        }
    }

    /// Revision of the configuration.
    pub fn revision(&self) -> Revision {
        self.readiness().revision
    }

    /// Events after the one with this sequence number, or from now on.
    pub fn subscribe(&self, after: Option<u64>) -> EventStream {
        EventStream {}
    }

    /// Stores an audit entry; never fails the call it is about.
    pub async fn audit(&self, record: AuditRecord) {}
}
