//! What the rest of the engine may ask of control. Cheap to clone.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use ravelin_datapath::{FlowSummary, HitCounter};
use ravelin_model::{
    EntryId, EntryValue, Event, Feature, FeatureConfig, FeatureStatus, HwOffloadStatus, Interface,
    InterfaceStatistics, List, ListEntry, ListId, ListName, MapInfo, ProgramInfo, Recovery, Revision,
    SyncStatus, chain,
};
use ravelin_model::{SystemUpdateChanged, TuningLimits, TuningSettings, TuningStatus};
use ravelin_store::{AuditEntry, Author, PageQuery, Store, StoredEntry};
use time::OffsetDateTime;
use tokio::io::AsyncBufRead;
use tokio::sync::{mpsc, oneshot, watch};

use crate::command::{ChangeRequest, Command, Reply};
use crate::config::LinkSource;
use crate::engine::Figures;
use crate::error::stored;
use crate::plane::Plane;
use crate::policy_counters::PolicyCounters;
use crate::snapshot::Snapshot;
use crate::stream::{EventStream, Hub};
use crate::tuner::Meter;
use crate::verdicts::VerdictLog;
use crate::{
    Actor, Applied, AuditRecord, Clock, ControlError, EntryPage, EntryQuery, EventLosses, ImportReport,
    ListedEntry, NewList, Precondition, Readiness, Reading, counters, import,
};

/// Asks the control task for changes; reads without it, from its last snapshot, the store and the data plane.
#[derive(Debug, Clone)]
pub struct ControlHandle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) plane: Plane,
    pub(crate) store: Store,
    pub(crate) hub: Hub,
    pub(crate) links: LinkSource,
    pub(crate) hardware: Option<Arc<dyn crate::Hardware>>,
    pub(crate) flow_summary: watch::Receiver<FlowSummary>,
    pub(crate) sync: watch::Receiver<SyncStatus>,
    pub(crate) hw_offload: watch::Receiver<HwOffloadStatus>,
    pub(crate) import_limit_bytes: u64,
    pub(crate) counters: PolicyCounters,
    pub(crate) clock: Clock,
    pub(crate) verdicts: VerdictLog,
    pub(crate) meter: Meter,
    pub(crate) figures: Arc<Mutex<Figures>>,
    pub(crate) tuning: watch::Receiver<Arc<TuningStatus>>,
    pub(crate) simulation_differences: Arc<AtomicU64>,
    /// What the engine goes by.
    pub(crate) recovery: Arc<watch::Sender<Recovery>>,
    /// True: no further change.
    pub(crate) stop: Arc<watch::Sender<bool>>,
}

impl ControlHandle {
    /// Every feature.
    pub async fn features(&self) -> Result<Vec<FeatureStatus>, ControlError> {
        let now = self.now_in_step();
        let mut features = Vec::with_capacity(Feature::ALL.len());
        for feature in Feature::ALL {
            features.push(self.status(feature, &now).await?);
        }
        Ok(features)
    }

    /// One feature.
    pub async fn feature(&self, feature: Feature) -> Result<FeatureStatus, ControlError> {
        self.status(feature, &self.now_in_step()).await
    }

    /// Switches a feature; idempotent: a switch that is there already makes no revision.
    pub async fn set_enabled(
        &self,
        feature: Feature,
        enabled: bool,
        actor: &Actor,
    ) -> Result<FeatureStatus, ControlError> {
        let after = self
            .change(actor, |reply| ChangeRequest::SetEnabled {
                feature,
                enabled,
                reply,
            })
            .await?;
        self.status(feature, &after).await
    }

