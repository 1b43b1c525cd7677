//! How a feature is doing: a pure function of what is wanted and what is attached.

use std::collections::BTreeMap;

use ravelin_datapath::{AttachTarget, Attached};
use ravelin_model::{Attachment, Feature, FeatureState, Hook};

use crate::settings::Setting;

/// An interface the programs shall sit on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) target: AttachTarget,
    /// What the last attach came to.
    pub(crate) attached: Attached,
    /// Why the last attach failed altogether.
    pub(crate) error: Option<String>,
}

impl Port {
    fn sits_on(&self, hook: Hook) -> bool {
        self.attached.attachments.iter().any(|a| a.hook == hook)
    }

    /// What is wrong, in words.
    pub(crate) fn problem(&self) -> Option<String> {
        match (&self.error, self.attached.problems.as_slice()) {
            (Some(error), _) => Some(error.clone()),
            (None, []) => None,
            (None, problems) => Some(problems.join("; ")),
        }
    }
}

/// Interfaces by kernel index.
pub(crate) type Ports = BTreeMap<u32, Port>;

/// Hooks the feature needs on an interface. Tc ingress does the work of XDP where XDP is missing, so
/// `ddos_protection` needs either; it also sets the mark `policy_classifier` hands to nftables, with or without XDP.
fn needed(feature: Feature, port: &Port) -> &'static [Hook] {
    match feature {
        Feature::Statistics | Feature::FlowMonitoring => &Hook::ALL,
        Feature::DdosProtection if port.sits_on(Hook::TcIngress) && !port.sits_on(Hook::Xdp) => {
            &[Hook::TcIngress]
        }
        Feature::DdosProtection => &[Hook::Xdp],
        Feature::DnsBlocklist => &[Hook::Xdp, Hook::TcIngress],
        Feature::PolicyClassifier => &[Hook::TcIngress],
    }
}

/// Attachments the feature's packets pass.
pub(crate) fn hooks(feature: Feature, ports: &Ports) -> Vec<Attachment> {
    ports
        .values()
        .flat_map(|port| {
            let needed = needed(feature, port);
            port.attached
                .attachments
                .iter()
                .filter(|attachment| needed.contains(&attachment.hook))
        })
        .cloned()
        .collect()
}

/// What stands between a feature and its work, beside the interfaces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Obstacles<'a> {
    /// Why there is no data plane.
    pub(crate) no_datapath: Option<&'a str>,
    /// Boot has not got to the data plane yet.
    pub(crate) starting: bool,
    /// Why what the feature needs could not be loaded.
    pub(crate) fault: Option<&'a str>,
    /// What the feature does not get of what it asks for, while it is at work.
    pub(crate) shortfall: Option<&'a str>,
}

/// State and its reason.
pub(crate) fn state(
    feature: Feature,
    setting: &Setting,
    obstacles: Obstacles<'_>,
    ports: &Ports,
) -> (FeatureState, Option<String>) {
    if !setting.enabled {
        return (FeatureState::Disabled, None);
    }
    if let Some(reason) = obstacles.no_datapath {
        return (
            FeatureState::Failed,
            Some(format!("there is no data plane: {reason}")),
        );
    }
    if obstacles.starting {
        return (FeatureState::Starting, None);
    }
    if let Some(fault) = obstacles.fault {
        return (FeatureState::Failed, Some(fault.to_owned()));
    }
    let lacking: Vec<String> = ports.values().filter_map(|port| lack(feature, port)).collect();
    let lacking: Vec<String> = lacking
        .into_iter()
        .chain(obstacles.shortfall.map(str::to_owned))
        .collect();
    if lacking.is_empty() {
        return (FeatureState::Active, None);
    }
    let state = if hooks(feature, ports).is_empty() && !ports.is_empty() {
        FeatureState::Failed
    } else {
        FeatureState::Degraded
    };
    (state, Some(lacking.join("; ")))
}

