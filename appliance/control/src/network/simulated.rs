//! A network that is not there.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ravelin_model::{NetworkFault, NetworkPart, NetworkPlan, RouteTarget};

use crate::Network;

/// A network in memory, which takes every plan but for what it was told to refuse. Links that are not said to be missing
/// are there.
#[derive(Debug, Default)]
pub struct SimulatedNetwork {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    applied: Vec<NetworkPlan>,
    missing: BTreeSet<String>,
    refused: Vec<NetworkFault>,
    broken: Option<String>,
    forwards: bool,
}

impl SimulatedNetwork {
    /// Plans in the order they were applied, those left out that could not be applied at all.
    pub fn applied(&self) -> Vec<NetworkPlan> {
        self.state().applied.clone()
    }

    /// The plan that is in force, as far as it has no faults.
    pub fn plan(&self) -> Option<NetworkPlan> {
        self.state().applied.last().cloned()
    }

    /// Whether it was told to forward.
    pub fn forwards(&self) -> bool {
        self.state().forwards
    }

    /// Takes a physical link out of the box: what needs it waits, until [`Self::plug`].
    pub fn unplug(&self, link: &str) {
        self.state().missing.insert(link.to_owned());
    }

    /// Puts a link back.
    pub fn plug(&self, link: &str) {
        self.state().missing.remove(link);
    }

    /// Has these parts refused from now on, where a plan has them; of a link its name is compared.
    pub fn refuse(&self, faults: Vec<NetworkFault>) {
        self.state().refused = faults;
    }

    /// Has nothing done at all from now on, and why; None: again everything.
    pub fn break_down(&self, why: Option<&str>) {
        self.state().broken = why.map(str::to_owned);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Network for SimulatedNetwork {
    fn apply(&self, plan: &NetworkPlan) -> Result<Vec<NetworkFault>, String> {
        let mut state = self.state();
        if let Some(why) = &state.broken {
            return Err(why.clone());
        }
        let mut faults = state.missing(plan);
        faults.extend(
            state
                .refused
                .iter()
                .filter(|fault| has(plan, &fault.part))
                .cloned(),
        );
        state.applied.push(plan.clone());
        Ok(faults)
    }

    fn forward(&self) -> Result<(), String> {
        let mut state = self.state();
        state.forwards = state.broken.is_none();
        state.broken.clone().map_or(Ok(()), Err)
    }
}

impl State {
    fn missing(&self, plan: &NetworkPlan) -> Vec<NetworkFault> {
        let waits = |part, link: &str| NetworkFault {
            part,
            waiting: true,
            reason: format!("there is no link '{link}'"),
        };
        let links = plan.links.iter().filter_map(|link| {
            let missing = match &link.virtual_link {
                None => self.missing.get(&link.name),
                Some(made) => made.members().iter().find_map(|member| self.missing.get(member)),
            };
            missing.map(|missing| waits(NetworkPart::Link(link.name.clone()), missing))
        });
        let routes = plan.routes.iter().filter_map(|route| {
            let (RouteTarget::Interface(interface)
            | RouteTarget::Gateway {
                interface: Some(interface),
                ..
            }) = &route.target
            else {
                return None;
            };
            let missing = self.missing.get(interface)?;
            Some(waits(NetworkPart::Route(route.clone()), missing))
        });
        links.chain(routes).collect()
    }
}

fn has(plan: &NetworkPlan, part: &NetworkPart) -> bool {
    match part {
        NetworkPart::Link(name) => plan.links.iter().any(|link| link.name == *name),
        NetworkPart::Address(name, address) => plan
            .links
            .iter()
            .any(|link| link.name == *name && link.addresses.contains(address)),
        NetworkPart::Route(route) => plan.routes.contains(route),
        NetworkPart::Rule(rule) => plan.rules.contains(rule),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_model::{LinkIdentity, WantedLink, WantedRoute};

    fn plan() -> NetworkPlan {
        let address = "192.0.2.1/24".parse().expect("address");
        NetworkPlan {
            links: vec![WantedLink {
                name: "lan0".to_owned(),
                identity: LinkIdentity::default(),
                virtual_link: None,
                enabled: Some(true),
                mtu_bytes: None,
                addresses: vec![address],
            }],
            routes: vec![WantedRoute {
                destination: "198.51.100.0/24".parse().expect("prefix"),
                table: 254,
                metric: 0,
                target: RouteTarget::Interface("lan0".to_owned()),
                mtu_bytes: None,
            }],
            ..NetworkPlan::default()
        }
    }

    #[test]
    fn what_needs_a_missing_link_waits_for_it() {
        let network = SimulatedNetwork::default();
        assert_eq!(network.apply(&plan()), Ok(vec![]));
        network.unplug("lan0");
        let faults = network.apply(&plan()).expect("applied");
        let parts: Vec<_> = faults.iter().map(|fault| (&fault.part, fault.waiting)).collect();
        let route = NetworkPart::Route(plan().routes[0].clone());
        assert_eq!(
            parts,
            [(&NetworkPart::Link("lan0".to_owned()), true), (&route, true)]
        );
        network.plug("lan0");
        assert_eq!(network.apply(&plan()), Ok(vec![]));
        assert_eq!(network.applied().len(), 3);
    }

    #[test]
    fn what_was_told_is_refused_where_it_is_asked_for() {
        let network = SimulatedNetwork::default();
        let address = "192.0.2.1/24".parse().expect("address");
        let fault = NetworkFault {
            part: NetworkPart::Address("lan0".to_owned(), address),
            waiting: false,
            reason: "another host has it".to_owned(),
        };
        network.refuse(vec![fault.clone()]);
        assert_eq!(network.apply(&plan()), Ok(vec![fault]));
        assert_eq!(network.apply(&NetworkPlan::default()), Ok(vec![]));
        network.break_down(Some("no socket"));
        assert_eq!(network.apply(&plan()), Err("no socket".to_owned()));
        assert_eq!(network.plan(), Some(NetworkPlan::default()));
        network.break_down(None);
        assert!(network.apply(&plan()).is_ok());
    }
}
