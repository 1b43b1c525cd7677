//! The network of the box, brought to what the policy says of it: with a commit, at a start once programs are attached,
//! and whenever links change.

mod applied;
mod commit;
mod lock_out;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_model::{NetworkFault, NetworkPart, NetworkServices, Policy};
use tokio::sync::watch;

pub(super) use applied::CardReport;
pub(super) use commit::NetworkWork;

use super::Engine;
use crate::network::{DaemonStatus, hold_back, pinned, plan, services, strangers};
use crate::snapshot::{NetworkState, Snapshot};
use crate::{LinkSource, Network};

/// Links change by the dozen when a card comes; so long is waited for the last of them.
const QUIET: Duration = Duration::from_millis(100);

/// A link that is made here is raised once programs sit on it, and only then can another be made on it.
const ROUNDS: usize = 8;

/// Who is asked, and what came of it.
#[derive(Debug)]
pub(super) struct NetworkKeeper {
    network: Option<Arc<dyn Network>>,
    links: LinkSource,
    state: NetworkState,
    /// A change under way has begun to change the network.
    touched: bool,
    /// When it is looked at again.
    due: Option<Instant>,
    services: watch::Sender<Option<Arc<NetworkServices>>>,
    daemons: watch::Receiver<DaemonStatus>,
    /// The box shall forward once the policy is in force.
    forward: bool,
}

/// What the keeper is made of.
#[derive(Debug)]
pub(crate) struct NetworkParts {
    pub(crate) network: Option<Arc<dyn Network>>,
    pub(crate) links: LinkSource,
    /// Where the daemons of others are told.
    pub(crate) services: watch::Sender<Option<Arc<NetworkServices>>>,
    /// How they are doing.
    pub(crate) daemons: watch::Receiver<DaemonStatus>,
    /// The box shall forward once the policy is in force.
    pub(crate) forward: bool,
}

impl NetworkKeeper {
    pub(super) fn new(parts: NetworkParts) -> Self {
        let NetworkParts {
            network,
            links,
            services,
            daemons,
            forward,
        } = parts;
        Self {
            network,
            links,
            state: NetworkState::default(),
            touched: false,
            due: None,
            services,
            daemons,
            forward,
        }
    }

    pub(super) fn state(&self) -> NetworkState {
        self.state.clone()
    }
}

/// What came of a plan.
#[derive(Debug, Default)]
struct Brought {
    faults: Vec<NetworkFault>,
    /// Links that are not raised yet, because no program sits on them.
    held: BTreeSet<String>,
}

impl Engine {
    /// Names that stand for one card each, and which link that is.
    pub(super) fn pinned(&self, policy: &Policy) -> BTreeMap<String, Option<u32>> {
        pinned(policy, self.known_links.values())
    }

    /// Links that are not the card their name stands for, and why not.
    pub(super) fn strangers(&self, policy: &Policy) -> BTreeMap<String, String> {
        strangers(policy, self.known_links.values())
    }

    /// Whether the link of that name was another card when links were last looked at.
    pub(super) fn is_stranger(&self, name: &str) -> bool {
        self.network.state.strangers.contains_key(name)
    }

    /// Looks at which links are the card their name stands for; those that no longer are, and why not.
    pub(super) fn look_at_strangers(&mut self) -> BTreeMap<String, String> {
        let policy = Arc::clone(&self.now().policy.policy);
        let now = self.strangers(&policy);
        let before = std::mem::replace(&mut self.network.state.strangers, now.clone());
        now.into_iter()
            .filter(|(name, _)| !before.contains_key(name))
            .collect()
    }

