//! Network interfaces as the kernel tells them.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;

use crate::{Attachment, InterfaceSettingsId, LinkIdentity, NetworkFault};

/// An Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HardwareAddress(pub [u8; 6]);

impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Not an Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an Ethernet address such as 52:54:00:12:34:56")]
pub struct InvalidHardwareAddress;

impl FromStr for HardwareAddress {
    type Err = InvalidHardwareAddress;

    /// Six bytes of two hexadecimal digits, with `:` or `-` between them.
    fn from_str(text: &str) -> Result<Self, InvalidHardwareAddress> {
        let mut address = [0; 6];
        let mut parts = text.split(if text.contains('-') { '-' } else { ':' });
        for byte in &mut address {
            let part = parts
                .next()
                .filter(|part| part.len() == 2)
                .ok_or(InvalidHardwareAddress)?;
            // `from_str_radix` would take a sign.
            let digits = part.bytes().all(|digit| digit.is_ascii_hexdigit());
            let read = u8::from_str_radix(part, 16).ok().filter(|_| digits);
            *byte = read.ok_or(InvalidHardwareAddress)?;
        }
        match parts.next() {
            None => Ok(Self(address)),
            Some(_) => Err(InvalidHardwareAddress),
        }
    }
}

/// Who made an address of this box, as far as the kernel tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressOrigin {
    /// Ravelin: it is in the settings.
    Static,
    /// DHCP: it has a lifetime, and is not of those hosts make themselves.
    Dhcp,
    /// A host's own, made from a router advertisement (RFC 4862).
    RouterAdvertisement,
    /// The kernel: loopback and link-local ones.
    Kernel,
    /// Somebody else.
    Other,
}

/// Longest name of an interface (IFNAMSIZ - 1).
const LONGEST_NAME: usize = 15;

/// Whether daemons of others can be told of an interface by this name. The kernel lets it be nearly anything; daemons
/// take `*`, `?`, `[`, `!`, `,` or `%` for more than they are, so it is letters, digits, `.`, `-` and `_` with a letter
/// in front, and not the loopback.
pub fn is_plain_interface_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
    begins && name.len() <= LONGEST_NAME && name.bytes().all(plain) && name != "lo"
}

/// Operational state of a link (RFC 2863, IFLA_OPERSTATE).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// Administratively up and carrier present.
    Up,
    /// Administratively up, no carrier.
    NoCarrier,
    /// Administratively down.
    Down,
}

/// The kernel's own counters of a link (IFLA_STATS64).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkCounters {
    /// Packets received.
    pub received_packets: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Packets received and dropped by the kernel or the driver.
    pub received_dropped_packets: u64,
    /// Packets sent.
    pub sent_packets: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Packets dropped on sending.
    pub sent_dropped_packets: u64,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Kernel index; changes when the link is made anew.
    pub index: u32,
    /// Kernel name.
    pub name: String,
    /// None where the link has none (tunnels).
    pub hardware_address: Option<HardwareAddress>,
    /// Largest packet without the Ethernet header, in bytes.
    pub mtu_bytes: u32,
    /// Addresses with prefix length.
    pub addresses: Vec<IpNet>,
    /// Who made each of them, in their order.
    pub origins: Vec<AddressOrigin>,
    /// Which card it is.
    pub card: LinkIdentity,
    /// Name of the bridge, bond or VRF it is a port of.
    pub master: Option<String>,
    /// Names of its ports, or of the link it is a VLAN of.
    pub members: Vec<String>,
    /// What is said of it.
    pub settings: Option<InterfaceSettingsId>,
    /// What of its network is not in force.
    pub faults: Vec<NetworkFault>,
    /// Kernel driver, e.g. `veth`, `mlx5_core`; None where the kernel does not say.
    pub driver: Option<String>,
    /// Whether packets can pass.
    pub link_state: LinkState,
    /// Loopback interfaces are shown and never attached.
    pub loopback: bool,
    /// Faces the outside, as set over REST.
    pub external: bool,
    /// Programs attached; empty where none is, `attach_error` says why.
    pub attachments: Vec<Attachment>,
    /// Why programs could not be attached.
    pub attach_error: Option<String>,
    /// The kernel's counters.
    pub counters: LinkCounters,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let read = text.parse::<HardwareAddress>().ok();
        assert_eq!(read.map(|read| read.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn addresses_are_read_and_printed_in_one_form() {
        let canonical = Some("52:54:00:ab:cd:ef");
        check("52:54:00:ab:cd:ef", canonical);
        check("52-54-00-AB-CD-EF", canonical);
        for wrong in [
            "",
            "52:54:00:ab:cd",
            "52:54:00:ab:cd:ef:00",
            "5:54:00:ab:cd:ef",
            "+5:54:00:ab:cd:ef",
        ] {
            check(wrong, None);
        }
        check("52:54-00:ab:cd:ef", None);
        check("525400abcdef", None);
    }
}
