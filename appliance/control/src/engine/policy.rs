//! The policy on its way into both back-ends: resolved, compiled, loaded. Only what changed is made anew.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_compile::{
    AddressSet, CounterId, Inventory, InventoryInterface, Judge, ListAddresses, Lists, NftRuleset,
    NftSettings, Origin, PolicyImages, Ruleset, fixed_counter,
};
use ravelin_model::{
    Action, AnyObject, EntryValue, Feature, Hook, LOCAL_ZONE, ListId, Policy, Revision, VerdictLine, chain,
};
use time::OffsetDateTime;

use super::loading::compile;
use super::{Engine, Source, Work};
use crate::clock::Now;
use crate::config::{Enforce, LOG_GROUP};
use crate::policy::lists_of;
use crate::snapshot::{Enforced, Snapshot};
use crate::{CommitStep, ControlError, ObjectChange};

/// A step of the wall clock after which schedules are looked at anew.
const CLOCK_STEP: time::Duration = time::Duration::SECOND;

/// The policy as the back-ends have it, and what it was made from.
#[derive(Debug)]
pub(super) struct LivePolicy {
    policy: Arc<Policy>,
    revision: Revision,
    inventory: Arc<Inventory>,
    lists: Arc<Lists>,
    /// When schedules were looked at.
    clock: Now,
    next_change: Option<OffsetDateTime>,
    /// None: it is not enforced.
    force: Option<Force>,
}

/// What enforces it.
#[derive(Debug)]
struct Force {
    enforced: Arc<Enforced>,
    settings: NftSettings,
    nft: Arc<NftRuleset>,
    /// None: nftables does it alone.
    images: Option<Arc<PolicyImages>>,
    /// The same for connections that live already.
    judge: Arc<Judge>,
}

/// Counters that change hands in a commit.
#[derive(Debug, Default)]
pub(super) struct CounterChange {
    /// Come to new objects.
    pub(super) fresh: Vec<CounterId>,
}

impl CounterChange {
    /// Of the changes to objects.
    pub(super) fn of(changes: &[ObjectChange]) -> Self {
        let number = |object: &Option<AnyObject>| object.as_ref().map(AnyObject::number);
        let counted = changes.iter().filter(|change| change.kind.has_counter());
        Self {
            fresh: counted
                .filter(|change| number(&change.before) != number(&change.after))
                .filter_map(|change| number(&change.after))
                .collect(),
        }
    }
}

/// How long the steps of a commit took.
#[derive(Debug, Default)]
pub(crate) struct Steps(pub(crate) Vec<(CommitStep, Duration)>);

impl Steps {
    pub(super) fn took(&mut self, step: CommitStep, since: Instant) {
        self.0.push((step, since.elapsed()));
    }
}

/// A failure named by its step.
fn failed(step: CommitStep) -> impl Fn(ControlError) -> ControlError {
    move |source| ControlError::CommitFailed {
        step,
        source: Box::new(source),
    }
}

impl Engine {
    /// Resolves and compiles what is wanted. None: the back-ends have it already.
    pub(super) async fn compile_policy(
        &mut self,
        source: &mut Source<'_>,
        next: &Snapshot,
        touched: &BTreeSet<ListId>,
    ) -> Result<Option<Arc<LivePolicy>>, ControlError> {
        let started = Instant::now();
        let compiled = self.try_compile(source, next, touched).await;
        self.steps.took(CommitStep::Compile, started);
        if matches!(compiled, Ok(Some(_))) {
            self.note(|figures| {
                figures.compilations.0 += 1;
                figures.compilations.1 += started.elapsed();
            });
        }
        compiled.map_err(failed(CommitStep::Compile))
    }

