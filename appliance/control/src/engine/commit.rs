//! Commits: operations on the policy, restoring an earlier one, confirming, and taking back what was not confirmed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_compile::{PolicyPacket, Ruleset};
use ravelin_model::{
    Action, InterfaceSettingsSpec, ListId, ListKind, Policy, Revision, ZoneNumber, chain, protocol,
};
use ravelin_store::{StoreError, Unconfirmed as StoredUnconfirmed};
use time::OffsetDateTime;

use super::cards::{settings_in, settings_of};
use super::diagnostics::found;
use super::loading::compile;
use super::policy::{CounterChange, Steps, failed};
use super::{Engine, PolicyWork, Source, Work};
use crate::error::stored;
use crate::policy::{Draft, Ground, apply_operations, differences, restored, writes};
use crate::snapshot::Snapshot;
use crate::{
    Actor, Applied, CallerConnection, CommitOptions, CommitStep, Committed, ControlError, Diagnostic,
    LiveReport, ObjectChange, OperationResult, PolicyOperation, PolicyView, Refusal, Unconfirmed,
};

/// Wait before taking back is tried again.
const RETRY: time::Duration = time::Duration::seconds(5);

/// What a commit is for.
struct Intention {
    /// One sentence.
    summary: String,
    /// What it may say of interfaces.
    settings: Vec<InterfaceSettingsSpec>,
    /// The old policy returns, which may end what waits to be confirmed.
    back: bool,
}

/// A policy to commit.
struct Proposal {
    policy: Policy,
    results: Vec<OperationResult>,
    /// It is at this revision that the objects say they changed.
    revision: Revision,
    at: OffsetDateTime,
    change: Option<ravelin_store::Change>,
}

