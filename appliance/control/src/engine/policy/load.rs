//! Both back-ends brought to a policy, asked what they hold, and put back.

use std::sync::Arc;
use std::time::Instant;

use super::{CounterChange, Force, LivePolicy, failed};
use crate::engine::{Engine, Work};
use crate::snapshot::Snapshot;
use crate::{CommitStep, ControlError};

impl Engine {
    /// Brings both back-ends to it. On failure nobody knows what they hold, and [`super::Live::policy`] says so.
    pub(in crate::engine) async fn load_policy(
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
    pub(in crate::engine) fn filter_goes_with(&self, work: &Work) -> bool {
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
    pub(in crate::engine) async fn restore_policy_load(
        &mut self,
        before: &LivePolicy,
    ) -> Result<(), ControlError> {
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
}
