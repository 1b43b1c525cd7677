//! Settings of interfaces, brought to the cards: with a commit, when an interface comes, and when somebody else changed
//! one.

mod commit;
mod originals;
mod reconcile;

use std::collections::BTreeMap;
use std::sync::Arc;

use ravelin_model::{HardwareSettings, InterfaceSettings, InterfaceSettingsId, Policy};
use ravelin_store::StoredOriginal;

use super::Engine;
use crate::cards::Cards;
use crate::snapshot::Snapshot;
use crate::{AppliedSettings, ControlError, Operation, PolicyOperation, SettingsState};

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
