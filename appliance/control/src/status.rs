//! How a feature is doing: a pure function of what is wanted and what is attached.

use std::collections::BTreeMap;

use ravelin_datapath::{AttachTarget, Attached};
use ravelin_model::{Attachment, Feature, FeatureState, Hook, HwOffloadStatus, SyncState, SyncStatus};

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
        Feature::FlowOffload => &[Hook::Xdp],
        Feature::ConntrackSync | Feature::FlowRecords | Feature::HwOffload => &[],
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
    /// Where the flow cache stands to conntrack.
    pub(crate) sync: &'a SyncStatus,
    /// How forwarding by network cards stands.
    pub(crate) hw_offload: &'a HwOffloadStatus,
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
    if matches!(feature, Feature::ConntrackSync | Feature::FlowRecords) {
        return following(feature, obstacles.sync);
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
    if feature == Feature::FlowOffload {
        return offloading(obstacles.sync);
    }
    if feature == Feature::HwOffload {
        return by_cards(obstacles);
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

/// Of what hears of connections, with or without a data plane.
fn following(feature: Feature, sync: &SyncStatus) -> (FeatureState, Option<String>) {
    match &sync.state {
        SyncState::Off | SyncState::Seeding => (FeatureState::Starting, None),
        SyncState::Synced => (FeatureState::Active, None),
        SyncState::Resyncing if feature == Feature::FlowRecords => {
            let reason = "connections that end while conntrack is read anew leave no record";
            (FeatureState::Degraded, Some(reason.to_owned()))
        }
        SyncState::Resyncing => {
            let reason = "news of connections were lost; conntrack is being read anew";
            (FeatureState::Degraded, Some(reason.to_owned()))
        }
        SyncState::Unavailable(reason) if feature == Feature::ConntrackSync => {
            (FeatureState::Failed, Some(reason.clone()))
        }
        SyncState::Unavailable(reason) => (
            FeatureState::Failed,
            Some(format!("{} failed: {reason}", Feature::ConntrackSync)),
        ),
    }
}

/// Of the fast path. Interfaces it cannot send by are told each with its reason; flows there go the slow way, which is
/// no failure as long as there are others.
fn offloading(sync: &SyncStatus) -> (FeatureState, Option<String>) {
    match &sync.state {
        SyncState::Off | SyncState::Seeding => (FeatureState::Starting, None),
        SyncState::Resyncing => {
            let reason = "XDP forwards nothing while conntrack is read anew";
            (FeatureState::Degraded, Some(reason.to_owned()))
        }
        SyncState::Unavailable(reason) => (
            FeatureState::Failed,
            Some(format!("{} failed: {reason}", Feature::ConntrackSync)),
        ),
        SyncState::Synced => {
            let problems: Vec<String> = sync
                .ports
                .iter()
                .filter_map(|port| Some(format!("{}: {}", port.interface, port.problem.as_ref()?)))
                .collect();
            if problems.is_empty() || problems.len() < sync.ports.len() {
                (FeatureState::Active, None)
            } else {
                (FeatureState::Degraded, Some(problems.join("; ")))
            }
        }
    }
}

/// Of forwarding by cards. A box has interfaces whose cards do not forward; where none does, the feature does nothing.
fn by_cards(obstacles: Obstacles<'_>) -> (FeatureState, Option<String>) {
    let (state, reason) = offloading(obstacles.sync);
    if matches!(state, FeatureState::Starting | FeatureState::Failed) {
        return (state, reason);
    }
    let status = obstacles.hw_offload;
    if let Some(problem) = &status.problem {
        return (FeatureState::Failed, Some(problem.clone()));
    }
    let problems: Vec<String> = status
        .ports
        .iter()
        .filter_map(|port| Some(format!("{}: {}", port.interface, port.problem.as_ref()?)))
        .collect();
    match (problems.is_empty(), status.ports.is_empty()) {
        (true, true) => (FeatureState::Starting, None),
        (true, false) => (FeatureState::Active, None),
        (false, _) if problems.len() < status.ports.len() => (FeatureState::Active, None),
        (false, _) => (FeatureState::Degraded, Some(problems.join("; "))),
    }
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
    use std::slice;
    use std::sync::LazyLock;

    use ravelin_model::{FeatureConfig, HwOffloadPort, OffloadPort, Revision, XdpMode};

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

    fn free(sync: &SyncStatus) -> Obstacles<'_> {
        static NONE: LazyLock<HwOffloadStatus> = LazyLock::new(HwOffloadStatus::default);
        Obstacles {
            no_datapath: None,
            starting: false,
            fault: None,
            shortfall: None,
            sync,
            hw_offload: &NONE,
        }
    }

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
        let sync = SyncStatus::default();
        let free = free(&sync);
        let whole = port(1, &Hook::ALL, &[]);
        let tc = port(2, &[Hook::TcIngress, Hook::TcEgress], &["no native XDP"]);
        let none = port(3, &[], &["gone"]);
        let no_plane = Obstacles {
            no_datapath: Some("CAP_BPF is missing"),
            ..free
        };
        let starting = Obstacles {
            starting: true,
            ..free
        };
        let fault = Obstacles {
            fault: Some("too large"),
            ..free
        };
        let shortfall = Obstacles {
            shortfall: Some("not timed"),
            ..free
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
        check(Statistics, true, free, &one, (FeatureState::Active, None));
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
        check(Statistics, true, free, &[], (FeatureState::Active, None));
        let partly = "eth2: not attached to xdp (no native XDP)";
        let two = [whole, tc];
        check(
            DnsBlocklist,
            true,
            free,
            &two,
            (FeatureState::Degraded, Some(partly)),
        );
        check(DdosProtection, true, free, &two, (FeatureState::Active, None));
        let nowhere = "eth3: not attached to xdp (gone)";
        check(
            DdosProtection,
            true,
            free,
            &[none],
            (FeatureState::Failed, Some(nowhere)),
        );
    }

    fn eligible(interface: &str, problem: Option<&str>) -> OffloadPort {
        OffloadPort {
            interface: interface.to_owned(),
            index: 1,
            problem: problem.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_about_connections_stands_as_the_flow_cache_does() {
        use Feature::{ConntrackSync, FlowOffload, FlowRecords};
        let of = |state: SyncState, ports: &[OffloadPort]| SyncStatus {
            state,
            ports: ports.to_vec(),
            ..SyncStatus::default()
        };
        let all = |sync: &SyncStatus, expected: [(FeatureState, Option<&str>); 3]| {
            for (feature, expected) in [ConntrackSync, FlowOffload, FlowRecords]
                .into_iter()
                .zip(expected)
            {
                check(feature, true, free(sync), &[], expected);
                check(feature, false, free(sync), &[], (FeatureState::Disabled, None));
            }
        };
        let starting = (FeatureState::Starting, None);
        all(&of(SyncState::Off, &[]), [starting; 3]);
        all(&of(SyncState::Seeding, &[]), [starting; 3]);
        all(&of(SyncState::Synced, &[]), [(FeatureState::Active, None); 3]);
        let degraded = |reason| (FeatureState::Degraded, Some(reason));
        all(
            &of(SyncState::Resyncing, &[]),
            [
                degraded("news of connections were lost; conntrack is being read anew"),
                degraded("XDP forwards nothing while conntrack is read anew"),
                degraded("connections that end while conntrack is read anew leave no record"),
            ],
        );
        let failed = |reason| (FeatureState::Failed, Some(reason));
        let behind = failed("conntrack_sync failed: no ctnetlink");
        all(
            &of(SyncState::Unavailable("no ctnetlink".to_owned()), &[]),
            [failed("no ctnetlink"), behind, behind],
        );
        let (good, bad) = (eligible("lan0", None), eligible("tun0", Some("no Ethernet")));
        let sync = of(SyncState::Synced, &[good, bad.clone()]);
        check(FlowOffload, true, free(&sync), &[], (FeatureState::Active, None));
        let sync = of(SyncState::Synced, &[bad]);
        check(FlowOffload, true, free(&sync), &[], degraded("tun0: no Ethernet"));
    }

    #[test]
    fn forwarding_by_cards_says_which_do_not() {
        let synced = SyncStatus {
            state: SyncState::Synced,
            ..SyncStatus::default()
        };
        let card = |interface: &str, problem: Option<&str>| HwOffloadPort {
            interface: interface.to_owned(),
            index: 1,
            problem: problem.map(str::to_owned),
            installed: 0,
            limit: None,
        };
        let at = |sync: &SyncStatus, ports: &[HwOffloadPort], problem: Option<&str>, expected| {
            let status = HwOffloadStatus {
                ports: ports.to_vec(),
                problem: problem.map(str::to_owned),
                ..HwOffloadStatus::default()
            };
            let obstacles = Obstacles {
                hw_offload: &status,
                ..free(sync)
            };
            check(Feature::HwOffload, true, obstacles, &[], expected);
            check(
                Feature::HwOffload,
                false,
                obstacles,
                &[],
                (FeatureState::Disabled, None),
            );
        };
        let (good, bad) = (card("wan0", None), card("lan0", Some("veth has no card")));
        at(&synced, &[], None, (FeatureState::Starting, None));
        at(
            &synced,
            slice::from_ref(&good),
            None,
            (FeatureState::Active, None),
        );
        at(&synced, &[good, bad.clone()], None, (FeatureState::Active, None));
        let none = (FeatureState::Degraded, Some("lan0: veth has no card"));
        at(&synced, slice::from_ref(&bad), None, none);
        let simulated = (FeatureState::Failed, Some("no card is asked"));
        at(
            &synced,
            slice::from_ref(&bad),
            Some("no card is asked"),
            simulated,
        );
        let seeding = SyncStatus::default();
        at(&seeding, &[bad], None, (FeatureState::Starting, None));
    }

    #[test]
    fn connections_are_followed_without_a_data_plane_but_not_forwarded() {
        let sync = SyncStatus {
            state: SyncState::Synced,
            ..SyncStatus::default()
        };
        let missing = Obstacles {
            no_datapath: Some("CAP_BPF is missing"),
            ..free(&sync)
        };
        let active = (FeatureState::Active, None);
        check(Feature::ConntrackSync, true, missing, &[], active);
        check(Feature::FlowRecords, true, missing, &[], active);
        let reason = Some("there is no data plane: CAP_BPF is missing");
        check(
            Feature::FlowOffload,
            true,
            missing,
            &[],
            (FeatureState::Failed, reason),
        );
    }
}