    async fn try_compile(
        &mut self,
        source: &mut Source<'_>,
        next: &Snapshot,
        touched: &BTreeSet<ListId>,
    ) -> Result<Option<Arc<LivePolicy>>, ControlError> {
        let live = self.live.policy.clone();
        let policy = Arc::clone(&next.policy.policy);
        let revision = next.policy.revision;
        let clock = self.policy_config.clock.read();
        if !self.must_enforce(&policy) {
            let same = live.as_ref().is_some_and(|live| live.force.is_none());
            return Ok((!same).then(|| Arc::new(LivePolicy::not_enforced(policy, revision, clock))));
        }
        let inventory = self.inventory();
        let classify = self.classifies(next);
        let settings = self.nft_settings(next, classify);
        let force = live.as_ref().and_then(|live| live.force.as_ref());
        let known = live.as_ref().filter(|_| force.is_some());
        let lists = self
            .policy_lists(source, &policy, known, touched, clock.wall)
            .await?;
        let current = known.filter(|live| {
            Arc::ptr_eq(&live.policy, &policy)
                && live.revision == revision
                && *live.inventory == inventory
                && same_lists(&live.lists, &lists)
                && live.next_change.is_none_or(|at| clock.wall < at)
                && clock.stepped_since(&live.clock) <= CLOCK_STEP
        });
        let (ruleset, next_change, inventory) = match (current, force) {
            (Some(live), Some(force)) => (
                Arc::clone(&force.enforced.ruleset),
                live.next_change,
                Arc::clone(&live.inventory),
            ),
            _ => {
                let inventory = Arc::new(inventory);
                let made = resolve(&policy, revision, &inventory, &lists, clock.wall).await;
                let kept = force
                    .map(|force| &force.enforced.ruleset)
                    .filter(|old| same(old, &made.0));
                (
                    kept.cloned().unwrap_or_else(|| Arc::new(made.0)),
                    made.1,
                    inventory,
                )
            }
        };
        let same_ruleset = force.is_some_and(|force| Arc::ptr_eq(&force.enforced.ruleset, &ruleset));
        let same_images = same_ruleset && force.is_some_and(|force| force.images.is_some() == classify);
        if same_images && force.is_some_and(|force| force.settings == settings) && current.is_some() {
            return Ok(None);
        }
        let old_nft = force.filter(|force| same_ruleset && force.settings == settings);
        let nft = {
            let (old, ruleset, settings) = (
                old_nft.map(|force| Arc::clone(&force.nft)),
                Arc::clone(&ruleset),
                settings.clone(),
            );
            compile(move || old.unwrap_or_else(|| Arc::new(NftRuleset::new(&ruleset, &settings))))
        };
        let images = {
            let previous = force.and_then(|force| force.images.clone());
            let ruleset = Arc::clone(&ruleset);
            compile(move || match (classify, previous) {
                (false, _) => Ok(None),
                (true, Some(images)) if same_ruleset => Ok(Some(images)),
                (true, previous) => {
                    PolicyImages::build(&ruleset, previous.as_deref()).map(|images| Some(Arc::new(images)))
                }
            })
        };
        let (nft, images) = tokio::join!(nft, images);
        let images = images.map_err(|error| ControlError::NoRoom(error.to_string()))?;
        let judge = {
            let known = force.filter(|force| same_ruleset && force.images.is_some() == images.is_some());
            let known = known.map(|force| Arc::clone(&force.judge));
            let (ruleset, images) = (Arc::clone(&ruleset), images.clone());
            compile(move || known.unwrap_or_else(|| Arc::new(Judge::new(ruleset, images)))).await
        };
        let enforced = match force.filter(|_| same_ruleset) {
            Some(force) if Arc::ptr_eq(&force.enforced.inventory, &inventory) => Arc::clone(&force.enforced),
            _ => Arc::new(Enforced {
                lines: lines_of(&policy, &ruleset),
                ruleset,
                inventory: Arc::clone(&inventory),
            }),
        };
        Ok(Some(Arc::new(LivePolicy {
            policy,
            revision,
            inventory,
            lists: Arc::new(lists),
            clock,
            next_change,
            force: Some(Force {
                enforced,
                settings,
                nft,
                images,
                judge,
            }),
        })))
    }

