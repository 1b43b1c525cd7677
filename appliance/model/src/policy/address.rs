//! Addresses a rule is about.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use thiserror::Error;

use crate::ListId;

/// Why a text is not an address, a prefix or a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidAddressRange {
    /// Neither of them.
    #[error("is not an IPv4 or IPv6 address, a prefix (192.0.2.0/24) or a range (192.0.2.1-192.0.2.9)")]
    Format,
    /// `192.0.2.1/24`: the writer meant either the address or the network.
    #[error("has bits set behind the prefix length")]
    HostBits,
    /// IPv4 on one side and IPv6 on the other.
    #[error("begins and ends in different families")]
    Families,
    /// The end is in front of the start.
    #[error("ends before it begins")]
    Order,
}

/// Addresses from the first to the last, both included, of one family. An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`)
/// is an IPv6 address: it matches packets that carry it as such and no IPv4 packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// The addresses from `first` to `last`.
    ///
    /// # Errors
    /// Different families, or the wrong order.
    pub fn new(first: IpAddr, last: IpAddr) -> Result<Self, InvalidAddressRange> {
        if first.is_ipv4() != last.is_ipv4() {
            return Err(InvalidAddressRange::Families);
        }
        if last < first {
            return Err(InvalidAddressRange::Order);
        }
        Ok(Self { first, last })
    }

    /// The first address.
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// The last address.
    pub fn last(&self) -> IpAddr {
        self.last
    }

    /// Whether it is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && self.first <= address && address <= self.last
    }

    /// The fewest prefixes that make it up.
    pub fn prefixes(&self) -> Vec<IpNet> {
        match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
            }
            _ => unreachable!("both ends are of one family"),
        }
    }
}

impl From<IpNet> for AddressRange {
    fn from(net: IpNet) -> Self {
        Self {
            first: net.network(),
            last: net.broadcast(),
        }
    }
}

impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        Self {
            first: address,
            last: address,
        }
    }
}

impl FromStr for AddressRange {
    type Err = InvalidAddressRange;

    fn from_str(text: &str) -> Result<Self, InvalidAddressRange> {
        if let Some((first, last)) = text.split_once('-') {
            let parse = |text: &str| text.parse().map_err(|_| InvalidAddressRange::Format);
            return Self::new(parse(first)?, parse(last)?);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(address.into());
        }
        let net: IpNet = text.parse().map_err(|_| InvalidAddressRange::Format)?;
        if net.trunc() != net {
            return Err(InvalidAddressRange::HostBits);
        }
        Ok(net.into())
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefixes().as_slice() {
            [net] if net.prefix_len() == net.max_prefix_len() => write!(f, "{}", net.addr()),
            [net] => write!(f, "{net}"),
            _ => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

/// One side of a rule. Nothing named and not negated: every address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct AddressMatch {
    /// Any of these …
    pub addresses: Vec<AddressRange>,
    /// … or on any of these address lists.
    pub lists: Vec<ListId>,
    /// Every address but those, of both families. Never with nothing named.
    pub negate: bool,
}

impl AddressMatch {
    /// Whether it matches every address.
    pub fn is_any(&self) -> bool {
        self.addresses.is_empty() && self.lists.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_print_the_way_people_write_them() {
        for (text, printed) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("192.0.2.1/32", "192.0.2.1"),
            ("192.0.2.0-192.0.2.255", "192.0.2.0/24"),
            ("192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(text.parse::<AddressRange>().expect(text).to_string(), printed);
        }
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_reason() {
        for (text, why) in [
            ("", InvalidAddressRange::Format),
            ("example.com", InvalidAddressRange::Format),
            ("192.0.2.1/24", InvalidAddressRange::HostBits),
            ("192.0.2.1-::1", InvalidAddressRange::Families),
            ("192.0.2.9-192.0.2.1", InvalidAddressRange::Order),
            ("192.0.2.0/33", InvalidAddressRange::Format),
        ] {
            assert_eq!(text.parse::<AddressRange>(), Err(why), "{text}");
        }
    }
}
