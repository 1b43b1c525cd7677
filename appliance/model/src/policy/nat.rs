//! Address translation.

use std::net::IpAddr;

use ipnet::IpNet;

use super::address::{AddressMatch, AddressRange};
use super::object::{Id, Kind, Object, ObjectName};
use super::service::PortRange;
use crate::{ZoneId, ZoneMatch};

/// A NAT rule. NAT rules are ordered; in each direction the first that matches decides.
pub type NatRule = Object<NatRuleSpec>;
/// Id of a NAT rule: `nat_…`.
pub type NatRuleId = Id<NatRuleSpec>;

/// What a user says of a NAT rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatRuleSpec {
    /// Unique.
    pub name: ObjectName,
    /// A rule that is not enabled matches nothing.
    pub enabled: bool,
    /// What it does.
    pub translation: Translation,
    /// Free text.
    pub comment: String,
}

impl Kind for NatRuleSpec {
    const PREFIX: &'static str = "nat_";
    const NAME: &'static str = "nat_rule";
    const COLLECTION: &'static str = "nat-rules";
}

/// What a NAT rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Translation {
    /// New connections that leave by `to` get the address of the interface they leave by.
    Masquerade {
        /// Zone they leave by.
        to: ZoneId,
        /// Empty: every source.
        source: Vec<AddressRange>,
    },
    /// New connections that leave by `to` get a fixed source address.
    Snat {
        /// Zone they leave by.
        to: ZoneId,
        /// Empty: every source of the address's family.
        source: Vec<AddressRange>,
        /// Empty: every destination.
        destination: Vec<AddressRange>,
        /// The new source.
        address: IpAddr,
        /// Ports the new source may use; None: the kernel chooses, the old one if it can.
        ports: Option<PortRange>,
    },
    /// New connections to a published address go to another.
    Dnat(Dnat),
    /// Each external address stands for one internal address, both ways.
    OneToOne {
        /// The zone the external addresses are seen from.
        zone: ZoneId,
        /// External addresses.
        external: IpNet,
        /// Internal addresses: of the same family and as many.
        internal: IpNet,
        /// Whether internal zones reach the internal addresses by the external ones too.
        hairpin: bool,
    },
}

/// Addresses packets were sent to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PublishedAddress {
    /// One address.
    Address(IpAddr),
    /// Every address of an interface, of the family of the target, whatever they are at the time.
    Interface(String),
}

/// Destination translation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dnat {
    /// Where packets come in. [`ZoneMatch::Any`] does not include what the box itself sends.
    pub from: ZoneMatch,
    /// What they were sent to.
    pub address: PublishedAddress,
    /// IANA number; None: every protocol, then there are no ports.
    pub protocol: Option<u8>,
    /// Ports they were sent to; None: every port.
    pub ports: Option<PortRange>,
    /// Where they go. Of the family of the address.
    pub target: IpAddr,
    /// The first of as many ports as there are in `ports`; None: the ports stay.
    pub target_port: Option<u16>,
    /// Whether zones other than `from` reach the target by the published address too.
    pub hairpin: bool,
}

/// A service of an internal server seen from outside: destination translation, the rule that lets it in, and hairpin,
/// as one object. Its rule comes behind every other rule and before the default of the zone pair.
pub type PublishedService = Object<PublishedServiceSpec>;
/// Id of a published service: `pub_…`.
pub type PublishedServiceId = Id<PublishedServiceSpec>;

/// What a user says of a published service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedServiceSpec {
    /// Unique.
    pub name: ObjectName,
    /// One that is not enabled is not published.
    pub enabled: bool,
    /// How it is translated; `from` is who may use it.
    pub translation: Dnat,
    /// Who may use it.
    pub source: AddressMatch,
    /// Whether new connections are logged.
    pub log: bool,
    /// Free text.
    pub comment: String,
}

impl Kind for PublishedServiceSpec {
    const PREFIX: &'static str = "pub_";
    const NAME: &'static str = "published_service";
    const COLLECTION: &'static str = "published-services";
}
