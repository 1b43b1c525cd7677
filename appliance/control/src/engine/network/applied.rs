//! Whether settings of interfaces are in force.

use std::collections::BTreeMap;

use ravelin_model::{
    DhcpClient, Event, InterfaceSettingsId, InterfaceSettingsSpec, LanServices, NetworkFault, NetworkPart,
    SettingsState,
};

use super::described;
use crate::engine::Engine;
use crate::snapshot::{NetworkState, Snapshot};
use crate::{AppliedSettings, PolicyView};

/// What the card of an interface says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum CardReport<'a> {
    /// Nobody has looked.
    Unknown,
    /// It is set as it shall be.
    Set,
    /// Why not.
    Problem(&'a str),
}

impl Engine {
    /// How settings of interfaces are doing.
    pub(in crate::engine) fn settings_states(
        &self,
        next: &Snapshot,
    ) -> BTreeMap<InterfaceSettingsId, AppliedSettings> {
        let settings = next.policy.policy.interface_settings.values();
        let states = settings.map(|settings| {
            let interface = &settings.spec.interface;
            let there = self.known_links.values().any(|link| link.name == *interface);
            let card = self.card_report(interface);
            let state = state(&settings.spec, there, next.starting, card, &self.network.state);
            (settings.id.clone(), state)
        });
        states.collect()
    }

    /// Tells whose state is another than before.
    pub(in crate::engine) fn tell_applied(
        &self,
        view: &PolicyView,
        applied: &BTreeMap<InterfaceSettingsId, AppliedSettings>,
    ) {
        let changed = applied
            .iter()
            .filter(|(id, now)| view.applied.get(id) != Some(now) && now.state != SettingsState::Starting);
        for (id, AppliedSettings { state, reason }) in changed {
            let Some(settings) = view.policy.interface_settings.get(id) else {
                continue;
            };
            self.hub.publish(Event::InterfaceSettingsChanged {
                settings: id.clone(),
                interface: settings.spec.interface.clone(),
                state: *state,
                reason: reason.clone(),
            });
        }
    }
}

/// Whether the settings of an interface are in force, and why not.
fn state(
    spec: &InterfaceSettingsSpec,
    there: bool,
    starting: bool,
    card: CardReport<'_>,
    network: &NetworkState,
) -> AppliedSettings {
    let (name, says_network) = (&spec.interface, !spec.network.is_empty());
    if starting && (!there || says_network) {
        return AppliedSettings::new(SettingsState::Starting, None);
    }
    if let Some(why) = network.strangers.get(name) {
        return AppliedSettings::new(SettingsState::Failed, Some(why.clone()));
    }
    let mut problems = Vec::new();
    if let CardReport::Problem(problem) = card {
        problems.push(problem.to_owned());
    }
    problems.extend(network.problem.clone().filter(|_| says_network));
    problems.extend(of_interface(network, name, false));
    let asks = spec.network.dhcp_client != DhcpClient::default()
        || spec.network.lan_services != LanServices::default();
    problems.extend(network.services.clone().filter(|_| asks));
    if !problems.is_empty() {
        return AppliedSettings::new(SettingsState::Failed, Some(problems.join("; ")));
    }
    let waits: Vec<String> = of_interface(network, name, true).collect();
    let reason = (!waits.is_empty()).then(|| waits.join("; "));
    if !there {
        // That a card is not there says enough.
        let reason = reason.filter(|_| spec.network.virtual_link.is_some());
        return AppliedSettings::new(SettingsState::Absent, reason);
    }
    match card {
        _ if reason.is_some() => AppliedSettings::new(SettingsState::Waiting, reason),
        CardReport::Unknown if !spec.hardware.is_empty() => {
            AppliedSettings::new(SettingsState::Starting, None)
        }
        _ => AppliedSettings::new(SettingsState::Applied, None),
    }
}

/// Faults of an interface, in words.
fn of_interface<'a>(
    network: &'a NetworkState,
    name: &'a str,
    waiting: bool,
) -> impl Iterator<Item = String> + 'a {
    let faults = network
        .faults
        .iter()
        .filter(move |fault| fault.waiting == waiting);
    faults.filter_map(move |NetworkFault { part, reason, .. }| match part {
        NetworkPart::Link(link) if link == name => Some(reason.clone()),
        NetworkPart::Address(link, _) if link == name => Some(format!("{}: {reason}", described(part))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use ravelin_model::{HardwareSettings, NetworkSettings};

    use super::*;

    fn spec() -> InterfaceSettingsSpec {
        InterfaceSettingsSpec {
            interface: "lan0".to_owned(),
            description: String::new(),
            network: NetworkSettings {
                addresses: vec!["10.0.0.1/24".parse().expect("address")],
                dhcp_client: DhcpClient {
                    ipv4: false,
                    ipv6: true,
                },
                ..NetworkSettings::default()
            },
            hardware: HardwareSettings::default(),
        }
    }

    fn fault(part: NetworkPart, waiting: bool, reason: &str) -> NetworkFault {
        NetworkFault {
            part,
            waiting,
            reason: reason.to_owned(),
        }
    }

    #[track_caller]
    fn check(network: NetworkState, card: CardReport<'_>, expected: SettingsState, reason: Option<&str>) {
        let found = state(&spec(), true, false, card, &network);
        assert_eq!((found.state, found.reason.as_deref()), (expected, reason));
    }

    #[test]
    fn what_fails_comes_before_what_waits() {
        let link = || NetworkPart::Link("lan0".to_owned());
        let address = NetworkPart::Address("lan0".to_owned(), spec().network.addresses[0]);
        let other = NetworkPart::Link("wan0".to_owned());
        let nothing = NetworkState::default;
        check(nothing(), CardReport::Set, SettingsState::Applied, None);
        let elsewhere = NetworkState {
            faults: vec![fault(other, false, "no")],
            ..nothing()
        };
        check(elsewhere, CardReport::Unknown, SettingsState::Applied, None);
        let waits = NetworkState {
            faults: vec![fault(link(), true, "there is no eth0")],
            ..nothing()
        };
        let reason = Some("there is no eth0");
        check(waits.clone(), CardReport::Set, SettingsState::Waiting, reason);
        let fails = NetworkState {
            faults: vec![
                fault(link(), true, "there is no eth0"),
                fault(address, false, "another host has it"),
            ],
            ..nothing()
        };
        let reason = Some("slow; address 10.0.0.1/24 of lan0: another host has it");
        check(fails, CardReport::Problem("slow"), SettingsState::Failed, reason);
        let broken = NetworkState {
            problem: Some("no socket".to_owned()),
            services: Some("no agent".to_owned()),
            ..waits
        };
        let reason = Some("no socket; no agent");
        check(broken, CardReport::Set, SettingsState::Failed, reason);
        let strange = NetworkState {
            strangers: [("lan0".to_owned(), "another card".to_owned())].into(),
            ..nothing()
        };
        check(
            strange,
            CardReport::Set,
            SettingsState::Failed,
            Some("another card"),
        );
    }

    #[test]
    fn a_link_that_is_not_there_is_absent() {
        let network = NetworkState {
            faults: vec![fault(NetworkPart::Link("lan0".to_owned()), true, "there is none")],
            ..NetworkState::default()
        };
        let found = state(&spec(), false, false, CardReport::Unknown, &network);
        assert_eq!(found, AppliedSettings::new(SettingsState::Absent, None));
        let found = state(&spec(), false, true, CardReport::Unknown, &network);
        assert_eq!(found.state, SettingsState::Starting);
    }
}