    /// Brings both back-ends to it. On failure nobody knows what they hold, and [`super::Live::policy`] says so.
    pub(super) async fn load_policy(
        &mut self,
        wanted: Arc<LivePolicy>,
        counters: &CounterChange,
        next: &mut Snapshot,
    ) -> Result<(), ControlError> {
        let before = self.live.policy.take();
        let Some(force) = &wanted.force else {
            self.stop_enforcing(before.as_deref(), next).await?;
            self.live.policy = Some(wanted);
            return Ok(());
        };
        let old = before.as_ref().and_then(|live| live.force.as_ref());
        if !counters.fresh.is_empty() && self.plane.missing().is_none() {
            let fresh = counters.fresh.clone();
            let reset = self
                .plane
                .call(move |datapath| datapath.reset_policy_hits(&fresh))
                .await;
            reset.map_err(failed(CommitStep::Load))?;
        }
        // nftables first: what eBPF finds counts on counters that are there then.
        if !old.is_some_and(|old| Arc::ptr_eq(&old.nft, &force.nft)) {
            let started = Instant::now();
            let nft = Arc::clone(&force.nft);
            let applied = self.filter.call(move |filter| filter.apply(&nft)).await;
            self.steps.took(CommitStep::Nftables, started);
            applied.map_err(failed(CommitStep::Nftables))?;
        }
        if let Some(images) = &force.images
            && !old
                .and_then(|old| old.images.as_ref())
                .is_some_and(|old| Arc::ptr_eq(old, images))
        {
            let started = Instant::now();
            let images = Arc::clone(images);
            let loaded = self
                .plane
                .call(move |datapath| datapath.load_policy(&images))
                .await;
            self.steps.took(CommitStep::Load, started);
            loaded.map_err(failed(CommitStep::Load))?;
        }
        self.read_back(force).await?;
        next.enforced = Some(Arc::clone(&force.enforced));
        next.classifying = force.images.is_some();
        self.live.policy = Some(wanted);
        Ok(())
    }

    /// Whether the change ends the enforcement, and with it what nftables shows of its counters.
    pub(super) fn filter_goes_with(&self, work: &Work) -> bool {
        let live = self.live.policy.as_ref().is_some_and(|live| live.force.is_some());
        let wanted = work.policy.as_ref().and_then(|policy| policy.compiled.as_ref());
        live && wanted.is_some_and(|wanted| wanted.force.is_none())
    }

    /// Asks both back-ends what they enforce now.
    async fn read_back(&mut self, force: &Force) -> Result<(), ControlError> {
        let started = Instant::now();
        let filter = self.filter.call(|filter| filter.revision()).await;
        let plane = match &force.images {
            Some(images) => Some((
                self.plane.call(|datapath| datapath.policy_revision()).await,
                images.revision(),
            )),
            None => None,
        };
        self.steps.took(CommitStep::ReadBack, started);
        let check = |what, found, wanted| {
            if found == Some(wanted) {
                Ok(())
            } else {
                Err(ControlError::ReadBack { what, found, wanted })
            }
        };
        filter
            .and_then(|found| check("the table of nftables", found, force.nft.revision()))
            .and_then(|()| match plane {
                Some((found, wanted)) => check("the map of the policy", found?, wanted),
                None => Ok(()),
            })
            .map_err(failed(CommitStep::ReadBack))
    }

    /// The classifier first: without nftables behind it, it would drop by itself what nobody lets in again.
    async fn stop_enforcing(
        &mut self,
        before: Option<&LivePolicy>,
        next: &mut Snapshot,
    ) -> Result<(), ControlError> {
        next.enforced = None;
        next.classifying = false;
        if self.plane.missing().is_none() {
            self.set_switches(next).await.map_err(failed(CommitStep::Flip))?;
        }
        let never = before.is_some_and(|before| before.force.is_none());
        if never || self.filter.missing().is_some() {
            return Ok(());
        }
        let started = Instant::now();
        let removed = self.filter.call(|filter| filter.remove()).await;
        self.steps.took(CommitStep::Nftables, started);
        removed.map_err(failed(CommitStep::Nftables))
    }

