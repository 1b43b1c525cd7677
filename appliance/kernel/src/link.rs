//! A link as the kernel tells it.

use ipnet::IpNet;
use ravelin_model::{HardwareAddress, LinkCounters, LinkState};

/// A network link of the network namespace this process is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Kernel index; changes when the link is made anew.
    pub index: u32,
    /// Kernel name; can change while the link lives.
    pub name: String,
    /// None where the link has no Ethernet address (tunnels, loopback).
    pub hardware_address: Option<HardwareAddress>,
    /// Largest packet without the link header, in bytes.
    pub mtu_bytes: u32,
    /// Addresses with prefix length, in order: IPv4 first.
    pub addresses: Vec<IpNet>,
    /// Kind of a virtual link (`veth`, `bridge`: IFLA_INFO_KIND), else the driver of the device
    /// (ETHTOOL_GDRVINFO); None where the kernel does not say.
    pub driver: Option<String>,
    /// Whether packets can pass.
    pub link_state: LinkState,
    /// IFF_LOOPBACK.
    pub loopback: bool,
    /// The kernel's counters (IFLA_STATS64) at the time of reading.
    pub counters: LinkCounters,
}
