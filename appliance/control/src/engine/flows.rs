//! What control tells whoever follows connections, and what it hears of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ravelin_compile::Judge;
use ravelin_model::{
    Event, Feature, FlowSettings, HwOffloadStatus, LiveFlows, Revision, SyncState, SyncStatus, chain,
};
use tokio::sync::watch;
use tokio::time::timeout;

use super::Engine;
use super::policy::LivePolicy;
use crate::live_connections::{LiveConnections, LiveReport};
use crate::settings::Settings;
use crate::snapshot::Snapshot;

/// Longest wait at a start for the connections there are. A cold reading of 250,000 takes less than a second.
const SEEDING: Duration = Duration::from_secs(5);

/// Longest wait for live connections to be judged: 100,000 take less than a second.
const JUDGING: Duration = Duration::from_secs(30);

/// Whoever follows connections.
#[derive(Debug)]
pub(crate) struct Flows {
    pub(crate) settings: watch::Sender<FlowSettings>,
    pub(crate) judge: watch::Sender<Option<Arc<Judge>>>,
    pub(crate) sync: watch::Receiver<SyncStatus>,
    pub(crate) hw_offload: watch::Receiver<HwOffloadStatus>,
    pub(crate) live: Option<Arc<dyn LiveConnections>>,
}

impl Flows {
    /// Says what is to be done, where it is something else than before.
    pub(super) fn tell_settings(&self, settings: &Settings) {
        let wanted = settings.flows();
        self.settings.send_if_modified(|told| {
            let changed = *told != wanted;
            *told = wanted;
            changed
        });
    }

    /// Says what judges connections, where it is something else than before. None: no policy is enforced.
    pub(super) fn tell_judge(&self, judge: Option<&Arc<Judge>>) {
        self.judge.send_if_modified(|told| {
            let same = match (&*told, judge) {
                (Some(told), Some(judge)) => Arc::ptr_eq(told, judge),
                (told, judge) => told.is_none() && judge.is_none(),
            };
            *told = judge.cloned();
            !same
        });
    }

    /// Has XDP learn the way of every connection again.
    pub(super) fn forget_paths(&self) {
        if let Some(live) = &self.live {
            live.forget_paths();
        }
    }

    /// Where the flow cache stands to conntrack.
    pub(super) fn status(&self) -> SyncStatus {
        self.sync.borrow().clone()
    }
}

impl Engine {
    /// Tells what judges connections. Where nobody knows what the back-ends hold, what was told stays.
    pub(super) fn tell_judge(&self) {
        if let Some(live) = &self.live.policy {
            self.flows.tell_judge(live.judge());
        }
    }

    /// Whether other packets may pass than by what was enforced before.
    pub(super) fn enforces_other_than(&self, before: Option<&LivePolicy>) -> bool {
        let ruleset = |live: &LivePolicy| live.judge().map(|judge| Arc::clone(judge.ruleset()));
        match (before.map(ruleset), self.live.policy.as_deref().map(ruleset)) {
            (Some(Some(before)), Some(Some(now))) => !Arc::ptr_eq(&before, &now),
            (Some(None), Some(None)) => false,
            _ => true,
        }
    }

    /// Has live connections judged by what is enforced now, and those it does not allow ended.
    pub(super) async fn cut_denied(&self, revision: Revision) -> LiveReport {
        let judge = self.live.policy.as_ref().and_then(|live| live.judge().cloned());
        let report = self.judge_live(judge, true).await;
        match &report {
            LiveReport::NotJudged => {}
            LiveReport::Judged(flows) => {
                let took = flows.duration;
                self.note(|figures| {
                    figures.judgements.0 += 1;
                    figures.judgements.1 += took;
                    figures.cut_connections += flows.cut;
                });
                tracing::info!(
                    revision = revision.0,
                    kept = flows.kept,
                    cut = flows.cut,
                    unjudged = flows.unjudged,
                    duration_ms = took.as_millis(),
                    "live connections were judged by the policy"
                );
            }
            LiveReport::Failed(problem) => {
                self.note(|figures| figures.failed_judgements += 1);
                tracing::error!(
                    revision = revision.0,
                    problem,
                    "live connections could not be judged; those the policy no longer allows go on"
                );
            }
        }
        if report != LiveReport::NotJudged {
            self.hub.publish(live_flows_judged(revision, &report));
        }
        report
    }