    /// Puts back what the back-ends had before a change that failed.
    pub(super) async fn restore_policy_load(&mut self, before: &LivePolicy) -> Result<(), ControlError> {
        let Some(force) = &before.force else {
            if self.filter.missing().is_none() {
                self.filter.call(|filter| filter.remove()).await?;
            }
            return Ok(());
        };
        let nft = Arc::clone(&force.nft);
        self.filter.call(move |filter| filter.apply(&nft)).await?;
        if let Some(images) = force.images.clone()
            && self.plane.missing().is_none()
        {
            self.plane
                .call(move |datapath| datapath.load_policy(&images))
                .await?;
        }
        Ok(())
    }

    /// Brings the back-ends to the policy where something beside the policy changed: interfaces, addresses, the time.
    /// What fails leaves what was there, and is told; the next reconcile tries again.
    pub(super) async fn refresh_policy(&mut self, next: &mut Snapshot) {
        let store = self.store.clone();
        let before = self.live.clone();
        let by_time = self.policy_time_has_come();
        let counters = self.counters.clone();
        let held = counters.hold().await;
        self.steps = super::policy::Steps::default();
        let mut outcome = self.bring_policy(&mut Source::Store(&store), next).await;
        if let Err(error) = &outcome
            && self.classifies(next)
            && matches!(
                error,
                ControlError::CommitFailed {
                    step: CommitStep::Compile | CommitStep::Load,
                    ..
                }
            )
        {
            // Without the classifier the policy holds as well, only slower.
            let reason = format!("the policy could not be loaded: {}", chain(error));
            next.faults.insert(Feature::PolicyClassifier, reason);
            next.classifying = false;
            outcome = self.bring_policy(&mut Source::Store(&store), next).await;
        }
        drop(held);
        let problems = match &outcome {
            Ok(()) => Vec::new(),
            Err(error) => vec![format!(
                "the policy is not in force as it should be: {}",
                chain(error)
            )],
        };
        let changed = outcome.is_ok() && self.enforces_other_than(before.policy.as_deref());
        if let Err(error) = outcome {
            if next.policy.problems != problems {
                tracing::error!(
                    error = chain(&error),
                    "the policy could not be brought into force"
                );
            }
            self.restore(before, &Work::default()).await;
        }
        let enforced = next.enforced.is_some();
        if next.policy.problems != problems || next.policy.enforced != enforced {
            let view = Arc::make_mut(&mut next.policy);
            view.problems = problems;
            view.enforced = enforced;
        }
        self.tell_judge();
        // An interface that comes late must not cost the connections over it, but what a schedule ends shall end.
        if by_time && changed {
            self.cut_denied(next.revision).await;
        }
    }

    /// Whether the table of nftables is not the one that was made: somebody flushed the ruleset, for example.
    pub(super) async fn filter_was_changed(&self) -> bool {
        let force = self.live.policy.as_ref().and_then(|live| live.force.as_ref());
        let Some(force) = force else { return false };
        let wanted = force.nft.revision();
        match self.filter.call(|filter| filter.revision()).await {
            Ok(found) => found != Some(wanted),
            Err(error) => {
                tracing::warn!(error = chain(&error), "the table of nftables could not be read");
                false
            }
        }
    }

    async fn bring_policy(
        &mut self,
        source: &mut Source<'_>,
        next: &mut Snapshot,
    ) -> Result<(), ControlError> {
        let compiled = self.compile_policy(source, next, &BTreeSet::new()).await?;
        if let Some(wanted) = compiled {
            self.load_policy(wanted, &CounterChange::default(), next).await?;
            if self.plane.missing().is_none() {
                self.set_switches(next).await.map_err(failed(CommitStep::Flip))?;
            }
        }
        Ok(())
    }

    /// How long until a schedule or an expiry changes what is in force.
    pub(crate) fn until_policy_change(&self) -> Duration {
        let now = self.policy_config.clock.now();
        let change = self.live.policy.as_ref().and_then(|live| live.next_change);
        let confirm = self.now().policy.unconfirmed.map(|unconfirmed| unconfirmed.until);
        let until = |at: OffsetDateTime| Duration::try_from(at - now).unwrap_or_default();
        let change = change.map(until).unwrap_or(LONGEST);
        let confirm = confirm.map_or(LONGEST, until);
        change.min(confirm).clamp(SHORTEST, LONGEST)
    }

