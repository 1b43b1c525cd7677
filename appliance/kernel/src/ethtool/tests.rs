//! Our messages beside those of ethtool(8), and what is read beside what it prints.

use ethtool::{EthtoolAttr, EthtoolFeatureAttr, EthtoolMessage};
use netlink_packet_generic::GenlHeader;
use ravelin_model::{Channels, Coalescing, NicFeature, Pause, Rings};
use ravelin_test_harness::{ShownFeature, shown_features, shown_indirection, shown_number, shown_switch};
use rtnetlink::packet_core::ParseableParametrized;

use super::{about, features, settings, spread};
use crate::netlink::{Messages, attributes};
use crate::recorded::recorded;

/// ACKNOWLEDGE and REQUEST, which is what [`crate::generic::GenericNetlink::ask`] sends.
const FLAGS: u16 = 5;

/// The request must be the one ethtool sends: flags, command, version and every byte behind them, but for the family's
/// number, the sequence number and the sender, which no two processes share.
#[track_caller]
fn check_request(shell: &str, command: u8, attributes: &[u8]) {
    let recorded = recorded(shell);
    let request = recorded.request(command);
    assert_eq!((request.flags, request.version), (FLAGS, 1), "{shell}");
    assert_eq!(attributes, request.attributes, "{shell}");
}

#[test]
fn requests_are_byte_for_byte_those_of_ethtool() {
    for (shell, request) in [
        ("ethtool -g nic0", EthtoolMessage::new_ring_get(Some("nic0"))),
        ("ethtool -l sim0", EthtoolMessage::new_channel_get(Some("sim0"))),
        ("ethtool -c nic0", EthtoolMessage::new_coalesce_get(Some("nic0"))),
        ("ethtool -a nic0", EthtoolMessage::new_pause_get(Some("nic0"))),
    ] {
        check_request(shell, request.cmd.into(), &settings::bytes(&request));
    }
    check_request("ethtool -x vio0", 38, about("vio0").bytes());
    let rings = settings::bytes(&settings::ring_change("nic0", Some(512), Some(128)));
    check_request("ethtool -G nic0 rx 512 tx 128", 16, &rings);
    let channels = settings::bytes(&settings::channel_change("sim0", None, None, Some(2)));
    check_request("ethtool -L sim0 combined 2", 18, &channels);
    let channels = settings::bytes(&settings::channel_change("wan0", Some(2), Some(3), None));
    check_request("ethtool -L wan0 rx 2 tx 3", 18, &channels);
}

/// ethtool asks for features in bit masks and then for their names (ETHTOOL_FLAG_COMPACT_BITSETS); we have the kernel
/// put the names into the answer. The flag in the header is all that differs.
#[track_caller]
fn check_feature_request(shell: &str, command: u8, attributes: &[u8]) {
    const FLAGS_OF_HEADER: u16 = 3;
    let recorded = recorded(shell);
    let request = recorded.request(command);
    let mut expected = Messages::default();
    for (kind, value) in self::attributes(&request.attributes) {
        if kind == super::ETHTOOL_A_HEADER {
            expected.nest(kind, |header| {
                for (kind, value) in self::attributes(value).filter(|(kind, _)| *kind != FLAGS_OF_HEADER) {
                    header.put(kind, value);
                }
            });
        } else {
            expected.put(kind | NESTED, value);
        }
    }
    assert_eq!(attributes, expected.bytes(), "{shell}");
    assert_eq!(
        request.attributes.len(),
        attributes.len() + 8,
        "{shell}: the flag, and no more"
    );
}

const NESTED: u16 = 1 << 15;

#[test]
fn requests_for_features_differ_from_those_of_ethtool_by_one_flag() {
    check_feature_request("ethtool -k nic0", 11, about("nic0").bytes());
    check_feature_request(
        "ethtool -K wan0 rx-gro on",
        12,
        &features::change("wan0", "rx-gro", true),
    );
    check_feature_request(
        "ethtool -K wan0 rx-gro off",
        12,
        &features::change("wan0", "rx-gro", false),
    );
}

fn shown(feature: &NicFeature) -> ShownFeature {
    ShownFeature {
        name: feature.name.clone(),
        active: feature.active,
        wanted: (!feature.fixed).then_some(feature.wanted),
        fixed: feature.fixed,
    }
}

#[test]
fn features_are_those_ethtool_prints() {
    for interface in ["nic0", "vio0", "wan0"] {
        let answer = recorded(&format!("probe {interface}"));
        let read = features::read(answer.answer(11)).expect("features");
        let mut read: Vec<_> = read.iter().map(shown).collect();
        let mut printed = shown_features(&recorded(&format!("ethtool -k {interface}")).printed);
        // wan0 was changed in between, and back.
        assert!(printed.len() > 50, "{interface}: only {} features", printed.len());
        read.sort_by(|a, b| a.name.cmp(&b.name));
        printed.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(read, printed, "{interface}");
    }
}

