//! Settings of interfaces, brought to the cards: with a commit, when an interface comes, and when somebody else changed
//! one.

mod commit;
mod originals;
mod reconcile;

use std::collections::BTreeMap;
use std::sync::Arc;

use ravelin_model::{HardwareSettings, InterfaceSettings, InterfaceSettingsSpec, Policy};
use ravelin_store::StoredOriginal;

use super::Engine;
use super::network::CardReport;
use crate::cards::Cards;
use crate::{ControlError, Operation, PolicyOperation};

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

/// Settings of interfaces operations may make.
pub(super) fn settings_in(operations: &[PolicyOperation]) -> Vec<InterfaceSettingsSpec> {
    let said = operations.iter().filter_map(|operation| match operation {
        PolicyOperation::InterfaceSettings(
            Operation::Create { spec, .. } | Operation::Replace { spec, .. },
        ) => Some(spec.clone()),
        _ => None,
    });
    said.collect()
}

/// The same of a policy.
pub(super) fn settings_of(policy: &Policy) -> Vec<InterfaceSettingsSpec> {
    let settings = policy.interface_settings.values();
    settings.map(|settings| settings.spec.clone()).collect()
}

fn settings_for<'a>(policy: &'a Policy, interface: &str) -> Option<&'a Arc<InterfaceSettings>> {
    let mut settings = policy.interface_settings.values();
    settings.find(|settings| settings.spec.interface == interface)
}

impl Engine {
    /// What is known of an interface's card.
    pub(super) fn card_report(&self, interface: &str) -> CardReport<'_> {
        match self.card_keeper.states.get(interface) {
            None => CardReport::Unknown,
            Some(CardState {
                problem: Some(problem),
                ..
            }) => CardReport::Problem(problem),
            Some(_) => CardReport::Set,
        }
    }

    /// The link of that name, if it is the card that is meant.
    pub(super) fn link_index(&self, interface: &str) -> Option<u32> {
        let mut links = self.known_links.values();
        let link = links.find(|link| link.name == interface)?;
        (!self.is_stranger(interface)).then_some(link.index)
    }
}

fn cannot(interface: &str, why: String) -> ControlError {
    ControlError::Hardware {
        interface: interface.to_owned(),
        why,
    }
}