    /// What is to be done because time went by.
    pub(crate) async fn follow_time(&mut self) {
        self.take_back_overdue().await;
        if self.policy_time_has_come() {
            let mut next = (*self.now()).clone();
            self.refresh_policy(&mut next).await;
            self.publish_state(next).await;
        }
    }

    /// A schedule or an expiry may say something else now than when it was looked at.
    pub(super) fn policy_time_has_come(&self) -> bool {
        let now = self.policy_config.clock.read();
        self.live.policy.as_ref().is_some_and(|live| {
            live.force.is_some()
                && (live.next_change.is_some_and(|at| at <= now.wall)
                    || now.stepped_since(&live.clock) > CLOCK_STEP)
        })
    }

    /// Whether packets are judged by such a policy.
    pub(super) fn must_enforce(&self, policy: &Policy) -> bool {
        self.policy_config.enforce == Enforce::Always
            || policy
                .zones
                .values()
                .any(|zone| zone.id.as_str() != LOCAL_ZONE && !zone.spec.interfaces.is_empty())
    }

    /// Whether eBPF gets the policy.
    fn classifies(&self, next: &Snapshot) -> bool {
        let feature = Feature::PolicyClassifier;
        self.plane.missing().is_none()
            && next.settings.get(feature).enabled
            && !next.faults.contains_key(&feature)
    }

    fn nft_settings(&self, next: &Snapshot, classify: bool) -> NftSettings {
        let sits = |port: &&crate::status::Port| {
            port.attached
                .attachments
                .iter()
                .any(|attachment| attachment.hook == Hook::TcIngress)
        };
        let classified = next
            .ports
            .values()
            .filter(sits)
            .map(|port| port.target.name.clone());
        NftSettings {
            log_group: LOG_GROUP,
            log_rate: self.policy_config.verdict_log_rate,
            classified: if classify {
                classified.collect()
            } else {
                BTreeSet::new()
            },
            flowtable: self.flowtable(next),
        }
    }

    pub(super) fn inventory(&self) -> Inventory {
        let interfaces = self.known_links.values().map(|link| InventoryInterface {
            name: link.name.clone(),
            index: link.index,
            addresses: link.addresses.clone(),
        });
        Inventory {
            interfaces: interfaces.collect(),
            management_ports: self.policy_config.management_ports.clone(),
        }
    }

    /// Addresses of the lists rules name. Those that are known and were not touched are not read again.
    pub(super) async fn policy_lists(
        &self,
        source: &mut Source<'_>,
        policy: &Arc<Policy>,
        known: Option<&Arc<LivePolicy>>,
        touched: &BTreeSet<ListId>,
        now: OffsetDateTime,
    ) -> Result<Lists, ControlError> {
        let named = match known {
            Some(live) if Arc::ptr_eq(&live.policy, policy) => live.lists.keys().cloned().collect(),
            _ => lists_of(policy),
        };
        let mut lists = Lists::new();
        for id in named {
            let cached = known
                .and_then(|live| live.lists.get(&id))
                .filter(|_| !touched.contains(&id));
            let list = match cached {
                Some(list) => list.clone(),
                None => read_list(source, &id, now).await?,
            };
            lists.insert(id, list);
        }
        Ok(lists)
    }
}

/// Longest wait, so that a step of the wall clock is not overslept.
const LONGEST: Duration = Duration::from_secs(60);

/// Shortest wait, so that what fails is not tried in a loop.
const SHORTEST: Duration = Duration::from_millis(50);

impl LivePolicy {
    fn not_enforced(policy: Arc<Policy>, revision: Revision, clock: Now) -> Self {
        Self {
            policy,
            revision,
            inventory: Arc::default(),
            lists: Arc::default(),
            clock,
            next_change: None,
            force: None,
        }
    }

    /// What judges connections that live already, where it is enforced.
    pub(super) fn judge(&self) -> Option<&Arc<Judge>> {
        self.force.as_ref().map(|force| &force.judge)
    }

