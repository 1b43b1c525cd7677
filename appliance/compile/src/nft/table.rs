//! What a table of nftables is made of: as much of nft(8) as the policy needs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use ravelin_model::{PortRange, RateLimit};

use crate::{AddressSet, CounterId};

/// Name of a chain, a set or an interface.
pub type Name = Arc<str>;

/// Numbers from the first to the last, both included: addresses, ports, protocols, marks.
pub type Range = (u128, u128);

/// IP version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// That of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// Every address of it.
    pub fn all(self) -> Range {
        match self {
            Self::V4 => (0, u128::from(u32::MAX)),
            Self::V6 => (0, u128::MAX),
        }
    }

    /// 4 or 6.
    pub fn version(self) -> u8 {
        match self {
            Self::V4 => 4,
            Self::V6 => 6,
        }
    }

    /// What names of its sets end with.
    pub(super) fn suffix(self) -> char {
        match self {
            Self::V4 => '4',
            Self::V6 => '6',
        }
    }
}

/// Something of a packet that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// `meta nfproto`: 4 or 6.
    Family,
    /// `meta l4proto`: the header behind the IP headers.
    Protocol,
    /// `ip saddr`, `ip6 saddr`; no packet of the other family matches.
    Source(Family),
    /// `ip daddr`, `ip6 daddr`.
    Destination(Family),
    /// `th sport`.
    SourcePort,
    /// `th dport`.
    DestinationPort,
    /// `icmp type`, `icmpv6 type`.
    IcmpType(Family),
    /// `icmp code`, `icmpv6 code`.
    IcmpCode(Family),
    /// These bits of `tcp flags`; no packet of another protocol matches.
    TcpFlags(u8),
    /// `iifname`.
    InputInterface,
    /// `oifname`.
    OutputInterface,
    /// `iif`: kernel index.
    InputIndex,
    /// `oif`: kernel index.
    OutputIndex,
    /// These bits of `meta mark`.
    Mark(u32),
    /// These bits of `ct mark`.
    ConnectionMark(u32),
}

/// `ct state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionState {
    /// Not to be placed.
    Invalid,
    /// Of a connection that was accepted.
    Established,
    /// An ICMP error about such a connection.
    Related,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// One of these, a range for each field.
    Elements(Box<[Box<[Range]>]>),
    /// An interface.
    Interface(Name),
    /// An element of a set.
    Set(Name),
}

/// Where a packet goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Through.
    Accept,
    /// Nowhere.
    Drop,
    /// To a chain, and back after it.
    Jump(Name),
    /// To a chain for good.
    Goto(Name),
}

/// What `vmap` looks up in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VerdictMap {
    /// Ranges, disjoint.
    Elements(Box<[(Range, Verdict)]>),
    /// States of the connection.
    States(Box<[(ConnectionState, Verdict)]>),
    /// A map of the table.
    Set(Name),
}

/// How a packet is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reject {
    /// TCP reset.
    Reset,
    /// ICMP "administratively prohibited".
    Prohibited,
}

/// Address, protocol and port, and the new address and port.
pub type PortRow = (IpAddr, u8, u16, IpAddr, u16);

/// Address, protocol and ports, and the new address.
pub type PortRangeRow = (IpAddr, u8, PortRange, IpAddr);

/// Address and protocol, and the new address.
pub type ProtocolRow = (IpAddr, u8, IpAddr);

/// Where `dnat` finds the new destination; by address, then protocol, then port, as far as the key goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NatMap {
    /// By address and protocol and port; the port changes too.
    Ports(Box<[PortRow]>),
    /// By address and protocol and ports; ports stay.
    PortRanges(Box<[PortRangeRow]>),
    /// By address and protocol.
    Protocols(Box<[ProtocolRow]>),
    /// By address: each of the first network becomes the one at its place in the second.
    Networks(Box<[(IpNet, IpNet)]>),
}

/// A statement of a rule. The first that does not match ends the rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Statement {
    /// Goes on if the fields, taken together, are (not) among these.
    Match {
        /// More than one: a concatenation.
        fields: Box<[Field]>,
        /// Not among them.
        negated: bool,
        /// These.
        test: Test,
    },
    /// Goes on if the destination was translated (`ct status dnat`).
    Translated,
    /// Goes where the map says; goes on if it says nothing.
    Dispatch {
        /// What is looked up; none with [`VerdictMap::States`].
        fields: Box<[Field]>,
        /// In what.
        map: VerdictMap,
    },
    /// Keeps these bits of the mark and sets those.
    Mark {
        /// Bits that stay.
        keep: u32,
        /// Bits that are set.
        set: u32,
    },
    /// The same with the connection's mark.
    ConnectionMark {
        /// Bits that stay.
        keep: u32,
        /// Bits that are set.
        set: u32,
    },
    /// The connection's mark becomes these bits of the mark, and loses all others.
    CopyMark(u32),
    /// Goes on while within a limit of the table.
    Limit(Name),
    /// Goes on while the source address is within its limit; the set holds the state of each.
    SourceLimit {
        /// Of the address.
        family: Family,
        /// A set of [`SetBody::SourceLimit`].
        set: Name,
        /// Packets a second.
        rate: u32,
        /// Packets at once.
        burst: u32,
    },
    /// Goes on so many times a second, and as many times at once.
    LogLimit(u32),
    /// Sends the beginning of the packet to whoever listens to the group.
    Log {
        /// NFLOG group.
        group: u16,
        /// What it is sent with.
        prefix: String,
        /// Bytes of the packet.
        bytes: u32,
    },
    /// Has the flowtable forward further packets of the connection.
    Offload,
    /// Ends the rule.
    Verdict(Verdict),
    /// Drops and answers.
    Reject(Reject),
    /// Source becomes the address of the output interface.
    Masquerade,
    /// Source becomes this.
    Snat {
        /// The new source.
        address: IpAddr,
        /// Its ports; None: the kernel chooses.
        ports: Option<PortRange>,
    },
    /// Source becomes the address at its place in the second network.
    SnatNetworks(Box<[(IpNet, IpNet)]>),
    /// Destination becomes what the map says; goes on if it says nothing.
    Dnat(NatMap),
}

