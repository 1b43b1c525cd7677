//! Recorded cards: every capability with its value, source and reason, as `tests/cards/*.expected` has it.
//! `RAVELIN_RECORD=1` writes those files anew; read what changed before it is committed.

use std::fmt::Write as _;

use ravelin_model::{EswitchMode, HardwareChange, HardwareProbe, Told};
use ravelin_nic::{Ability, Answer, Assessment, LimitSource, Source, assess};

use crate::card;

fn shown(assessment: &Assessment) -> String {
    let Assessment {
        family,
        model,
        identity_source,
        capabilities,
        max_flows,
        supported,
        reason,
        remedy,
    } = assessment;
    let mut text = String::new();
    let mut line = |what: &str, value: &str| writeln!(text, "{what}: {value}").expect("text");
    line("family", family.unwrap_or("-"));
    line("model", model.unwrap_or("-"));
    line("model source", identity_source.unwrap_or("-"));
    line("supported", &format!("{supported}, {reason}"));
    line(
        "remedy",
        &remedy
            .as_ref()
            .map_or("-".to_owned(), |change| format!("{change:?}")),
    );
    let limit = max_flows.value.map_or("-".to_owned(), |value| value.to_string());
    line(
        "max_flows",
        &format!("{limit} ({}), {}", max_flows.source.name(), max_flows.reason),
    );
    for capability in capabilities {
        let active = match capability.active {
            Some(true) => ", active",
            Some(false) => ", not active",
            None => "",
        };
        let value = format!(
            "{}{active} ({}), {}",
            capability.value.name(),
            capability.source.name(),
            capability.reason
        );
        line(capability.ability.name(), &value);
    }
    text
}