/// What the feature misses on an interface, in words.
fn lack(feature: Feature, port: &Port) -> Option<String> {
    let missing: Vec<&str> = needed(feature, port)
        .iter()
        .filter(|hook| !port.sits_on(**hook))
        .map(|hook| hook.name())
        .collect();
    if missing.is_empty() {
        return None;
    }
    let what = format!("{}: not attached to {}", port.target.name, missing.join(", "));
    Some(match port.problem() {
        Some(problem) => format!("{what} ({problem})"),
        None => what,
    })
}

#[cfg(test)]
mod tests {
    use ravelin_model::{FeatureConfig, Revision, XdpMode};

    use super::*;

    fn port(index: u32, hooks: &[Hook], problems: &[&str]) -> (u32, Port) {
        let name = format!("eth{index}");
        let attachments = hooks
            .iter()
            .map(|&hook| Attachment {
                interface: name.clone(),
                interface_index: index,
                hook,
                mode: (hook == Hook::Xdp).then_some(XdpMode::Generic),
                program_id: 1,
            })
            .collect();
        let port = Port {
            target: AttachTarget {
                name,
                index,
                external: false,
            },
            attached: Attached {
                attachments,
                problems: problems.iter().map(|p| (*p).to_owned()).collect(),
            },
            error: None,
        };
        (index, port)
    }

    const FREE: Obstacles<'_> = Obstacles {
        no_datapath: None,
        starting: false,
        fault: None,
        shortfall: None,
    };

    fn check(
        feature: Feature,
        enabled: bool,
        obstacles: Obstacles<'_>,
        ports: &[(u32, Port)],
        expected: (FeatureState, Option<&str>),
    ) {
        let setting = Setting {
            enabled,
            config: FeatureConfig::default_of(feature),
            revision: Revision(1),
        };
        let (found, reason) = state(feature, &setting, obstacles, &ports.iter().cloned().collect());
        assert_eq!((found, reason.as_deref()), expected, "{feature}");
    }

    #[test]
    fn a_state_tells_what_is_and_why() {
        use Feature::{DdosProtection, DnsBlocklist, Statistics};
        let whole = port(1, &Hook::ALL, &[]);
        let tc = port(2, &[Hook::TcIngress, Hook::TcEgress], &["no native XDP"]);
        let none = port(3, &[], &["gone"]);
        let no_plane = Obstacles {
            no_datapath: Some("CAP_BPF is missing"),
            ..FREE
        };
        let starting = Obstacles {
            starting: true,
            ..FREE
        };
        let fault = Obstacles {
            fault: Some("too large"),
            ..FREE
        };
        let shortfall = Obstacles {
            shortfall: Some("not timed"),
            ..FREE
        };
        let no_plane_reason = "there is no data plane: CAP_BPF is missing";
        let one = [whole.clone()];
        check(Statistics, false, no_plane, &one, (FeatureState::Disabled, None));
        check(
            Statistics,
            true,
            no_plane,
            &one,
            (FeatureState::Failed, Some(no_plane_reason)),
        );
        check(Statistics, true, starting, &one, (FeatureState::Starting, None));
        check(
            DnsBlocklist,
            true,
            fault,
            &one,
            (FeatureState::Failed, Some("too large")),
        );
        check(Statistics, true, FREE, &one, (FeatureState::Active, None));
        check(
            Statistics,
            true,
            shortfall,
            &[],
            (FeatureState::Degraded, Some("not timed")),
        );
        check(
            Statistics,
            true,
            shortfall,
            &one,
            (FeatureState::Degraded, Some("not timed")),
        );
        check(Statistics, true, FREE, &[], (FeatureState::Active, None));
        let partly = "eth2: not attached to xdp (no native XDP)";
        let two = [whole, tc];
        check(
            DnsBlocklist,
            true,
            FREE,
            &two,
            (FeatureState::Degraded, Some(partly)),
        );
        check(DdosProtection, true, FREE, &two, (FeatureState::Active, None));
        let nowhere = "eth3: not attached to xdp (gone)";
        check(
            DdosProtection,
            true,
            FREE,
            &[none],
            (FeatureState::Failed, Some(nowhere)),
        );
    }
}
