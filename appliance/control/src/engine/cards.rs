//! Settings of interfaces, brought to the cards: with a commit, when an interface comes, and when somebody else changed
//! one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use ravelin_model::{
    AnyObject, HardwareSettings, InterfaceSettings, InterfaceSettingsId, ObjectKind, ObjectRef, Policy, chain,
};
use ravelin_store::StoredOriginal;

use super::Engine;
use super::policy::failed;
use crate::cards::{Cards, described, deviation, found, impossible, interrupts, plan};
use crate::error::stored;
use crate::snapshot::Snapshot;
use crate::{
    AppliedSettings, CommitStep, ControlError, Diagnostic, ObjectChange, Operation, OperationResult,
    PolicyOperation, Refusal, RefusalReason, SettingsState,
};

/// What is known of the cards.
#[derive(Debug)]
pub(super) struct CardKeeper {
    cards: Cards,
    /// What they were set to before they were first changed, as stored.
    originals: BTreeMap<String, StoredOriginal>,
    /// What came of the settings of an interface that is there.
    states: BTreeMap<String, CardState>,
    /// What cards were set to before the commit under way, to be put back should it fail.
    before: Vec<(String, HardwareSettings, Option<CardState>)>,
}

impl CardKeeper {
    pub(super) fn new(cards: Cards, originals: Vec<StoredOriginal>) -> Self {
        let originals = originals.into_iter();
        Self {
            cards,
            originals: originals
                .map(|original| (original.interface.clone(), original))
                .collect(),
            states: BTreeMap::new(),
            before: Vec::new(),
        }
    }
}

/// What came of the settings of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CardState {
    /// Why they are not in force.
    problem: Option<String>,
    /// What was tried, and what the card was set to then: the same is not tried over and over.
    tried: (HardwareSettings, Option<HardwareSettings>),
}

/// A card a commit is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CardWork {
    interface: String,
    /// What the card shall be set to.
    wanted: HardwareSettings,
    /// What fails does not fail the commit.
    lenient: bool,
}

/// Interfaces operations may say something of, and what.
pub(super) fn settings_in(operations: &[PolicyOperation]) -> Vec<(String, HardwareSettings)> {
    let said = operations.iter().filter_map(|operation| match operation {
        PolicyOperation::InterfaceSettings(
            Operation::Create { spec, .. } | Operation::Replace { spec, .. },
        ) => Some((spec.interface.clone(), spec.hardware)),
        _ => None,
    });
    said.collect()
}

/// The same of a policy.
pub(super) fn settings_of(policy: &Policy) -> Vec<(String, HardwareSettings)> {
    let settings = policy.interface_settings.values();
    settings
        .map(|settings| (settings.spec.interface.clone(), settings.spec.hardware))
        .collect()
}

fn settings_for<'a>(policy: &'a Policy, interface: &str) -> Option<&'a Arc<InterfaceSettings>> {
    let mut settings = policy.interface_settings.values();
    settings.find(|settings| settings.spec.interface == interface)
}

impl Engine {
    fn link_index(&self, interface: &str) -> Option<u32> {
        let mut links = self.known_links.values();
        links.find(|link| link.name == interface).map(|link| link.index)
    }

    /// What the card was set to before it was first changed, of what was changed.
    fn original(&self, interface: &str, index: u32) -> HardwareSettings {
        let device = self.card_keeper.cards.device(index);
        let original = self.card_keeper.originals.get(interface);
        original
            .filter(|original| original.device == device)
            .map_or_else(HardwareSettings::default, |original| original.hardware)
    }

    /// Remembers what cards are set to before a commit may change it. On disk before anything is touched, so that a
    /// crash in between loses nothing; should the commit not come, it is forgotten again.
    pub(super) async fn remember_originals(
        &mut self,
        said: &[(String, HardwareSettings)],
    ) -> Result<(), ControlError> {
        for (interface, wanted) in said {
            let Some(index) = self.link_index(interface) else {
                continue;
            };
            if wanted.without(self.original(interface, index)).is_empty() {
                continue;
            }
            let probe = self.card_keeper.cards.probe(interface).await;
            let probe = probe.map_err(|why| cannot(interface, why))?;
            self.remember(interface, index, *wanted, found(&probe)).await?;
        }
        Ok(())
    }

    async fn remember(
        &mut self,
        interface: &str,
        index: u32,
        wanted: HardwareSettings,
        found: HardwareSettings,
    ) -> Result<(), ControlError> {
        let known = self.original(interface, index);
        let hardware = known.or(found.only(wanted));
        if hardware == known {
            return Ok(());
        }
        self.store_original(interface, index, hardware).await
    }