#[test]
fn recorded_cards_are_assessed_as_expected() {
    for name in card::names() {
        let file = card::folder().join(format!("{name}.expected"));
        let shown = shown(&assess(&card::load(&name)));
        if std::env::var_os("RAVELIN_RECORD").is_some() {
            std::fs::write(&file, &shown).expect("write");
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (shown, expected) in shown.lines().zip(expected.lines()) {
            assert_eq!(shown, expected, "{name}");
        }
        assert_eq!(shown.lines().count(), expected.lines().count(), "{name}");
    }
}

/// Supported, with a part of the reason, and the limit on flows.
#[track_caller]
fn check(name: &str, supported: bool, reason: &str, max_flows: (Option<u64>, LimitSource)) {
    let assessment = assess(&card::load(name));
    assert_eq!(assessment.supported, supported, "{name}: {}", assessment.reason);
    assert!(
        assessment.reason.contains(reason),
        "{name}: {}",
        assessment.reason
    );
    let limit = assessment.max_flows;
    assert_eq!((limit.value, limit.source), max_flows, "{name}: {}", limit.reason);
}

#[test]
fn only_a_card_that_routes_is_supported() {
    let of_model = (Some(262_144), LimitSource::ModelDefault);
    let none = (Some(0), LimitSource::ModelDefault);
    check("connectx-6-dx", true, "hairpin", of_model);
    check(
        "connectx-5",
        false,
        "hw-tc-offload is off: switch it on",
        of_model,
    );
    check("connectx-6-dx-switchdev", false, "uplink", of_model);
    check("connectx-3", false, "no code for tc flower", none);
    check("x710", false, "traffic class of the same port", none);
    check("e810", false, "decrement the hop limit", none);
    check("x550", false, "cls_u32", none);
    check("igb", false, "choose a queue", none);
    check("e1000e", false, "no code for tc flower", none);
    check("bnxt", false, "decrement the hop limit", none);
    check("virtio", false, "guest's end", none);
    check("veth", false, "without hardware", none);
    check(
        "unknown",
        false,
        "somenic is in no table",
        (None, LimitSource::Unknown),
    );
}

/// Value and source of an ability.
#[track_caller]
fn has(name: &str, ability: Ability, value: Answer, source: Source) {
    let assessment = assess(&card::load(name));
    let known = assessment.capability(ability).expect("every ability");
    assert_eq!((known.value, known.source), (value, source), "{name}: {known:?}");
}

#[test]
fn tunnels_are_told_apart_by_their_own_features_and_the_driver() {
    use Ability::{GeneveDecapsulation, GeneveEncapsulation, GreDecapsulation, GreEncapsulation};
    use Ability::{VxlanDecapsulation, VxlanEncapsulation};
    has("connectx-6-dx", VxlanDecapsulation, Answer::Yes, Source::Table);
    has("connectx-6-dx", GeneveDecapsulation, Answer::No, Source::Table);
    has(
        "connectx-6-dx",
        GeneveEncapsulation,
        Answer::Unknown,
        Source::Unknown,
    );
    has("connectx-6-dx", GreEncapsulation, Answer::Yes, Source::Ethtool);
    has(
        "connectx-6-dx",
        GreDecapsulation,
        Answer::Unknown,
        Source::Unknown,
    );
    has("e810", GeneveDecapsulation, Answer::Yes, Source::Table);
    has("x550", GeneveDecapsulation, Answer::Unknown, Source::Unknown);
    // Neither bit of ConnectX-3 is on, whatever its driver means by them.
    has("connectx-3", VxlanEncapsulation, Answer::No, Source::Ethtool);
    has("connectx-3", VxlanDecapsulation, Answer::No, Source::Ethtool);
    // It sends them and learns no ports.
    has("igb", GeneveEncapsulation, Answer::Yes, Source::Table);
    has("igb", GeneveDecapsulation, Answer::Unknown, Source::Unknown);
    has("connectx-5", VxlanEncapsulation, Answer::Yes, Source::Table);
    // Not recorded of ConnectX-5.
    has("connectx-5", GreEncapsulation, Answer::Unknown, Source::Unknown);
    // A bit that is on without hardware.
    has("veth", VxlanEncapsulation, Answer::No, Source::Table);
    // The bit is there, but nobody has read what the driver means.
    has("unknown", VxlanEncapsulation, Answer::Unknown, Source::Unknown);
}

/// What a card that is supported becomes by one change to what is told.
#[track_caller]
fn refused(change: impl FnOnce(&mut HardwareProbe), reason: &str) -> Assessment {
    let mut probe = card::load("connectx-6-dx");
    assert!(assess(&probe).supported);
    change(&mut probe);
    let assessment = assess(&probe);
    assert!(!assessment.supported, "{}", assessment.reason);
    assert!(assessment.reason.contains(reason), "{}", assessment.reason);
    assessment
}

fn flow_rules(probe: &mut HardwareProbe, active: bool, fixed: bool) {
    let Told::Known(features) = &mut probe.features else {
        panic!("no features")
    };
    let feature = features
        .iter_mut()
        .find(|feature| feature.name == "hw-tc-offload");
    let feature = feature.expect("hw-tc-offload");
    (feature.active, feature.fixed) = (active, fixed);
}

fn mode(probe: &mut HardwareProbe, mode: EswitchMode) {
    let Told::Known(devlink) = &mut probe.devlink else {
        panic!("no devlink")
    };
    devlink.eswitch_mode = Some(mode);
}

#[test]
fn whatever_is_not_known_of_a_card_speaks_against_it() {
    refused(|probe| probe.driver = None, "names no driver");
    refused(
        |probe| (probe.driver, probe.index) = (None, 1),
        "never leave the kernel",
    );
    refused(|probe| probe.driver = Some("mlx5".to_owned()), "in no table");
    refused(|probe| probe.pci = None, "does not say which card");
    refused(
        |probe| probe.pci.as_mut().expect("pci").device = 0x1fff,
        "15b3:1fff",
    );
    refused(|probe| probe.features = Told::Unsupported, "tells no features");
    refused(|probe| probe.features = Told::Failed("busy".to_owned()), "busy");
    refused(
        |probe| probe.features = Told::Known(Vec::new()),
        "does not tell hw-tc-offload",
    );
    refused(|probe| probe.devlink = Told::Unsupported, "no devlink");
    refused(|probe| probe.devlink = Told::Failed("gone".to_owned()), "gone");
    refused(|probe| mode(probe, EswitchMode::Inactive), "inactive");
    refused(|probe| mode(probe, EswitchMode::Switchdev), "uplink");
    refused(|probe| flow_rules(probe, false, true), "off and fixed");
}

#[test]
fn cards_of_the_same_driver_that_cannot_are_refused() {
    refused(
        |probe| probe.pci.as_mut().expect("pci").device = 0x1015,
        "ConnectX-5 is the first",
    );
    refused(
        |probe| probe.pci.as_mut().expect("pci").device = 0x101e,
        "virtual function",
    );
    // The identity of an X710 with the driver of a ConnectX.
    let other = |probe: &mut HardwareProbe| probe.pci = card::load("x710").pci;
    refused(other, "known only with i40e");
}

#[test]
fn what_only_has_to_be_switched_on_says_so() {
    let assessment = refused(|probe| flow_rules(probe, false, false), "switch it on");
    let remedy = HardwareChange::Feature {
        name: "hw-tc-offload".to_owned(),
        on: true,
    };
    assert_eq!(assessment.remedy, Some(remedy));
    let fixed = refused(|probe| flow_rules(probe, false, true), "fixed");
    assert_eq!(fixed.remedy, None);
}

#[test]
fn a_limit_of_devlink_comes_before_that_of_the_model() {
    let limit = assess(&card::load("spectrum")).max_flows;
    assert_eq!((limit.value, limit.source), (Some(24_576), LimitSource::Devlink));
}
