//! Features, as `ethtool -k` shows them. Crate `ethtool` neither sends them nor reads the first one, whose index is 0.

use std::collections::BTreeSet;

use ravelin_model::NicFeature;

use super::{FAMILY, about};
use crate::generic::{GenericNetlink, Refusal};
use crate::netlink::{array, attribute, attributes, text};

const ETHTOOL_MSG_FEATURES_GET: u8 = 11;
const ETHTOOL_MSG_FEATURES_SET: u8 = 12;

const ETHTOOL_A_FEATURES_HW: u16 = 2;
const ETHTOOL_A_FEATURES_WANTED: u16 = 3;
const ETHTOOL_A_FEATURES_ACTIVE: u16 = 4;
const ETHTOOL_A_FEATURES_NOCHANGE: u16 = 5;

const ETHTOOL_A_BITSET_BITS: u16 = 3;
const ETHTOOL_A_BITSET_BITS_BIT: u16 = 1;
const ETHTOOL_A_BITSET_BIT_INDEX: u16 = 1;
const ETHTOOL_A_BITSET_BIT_NAME: u16 = 2;
const ETHTOOL_A_BITSET_BIT_VALUE: u16 = 3;

pub(crate) fn features(netlink: &mut GenericNetlink, interface: &str) -> Result<Vec<NicFeature>, Refusal> {
    let replies = netlink.ask(FAMILY, ETHTOOL_MSG_FEATURES_GET, about(interface).bytes())?;
    let features = replies.first().and_then(|reply| read(&reply.attributes));
    features.ok_or_else(|| Refusal::unreadable("no features in it"))
}

/// Switches a feature, or says why not and leaves it as it was. The kernel takes what the driver fixes, or what another
/// feature stands against, without a word.
pub(crate) fn switch_feature(
    netlink: &mut GenericNetlink,
    interface: &str,
    name: &str,
    on: bool,
) -> Result<(), String> {
    let find = |netlink: &mut GenericNetlink| {
        let features = features(netlink, interface).map_err(|refusal| refusal.to_string())?;
        let found = features.into_iter().find(|feature| feature.name == name);
        found.ok_or_else(|| format!("this kernel has no feature '{name}'"))
    };
    let before = find(netlink)?;
    if before.fixed {
        if before.active == on {
            return Ok(());
        }
        return Err(format!("feature '{name}' cannot be changed: the driver fixes it"));
    }
    let mut set = |on| {
        netlink
            .ask(FAMILY, ETHTOOL_MSG_FEATURES_SET, &change(interface, name, on))
            .map_err(|refusal| refusal.to_string())
    };
    set(on)?;
    if find(netlink)?.active == on {
        return Ok(());
    }
    let mut reason = format!(
        "feature '{name}' stayed {}: the driver, or another feature it goes with, stands against it",
        if on { "off" } else { "on" }
    );
    let taken_back = netlink.ask(
        FAMILY,
        ETHTOOL_MSG_FEATURES_SET,
        &change(interface, name, before.wanted),
    );
    if let Err(refusal) = taken_back {
        reason = format!("{reason}; that it is wanted could not be taken back: {refusal}");
    }
    Err(reason)
}

pub(super) fn change(interface: &str, name: &str, on: bool) -> Vec<u8> {
    let mut attributes = about(interface);
    attributes.nest(ETHTOOL_A_FEATURES_WANTED, |wanted| {
        wanted.nest(ETHTOOL_A_BITSET_BITS, |bits| {
            bits.nest(ETHTOOL_A_BITSET_BITS_BIT, |bit| {
                bit.put_text(ETHTOOL_A_BITSET_BIT_NAME, name);
                if on {
                    bit.put(ETHTOOL_A_BITSET_BIT_VALUE, &[]);
                }
            });
        });
    });
    attributes.bytes().to_vec()
}

/// None: that are no features.
pub(super) fn read(reply: &[u8]) -> Option<Vec<NicFeature>> {
    // The kernel lists all it knows where it tells which can be changed, and elsewhere those that are set.
    let set = |kind| -> BTreeSet<u32> {
        let set = attribute(reply, kind).unwrap_or_default();
        bits(set).map(|(index, _, _)| index).collect()
    };
    let wanted = set(ETHTOOL_A_FEATURES_WANTED);
    let active = set(ETHTOOL_A_FEATURES_ACTIVE);
    let never_changed = set(ETHTOOL_A_FEATURES_NOCHANGE);
    let known = attribute(reply, ETHTOOL_A_FEATURES_HW)?;
    // Bits that once were features have no name.
    let features = bits(known).filter(|(_, name, _)| !name.is_empty());
    let features = features.map(|(index, name, changeable)| {
        let active = active.contains(&index);
        NicFeature {
            name: name.to_owned(),
            active,
            wanted: wanted.contains(&index),
            supported: active || changeable,
            fixed: !changeable || never_changed.contains(&index),
        }
    });
    Some(features.collect())
}

/// Index, name and value of each bit.
fn bits(set: &[u8]) -> impl Iterator<Item = (u32, &str, bool)> {
    let bits = attribute(set, ETHTOOL_A_BITSET_BITS).unwrap_or_default();
    attributes(bits).filter_map(|(kind, bit)| {
        let index = array(attribute(bit, ETHTOOL_A_BITSET_BIT_INDEX)?, 0)?;
        let name = attribute(bit, ETHTOOL_A_BITSET_BIT_NAME).and_then(text)?;
        let value = attribute(bit, ETHTOOL_A_BITSET_BIT_VALUE).is_some();
        (kind == ETHTOOL_A_BITSET_BITS_BIT).then_some((u32::from_ne_bytes(index), name, value))
    })
}
