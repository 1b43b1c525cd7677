//! What rules say, and their names.

use std::time::Duration;

use ravelin_model::FlowTuple;

use super::number::{ETH_P_8021Q, ETH_P_IP, ETH_P_IPV6};

/// Who is to follow a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placement {
    /// The card alone (`skip_sw`); one that cannot refuses.
    HardwareOnly,
    /// The kernel alone (`skip_hw`).
    SoftwareOnly,
}

/// Routes one direction of a connection: a new tag, new Ethernet addresses, one hop less, out by another interface.
/// Packets that open or close TCP, and fragments, do not match: they go up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteRule {
    /// Kernel index of the device its frames come in by.
    pub ingress: u32,
    /// VLAN id they have; None: they have no tag.
    pub ingress_tag: Option<u16>,
    /// The address they are sent to: of this box.
    pub own_address: [u8; 6],
    /// TCP or UDP, as packets come in. Nothing of it is translated.
    pub tuple: FlowTuple,
    /// Kernel index of the device they leave by.
    pub egress: u32,
    /// VLAN id they get; None: they leave without a tag.
    pub egress_tag: Option<u16>,
    /// The address they are sent from.
    pub source_address: [u8; 6],
    /// The address they are sent to: of the next hop.
    pub destination_address: [u8; 6],
}

/// Has packets that are at their last hop go up. A rule cannot ask for "more than 1", but for the seven upper bits of
/// the TTL or hop limit to be 0; it comes before all that route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuardRule {
    /// Kernel index of the device its frames come in by.
    pub ingress: u32,
    /// For frames with a VLAN tag, of whatever id; else for those without.
    pub tagged: bool,
    /// For IPv6, else IPv4.
    pub ipv6: bool,
}

/// A rule of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlowerRule {
    /// Before all others.
    Guard(GuardRule),
    /// One direction of a connection.
    Route(RouteRule),
}

/// Where a rule is. Rules of others have others: one name, one rule.
///
/// | preference | protocol | rules |
/// | --- | --- | --- |
/// | 1, 2, 3 | IPv4, IPv6, 802.1Q | guards |
/// | 4, 5, 6 | IPv4, IPv6, 802.1Q | those that route |
///
/// A preference has one protocol. Some cards know no more than 16 of them, so these are the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleName {
    /// Kernel index of the device.
    pub interface: u32,
    /// Preference; lower comes first.
    pub preference: u16,
    /// Ethernet type.
    pub protocol: u16,
    /// Number among those of its preference.
    pub handle: u32,
}

/// A rule of ours as the kernel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowerState {
    /// Which.
    pub name: RuleName,
    /// It is in the card (`IN_HW`).
    pub in_hardware: bool,
    /// Cards that have it.
    pub in_hardware_count: u32,
    /// Packets that matched.
    pub packets: u64,
    /// Bytes of them: from the IP header on where the kernel counts, with the Ethernet header where a card does.
    pub bytes: u64,
    /// Since the last of them, or since it was made; None: a guard, or not told.
    pub idle: Option<Duration>,
}

impl FlowerRule {
    /// The name of this rule, with a number.
    pub fn name(&self, handle: u32) -> RuleName {
        let (interface, tagged, ipv6, first) = match self {
            Self::Guard(rule) => (rule.ingress, rule.tagged, rule.ipv6, 1),
            Self::Route(rule) => (rule.ingress, rule.ingress_tag.is_some(), rule.tuple.is_ipv6(), 4),
        };
        let (place, protocol) = match (tagged, ipv6) {
            (false, false) => (0, ETH_P_IP),
            (false, true) => (1, ETH_P_IPV6),
            (true, _) => (2, ETH_P_8021Q),
        };
        RuleName {
            interface,
            preference: first + place,
            protocol,
            handle,
        }
    }
}

impl GuardRule {
    /// All a device needs.
    pub fn all(ingress: u32) -> [Self; 4] {
        [(false, false), (false, true), (true, false), (true, true)].map(|(tagged, ipv6)| Self {
            ingress,
            tagged,
            ipv6,
        })
    }

    /// Its number: there is one of each.
    pub fn handle(self) -> u32 {
        if self.ipv6 { 2 } else { 1 }
    }
}
