//! The state behind the task, and the one way a change takes.

mod cards;
mod commit;
mod diagnostics;
mod expiry;
mod features;
mod flows;
mod lists;
mod live;
mod loading;
mod network;
mod open;
mod policy;
mod ports;
mod reconcile;
mod source;
mod tuning;

pub(crate) use flows::Flows;
pub(crate) use lists::feature_reference;
pub(crate) use network::NetworkParts;
pub(crate) use open::{EngineParts, PolicyConfig};

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ravelin_datapath::{AttachTarget, FlowTimeouts, HitCounter};
use ravelin_model::{Event, Feature, FeatureState, List, ListId, Revision, chain};
use ravelin_store::{Author, Change, Store};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::stored;
use crate::hit_rows::RowChange;
use crate::packet_filter::Filter;
use crate::plane::Plane;
use crate::policy_counters::{PolicyCounters, Totals};
use crate::snapshot::Snapshot;
use crate::stream::Hub;
use crate::{Actor, Applied, CommitStep, ControlError, Diagnostic, LiveReport, PolicyView};

use cards::{CardKeeper, CardWork};
use diagnostics::found;

use live::Live;
use network::{NetworkKeeper, NetworkWork};
use policy::{CounterChange, LivePolicy, Steps};
use ports::KnownLinks;
use source::Source;

/// Owns what is wanted and what is loaded.
#[derive(Debug)]
pub(crate) struct Engine {
    store: Store,
    plane: Plane,
    hub: Hub,
    known_links: KnownLinks,
    flow_timeouts: watch::Sender<FlowTimeouts>,
    flows: Flows,
    published: watch::Sender<Arc<Snapshot>>,
    live: Live,
    /// Putting the old state back failed, so nobody knows what the data plane holds.
    unsure: bool,
    next_expiry: Option<OffsetDateTime>,
    filter: Filter,
    card_keeper: CardKeeper,
    network: NetworkKeeper,
    /// nftables could forward by a flowtable.
    has_flowtables: bool,
    counters: PolicyCounters,
    policy_config: PolicyConfig,
    policy_counter_capacity: usize,
    /// Of the commit under way.
    steps: Steps,
    figures: Arc<Mutex<Figures>>,
    /// The commit that waits to be confirmed, and when it is taken back by [`Clock::steady`]: clocks that are set right
    /// while it waits neither end nor prolong it.
    take_back_at: Option<(Revision, time::Duration)>,
}

/// What the engine did so far, for the metrics.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) compilations: (u64, Duration),
    pub(crate) commits: (u64, Duration),
    pub(crate) last_commit: Duration,
    pub(crate) failed_commits: u64,
    /// Of all live connections, and the time they took together.
    pub(crate) judgements: (u64, Duration),
    pub(crate) failed_judgements: u64,
    /// Connections the policy ended.
    pub(crate) cut_connections: u64,
}

/// What a change does beside the settings.
#[derive(Debug, Default)]
struct Work {
    /// Lists whose entries changed.
    touched: BTreeSet<ListId>,
    /// Hit counters that change hands.
    rows: Vec<Handover>,
    /// Interfaces to be attached anew, and what they were before.
    attach: Vec<(AttachTarget, AttachTarget)>,
    /// The change is a commit of the policy.
    policy: Option<PolicyWork>,
}

/// What a commit of the policy does.
#[derive(Debug)]
struct PolicyWork {
    /// None: the back-ends have it already.
    compiled: Option<Arc<LivePolicy>>,
    counters: CounterChange,
    /// Network cards it is about.
    cards: Vec<CardWork>,
    network: NetworkWork,
    /// Finds out what there is to say about the policy.
    diagnosing: Option<JoinHandle<Vec<Diagnostic>>>,
}

/// Hit counters of a list that change hands.
#[derive(Debug)]
struct Handover {
    list: ListId,
    number: u32,
    change: RowChange,
}

impl Handover {
    fn new(list: &List, change: RowChange) -> Self {
        Self {
            list: list.id.clone(),
            number: list.number,
            change,
        }
    }
}

