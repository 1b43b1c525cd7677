//! The network in a commit, and the way back should it fail.

use std::sync::Arc;
use std::time::Instant;

use ravelin_model::{AnyObject, NetworkFault, NetworkPart, ObjectKind, Policy};

use super::described;
use crate::engine::Engine;
use crate::engine::policy::failed;
use crate::network::plan;
use crate::snapshot::Snapshot;
use crate::{CommitStep, ControlError, Diagnostic, ObjectChange};

/// What a commit does to the network.
#[derive(Debug, Default)]
pub(in crate::engine) struct NetworkWork {
    /// Something else is wanted than before.
    changes: bool,
    /// What fails does not fail the commit.
    lenient: bool,
}

impl NetworkWork {
    /// Whether something else is wanted than before.
    pub(in crate::engine) fn changes(&self) -> bool {
        self.changes
    }
}

impl Engine {
    /// What a commit of the policy means for the network.
    pub(in crate::engine) fn network_work(&self, policy: &Policy, lenient: bool) -> NetworkWork {
        NetworkWork {
            changes: plan(policy) != plan(&self.now().policy.policy),
            lenient,
        }
    }

    /// Brings the network to the policy of a commit, which is loaded by now: no address is there before packets to it are
    /// judged by what came with it.
    pub(in crate::engine) async fn set_network(
        &mut self,
        work: &NetworkWork,
        next: &Snapshot,
    ) -> Result<(), ControlError> {
        self.network.touched = false;
        if !work.changes {
            return Ok(());
        }
        self.network.touched = true;
        let started = Instant::now();
        let policy = Arc::clone(&next.policy.policy);
        let outcome = self
            .apply_network(&policy, next)
            .await
            .map(|brought| brought.faults);
        self.steps.took(CommitStep::Network, started);
        let refused = match &outcome {
            Err(why) => Some(why.clone()),
            Ok(faults) => self.new_fault(faults, &policy),
        };
        if let (Some(why), false) = (refused, work.lenient) {
            return Err(failed(CommitStep::Network)(ControlError::Network(why)));
        }
        self.note_network(outcome, &policy);
        Ok(())
    }

    /// Puts the network back after a change that failed. What cannot be is tried again by the next reconcile.
    pub(in crate::engine) async fn put_network_back(&mut self) {
        if !std::mem::take(&mut self.network.touched) {
            return;
        }
        let now = self.now();
        let outcome = self.apply_network(&now.policy.policy, &now).await;
        self.note_network(outcome.map(|brought| brought.faults), &now.policy.policy);
        self.network_is_due();
    }

    /// The change is stored: there is no way back.
    pub(in crate::engine) fn keep_network(&mut self) {
        self.network.touched = false;
    }

    /// What the kernel refuses and did not refuse before. That a card is another one is no failure of the commit.
    fn new_fault(&self, faults: &[NetworkFault], policy: &Policy) -> Option<String> {
        let strangers = self.strangers(policy);
        let stranger = |part: &NetworkPart| match part {
            NetworkPart::Link(name) | NetworkPart::Address(name, _) => strangers.contains_key(name),
            NetworkPart::Route(_) | NetworkPart::Rule(_) => false,
        };
        let mut new = faults.iter().filter(|fault| {
            !fault.waiting && !stranger(&fault.part) && !self.network.state.faults.contains(fault)
        });
        new.next()
            .map(|fault| format!("{}: {}", described(&fault.part), fault.reason))
    }

    /// What a commit would do to the network.
    pub(in crate::engine) fn foretell_network(
        &self,
        changes: &[ObjectChange],
        policy: &Policy,
    ) -> Vec<Diagnostic> {
        let (before, after) = (plan(&self.now().policy.policy), plan(policy));
        let strangers = self.strangers(policy);
        let mut told = Vec::new();
        for change in changes
            .iter()
            .filter(|change| change.kind == ObjectKind::InterfaceSettings)
        {
            let Some(object) = change.after.as_ref().or(change.before.as_ref()) else {
                continue;
            };
            let name = object.name().unwrap_or_default();
            let named =
                |links: &'_ [ravelin_model::WantedLink]| links.iter().find(|link| link.name == name).cloned();
            let (old, new) = (named(&before.links), named(&after.links));
            let mut say = |severity, code, detail| {
                told.push(Diagnostic {
                    severity,
                    code,
                    object: AnyObject::reference(object),
                    related: Vec::new(),
                    detail,
                });
            };
            let addresses = |link: &Option<ravelin_model::WantedLink>| -> Vec<ipnet::IpNet> {
                link.as_ref().map_or_else(Vec::new, |link| link.addresses.clone())
            };
            let (had, has) = (addresses(&old), addresses(&new));
            for gone in had.iter().filter(|address| !has.contains(address)) {
                say(
                    "warning",
                    "address_removed",
                    format!("It means that {name} loses {gone}."),
                );
            }
            for fresh in has.iter().filter(|address| !had.contains(address)) {
                say(
                    "info",
                    "address_added",
                    format!("It means that {name} gets {fresh}."),
                );
            }
            let made = |link: &Option<ravelin_model::WantedLink>| {
                link.as_ref().is_some_and(|link| link.virtual_link.is_some())
            };
            if made(&old) && !made(&new) {
                say(
                    "warning",
                    "link_removed",
                    format!("It means that the link {name} is deleted."),
                );
            }
            let down = |link: &Option<ravelin_model::WantedLink>| {
                link.as_ref().and_then(|link| link.enabled) == Some(false)
            };
            if down(&new) && !down(&old) {
                say("warning", "link_down", format!("It means that {name} goes down."));
            }
            if let Some(why) = strangers.get(name) {
                let detail = format!("{name} gets nothing of it and is in no zone: {why}.");
                say("warning", "another_card", detail);
            }
        }
        told
    }
}