/// No driver of today has one of these: changeable by the driver's word, never by the kernel's.
#[test]
fn what_the_kernel_never_changes_is_fixed() {
    let bits = |names: &'static [(u32, &str, bool)]| {
        move |set: &mut Messages| {
            set.nest(3, |list| {
                for (index, name, value) in names {
                    list.nest(1, |bit| {
                        bit.put(1, &index.to_ne_bytes());
                        bit.put_text(2, name);
                        if *value {
                            bit.put(3, &[]);
                        }
                    });
                }
            });
        }
    };
    let mut reply = Messages::default();
    reply.nest(
        2,
        bits(&[(0, "first", true), (1, "second", true), (2, "third", false)]),
    );
    reply.nest(4, bits(&[(2, "third", false)]));
    reply.nest(5, bits(&[(1, "second", false)]));
    let read = features::read(reply.bytes()).expect("features");
    let told: Vec<_> = read
        .iter()
        .map(|feature| (feature.active, feature.supported, feature.fixed))
        .collect();
    assert_eq!(
        told,
        [(false, true, false), (false, true, true), (true, true, true)]
    );
}

/// Why features are read here (ADR 0015). Should this fail, the crate has learned it.
#[test]
fn the_crate_loses_the_first_feature() {
    let answer = recorded("probe nic0");
    let header = GenlHeader { cmd: 11, version: 1 };
    let message = EthtoolMessage::parse_with_param(answer.answer(11), header).expect("features");
    let named = |wanted: &str| {
        message.nlas.iter().any(|attribute| match attribute {
            EthtoolAttr::Feature(EthtoolFeatureAttr::Hw(bits)) => bits.iter().any(|bit| bit.name == wanted),
            _ => false,
        })
    };
    assert!(named("tx-checksum-ipv4"), "index 1");
    assert!(!named("tx-scatter-gather"), "index 0");
    let read = features::read(answer.answer(11)).expect("features");
    assert_eq!(read[0].name, "tx-scatter-gather");
}

#[test]
fn rings_are_those_ethtool_prints() {
    let recorded = recorded("ethtool -g nic0");
    let printed = |name, nth| shown_number(&recorded.printed, name, nth).expect(name);
    let expected = Rings {
        rx: printed("RX", 1),
        rx_max: printed("RX", 0),
        tx: printed("TX", 1),
        tx_max: printed("TX", 0),
    };
    assert!(expected.rx_max > expected.rx, "{expected:?}");
    assert_eq!(settings::read_rings(16, recorded.answer(16)).ok(), Some(expected));
}

#[test]
fn channels_are_those_ethtool_prints() {
    let recorded = recorded("ethtool -l sim0");
    let printed = |nth| shown_number(&recorded.printed, "Combined", nth).expect("a number");
    let expected = Channels {
        combined: printed(1),
        combined_max: printed(0),
        ..Channels::default()
    };
    assert_eq!(expected.combined_max, 4);
    assert_eq!(
        settings::read_channels(18, recorded.answer(18)).ok(),
        Some(expected)
    );
}

#[test]
fn interrupts_are_those_ethtool_prints() {
    let recorded = recorded("ethtool -c nic0");
    let printed = |name| shown_number(&recorded.printed, name, 0);
    let expected = Coalescing {
        rx_usecs: printed("rx-usecs"),
        rx_frames: printed("rx-frames"),
        tx_usecs: printed("tx-usecs"),
        tx_frames: printed("tx-frames"),
        // "n/a" both.
        adaptive_rx: None,
        adaptive_tx: None,
    };
    assert_eq!(expected.rx_usecs, Some(3));
    assert_eq!(
        settings::read_coalescing(20, recorded.answer(20)).ok(),
        Some(expected)
    );
}

#[test]
fn pause_frames_are_those_ethtool_prints() {
    let recorded = recorded("ethtool -a nic0");
    let printed = |name| shown_switch(&recorded.printed, name).expect(name);
    let expected = Pause {
        autonegotiated: printed("Autonegotiate"),
        rx: printed("RX"),
        tx: printed("TX"),
    };
    assert_eq!(settings::read_pause(22, recorded.answer(22)).ok(), Some(expected));
}

#[test]
fn the_spread_is_the_one_ethtool_prints() {
    let recorded = recorded("ethtool -x vio0");
    let read = spread::read(recorded.answer(38), true);
    assert_eq!(read.indirection.len(), 128);
    assert_eq!(read.indirection, shown_indirection(&recorded.printed));
    assert_eq!(read.symmetric, shown_switch(&recorded.printed, "symmetric-xor"));
    assert_eq!(shown_switch(&recorded.printed, "toeplitz"), Some(true));
    assert_eq!(read.hash_function, 1, "Toeplitz is bit 0");
    assert_eq!(spread::read(recorded.answer(38), false).symmetric, None);
}
