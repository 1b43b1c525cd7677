//! Services: protocols and ports.

use std::fmt;

use super::object::{Id, Kind, Object, ObjectName};

/// A named service.
pub type Service = Object<ServiceSpec>;
/// Id of a service: `svc_…`.
pub type ServiceId = Id<ServiceSpec>;

/// IANA protocol numbers with a meaning here.
pub mod protocol {
    /// ICMP for IPv4; no IPv6 packet matches it.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// GRE.
    pub const GRE: u8 = 47;
    /// ESP.
    pub const ESP: u8 = 50;
    /// ICMP for IPv6; no IPv4 packet matches it.
    pub const ICMPV6: u8 = 58;
    /// SCTP.
    pub const SCTP: u8 = 132;

    /// Whether packets of it have ports.
    pub fn has_ports(number: u8) -> bool {
        matches!(number, TCP | UDP | SCTP)
    }
}

/// Ports from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Every port.
    pub const ALL: Self = Self {
        first: 0,
        last: u16::MAX,
    };

    /// None where the last is less than the first.
    pub fn new(first: u16, last: u16) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// The first port.
    pub fn first(self) -> u16 {
        self.first
    }

    /// The last port.
    pub fn last(self) -> u16 {
        self.last
    }

    /// Whether it is in the range.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// An ICMP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IcmpType {
    /// The type.
    pub kind: u8,
    /// None: every code.
    pub code: Option<u8>,
}

/// A protocol and what it must be within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceEntry {
    /// IANA number of the header behind the IP headers; None: every protocol.
    pub protocol: Option<u8>,
    /// Any of these; empty: every port. Only where the protocol has ports.
    pub source_ports: Vec<PortRange>,
    /// The same.
    pub destination_ports: Vec<PortRange>,
    /// Any of these; empty: every message. Only for ICMP and ICMPv6.
    pub icmp_types: Vec<IcmpType>,
}

/// What a user says of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Unique.
    pub name: ObjectName,
    /// Free text.
    pub description: String,
    /// Any of these; at least one.
    pub entries: Vec<ServiceEntry>,
}

impl Kind for ServiceSpec {
    const PREFIX: &'static str = "svc_";
    const NAME: &'static str = "service";
    const COLLECTION: &'static str = "services";
}

/// A service in a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServiceMatch {
    /// Written out.
    Entry(ServiceEntry),
    /// By reference.
    Named(ServiceId),
}