impl Engine {
    /// Applies operations and commits what comes of them.
    pub(crate) async fn commit_policy(
        &mut self,
        operations: Vec<PolicyOperation>,
        options: CommitOptions,
        actor: &Actor,
    ) -> Result<Committed, ControlError> {
        let intention = Intention {
            summary: summary_of(&operations),
            settings: settings_in(&operations),
            back: false,
        };
        let draft = move |ground: &Ground<'_>| {
            let Draft { policy, results } = apply_operations(ground, operations)?;
            Ok((policy, results))
        };
        self.commit(&intention, options, actor, draft).await
    }

    /// Commits the policy of an earlier revision.
    pub(crate) async fn restore_policy(
        &mut self,
        revision: Revision,
        options: CommitOptions,
        actor: &Actor,
    ) -> Result<Committed, ControlError> {
        let past = self.policy_at(revision).await?;
        let intention = Intention {
            summary: format!("restore the policy of revision {}", revision.0),
            settings: settings_of(&past),
            back: false,
        };
        let draft = move |ground: &Ground<'_>| Ok((restored(ground, &past)?, Vec::new()));
        self.commit(&intention, options, actor, draft).await
    }

    async fn policy_at(&self, revision: Revision) -> Result<Policy, ControlError> {
        if revision > self.now().revision {
            return Err(ControlError::UnknownRevision(revision));
        }
        let past = self.store.policy_at(revision).await.map_err(stored)?;
        past.map(|past| past.policy)
            .ok_or(ControlError::UnknownRevision(revision))
    }

    /// Drafts, checks, compiles, stages, loads, stores.
    async fn commit(
        &mut self,
        intention: &Intention,
        options: CommitOptions,
        actor: &Actor,
        draft: impl FnOnce(&Ground<'_>) -> Result<(Policy, Vec<OperationResult>), Vec<Refusal>> + Send + 'static,
    ) -> Result<Committed, ControlError> {
        let started = Instant::now();
        self.steps = Steps::default();
        let outcome = self.try_commit(intention, &options, actor, draft, started).await;
        match &outcome {
            Ok(committed) if !options.dry_run => {
                let took = started.elapsed();
                self.note(|figures| {
                    figures.commits.0 += 1;
                    figures.commits.1 += took;
                    figures.last_commit = took;
                });
                let steps = committed.steps.iter();
                let steps: Vec<String> = steps
                    .map(|(step, took)| format!("{} {:.1}", step.name(), took.as_secs_f64() * 1e3))
                    .collect();
                tracing::info!(
                    revision = committed.revision.0,
                    operations = committed.results.len(),
                    changes = committed.changes.len(),
                    total_ms = took.as_millis(),
                    steps_ms = steps.join(", "),
                    "the policy was committed"
                );
            }
            Err(ControlError::CommitFailed { .. }) => self.note(|figures| figures.failed_commits += 1),
            _ => {}
        }
        outcome
    }

    async fn try_commit(
        &mut self,
        intention: &Intention,
        options: &CommitOptions,
        actor: &Actor,
        draft: impl FnOnce(&Ground<'_>) -> Result<(Policy, Vec<OperationResult>), Vec<Refusal>> + Send + 'static,
        started: Instant,
    ) -> Result<Committed, ControlError> {
        let now = self.now();
        let back = intention.back;
        if let Some(Unconfirmed { revision, until, .. }) = now.policy.unconfirmed
            && !options.dry_run
            && !back
        {
            return Err(ControlError::AwaitsConfirmation { revision, until });
        }
        if !options.dry_run {
            // Before the change begins: it holds the store's one writer.
            match self.remember_originals(&intention.settings).await {
                Err(error) if back => tracing::warn!(
                    error = chain(&error),
                    "what a card is set to could not be remembered"
                ),
                remembered => remembered.map_err(failed(CommitStep::Hardware))?,
            }
        }
        let at = to_microseconds(self.policy_config.clock.now());
        let lists = self.list_kinds().await?;
        let change = if options.dry_run {
            None
        } else {
            Some(self.begin(actor, intention.summary.clone()).await?)
        };
        let revision = match &change {
            Some(change) => change.revision(),
            None => Revision(now.revision.0 + 1),
        };
        let (policy, results) = self.draft(&now, lists, revision, at, draft).await?;
        let changes = {
            let (before, after) = (Arc::clone(&now.policy.policy), policy.clone());
            compile(move || differences(&before, &after)).await
        };
        self.steps.took(CommitStep::Validate, started);
        if changes.is_empty() && !back {
            return Ok(Committed {
                revision: now.policy.revision,
                results,
                changes,
                diagnostics: Arc::clone(&now.policy.diagnostics),
                policy: Arc::clone(&now.policy),
                steps: std::mem::take(&mut self.steps.0),
                live_flows: LiveReport::NotJudged,
            });
        }
        let proposal = Proposal {
            policy,
            results,
            revision,
            at,
            change,
        };
        self.commit_proposal(proposal, changes, options, back).await
    }

    async fn draft<T: Send + 'static>(
        &self,
        now: &Snapshot,
        lists: BTreeMap<ListId, ListKind>,
        revision: Revision,
        at: OffsetDateTime,
        draft: impl FnOnce(&Ground<'_>) -> Result<T, Vec<Refusal>> + Send + 'static,
    ) -> Result<T, ControlError> {
        let view = Arc::clone(&now.policy);
        let counter_limit = self.counter_limit();
        let drafted = compile(move || {
            draft(&Ground {
                policy: &view.policy,
                revision: view.revision,
                lists: &lists,
                counter_limit,
                next_revision: revision,
                at,
            })
        })
        .await;
        drafted.map_err(|refusals| ControlError::PolicyRefused { refusals })
    }

    async fn commit_proposal(
        &mut self,
        proposal: Proposal,
        changes: Vec<ObjectChange>,
        options: &CommitOptions,
        back: bool,
    ) -> Result<Committed, ControlError> {
        let Proposal {
            policy,
            results,
            revision,
            at,
            change,
        } = proposal;
        let now = self.now();
        let waits_since = self.policy_config.clock.steady();
        let unconfirmed = options.confirm_within.map(|within| Unconfirmed {
            revision,
            previous: now.policy.revision,
            until: at + within,
        });
        let before = Arc::clone(&now.policy.policy);
        let cards = self.card_work(&changes, &results, &policy, back).await?;
        let network = self.network_work(&policy, back);
        let mut next = (*now).clone();
        next.policy = Arc::new(PolicyView {
            policy: Arc::new(policy),
            revision,
            enforced: now.policy.enforced,
            problems: now.policy.problems.clone(),
            unconfirmed,
            diagnostics: Arc::clone(&now.policy.diagnostics),
            applied: Arc::clone(&now.policy.applied),
        });
        let store = self.store.clone();
        let mut change = change;
        let mut source = match &mut change {
            Some(change) => Source::Change(change),
            None => Source::Store(&store),
        };
        let compiled = self.compile_policy(&mut source, &next, &BTreeSet::new()).await?;
        let ruleset = match &compiled {
            Some(compiled) => compiled.enforced().map(|enforced| Arc::clone(&enforced.ruleset)),
            None => next
                .enforced
                .as_ref()
                .map(|enforced| Arc::clone(&enforced.ruleset)),
        };
        if let (Some(ruleset), Some(caller), None) = (&ruleset, options.caller, options.confirm_within) {
            self.refuse_lock_out(ruleset, &caller)?;
        }
        if let (Some(caller), None) = (&options.caller, options.confirm_within) {
            self.refuse_lost_address(&next.policy.policy, caller)?;
        }
        let diagnosing = self.diagnosing(&next, &mut source).await?;
        let Some(mut change) = change else {
            let judging = Instant::now();
            let judge = match &compiled {
                Some(compiled) => compiled.judge(),
                None => self.live.policy.as_ref().and_then(|live| live.judge()),
            };
            let live_flows = self.judge_live(judge.cloned(), false).await;
            self.steps.took(CommitStep::Judge, judging);
            let mut foretold = self.foretell_cards(&cards, &changes, &next.policy.policy).await?;
            foretold.extend(self.foretell_network(&changes, &next.policy.policy));
            let found = found(diagnosing).await;
            let diagnostics: Arc<[Diagnostic]> = found.iter().cloned().chain(foretold).collect();
            let view = Arc::make_mut(&mut next.policy);
            view.diagnostics = Arc::clone(&diagnostics);
            view.enforced = ruleset.is_some();
            view.unconfirmed = now.policy.unconfirmed;
            return Ok(Committed {
                revision: now.policy.revision,
                results,
                changes,
                diagnostics,
                policy: next.policy,
                steps: std::mem::take(&mut self.steps.0),
                live_flows,
            });
        };
        let staging = Instant::now();
        let (writes, positions) = {
            let (changes, before, after) = (changes.clone(), before, Arc::clone(&next.policy.policy));
            let positions = Arc::clone(&now.positions);
            compile(move || writes(&changes, &before, &after, &positions)).await
        };
        next.positions = Arc::new(positions);
        let staged = stage(&mut change, &writes, unconfirmed, back).await;
        staged.map_err(|source| ControlError::CommitFailed {
            step: CommitStep::Stage,
            source: Box::new(stored(source)),
        })?;
        self.steps.took(CommitStep::Stage, staging);
        let rewired = network.changes();
        let work = Work {
            policy: Some(PolicyWork {
                compiled,
                counters: CounterChange::of(&changes),
                cards,
                network,
                diagnosing: Some(diagnosing),
            }),
            ..Work::default()
        };
        let Applied {
            value: next,
            live_flows,
        } = self.finish(change, next, work).await?;
        if let Some(within) = options.confirm_within {
            self.take_back_at = Some((revision, waits_since + within));
        }
        if rewired {
            // Links that were made are raised once programs sit on them.
            self.bring_network().await;
        }
        let now = self.now();
        Ok(Committed {
            revision,
            results,
            changes,
            diagnostics: Arc::clone(&next.policy.diagnostics),
            policy: Arc::clone(&now.policy),
            steps: std::mem::take(&mut self.steps.0),
            live_flows,
        })
    }

    /// Refuses where a new connection like the caller's would not be let in.
    fn refuse_lock_out(&self, ruleset: &Ruleset, caller: &CallerConnection) -> Result<(), ControlError> {
        let CallerConnection {
            peer,
            local_address,
            local_port,
        } = *caller;
        let source = peer.ip().to_canonical();
        if source.is_loopback() {
            return Ok(());
        }
        let own = |address| {
            self.known_links
                .values()
                .any(|link| link.addresses.iter().any(|own| own.addr() == address))
        };
        // From this box itself: it goes over the loopback.
        if own(source) {
            return Ok(());
        }
        let near = self.known_links.values().filter(|link| {
            link.addresses
                .iter()
                .any(|own| own.contains(&source) && own.addr().is_ipv4() == source.is_ipv4())
        });
        // By routes nobody knows here, it can come in wherever there is an interface.
        let mut indices: Vec<u32> = near.map(|link| link.index).collect();
        if indices.is_empty() {
            indices = self
                .known_links
                .values()
                .filter(|link| !link.loopback)
                .map(|link| link.index)
                .collect();
        }
        let mut refused = None;
        for index in indices {
            let Some(from) = ruleset.zone_of_interface.get(&index) else {
                continue;
            };
            let link = self.known_links.get(&index);
            let to = local_address.map(|address| address.to_canonical()).or_else(|| {
                let mut addresses = link?.addresses.iter().map(ipnet::IpNet::addr);
                addresses.find(|address| address.is_ipv4() == source.is_ipv4())
            });
            let decision = ruleset.evaluate(&PolicyPacket {
                from: *from,
                to: ZoneNumber::LOCAL,
                source,
                destination: to.unwrap_or(source),
                protocol: protocol::TCP,
                source_port: peer.port(),
                destination_port: local_port,
                icmp: (0, 0),
            });
            if decision.action == Action::Accept {
                return Ok(());
            }
            refused = Some(decision.origin);
        }
        let by = refused.unwrap_or(ravelin_compile::Origin::UnwrittenPair);
        Err(ControlError::WouldLockOut { by })
    }

    /// Keeps a commit that waits to be confirmed.
    pub(crate) async fn confirm(
        &mut self,
        revision: Revision,
        actor: &Actor,
    ) -> Result<Arc<PolicyView>, ControlError> {
        let now = self.now();
        if now
            .policy
            .unconfirmed
            .is_none_or(|unconfirmed| unconfirmed.revision != revision)
        {
            return Err(ControlError::NothingToConfirm(revision));
        }
        let mut change = self
            .begin(actor, format!("confirm revision {}", revision.0))
            .await?;
        change.set_unconfirmed(None).await.map_err(stored)?;
        let mut next = (*now).clone();
        Arc::make_mut(&mut next.policy).unconfirmed = None;
        let next = self.finish(change, next, Work::default()).await?.value;
        Ok(Arc::clone(&next.policy))
    }

    /// Takes back a commit nobody confirmed in time.
    pub(super) async fn take_back_overdue(&mut self) {
        let Some(unconfirmed) = self.now().policy.unconfirmed else {
            return;
        };
        if !self.time_to_confirm(unconfirmed).is_zero() {
            return;
        }
        tracing::warn!(
            revision = unconfirmed.revision.0,
            previous = unconfirmed.previous.0,
            "a commit was not confirmed in time; the policy before it returns"
        );
        if let Err(error) = self.take_back(unconfirmed).await {
            tracing::error!(
                error = chain(&error),
                "the policy before could not be brought back"
            );
            self.take_back_at = Some((unconfirmed.revision, self.policy_config.clock.steady() + RETRY));
        } else {
            self.take_back_at = None;
        }
    }

    /// Time left to confirm a commit.
    pub(super) fn time_to_confirm(&self, unconfirmed: Unconfirmed) -> Duration {
        match self.take_back_at {
            Some((revision, at)) if revision == unconfirmed.revision => {
                Duration::try_from(at - self.policy_config.clock.steady()).unwrap_or_default()
            }
            _ => Duration::ZERO,
        }
    }

    async fn take_back(&mut self, unconfirmed: Unconfirmed) -> Result<(), ControlError> {
        let past = self.policy_at(unconfirmed.previous).await?;
        let actor = Actor::engine();
        let intention = Intention {
            summary: format!(
                "take back revision {}, which was not confirmed",
                unconfirmed.revision.0
            ),
            settings: settings_of(&past),
            back: true,
        };
        let draft = move |ground: &Ground<'_>| Ok((restored(ground, &past)?, Vec::new()));
        self.commit(&intention, CommitOptions::default(), &actor, draft)
            .await?;
        Ok(())
    }

    async fn list_kinds(&self) -> Result<BTreeMap<ListId, ListKind>, ControlError> {
        let lists = self
            .store
            .lists(OffsetDateTime::now_utc())
            .await
            .map_err(stored)?;
        Ok(lists.into_iter().map(|list| (list.id, list.kind)).collect())
    }

    fn counter_limit(&self) -> u32 {
        let limit = if self.plane.missing().is_some() {
            ravelin_compile::fixed_counter::LIMIT as usize
        } else {
            self.policy_counter_capacity
        };
        u32::try_from(limit).unwrap_or(u32::MAX)
    }
}

async fn stage(
    change: &mut ravelin_store::Change,
    writes: &[ravelin_store::PolicyWrite],
    unconfirmed: Option<Unconfirmed>,
    back: bool,
) -> Result<(), StoreError> {
    change.write_policy(writes).await?;
    if unconfirmed.is_some() || back {
        let stored = unconfirmed.map(|unconfirmed| StoredUnconfirmed {
            revision: unconfirmed.revision,
            previous: unconfirmed.previous,
            until: unconfirmed.until,
        });
        change.set_unconfirmed(stored).await?;
    }
    Ok(())
}

/// What the store keeps of a time.
fn to_microseconds(at: OffsetDateTime) -> OffsetDateTime {
    at - time::Duration::nanoseconds(i64::from(at.nanosecond() % 1000))
}

/// One sentence for people.
fn summary_of(operations: &[PolicyOperation]) -> String {
    match operations {
        [operation] => sentence(operation),
        operations => format!("{} changes to the policy", operations.len()),
    }
}

fn sentence(operation: &PolicyOperation) -> String {
    use crate::Operation;
    fn of<S: ravelin_model::Kind>(operation: &Operation<S>) -> String {
        let kind = S::NAME.replace('_', " ");
        match operation {
            // In the plural.
            Operation::Create { id: None, .. } if kind.ends_with('s') => format!("create {kind}"),
            Operation::Create { id: None, .. } => format!("create a {kind}"),
            Operation::Create { id: Some(id), .. } => format!("create {kind} '{id}'"),
            Operation::Replace { id, .. } => format!("change {kind} '{id}'"),
            Operation::Delete { id, .. } => format!("delete {kind} '{id}'"),
        }
    }
    match operation {
        PolicyOperation::Zone(operation) => of(operation),
        PolicyOperation::ZonePair(operation) => of(operation),
        PolicyOperation::Rule(operation) => of(operation),
        PolicyOperation::Service(operation) => of(operation),
        PolicyOperation::NatRule(operation) => of(operation),
        PolicyOperation::PublishedService(operation) => of(operation),
        PolicyOperation::InterfaceSettings(operation) => of(operation),
        PolicyOperation::Route(operation) => of(operation),
        PolicyOperation::PolicyRoute(operation) => of(operation),
        PolicyOperation::DnsServer(operation) => of(operation),
        PolicyOperation::CreateRuleAt { .. } => "create a rule".to_owned(),
        PolicyOperation::CreateNatRuleAt { .. } => "create a nat rule".to_owned(),
        PolicyOperation::MoveRule { id, .. } => format!("move rule '{id}'"),
        PolicyOperation::MoveNatRule { id, .. } => format!("move nat rule '{id}'"),
        PolicyOperation::OrderRules { .. } => "put the rules in order".to_owned(),
        PolicyOperation::OrderNatRules { .. } => "put the nat rules in order".to_owned(),
    }
}
