//! What cards were set to before they were first changed: stored before, and forgotten once it is so again.

use ravelin_model::{HardwareSettings, InterfaceSettingsSpec, Policy, chain};
use ravelin_store::StoredOriginal;

use super::{CardWork, cannot, settings_for};
use crate::ControlError;
use crate::cards::{deviation, found};
use crate::engine::Engine;
use crate::error::stored;

impl Engine {
    /// What the card was set to before it was first changed, of what was changed.
    pub(super) fn original(&self, interface: &str, index: u32) -> HardwareSettings {
        let device = self.card_keeper.cards.device(index);
        let original = self.card_keeper.originals.get(interface);
        original
            .filter(|original| original.device == device)
            .map_or_else(HardwareSettings::default, |original| original.hardware)
    }

    /// Remembers what cards are set to before a commit may change it. On disk before anything is touched, so that a
    /// crash in between loses nothing; should the commit not come, it is forgotten again.
    pub(in crate::engine) async fn remember_originals(
        &mut self,
        said: &[InterfaceSettingsSpec],
    ) -> Result<(), ControlError> {
        for InterfaceSettingsSpec {
            interface,
            hardware: wanted,
            ..
        } in said
        {
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

    pub(super) async fn remember(
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

    /// Forgets what cards were set to once that is what they are set to again.
    pub(in crate::engine) async fn forget_originals(&mut self, work: &[CardWork], policy: &Policy) {
        self.card_keeper.before.clear();
        for CardWork { interface, .. } in work {
            let state = self.card_keeper.states.get(interface);
            if let Some(found) = state.and_then(|state| state.tried.1) {
                self.forget_original(interface, policy, found).await;
            }
        }
    }

    pub(super) async fn forget_original(
        &mut self,
        interface: &str,
        policy: &Policy,
        found: HardwareSettings,
    ) {
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

    /// An interface has another name: what was remembered of its card goes with it.
    pub(in crate::engine) async fn rename_card(&mut self, old: &str, new: &str, index: u32) {
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
}