impl Work {
    /// Entries of one list changed.
    fn on_list(list: &List, change: RowChange) -> Self {
        Self {
            touched: [list.id.clone()].into(),
            rows: vec![Handover::new(list, change)],
            ..Self::default()
        }
    }
}

/// What rows that change hands had counted, by list.
type FreedHits = Vec<(ListId, HitCounter)>;

impl Engine {
    /// Notes something for the metrics.
    fn note(&self, what: impl FnOnce(&mut Figures)) {
        what(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.published.borrow())
    }

    async fn begin(&self, actor: &Actor, summary: String) -> Result<Change, ControlError> {
        let Actor { name, origin } = actor.clone();
        self.store
            .change(&Author { name, origin }, &summary, self.policy_config.clock.now())
            .await
            .map_err(stored)
    }

    /// Brings the data plane to `next`, then stores, then publishes. The data plane goes first because it is the
    /// one that refuses (a map too small, a program gone); a crash before the store has the change heals at boot,
    /// which loads what is stored. A failing step leaves the old state in both. Live connections come last: the ones
    /// the new state does not allow are ended once nothing can let them begin again.
    async fn finish(
        &mut self,
        mut change: Change,
        mut next: Snapshot,
        work: Work,
    ) -> Result<Applied<Arc<Snapshot>>, ControlError> {
        let before = self.live.clone();
        // Nobody reads the policy's counters while they may change hands.
        let counters = self.counters.clone();
        let mut totals = counters.hold().await;
        if self.filter_goes_with(&work) {
            self.read_last(&mut totals).await;
        }
        let applied = self
            .apply(&mut Source::Change(&mut change), &mut next, &work)
            .await;
        // After the policy that judges what comes by it.
        let applied = match (applied, &work.policy) {
            (Ok(freed), Some(commit)) => self.set_network(&commit.network, &next).await.map(|()| freed),
            (applied, _) => applied,
        };
        let outcome = match applied {
            Ok(freed) => {
                let storing = Instant::now();
                let committed = change.commit().await;
                self.steps.took(CommitStep::Store, storing);
                committed
                    .map(|revision| (revision, freed))
                    .map_err(|error| match work.policy {
                        None => stored(error),
                        Some(_) => ControlError::CommitFailed {
                            step: CommitStep::Store,
                            source: Box::new(stored(error)),
                        },
                    })
            }
            Err(error) => {
                drop(change);
                Err(error)
            }
        };
        match outcome {
            Ok((revision, freed)) => {
                self.settle(&mut next, &work, freed);
                self.keep_network();
                let is_commit = work.policy.is_some();
                if let Some(commit) = &work.policy {
                    self.forget_originals(&commit.cards, &next.policy.policy).await;
                }
                if let Some(PolicyWork {
                    counters, diagnosing, ..
                }) = work.policy
                {
                    totals.start(&counters.fresh);
                    totals.set_known(&next.policy.policy);
                    if let Some(diagnosing) = diagnosing {
                        Arc::make_mut(&mut next.policy).diagnostics = found(diagnosing).await;
                    }
                }
                drop(totals);
                let value = self.publish(next, revision).await;
                let live_flows = if is_commit || self.enforces_other_than(before.policy.as_deref()) {
                    let judging = Instant::now();
                    let report = self.cut_denied(revision).await;
                    self.steps.took(CommitStep::Judge, judging);
                    report
                } else {
                    LiveReport::NotJudged
                };
                Ok(Applied { value, live_flows })
            }
            Err(error) => {
                self.restore(before, &work).await;
                Err(error)
            }
        }
    }

    /// Hands the hit counters over once the change is stored.
    fn settle(&mut self, next: &mut Snapshot, work: &Work, freed: FreedHits) {
        for Handover { number, change, .. } in &work.rows {
            Arc::make_mut(&mut next.rows).apply(*number, change);
        }
        for (list, hits) in freed {
            Arc::make_mut(&mut self.live.retired).add_list(&list, hits);
        }
    }

