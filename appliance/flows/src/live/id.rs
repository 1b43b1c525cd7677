//! Names of live connections.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ravelin_model::{Connection, FlowTuple};
use thiserror::Error;

/// What ids begin with.
const PREFIX: &str = "flw_";

/// Bytes beside the addresses: protocol, two ports, zone, number.
const FIXED: usize = 1 + 2 + 2 + 2 + 4;

/// Names a connection by all that conntrack knows it by, so that nobody has to remember which is which. A later
/// connection of the same tuple has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// Conntrack zone.
    pub zone: u16,
    /// Conntrack's number for it.
    pub number: u32,
}

/// Not an id of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not the id of a connection")]
pub struct InvalidFlowId;

impl FlowId {
    /// The id of a connection.
    pub fn of(connection: &Connection) -> Self {
        Self {
            original: connection.original,
            zone: connection.zone,
            number: connection.id,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED + 32);
        bytes.push(self.original.protocol);
        for address in [self.original.source, self.original.destination] {
            match address {
                IpAddr::V4(address) => bytes.extend(address.octets()),
                IpAddr::V6(address) => bytes.extend(address.octets()),
            }
        }
        bytes.extend(self.original.source_port.to_be_bytes());
        bytes.extend(self.original.destination_port.to_be_bytes());
        bytes.extend(self.zone.to_be_bytes());
        bytes.extend(self.number.to_be_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (protocol, rest) = bytes.split_first()?;
        let addresses = rest.len().checked_sub(FIXED - 1)?;
        let (addresses, rest) = rest.split_at(addresses);
        let (source, destination) = addresses.split_at(addresses.len() / 2);
        let half = |at: usize| Some(u16::from_be_bytes(rest.get(at..at + 2)?.try_into().ok()?));
        Some(Self {
            original: FlowTuple {
                source: address(source)?,
                destination: address(destination)?,
                protocol: *protocol,
                source_port: half(0)?,
                destination_port: half(2)?,
            },
            zone: half(4)?,
            number: u32::from_be_bytes(rest.get(6..10)?.try_into().ok()?),
        })
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).into());
    let v6 = || <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).into());
    v4.or_else(|_| v6()).ok()
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.bytes()))
    }
}

impl FromStr for FlowId {
    type Err = InvalidFlowId;

    fn from_str(text: &str) -> Result<Self, InvalidFlowId> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidFlowId)?;
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(encoded)
            .map_err(|_| InvalidFlowId)?;
        Self::read(&bytes).ok_or(InvalidFlowId)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn addresses() -> impl Strategy<Value = (IpAddr, IpAddr)> {
        let v4 = any::<[[u8; 4]; 2]>().prop_map(|[a, b]| (a.into(), b.into()));
        let v6 = any::<[[u8; 16]; 2]>().prop_map(|[a, b]| (a.into(), b.into()));
        prop_oneof![v4, v6]
    }

    prop_compose! {
        fn ids()(
            (source, destination) in addresses(),
            protocol: u8,
            ports: [u16; 2],
            zone: u16,
            number: u32,
        ) -> FlowId {
            FlowId {
                original: FlowTuple {
                    source,
                    destination,
                    protocol,
                    source_port: ports[0],
                    destination_port: ports[1],
                },
                zone,
                number,
            }
        }
    }

    proptest! {
        #[test]
        fn an_id_says_its_connection(id in ids()) {
            let text = id.to_string();
            prop_assert_eq!(text.parse(), Ok(id));
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            prop_assert!(text.chars().all(plain), "{}", text);
            // A part of it may be an id, of another connection.
            for length in 0..text.len() {
                prop_assert_ne!(text[..length].parse(), Ok(id), "{}", length);
            }
        }

        #[test]
        fn what_is_no_id_is_refused(text in "(flw_)?[A-Za-z0-9_=-]{0,80}") {
            if let Ok(id) = text.parse::<FlowId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
