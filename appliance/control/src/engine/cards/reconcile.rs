//! Cards brought to what the policy says of them, whenever they differ.

use std::collections::BTreeSet;
use std::sync::Arc;

use ravelin_model::{HardwareSettings, Policy, chain};

use super::{CardState, cannot, settings_for};
use crate::ControlError;
use crate::cards::{deviation, found, impossible, interrupts, plan};
use crate::engine::Engine;

impl Engine {
    /// Brings every card to what the policy says of it, and puts back those it says nothing of any more. Whether any
    /// state changed.
    pub(in crate::engine) async fn bring_cards(&mut self) -> bool {
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
    pub(in crate::engine) async fn bring_card(&mut self, interface: &str, policy: &Policy) {
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
}