    /// Has live connections judged. `cut`: ends those that are not allowed. No policy: all are.
    pub(super) async fn judge_live(&self, judge: Option<Arc<Judge>>, cut: bool) -> LiveReport {
        let Some(live) = &self.flows.live else {
            return LiveReport::NotJudged;
        };
        match timeout(JUDGING, live.judge(judge, cut)).await {
            Ok(Ok(flows)) => LiveReport::Judged(flows),
            Ok(Err(problem)) => LiveReport::Failed(problem),
            Err(_) => LiveReport::Failed(format!("it took longer than {} seconds", JUDGING.as_secs())),
        }
    }

    /// Waits until the cache has the connections there are, or cannot have them, before packets come to the programs.
    /// Nothing is lost where that takes too long: what is not in the cache goes the slow way.
    pub(super) async fn await_seeding(&self) {
        if !self.now().settings.get(Feature::ConntrackSync).enabled {
            return;
        }
        let mut sync = self.flows.sync.clone();
        let settled =
            sync.wait_for(|sync| matches!(sync.state, SyncState::Synced | SyncState::Unavailable(_)));
        // Ok(Err): nobody keeps the cache.
        if timeout(SEEDING, settled).await.is_err() {
            tracing::warn!(
                seconds = SEEDING.as_secs(),
                "conntrack is not read yet; the programs are attached without waiting longer"
            );
        }
    }

    /// Asks nftables once whether it could forward by a flowtable.
    pub(super) async fn ask_for_flowtables(&mut self) {
        if self.filter.missing().is_some() {
            return;
        }
        match self.filter.call(|filter| filter.has_flowtables()).await {
            Ok(has) => self.has_flowtables = has,
            Err(error) => tracing::warn!(
                error = chain(&error),
                "nftables does not say whether the kernel has flowtables; none is used"
            ),
        }
    }

    /// Interfaces whose known connections nftables is to forward, because XDP does not: where frames cannot be
    /// redirected to them, or where there is no flow cache. None: it is not to, or cannot.
    pub(super) fn flowtable(&self, next: &Snapshot) -> Option<BTreeSet<String>> {
        if !self.has_flowtables || !next.settings.get(Feature::FlowOffload).enabled {
            return None;
        }
        let without_xdp = |name: &str| match &next.sync.state {
            _ if self.plane.missing().is_some() => true,
            SyncState::Unavailable(_) => true,
            SyncState::Off | SyncState::Seeding => false,
            SyncState::Synced | SyncState::Resyncing => {
                let mut ports = next.sync.ports.iter();
                ports.any(|port| port.interface == name && port.problem.is_some())
            }
        };
        let links = self.known_links.values().filter(|link| !link.loopback);
        let names = links.map(|link| link.name.clone());
        Some(names.filter(|name| without_xdp(name)).collect())
    }

    /// Shows where the flow cache stands where that changes the state of a feature.
    pub(crate) async fn follow_sync(&mut self) {
        let sync = self.flows.status();
        let now = self.now();
        let shown = |sync: &SyncStatus| (sync.state.clone(), sync.synced_at, sync.ports.clone());
        if shown(&now.sync) == shown(&sync) {
            return;
        }
        let mut next = Snapshot {
            sync: Arc::new(sync),
            ..(*now).clone()
        };
        if !next.starting && self.flowtable(&next) != self.flowtable(&now) {
            self.refresh_policy(&mut next).await;
        }
        self.publish_state(next).await;
    }
}

impl Engine {
    /// Shows how forwarding by cards stands where that changes the state of a feature.
    pub(crate) async fn follow_hw_offload(&mut self) {
        let status = self.flows.hw_offload.borrow().clone();
        let now = self.now();
        let shown = |status: &HwOffloadStatus| {
            let ports = status.ports.iter();
            let ports = ports.map(|port| (port.interface.clone(), port.problem.clone()));
            (ports.collect::<Vec<_>>(), status.problem.clone())
        };
        if shown(&now.hw_offload) != shown(&status) {
            let next = Snapshot {
                hw_offload: Arc::new(status),
                ..(*now).clone()
            };
            self.publish_state(next).await;
        }
    }
}

fn live_flows_judged(revision: Revision, report: &LiveReport) -> Event {
    let (flows, problem) = match report {
        LiveReport::NotJudged => (LiveFlows::default(), None),
        LiveReport::Judged(flows) => (flows.clone(), None),
        LiveReport::Failed(problem) => (LiveFlows::default(), Some(problem.clone())),
    };
    Event::LiveFlowsJudged {
        revision,
        kept: flows.kept,
        cut: flows.cut,
        unjudged: flows.unjudged,
        problem,
    }
}