/// Where the kernel calls a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Before routing.
    Prerouting,
    /// To the box.
    Input,
    /// Through the box.
    Forward,
    /// From the box.
    Output,
    /// After routing.
    Postrouting,
}

/// A chain the kernel calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BaseChain {
    /// At the priority of filters; drops what it does not decide.
    Filter(Hook),
    /// At the priority of source or destination translation.
    Nat(Hook),
}

/// Rules one after another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Chain {
    /// None: others go there.
    pub base: Option<BaseChain>,
    /// In order.
    pub rules: Vec<Vec<Statement>>,
}

/// What numbers of a set are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// IP protocols.
    Protocol,
    /// Ports.
    Port,
    /// ICMP types.
    IcmpType(Family),
    /// ICMP types, each with a code.
    IcmpTypeCode(Family),
}

impl NumberKind {
    /// Of the fields that are looked up.
    pub(super) fn of(fields: &[Field]) -> Option<Self> {
        match fields {
            [Field::Protocol] => Some(Self::Protocol),
            [Field::SourcePort | Field::DestinationPort] => Some(Self::Port),
            [Field::IcmpType(family)] => Some(Self::IcmpType(*family)),
            [Field::IcmpType(family), Field::IcmpCode(_)] => Some(Self::IcmpTypeCode(*family)),
            _ => None,
        }
    }

    /// Fields of the kind.
    pub(super) fn fields(self) -> Vec<Field> {
        match self {
            Self::Protocol => vec![Field::Protocol],
            Self::Port => vec![Field::DestinationPort],
            Self::IcmpType(family) => vec![Field::IcmpType(family)],
            Self::IcmpTypeCode(family) => vec![Field::IcmpType(family), Field::IcmpCode(family)],
        }
    }
}

/// A named set or map and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetBody {
    /// Marks, each with a counter of packets and bytes.
    Counters(BTreeSet<CounterId>),
    /// Marks.
    Marks(BTreeSet<CounterId>),
    /// Addresses of a family.
    Addresses(Family, Arc<AddressSet>),
    /// Protocols, ports, or ICMP types with or without codes; never changed.
    Numbers(NumberKind, Box<[Box<[Range]>]>),
    /// State of a limit for each source address, forgotten after so many seconds.
    SourceLimit(Family, u32),
    /// Interfaces.
    Interfaces(BTreeSet<Name>),
    /// Interfaces by kernel index, which a name does not change.
    InterfaceIndices(BTreeSet<(u32, Name)>),
    /// Interface and bits of the mark.
    InterfaceMarks(BTreeSet<(Name, u32)>),
    /// By interface.
    InterfaceVerdicts(BTreeMap<Name, Verdict>),
    /// By input and output interface.
    PairVerdicts(BTreeMap<(Name, Name), Verdict>),
}

impl SetBody {
    /// Whether its elements say where to go.
    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::InterfaceVerdicts(_) | Self::PairVerdicts(_))
    }
}

/// Everything in the table, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Table {
    pub(super) limits: BTreeMap<Name, RateLimit>,
    pub(super) sets: BTreeMap<Name, SetBody>,
    pub(super) chains: BTreeMap<Name, Chain>,
}

/// The rule goes on if the field is in one of these ranges.
pub(super) fn is(field: Field, ranges: impl IntoIterator<Item = Range>) -> Statement {
    Statement::Match {
        fields: [field].into(),
        negated: false,
        test: Test::Elements(ranges.into_iter().map(|range| [range].into()).collect()),
    }
}

/// The rule goes on if the fields are in a set.
pub(super) fn in_set(fields: &[Field], name: &Name) -> Statement {
    Statement::Match {
        fields: fields.into(),
        negated: false,
        test: Test::Set(name.clone()),
    }
}

/// The range of one number.
pub(super) fn only(number: impl Into<u128>) -> Range {
    let number = number.into();
    (number, number)
}

/// The end of a rule.
pub(super) fn goto(chain: &Name) -> Statement {
    Statement::Verdict(Verdict::Goto(chain.clone()))
}