    /// Shows the new state to everybody and tells what changed of the features.
    async fn publish(&mut self, mut next: Snapshot, revision: Revision) -> Arc<Snapshot> {
        next.revision = revision;
        if next.policy.enforced != next.enforced.is_some() {
            Arc::make_mut(&mut next.policy).enforced = next.enforced.is_some();
        }
        let applied = self.settings_states(&next);
        if *next.policy.applied != applied {
            self.tell_applied(&next.policy, &applied);
            Arc::make_mut(&mut next.policy).applied = Arc::new(applied);
        }
        let network = self.network.state();
        if *next.network != network {
            next.network = Arc::new(network);
        }
        next.retired = Arc::clone(&self.live.retired);
        let before = self.now();
        let next = Arc::new(next);
        self.tell_judge();
        self.published.send_replace(Arc::clone(&next));
        if before.settings.flow_timeouts() != next.settings.flow_timeouts() {
            self.flow_timeouts.send_replace(next.settings.flow_timeouts());
        }
        self.flows.tell_settings(&next.settings);
        for feature in Feature::ALL {
            self.tell(feature, &before, &next);
        }
        let shown = |view: &PolicyView| (view.revision, view.enforced, view.unconfirmed);
        if shown(&before.policy) != shown(&next.policy) {
            self.hub.publish(Event::PolicyChanged {
                revision: next.policy.revision,
                enforced: next.policy.enforced,
                confirm_until: next.policy.unconfirmed.map(|unconfirmed| unconfirmed.until),
            });
        }
        self.schedule_expiry().await;
        next
    }

    /// Adds up what the table of nftables counted before it goes. What cannot be read is lost and holds up nothing.
    async fn read_last(&self, totals: &mut Totals) {
        let now = self.policy_config.clock.now();
        if let Err(error) = self.counters.read(totals, now).await {
            tracing::warn!(
                error = chain(&error),
                "hit counters of the policy could not be read"
            );
        }
    }

    /// Reads what lines of the policy counted.
    pub(crate) async fn read_counters(&self) {
        let now = self.policy_config.clock.now();
        if let Err(error) = self.counters.refresh(now).await {
            tracing::warn!(
                error = chain(&error),
                "hit counters of the policy could not be read"
            );
        }
    }

    /// Stores what lines of the policy counted.
    pub(crate) async fn save_counters(&self) {
        let now = self.policy_config.clock.now();
        if let Err(error) = self.counters.save(&self.store, now).await {
            tracing::warn!(
                error = chain(&error),
                "hit counters of the policy could not be stored"
            );
        }
    }

    /// Publishes outside of a change: what is wanted stays as it is.
    async fn publish_state(&mut self, next: Snapshot) {
        let revision = next.revision;
        self.publish(next, revision).await;
    }

    fn tell(&self, feature: Feature, before: &Snapshot, next: &Snapshot) {
        let (state, reason) = next.state(feature);
        if before.settings.get(feature) == next.settings.get(feature)
            && before.state(feature) == (state, reason.clone())
        {
            return;
        }
        let setting = next.settings.get(feature);
        let (feature_name, revision) = (feature.name(), setting.revision.0);
        match state {
            FeatureState::Degraded | FeatureState::Failed => tracing::warn!(
                feature = feature_name,
                state = ?state,
                reason = reason.unwrap_or_default(),
                "feature is not fully at work"
            ),
            FeatureState::Disabled | FeatureState::Starting | FeatureState::Active => {
                tracing::info!(feature = feature_name, state = ?state, revision, "feature changed");
            }
        }
        self.hub.publish(Event::FeatureChanged {
            feature,
            enabled: setting.enabled,
            state,
            revision: setting.revision,
        });
    }

    /// Stores what counters counted, and ends the event streams; nothing else is held that a drop would not end.
    pub(crate) async fn close(&self) {
        self.save_counters().await;
        self.hub.close();
    }
}
