//! What the data plane holds, and putting it back there after a change that failed.

use std::collections::BTreeSet;
use std::sync::Arc;

use ravelin_compile::{AddressImage, NameImage};
use ravelin_datapath::Switches;
use ravelin_model::{ListId, chain};

use super::{Engine, LivePolicy, Work};
use crate::ControlError;
use crate::clock::Now;
use crate::retired::Retired;

/// The address index in the data plane.
#[derive(Debug, Clone)]
pub(super) struct LiveAddresses {
    pub(super) image: Arc<AddressImage>,
    pub(super) lists: BTreeSet<ListId>,
    /// When expiries were turned into times of the monotonic clock.
    pub(super) clock: Now,
}

/// The name table in the data plane.
#[derive(Debug, Clone)]
pub(super) struct LiveNames {
    pub(super) image: Arc<NameImage>,
    pub(super) lists: BTreeSet<ListId>,
}

/// What the data plane holds. None: whatever an earlier process left.
#[derive(Debug, Clone, Default)]
pub(super) struct Live {
    pub(super) addresses: Option<LiveAddresses>,
    pub(super) names: Option<LiveNames>,
    pub(super) switches: Option<Switches>,
    pub(super) measure_run_time: Option<bool>,
    pub(super) retired: Arc<Retired>,
    pub(super) policy: Option<Arc<LivePolicy>>,
}

impl Engine {
    /// Puts back what was there before a change that failed. Should that fail too, the next reconcile loads
    /// everything anew.
    pub(super) async fn restore(&mut self, before: Live, work: &Work) {
        self.put_cards_back().await;
        // Before the old policy: what came with the new one is judged by it for as long as it is there.
        self.put_network_back().await;
        if let Err(error) = self.try_restore(&before, work).await {
            self.unsure = true;
            tracing::error!(
                error = chain(&error),
                "the data plane could not be put back after a failed change; it will be loaded anew"
            );
        }
        let retired = Arc::clone(&self.live.retired);
        self.live = Live { retired, ..before };
    }

    async fn try_restore(&mut self, before: &Live, work: &Work) -> Result<(), ControlError> {
        if self.plane.missing().is_some() {
            return self.restore_policy_of(before).await;
        }
        if let Some(switches) = before.switches.filter(|old| self.live.switches != Some(*old)) {
            self.plane
                .call(move |datapath| datapath.set_switches(switches))
                .await?;
        }
        self.restore_policy_of(before).await?;
        if let Some(old) = &before.addresses
            && !self
                .live
                .addresses
                .as_ref()
                .is_some_and(|new| Arc::ptr_eq(&new.image, &old.image))
        {
            let image = Arc::clone(&old.image);
            self.plane
                .call(move |datapath| datapath.load_addresses(&image))
                .await?;
        }
        if let Some(old) = &before.names
            && !self
                .live
                .names
                .as_ref()
                .is_some_and(|new| Arc::ptr_eq(&new.image, &old.image))
        {
            let image = Arc::clone(&old.image);
            self.plane
                .call(move |datapath| datapath.load_names(&image))
                .await?;
        }
        if let Some(on) = before
            .measure_run_time
            .filter(|old| self.live.measure_run_time != Some(*old))
        {
            self.plane
                .call(move |datapath| datapath.measure_run_time(on))
                .await?;
        }
        self.flows.forget_paths();
        for (_, old) in &work.attach {
            let target = old.clone();
            self.plane.call(move |datapath| datapath.attach(&target)).await?;
        }
        Ok(())
    }

    async fn restore_policy_of(&mut self, before: &Live) -> Result<(), ControlError> {
        match &before.policy {
            Some(old) if !self.live.policy.as_ref().is_some_and(|new| Arc::ptr_eq(old, new)) => {
                self.restore_policy_load(old).await
            }
            _ => Ok(()),
        }
    }
}