    async fn store_original(
        &mut self,
        interface: &str,
        index: u32,
        hardware: HardwareSettings,
    ) -> Result<(), ControlError> {
        if hardware.is_empty() {
            self.store.forget_original(interface).await.map_err(stored)?;
            self.card_keeper.originals.remove(interface);
            return Ok(());
        }
        let original = StoredOriginal {
            interface: interface.to_owned(),
            device: self.card_keeper.cards.device(index),
            hardware,
        };
        self.store.remember_original(&original).await.map_err(stored)?;
        self.card_keeper.originals.insert(interface.to_owned(), original);
        Ok(())
    }

    /// What a commit means for cards. What they say they cannot is refused before anything changes; `lenient`: the old
    /// policy returns, and no card may stand in its way.
    pub(super) async fn card_work(
        &mut self,
        changes: &[ObjectChange],
        results: &[OperationResult],
        policy: &Policy,
        lenient: bool,
    ) -> Result<Vec<CardWork>, ControlError> {
        let (mut work, mut refusals) = (Vec::new(), Vec::new());
        for interface in interfaces_of(changes) {
            let Some(index) = self.link_index(&interface) else {
                continue;
            };
            let settings = settings_for(policy, &interface);
            let said = settings.map_or_else(HardwareSettings::default, |settings| settings.spec.hardware);
            let original = self.original(&interface, index);
            if said.is_empty() && original.is_empty() {
                continue;
            }
            if let (Some(settings), false) = (settings, lenient) {
                let probe = self.card_keeper.cards.probe(&interface).await;
                let probe = probe.map_err(|why| failed(CommitStep::Hardware)(cannot(&interface, why)))?;
                let about = |result: &OperationResult| result.id == settings.id.as_str();
                // A whole policy that returns says nothing of places.
                let operation = results.iter().rposition(about);
                refusals.extend(impossible(said, &probe).into_iter().map(|refused| Refusal {
                    operation: operation.unwrap_or_default(),
                    pointer: match operation {
                        Some(_) => format!("/hardware/{}", refused.setting),
                        None => String::new(),
                    },
                    reason: RefusalReason::Invalid,
                    detail: match operation {
                        Some(_) => format!("{} (interface {interface})", refused.why),
                        None => format!("{} of interface {interface} {}", refused.setting, refused.why),
                    },
                }));
            }
            work.push(CardWork {
                interface,
                wanted: said.or(original),
                lenient,
            });
        }
        if refusals.is_empty() {
            Ok(work)
        } else {
            Err(ControlError::PolicyRefused { refusals })
        }
    }

    /// What a commit would do to cards.
    pub(super) async fn foretell_cards(
        &self,
        work: &[CardWork],
        changes: &[ObjectChange],
        policy: &Policy,
    ) -> Result<Vec<Diagnostic>, ControlError> {
        let mut told = Vec::new();
        let about = |interface: &str| {
            let settings = settings_for(policy, interface)
                .cloned()
                .map(AnyObject::InterfaceSettings);
            let gone = || {
                changes
                    .iter()
                    .find_map(|change| about_interface(change, interface))
            };
            settings.as_ref().map(AnyObject::reference).or_else(gone)
        };
        for CardWork {
            interface, wanted, ..
        } in work
        {
            let probe = self.card_keeper.cards.probe(interface).await;
            let probe = probe.map_err(|why| failed(CommitStep::Hardware)(cannot(interface, why)))?;
            for change in plan(*wanted, &probe) {
                let moment = if interrupts(&change) {
                    "; its link goes down for a moment"
                } else {
                    ""
                };
                told.extend(about(interface).map(|object| Diagnostic {
                    severity: if interrupts(&change) { "warning" } else { "info" },
                    code: "hardware_change",
                    object,
                    related: Vec::new(),
                    detail: format!("It means {} on {interface}{moment}.", described(&change)),
                }));
            }
        }
        for interface in interfaces_of(changes) {
            if self.link_index(&interface).is_none() && settings_for(policy, &interface).is_some() {
                told.extend(about(&interface).map(|object| Diagnostic {
                    severity: "info",
                    code: "interface_absent",
                    object,
                    related: Vec::new(),
                    detail: format!("There is no interface {interface}: it gets the settings when it comes."),
                }));
            }
        }
        Ok(told)
    }

    /// Brings the cards of a commit to what it says.
    pub(super) async fn set_cards(&mut self, work: &[CardWork]) -> Result<(), ControlError> {
        self.card_keeper.before.clear();
        if work.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        let outcome = self.try_set_cards(work).await;
        self.steps.took(CommitStep::Hardware, started);
        outcome.map_err(failed(CommitStep::Hardware))
    }

