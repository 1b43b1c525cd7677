//! What is wanted against what is there, at start and every few seconds.

use std::collections::BTreeSet;

use ravelin_kernel::Link;
use ravelin_model::{Attachment, Feature, Hook, XdpMode, chain};
use time::Duration;

use super::{Engine, Source};
use crate::ControlError;
use crate::snapshot::Snapshot;
use crate::status::Port;

/// A step of the wall clock after which expiries are turned into times of the monotonic clock anew.
const CLOCK_STEP: Duration = Duration::SECOND;

impl Engine {
    /// Brings the data plane to what is stored. A feature whose lists do not load stays off and says why; the
    /// others are not held up.
    pub(crate) async fn boot(&mut self, links: &[Link]) {
        // Before what is not to stay is loaded.
        self.take_back_overdue().await;
        self.ask_for_flowtables().await;
        let mut next = (*self.now()).clone();
        self.load_everything(&mut next).await;
        self.publish_state(next).await;
        self.await_seeding().await;
        self.follow_links(links).await;
        // No link is raised before programs sit on it.
        self.bring_network().await;
        self.diagnose_stored().await;
        let next = Snapshot {
            starting: false,
            ..(*self.now()).clone()
        };
        self.publish_state(next).await;
    }

    /// Repairs what has come off, and tries again what failed.
    pub(crate) async fn reconcile(&mut self) {
        self.repair().await;
        // What had failed may succeed now, and what was changed by others is put right.
        self.bring_network().await;
    }

    async fn repair(&mut self) {
        self.follow_time().await;
        let cards_changed = self.bring_cards().await;
        let mut next = (*self.now()).clone();
        if self.plane.missing().is_some() {
            if self.unsure || !next.policy.problems.is_empty() {
                self.load_everything(&mut next).await;
                self.publish_state(next).await;
            } else if cards_changed {
                self.publish_state(next).await;
            }
            return;
        }
        if self.unsure
            || !next.policy.problems.is_empty()
            || !next.faults.is_empty()
            || self.switches_are_behind(&next)
        {
            self.load_everything(&mut next).await;
        } else if self.clock_was_stepped() {
            tracing::info!("the clock was set; times of expiry are loaded anew");
            self.load_feature(Feature::DdosProtection, &mut next).await;
        }
        self.reattach(&mut next).await;
        if self.filter_was_changed().await {
            tracing::warn!("the table of nftables was changed by somebody else; it is made anew");
            self.live.policy = None;
        }
        self.refresh_policy(&mut next).await;
        self.publish_state(next).await;
    }

    async fn load_everything(&mut self, next: &mut Snapshot) {
        self.live.policy = None;
        next.faults.remove(&Feature::PolicyClassifier);
        self.refresh_policy(next).await;
        if self.plane.missing().is_some() {
            self.unsure = false;
            return;
        }
        self.load_feature(Feature::DdosProtection, next).await;
        self.load_feature(Feature::DnsBlocklist, next).await;
        self.live.switches = None;
        self.live.measure_run_time = None;
        self.unsure = match self.set_switches(next).await {
            Ok(()) => false,
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    "the switches of the data plane could not be set"
                );
                true
            }
        };
    }

    /// Loads what a feature needs; what fails is its state.
    async fn load_feature(&mut self, feature: Feature, next: &mut Snapshot) {
        let Some(lists) = next.settings.loaded_lists(feature) else {
            next.faults.remove(&feature);
            return;
        };
        let store = self.store.clone();
        let mut source = Source::Store(&store);
        let outcome: Result<(), ControlError> = match feature {
            Feature::DdosProtection => self.load_addresses(&mut source, lists, next).await,
            Feature::DnsBlocklist => self.load_names(&mut source, lists, next).await,
            Feature::Statistics
            | Feature::FlowMonitoring
            | Feature::PolicyClassifier
            | Feature::ConntrackSync
            | Feature::FlowOffload
            | Feature::FlowRecords
            | Feature::HwOffload => Ok(()),
        };
        if let Err(error) = outcome {
            next.faults.insert(
                feature,
                format!("its lists could not be loaded: {}", chain(&error)),
            );
        }
    }

    /// An earlier attempt did not get as far as the switches.
    fn switches_are_behind(&self, next: &Snapshot) -> bool {
        self.live.switches != Some(next.settings.switches(&next.faults, next.classifying))
    }

    fn clock_was_stepped(&self) -> bool {
        let now = crate::clock::Now::read();
        self.next_expiry.is_some()
            && self
                .live
                .addresses
                .as_ref()
                .is_some_and(|live| now.stepped_since(&live.clock) > CLOCK_STEP)
    }

    /// Attaches again where a program is missing.
    async fn reattach(&mut self, next: &mut Snapshot) {
        let programs = self.plane.call(|datapath| datapath.programs()).await;
        let there: BTreeSet<_> = match programs {
            Ok(programs) => programs
                .iter()
                .flat_map(|program| program.attachments.iter().map(place))
                .collect(),
            Err(error) => {
                tracing::debug!(error = chain(&error), "the attached programs cannot be listed");
                BTreeSet::new()
            }
        };
        // Where none is listed (the simulated data plane lists none), what came off is not seen, only put back.
        let listed = !there.is_empty();
        let ports: Vec<Port> = next.ports.values().cloned().collect();
        for port in ports {
            let mut wanted = port.attached.attachments.iter();
            let lost = wanted.find(|attachment| listed && !there.contains(&place(attachment)));
            if let Some(lost) = lost {
                next.repairs += 1;
                tracing::warn!(
                    interface = port.target.name,
                    hook = lost.hook.name(),
                    repairs = next.repairs,
                    "a program had come off an interface and is attached again"
                );
            }
            // Attaching where everything is attached changes nothing, but finds what no listing shows. Where a hook
            // is refused, packets could slip past while it is tried, so that waits for the link to change.
            if lost.is_some() || port.error.is_some() || port.attached.problems.is_empty() {
                self.join(port.target, next).await;
            }
        }
    }
}

/// Where a program sits, whichever of ours it is: another one comes with a flow cache of another size.
fn place(attachment: &Attachment) -> (u32, Hook, Option<XdpMode>) {
    (attachment.interface_index, attachment.hook, attachment.mode)
}