    /// How long until the network is to be looked at.
    pub(crate) fn until_network(&self) -> Duration {
        let due = self.network.due;
        due.map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()))
    }

    /// Links changed: the network is looked at when they have settled.
    pub(super) fn network_is_due(&mut self) {
        self.network.due.get_or_insert_with(|| Instant::now() + QUIET);
    }

    /// Brings the network to the policy that is in force. What fails is its state.
    pub(crate) async fn bring_network(&mut self) {
        self.network.due = None;
        let mut waiting = None;
        for _ in 0..ROUNDS {
            let now = self.now();
            let outcome = self.apply_network(&now.policy.policy, &now).await;
            let held = outcome
                .as_ref()
                .map_or_else(|_| BTreeSet::new(), |brought| brought.held.clone());
            self.note_network(outcome.map(|brought| brought.faults), &now.policy.policy);
            if held.is_empty() || waiting.as_ref() == Some(&held) {
                break;
            }
            waiting = Some(held);
            let links = self.network.links.now().await;
            self.look_at_links(&links).await;
        }
        self.tell_daemons();
        self.forward().await;
        let next = (*self.now()).clone();
        self.publish_state(next).await;
    }

    /// Whether packets that come by the link are judged.
    fn may_be_raised(&self, name: &str, next: &Snapshot) -> bool {
        let mut links = self.known_links.values();
        let link = links.find(|link| link.name == name);
        let judged = |index| self.plane.missing().is_some() || next.ports.contains_key(&index);
        next.policy.problems.is_empty() && link.is_some_and(|link| link.loopback || judged(link.index))
    }

    async fn apply_network(&self, policy: &Policy, next: &Snapshot) -> Result<Brought, String> {
        let mut plan = plan(policy);
        let Some(network) = self.network.network.clone() else {
            let nothing = plan.links.is_empty() && plan.routes.is_empty() && plan.rules.is_empty();
            return match nothing {
                true => Ok(Brought::default()),
                false => Err("nobody is there to set the network".to_owned()),
            };
        };
        let held = hold_back(&mut plan, |name| self.may_be_raised(name, next));
        match tokio::task::spawn_blocking(move || network.apply(&plan)).await {
            Ok(Ok(faults)) => Ok(Brought { faults, held }),
            Ok(Err(why)) => Err(why),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Keeps what came of it, and tells what is new.
    fn note_network(&mut self, outcome: Result<Vec<NetworkFault>, String>, policy: &Policy) {
        let (faults, problem) = match outcome {
            Ok(faults) => (faults, None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        let before = std::mem::take(&mut self.network.state);
        if let Some(problem) = problem
            .as_ref()
            .filter(|problem| before.problem.as_ref() != Some(problem))
        {
            tracing::error!(problem, "the network could not be set");
        }
        for fault in faults.iter().filter(|fault| !before.faults.contains(fault)) {
            let NetworkFault {
                part,
                waiting,
                reason,
            } = fault;
            let part = described(part);
            if *waiting {
                tracing::info!(part, reason, "a part of the network waits");
            } else {
                tracing::warn!(part, reason, "a part of the network is not in force");
            }
        }
        for fault in before.faults.iter().filter(|fault| {
            let same = |other: &NetworkFault| other.part == fault.part;
            problem.is_none() && !faults.iter().any(same)
        }) {
            tracing::info!(
                part = described(&fault.part),
                "a part of the network is in force now"
            );
        }
        self.network.state = NetworkState {
            faults,
            problem,
            strangers: self.strangers(policy),
            services: self.network.daemons.borrow().problem.clone(),
        };
    }

    /// The daemons are doing otherwise.
    pub(crate) async fn follow_daemons(&mut self) {
        self.network.state.services = self.network.daemons.borrow_and_update().problem.clone();
        let next = (*self.now()).clone();
        self.publish_state(next).await;
    }

    fn tell_daemons(&self) {
        let policy = &self.now().policy.policy;
        let wanted = Some(Arc::new(services(policy, &self.strangers(policy))));
        self.network.services.send_if_modified(|told| {
            let other = *told != wanted;
            if other {
                *told = wanted;
            }
            other
        });
    }

    /// Has the box forward, once packets are judged by a policy.
    async fn forward(&mut self) {
        let now = self.now();
        if !self.network.forward || now.enforced.is_none() || !now.policy.problems.is_empty() {
            return;
        }
        let Some(network) = self.network.network.clone() else {
            return;
        };
        match tokio::task::spawn_blocking(move || network.forward()).await {
            Ok(Ok(())) => {
                self.network.forward = false;
                tracing::info!("the box forwards: the policy is in force");
            }
            Ok(Err(why)) => tracing::error!(why, "the box could not be had to forward; it is tried again"),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// A part in words.
fn described(part: &NetworkPart) -> String {
    match part {
        NetworkPart::Link(name) => format!("link {name}"),
        NetworkPart::Address(name, address) => format!("address {address} of {name}"),
        NetworkPart::Route(route) => {
            let ravelin_model::WantedRoute {
                destination,
                table,
                metric,
                ..
            } = route;
            format!("route to {destination} (metric {metric}, table {table})")
        }
        NetworkPart::Rule(rule) => {
            let family = if rule.ipv6 { "IPv6" } else { "IPv4" };
            format!("policy route {} of {family}", rule.priority)
        }
    }
}