    async fn try_set_cards(&mut self, work: &[CardWork]) -> Result<(), ControlError> {
        for CardWork {
            interface,
            wanted,
            lenient,
        } in work
        {
            let cards = self.card_keeper.cards.clone();
            let before = match cards.probe(interface).await {
                Ok(probe) => found(&probe).only(*wanted),
                Err(_) if *lenient => continue,
                Err(why) => return Err(cannot(interface, why)),
            };
            let state = self.card_keeper.states.get(interface).cloned();
            self.card_keeper.before.push((interface.clone(), before, state));
            let outcome = cards.set(interface, *wanted).await;
            if let (Some(why), false) = (&outcome.problem, lenient) {
                return Err(cannot(interface, why.clone()));
            }
            if let Some(problem) = &outcome.problem {
                tracing::warn!(interface, problem, "the card could not be put back");
            }
            let state = CardState {
                problem: outcome.problem,
                tried: (*wanted, outcome.found),
            };
            self.card_keeper.states.insert(interface.clone(), state);
        }
        Ok(())
    }

    /// Puts the cards of a failed commit back. What cannot be is tried again by the next reconcile.
    pub(super) async fn put_cards_back(&mut self) {
        let before = std::mem::take(&mut self.card_keeper.before);
        for (interface, before, state) in before.into_iter().rev() {
            let outcome = self.card_keeper.cards.set(&interface, before).await;
            let state = match outcome.problem {
                None => state,
                Some(problem) => {
                    tracing::error!(
                        interface,
                        problem,
                        "the card could not be put back after a failed commit"
                    );
                    Some(CardState {
                        problem: Some(problem),
                        tried: (before, None),
                    })
                }
            };
            match state {
                Some(state) => drop(self.card_keeper.states.insert(interface, state)),
                None => drop(self.card_keeper.states.remove(&interface)),
            }
        }
    }

    /// Forgets what cards were set to once that is what they are set to again.
    pub(super) async fn forget_originals(&mut self, work: &[CardWork], policy: &Policy) {
        self.card_keeper.before.clear();
        for CardWork { interface, .. } in work {
            let state = self.card_keeper.states.get(interface);
            if let Some(found) = state.and_then(|state| state.tried.1) {
                self.forget_original(interface, policy, found).await;
            }
        }
    }

    async fn forget_original(&mut self, interface: &str, policy: &Policy, found: HardwareSettings) {
        let Some(index) = self.link_index(interface) else {
            return;
        };
        let settings = settings_for(policy, interface);
        let said = settings.map_or_else(HardwareSettings::default, |settings| settings.spec.hardware);
        let original = self.original(interface, index);
        // Settings nobody says anything of any more.
        let over = original.without(said);
        if over.is_empty() || deviation(over, found).is_some() {
            return;
        }
        if let Err(error) = self.store_original(interface, index, original.only(said)).await {
            tracing::warn!(
                interface,
                error = chain(&error),
                "what the card was set to before could not be forgotten"
            );
        }
    }

    /// Brings every card to what the policy says of it, and puts back those it says nothing of any more. Whether any
    /// state changed.
    pub(super) async fn bring_cards(&mut self) -> bool {
        let policy = Arc::clone(&self.now().policy.policy);
        let settings = policy.interface_settings.values();
        let mut names: BTreeSet<String> = settings.map(|settings| settings.spec.interface.clone()).collect();
        names.extend(self.card_keeper.originals.keys().cloned());
        let before = self.card_keeper.states.clone();
        for interface in names {
            self.bring_card(&interface, &policy).await;
        }
        before != self.card_keeper.states
    }

    /// Brings a card to what the policy says of it. What fails is its state.
    pub(super) async fn bring_card(&mut self, interface: &str, policy: &Policy) {
        let Some(index) = self.link_index(interface) else {
            self.card_keeper.states.remove(interface);
            return;
        };
        let settings = settings_for(policy, interface);
        let said = settings.map_or_else(HardwareSettings::default, |settings| settings.spec.hardware);
        if said.is_empty() && self.original(interface, index).is_empty() {
            self.card_keeper.states.remove(interface);
            return;
        }
        let old = self.card_keeper.states.get(interface).cloned();
        let state = match self.try_bring_card(interface, index, said, old.as_ref()).await {
            Ok(state) => state,
            Err(error) => CardState {
                problem: Some(chain(&error)),
                tried: (said, None),
            },
        };
        let problem = state.problem.as_deref();
        if problem != old.as_ref().and_then(|old| old.problem.as_deref()) {
            match problem {
                Some(problem) => tracing::warn!(interface, problem, "settings of the card are not in force"),
                None => tracing::info!(interface, "settings of the card are in force"),
            }
        }
        let found = state.tried.1;
        if settings.is_some() {
            self.card_keeper.states.insert(interface.to_owned(), state);
        } else {
            self.card_keeper.states.remove(interface);
        }
        if let Some(found) = found {
            self.forget_original(interface, policy, found).await;
        }
    }