    /// Replaces the configuration of a feature.
    pub async fn set_config(
        &self,
        config: FeatureConfig,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<FeatureStatus, ControlError> {
        let feature = config.feature();
        let after = self
            .change(actor, |reply| ChangeRequest::SetConfig {
                config,
                precondition,
                reply,
            })
            .await?;
        self.status(feature, &after).await
    }

    /// Interfaces with counters read now.
    pub async fn interfaces(&self) -> Result<Vec<Interface>, ControlError> {
        let now = self.now();
        let links = self.links.now().await;
        Ok(links.iter().map(|link| now.interface(link, &links)).collect())
    }

    /// Says whether an interface faces the outside; stored by name.
    pub async fn set_interface_external(
        &self,
        name: &str,
        external: bool,
        actor: &Actor,
    ) -> Result<(Interface, Revision), ControlError> {
        let after = self
            .change(actor, |reply| ChangeRequest::SetExternal {
                name: name.to_owned(),
                external,
                reply,
            })
            .await?;
        let links = self.links.now().await;
        let link = links.iter().find(|link| link.name == name);
        let link = link.ok_or_else(|| ControlError::UnknownInterface(name.to_owned()))?;
        Ok((after.interface(link, &links), after.revision))
    }

    /// Programs in the kernel.
    pub async fn programs(&self) -> Result<Vec<ProgramInfo>, ControlError> {
        self.plane.call(|datapath| datapath.programs()).await
    }

    /// Maps in the kernel, occupancy of the flow maps as of the last sweep.
    pub async fn maps(&self) -> Result<Vec<MapInfo>, ControlError> {
        self.plane.call(|datapath| datapath.maps()).await
    }

    /// Packet statistics by interface.
    pub async fn statistics(&self) -> Result<Vec<InterfaceStatistics>, ControlError> {
        self.plane.call(|datapath| datapath.statistics()).await
    }

    /// Everything that is measured, now.
    pub async fn reading(&self) -> Reading {
        self.meter.read().await
    }

    /// Events that never reached the stream.
    pub async fn event_losses(&self) -> Result<EventLosses, ControlError> {
        let figures = self.plane.call(|datapath| datapath.event_figures()).await?;
        Ok(EventLosses {
            suppressed: figures.suppressed,
            lost: figures.lost,
        })
    }

    /// Every list, built-in ones first, then by name.
    pub async fn lists(&self) -> Result<Vec<List>, ControlError> {
        self.store.lists(OffsetDateTime::now_utc()).await.map_err(stored)
    }

    /// One list.
    pub async fn list(&self, id: &ListId) -> Result<List, ControlError> {
        let list = self
            .store
            .list(id, OffsetDateTime::now_utc())
            .await
            .map_err(stored)?;
        list.ok_or_else(|| ControlError::UnknownList(id.clone()))
    }

    /// Makes a list.
    pub async fn create_list(&self, list: NewList, actor: &Actor) -> Result<List, ControlError> {
        self.change(actor, |reply| ChangeRequest::CreateList { list, reply })
            .await
    }

    /// Renames a list.
    pub async fn rename_list(
        &self,
        id: &ListId,
        name: ListName,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<List, ControlError> {
        let id = id.clone();
        self.change(actor, |reply| ChangeRequest::RenameList {
            id,
            name,
            precondition,
            reply,
        })
        .await
    }

    /// Deletes a list nobody uses, with its entries.
    pub async fn delete_list(
        &self,
        id: &ListId,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<Revision, ControlError> {
        let id = id.clone();
        self.change(actor, |reply| ChangeRequest::DeleteList {
            id,
            precondition,
            reply,
        })
        .await
    }

    /// A page of entries.
    pub async fn entries(&self, id: &ListId, query: EntryQuery) -> Result<EntryPage, ControlError> {
        let EntryQuery { search, after, limit } = query;
        // One more than asked for tells whether there is a next page.
        let page = PageQuery {
            search,
            after,
            limit: limit.saturating_add(1),
        };
        let mut stored_entries = self
            .store
            .page(id, &page, OffsetDateTime::now_utc())
            .await
            .map_err(stored)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = stored_entries.len() > limit;
        stored_entries.truncate(limit);
        let items = self.with_hits(stored_entries).await?;
        let next = items.last().filter(|_| more).map(|last| last.entry.id);
        Ok(EntryPage { items, next })
    }

    /// One entry.
    pub async fn entry(&self, id: &ListId, entry: EntryId) -> Result<ListedEntry, ControlError> {
        let unknown = || ControlError::UnknownEntry {
            list: id.clone(),
            entry,
        };
        let found = self.store.entry(id, entry).await.map_err(stored)?;
        let listed = self.with_hits(found.into_iter().collect()).await?;
        listed.into_iter().next().ok_or_else(unknown)
    }

    /// Adds entries, all or none; a value that is there already takes the new expiry and keeps its id.
    /// Answers in the order of `values`.
    pub async fn add_entries(
        &self,
        id: &ListId,
        values: Vec<EntryValue>,
        actor: &Actor,
    ) -> Result<Applied<(List, Vec<ListEntry>)>, ControlError> {
        let kind = self.list(id).await?.kind;
        if let Some(index) = values.iter().position(|value| value.kind() != kind) {
            return Err(ControlError::WrongKind { index, kind });
        }
        let id = id.clone();
        self.change(actor, |reply| ChangeRequest::AddEntries { id, values, reply })
            .await
    }

    /// Deletes an entry.
    pub async fn delete_entry(
        &self,
        id: &ListId,
        entry: EntryId,
        actor: &Actor,
    ) -> Result<Applied<List>, ControlError> {
        let id = id.clone();
        self.change(actor, |reply| ChangeRequest::DeleteEntry { id, entry, reply })
            .await
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
        let List { kind, revision, .. } = self.list(id).await?;
        // Checked again once the text is read; here it spares the sender a long upload for nothing.
        precondition.check(revision)?;
        let read = import::read(text, kind, self.import_limit_bytes).await?;
        let import::Import {
            values,
            duplicates,
            ignored,
            invalid,
            problems,
        } = read;
        let accepted = u64::try_from(values.len()).unwrap_or(u64::MAX);
        let id = id.clone();
        let Applied {
            value: list,
            live_flows,
        } = self
            .change(actor, |reply| ChangeRequest::ReplaceEntries {
                id,
                precondition,
                values,
                reply,
            })
            .await?;
        Ok(ImportReport {
            list,
            accepted,
            duplicates,
            ignored,
            invalid,
            problems,
            live_flows,
        })
    }

    /// Whether everything enabled is at work.
    pub fn readiness(&self) -> Readiness {
        let mut readiness = self.now_in_step().readiness();
        if let Some(problem) = self.recovery_problem() {
            readiness.ready = false;
            readiness.problems.insert(0, problem);
        }
        readiness
    }

    /// Revision of the configuration.
    pub fn revision(&self) -> Revision {
        self.now().revision
    }

    /// Times a program that had come off an interface was attached again.
    pub fn repairs(&self) -> u64 {
        self.now().repairs
    }

    /// What is known of the flow maps, as of the last sweep.
    pub fn flow_summary(&self) -> FlowSummary {
        *self.flow_summary.borrow()
    }

    /// Where the flow cache stands to conntrack.
    pub fn sync_status(&self) -> SyncStatus {
        self.sync.borrow().clone()
    }

    /// What is tuned, as of the last window, and what it keeps to.
    pub fn tuning(&self) -> TuningStatus {
        let settings = (*self.now().tuning).clone();
        let mut status = (**self.tuning.borrow()).clone();
        for object in &mut status.objects {
            object.bounds = settings.limits.bounds_of(object.object.tunable);
        }
        TuningStatus { settings, ..status }
    }

    /// Changes what tuning keeps to; it does at once.
    pub async fn set_tuning(
        &self,
        limits: TuningLimits,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<TuningSettings, ControlError> {
        let after = self
            .change(actor, |reply| ChangeRequest::SetTuning {
                limits,
                precondition,
                reply,
            })
            .await?;
        Ok((*after.tuning).clone())
    }

    /// Events after the one with this sequence number, or from now on.
    pub fn subscribe(&self, after: Option<u64>) -> EventStream {
        self.hub.subscribe(after)
    }

    /// Tells the stream that live connections were ended on request; whoever follows them ends them.
    pub fn flows_killed(&self, killed: u64, reset: bool) {
        self.hub.publish(Event::FlowsKilled { killed, reset });
    }

    /// Tells the stream that an update of the machine went on.
    pub fn system_update_changed(&self, changed: SystemUpdateChanged) {
        self.hub.publish(Event::SystemUpdateChanged(changed));
    }

    /// Stores an audit entry; never fails the call it is about.
    pub async fn audit(&self, record: AuditRecord) {
        let AuditRecord {
            actor,
            request_id,
            method,
            path,
            status,
            before,
            after,
        } = record;
        let entry = AuditEntry {
            at: OffsetDateTime::now_utc(),
            author: Author {
                name: actor.name,
                origin: actor.origin,
            },
            request_id,
            method,
            path,
            status,
            before,
            after,
        };
        if let Err(error) = self.store.record_audit(&entry).await {
            tracing::error!(
                request_id = entry.request_id,
                error = chain(&error),
                "an audit entry could not be stored"
            );
        }
    }

    /// Returns once the data plane was brought to what is stored, as far as that went.
    pub async fn started(&self) {
        let mut snapshots = self.snapshots.clone();
        // Err: the engine has ended, and there is nothing to wait for.
        drop(snapshots.wait_for(|now| !now.starting).await);
    }

    /// Lets the change under way finish and refuses further ones; event streams end. What is attached stays.
    pub fn shut_down(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// The last snapshot with what is told of the flow cache and of cards right now.
    fn now_in_step(&self) -> Arc<Snapshot> {
        let now = self.now();
        let (sync, hw_offload) = (self.sync.borrow(), self.hw_offload.borrow());
        if *now.sync == *sync && *now.hw_offload == *hw_offload {
            return now;
        }
        Arc::new(Snapshot {
            sync: Arc::new(sync.clone()),
            hw_offload: Arc::new(hw_offload.clone()),
            ..(*now).clone()
        })
    }

    pub(crate) async fn change<T>(
        &self,
        actor: &Actor,
        request: impl FnOnce(Reply<T>) -> ChangeRequest,
    ) -> Result<T, ControlError> {
        self.refuse_volatile(actor)?;
        let (reply, answer) = oneshot::channel();
        let command = Command {
            actor: actor.clone(),
            change: request(reply),
        };
        let gone = |_| ControlError::ShuttingDown;
        self.commands
            .send(command)
            .await
            .map_err(|_| ControlError::ShuttingDown)?;
        answer.await.map_err(gone)?
    }

    async fn status(&self, feature: Feature, now: &Snapshot) -> Result<FeatureStatus, ControlError> {
        let flows = self.flow_summary();
        let counters = counters::read(feature, now, &self.plane, &self.store, flows).await?;
        Ok(now.status(feature, counters))
    }

    async fn with_hits(&self, entries: Vec<StoredEntry>) -> Result<Vec<ListedEntry>, ControlError> {
        let rows: Vec<u32> = entries.iter().filter_map(|stored| stored.counter).collect();
        let hits = if rows.is_empty() || self.plane.missing().is_some() {
            Vec::new()
        } else {
            self.plane
                .call(move |datapath| datapath.address_hits(&rows))
                .await?
        };
        let mut hits = hits.into_iter();
        let listed = entries.into_iter().map(|StoredEntry { entry, counter }| {
            let hits: Option<HitCounter> = counter.and_then(|_| hits.next());
            ListedEntry { entry, hits }
        });
        Ok(listed.collect())
    }
}
