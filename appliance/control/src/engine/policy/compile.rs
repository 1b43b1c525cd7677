//! Resolving and compiling: only what changed is made anew.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use ravelin_compile::{
    AddressSet, CounterId, Inventory, InventoryInterface, Judge, ListAddresses, Lists, NftRuleset,
    NftSettings, Origin, PolicyImages, Ruleset, fixed_counter,
};
use ravelin_model::{Action, EntryValue, Feature, Hook, LOCAL_ZONE, ListId, Policy, Revision, VerdictLine};
use time::OffsetDateTime;

use super::{CLOCK_STEP, Force, LivePolicy, failed};
use crate::config::{Enforce, LOG_GROUP};
use crate::engine::loading::compile;
use crate::engine::{Engine, Source};
use crate::policy::lists_of;
use crate::snapshot::{Enforced, Snapshot};
use crate::{CommitStep, ControlError};

impl Engine {
    /// Resolves and compiles what is wanted. None: the back-ends have it already.
    pub(in crate::engine) async fn compile_policy(
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
        let inventory = self.inventory(&policy);
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

    /// Whether packets are judged by such a policy.
    pub(in crate::engine) fn must_enforce(&self, policy: &Policy) -> bool {
        self.policy_config.enforce == Enforce::Always
            || policy
                .zones
                .values()
                .any(|zone| zone.id.as_str() != LOCAL_ZONE && !zone.spec.interfaces.is_empty())
    }

    /// Whether eBPF gets the policy.
    pub(super) fn classifies(&self, next: &Snapshot) -> bool {
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

    pub(in crate::engine) fn inventory(&self, policy: &Policy) -> Inventory {
        let interfaces = self.known_links.values().map(|link| InventoryInterface {
            name: link.name.clone(),
            index: link.index,
            addresses: link.addresses.clone(),
        });
        Inventory {
            interfaces: interfaces.collect(),
            pinned: self.pinned(policy),
            management_ports: self.policy_config.management_ports.clone(),
        }
    }

    /// Addresses of the lists rules name. Those that are known and were not touched are not read again.
    pub(in crate::engine) async fn policy_lists(
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
        && old.pinned == new.pinned
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