    async fn try_bring_card(
        &mut self,
        interface: &str,
        index: u32,
        said: HardwareSettings,
        old: Option<&CardState>,
    ) -> Result<CardState, ControlError> {
        let cards = self.card_keeper.cards.clone();
        let probe = cards.probe(interface).await;
        let probe = probe.map_err(|why| cannot(interface, why))?;
        let now = found(&probe);
        let impossible = impossible(said, &probe);
        let refused: Vec<String> = impossible
            .iter()
            .map(|refused| format!("{} {}", refused.setting, refused.why))
            .collect();
        // One thing a card cannot do keeps it from nothing else.
        let possible = said.leaving_out(
            &impossible
                .iter()
                .map(|refused| refused.setting)
                .collect::<Vec<_>>(),
        );
        self.remember(interface, index, possible, now).await?;
        let wanted = possible.or(self.original(interface, index));
        let refused = (!refused.is_empty()).then(|| refused.join("; "));
        let changes = plan(wanted, &probe);
        if changes.is_empty() {
            return Ok(CardState {
                problem: refused,
                tried: (wanted, Some(now)),
            });
        }
        // What costs the link a moment is not tried over and over where it comes out the same.
        if let Some(old) = old
            && old.problem.is_some()
            && old.tried == (wanted, Some(now))
            && changes.iter().any(interrupts)
        {
            return Ok(old.clone());
        }
        if old.is_some_and(|old| old.problem.is_none() && old.tried.0 == wanted) {
            let other = deviation(wanted, now).unwrap_or_default();
            tracing::warn!(
                interface,
                other,
                "the card was set otherwise by somebody else; it is set right again"
            );
        }
        let outcome = cards.set(interface, wanted).await;
        Ok(CardState {
            problem: outcome.problem.or(refused),
            tried: (wanted, outcome.found),
        })
    }

    /// An interface has another name: what was remembered of its card goes with it.
    pub(super) async fn rename_card(&mut self, old: &str, new: &str, index: u32) {
        self.card_keeper.states.remove(old);
        let hardware = self.original(old, index);
        if hardware.is_empty() {
            return;
        }
        let moved = async {
            self.store_original(new, index, hardware).await?;
            self.store_original(old, index, HardwareSettings::default()).await
        };
        if let Err(error) = moved.await {
            tracing::warn!(
                interface = new,
                error = chain(&error),
                "what the card was set to before could not be remembered by its new name"
            );
        }
    }

    /// How settings of interfaces are doing.
    pub(super) fn settings_states(&self, next: &Snapshot) -> BTreeMap<InterfaceSettingsId, AppliedSettings> {
        let settings = next.policy.policy.interface_settings.values();
        let states = settings.map(|settings| {
            let interface = &settings.spec.interface;
            let state = self.card_keeper.states.get(interface);
            let applied = match (self.link_index(interface), state) {
                (None, _) if next.starting => AppliedSettings::new(SettingsState::Starting, None),
                (None, _) => AppliedSettings::new(SettingsState::Absent, None),
                (
                    Some(_),
                    Some(CardState {
                        problem: Some(why), ..
                    }),
                ) => AppliedSettings::new(SettingsState::Failed, Some(why.clone())),
                (Some(_), Some(_)) => AppliedSettings::new(SettingsState::Applied, None),
                (Some(_), None) if settings.spec.hardware.is_empty() => {
                    AppliedSettings::new(SettingsState::Applied, None)
                }
                (Some(_), None) => AppliedSettings::new(SettingsState::Starting, None),
            };
            (settings.id.clone(), applied)
        });
        states.collect()
    }
}

fn cannot(interface: &str, why: String) -> ControlError {
    ControlError::Hardware {
        interface: interface.to_owned(),
        why,
    }
}

/// Interfaces whose settings change.
fn interfaces_of(changes: &[ObjectChange]) -> BTreeSet<String> {
    let changed = changes
        .iter()
        .filter(|change| change.kind == ObjectKind::InterfaceSettings);
    changed
        .flat_map(|change| [&change.before, &change.after])
        .flatten()
        .filter_map(|object| object.name().map(str::to_owned))
        .collect()
}

fn about_interface(change: &ObjectChange, interface: &str) -> Option<ObjectRef> {
    let mut versions = [&change.after, &change.before].into_iter().flatten();
    let found = versions
        .find(|object| object.kind() == ObjectKind::InterfaceSettings && object.name() == Some(interface));
    found.map(AnyObject::reference)
}