    /// The ruleset, where it is enforced.
    pub(super) fn enforced(&self) -> Option<&Arc<Enforced>> {
        self.force.as_ref().map(|force| &force.enforced)
    }
}

async fn read_list(
    source: &mut Source<'_>,
    id: &ListId,
    now: OffsetDateTime,
) -> Result<ListAddresses, ControlError> {
    let number = source.list(id).await?.number;
    let entries = source.entries(id).await?;
    let addresses = compile(move || {
        let networks = entries.into_iter().filter_map(|stored| match stored.entry.value {
            EntryValue::Address(address) if address.expires_at.is_none_or(|at| at > now) => {
                Some(address.network.into())
            }
            EntryValue::Address(_) | EntryValue::Domain(_) => None,
        });
        Arc::new(AddressSet::new(networks))
    })
    .await;
    Ok(ListAddresses { number, addresses })
}

fn same_lists(old: &Lists, new: &Lists) -> bool {
    old.len() == new.len()
        && old.iter().zip(new).all(|((id, list), (other_id, other))| {
            id == other_id && list.number == other.number && Arc::ptr_eq(&list.addresses, &other.addresses)
        })
}

/// Whether both say the same of every packet, and of the same revision.
fn same(old: &Ruleset, new: &Ruleset) -> bool {
    let lists = old.lists.len() == new.lists.len()
        && old
            .lists
            .iter()
            .zip(&new.lists)
            .all(|((number, list), (other_number, other))| {
                number == other_number && Arc::ptr_eq(list, other)
            });
    lists
        && old.revision == new.revision
        && old.zones == new.zones
        && old.lines == new.lines
        && old.left_out == new.left_out
        && old.defaults == new.defaults
        && old.translations == new.translations
        && old.dnat == new.dnat
        && old.zone_of_interface == new.zone_of_interface
}

async fn resolve(
    policy: &Arc<Policy>,
    revision: Revision,
    inventory: &Arc<Inventory>,
    lists: &Lists,
    now: OffsetDateTime,
) -> (Ruleset, Option<OffsetDateTime>) {
    let (policy, inventory, lists) = (Arc::clone(policy), Arc::clone(inventory), lists.clone());
    let resolved = compile(move || Ruleset::resolve(&policy, revision, &inventory, &lists, now)).await;
    (resolved.ruleset, resolved.next_change)
}

/// What each counter counts.
fn lines_of(policy: &Policy, ruleset: &Ruleset) -> HashMap<CounterId, (VerdictLine, Action)> {
    let fixed = [
        (fixed_counter::INVALID, VerdictLine::InvalidState, Action::Drop),
        (fixed_counter::NO_ZONE, VerdictLine::NoZone, Action::Drop),
        (
            fixed_counter::ANTI_LOCKOUT,
            VerdictLine::AntiLockout,
            Action::Accept,
        ),
        (
            fixed_counter::INFRASTRUCTURE,
            VerdictLine::Infrastructure,
            Action::Accept,
        ),
        (
            fixed_counter::UNWRITTEN_PAIR,
            VerdictLine::UnwrittenPair,
            Action::Drop,
        ),
    ];
    let mut lines: HashMap<CounterId, (VerdictLine, Action)> = fixed
        .into_iter()
        .map(|(counter, line, action)| (counter, (line, action)))
        .collect();
    for line in &ruleset.lines {
        lines.insert(line.counter, (line_of(&line.origin), line.action));
    }
    for pair in policy.zone_pairs.values() {
        let line = VerdictLine::ZonePair(pair.id.clone());
        lines.insert(pair.number, (line, pair.spec.default_action));
    }
    lines
}

/// An origin in the words of the model.
fn line_of(origin: &Origin) -> VerdictLine {
    match origin {
        Origin::AntiLockout => VerdictLine::AntiLockout,
        Origin::Rule(id) => VerdictLine::Rule(id.clone()),
        Origin::PublishedService(id) => VerdictLine::PublishedService(id.clone()),
        Origin::ZonePair(id) => VerdictLine::ZonePair(id.clone()),
        Origin::UnwrittenPair => VerdictLine::UnwrittenPair,
    }
}
