//! Settings of network devices by family "ethtool" of generic netlink (Documentation/networking/ethtool-netlink.rst).
//!
//! Messages of crate `ethtool` where it has them and has them right; the rest is made and read here.

mod features;
mod settings;
mod spread;
#[cfg(test)]
mod tests;

pub(crate) use features::{features, switch_feature};
pub(crate) use settings::{channels, coalescing, pause, rings, set_channels, set_rings};
pub(crate) use spread::{set_indirection, set_symmetric, spread};

use crate::netlink::Messages;

const FAMILY: &str = "ethtool";

/// `ETHTOOL_A_*_HEADER` of every message.
const ETHTOOL_A_HEADER: u16 = 1;
const ETHTOOL_A_HEADER_DEV_NAME: u16 = 2;

/// The beginning of a request about an interface.
fn about(interface: &str) -> Messages {
    let mut attributes = Messages::default();
    attributes.nest(ETHTOOL_A_HEADER, |header| {
        header.put_text(ETHTOOL_A_HEADER_DEV_NAME, interface);
    });
    attributes
}
