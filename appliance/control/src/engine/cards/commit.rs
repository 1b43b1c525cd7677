//! Cards in a commit: what it means for them, what it would do to them, and the way back should it fail.

use std::collections::BTreeSet;
use std::time::Instant;

use ravelin_model::{AnyObject, HardwareSettings, ObjectKind, ObjectRef, Policy};

use super::{CardState, CardWork, cannot, settings_for};
use crate::cards::{described, found, impossible, interrupts, plan};
use crate::engine::Engine;
use crate::engine::policy::failed;
use crate::{CommitStep, ControlError, Diagnostic, ObjectChange, OperationResult, Refusal, RefusalReason};

impl Engine {
    /// What a commit means for cards. What they say they cannot is refused before anything changes; `lenient`: the old
    /// policy returns, and no card may stand in its way.
    pub(in crate::engine) async fn card_work(
        &mut self,
        changes: &[ObjectChange],
        results: &[OperationResult],
        policy: &Policy,
        lenient: bool,
    ) -> Result<Vec<CardWork>, ControlError> {
        let (mut work, mut refusals) = (Vec::new(), Vec::new());
        let strangers = self.strangers(policy);
        for interface in interfaces_of(changes) {
            let Some(index) = self.link_index(&interface) else {
                continue;
            };
            if strangers.contains_key(&interface) {
                continue;
            }
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
    pub(in crate::engine) async fn foretell_cards(
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
    pub(in crate::engine) async fn set_cards(&mut self, work: &[CardWork]) -> Result<(), ControlError> {
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
    pub(in crate::engine) async fn put_cards_back(&mut self) {
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
