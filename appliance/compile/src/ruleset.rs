//! The policy with every reference resolved: what both back-ends are made from, and the reference they are held to.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use ravelin_model::{
    Action, ListId, NatRuleId, PortRange, PublishedServiceId, RateLimit, Revision, RuleId, ServiceEntry,
    Translation, ZoneId, ZoneNumber, ZonePairId,
};

use crate::AddressSet;

/// What the policy is resolved against.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Interfaces that exist, loopback included.
    pub interfaces: Vec<InventoryInterface>,
    /// Names that stand for one card each: its kernel index, or None where it does not have that name now. Another
    /// interface of such a name is in no zone.
    pub pinned: BTreeMap<String, Option<u32>>,
    /// TCP ports of this box that answer to management zones whatever the rules say.
    pub management_ports: Vec<u16>,
}

impl Inventory {
    /// Whether the interface is the one its name stands for.
    pub(crate) fn is_itself(&self, interface: &InventoryInterface) -> bool {
        let pinned = self.pinned.get(&interface.name);
        pinned.is_none_or(|index| *index == Some(interface.index))
    }
}

/// An interface that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryInterface {
    /// Kernel name.
    pub name: String,
    /// Kernel index.
    pub index: u32,
    /// Its addresses with prefix length, host bits kept.
    pub addresses: Vec<IpNet>,
}

/// Addresses of a list at the time of the compilation, expired entries left out.
#[derive(Debug, Clone)]
pub struct ListAddresses {
    /// The list's number; names its set in nftables.
    pub number: u32,
    /// Its addresses.
    pub addresses: Arc<AddressSet>,
}

/// Row of the hit counters in both back-ends: 0 counts nothing, 1 to 15 are the fixed ones of
/// [`fixed_counter`], then those of rules, zone pairs and published services. Fits 20 bits.
pub type CounterId = u32;

/// Counters that exist without a rule.
pub mod fixed_counter {
    use super::CounterId;

    /// Packets of no connection that conntrack cannot place.
    pub const INVALID: CounterId = 1;
    /// Came in by or would leave by an interface that is in no zone.
    pub const NO_ZONE: CounterId = 2;
    /// Accepted for a management zone.
    pub const ANTI_LOCKOUT: CounterId = 3;
    /// Neighbour discovery, router discovery and the like, which the box needs to be on a network at all.
    pub const INFRASTRUCTURE: CounterId = 4;
    /// A zone pair nobody wrote: dropped, or from `local` accepted.
    pub const UNWRITTEN_PAIR: CounterId = 5;
    /// Packets of connections that are older than the policy and have no rule.
    pub const EARLIER_CONNECTION: CounterId = 6;
    /// The first a rule may have.
    pub const FIRST_FREE: CounterId = 16;
    /// One more than the last: 20 bits.
    pub const LIMIT: CounterId = 1 << 20;
}

/// Which line of the policy decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The management ports of a management zone.
    AntiLockout,
    /// A rule.
    Rule(RuleId),
    /// The rule of a published service.
    PublishedService(PublishedServiceId),
    /// The default of a zone pair.
    ZonePair(ZonePairId),
    /// The default of a pair nobody wrote.
    UnwrittenPair,
}

/// One side of a rule, lists by number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct AddressTerm {
    /// Any of these, sorted and disjoint …
    pub addresses: AddressSet,
    /// … or any of these lists ([`Ruleset::lists`]), sorted.
    pub lists: Vec<u32>,
    /// All but those.
    pub negate: bool,
}

impl AddressTerm {
    /// Whether it matches every address of both families.
    pub fn is_any(&self) -> bool {
        !self.negate && self.lists.is_empty() && self.addresses.is_empty()
    }
}

/// A line of the ruleset. Lines that are not in force at the time are not there, but in [`Ruleset::left_out`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose it is.
    pub origin: Origin,
    /// What it counts on.
    pub counter: CounterId,
    /// None: any zone.
    pub from: Option<ZoneNumber>,
    /// None: any zone, `local` included.
    pub to: Option<ZoneNumber>,
    /// From whom.
    pub source: AddressTerm,
    /// To whom.
    pub destination: AddressTerm,
    /// Any of these, named services spelled out; empty: everything.
    pub services: Vec<ServiceEntry>,
    /// What becomes of it.
    pub action: Action,
    /// Whether matches are logged.
    pub log: bool,
    /// eBPF leaves what matches a line with a limit to nftables, which holds the state.
    pub rate_limit: Option<RateLimit>,
}

/// What happens between two zones where no line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairDefault {
    /// [`Origin::ZonePair`] or [`Origin::UnwrittenPair`].
    pub origin: Origin,
    /// What it counts on.
    pub counter: CounterId,
    /// What becomes of it.
    pub action: Action,
    /// Whether it is logged.
    pub log: bool,
}

/// A zone with its interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedZone {
    /// Its number.
    pub number: ZoneNumber,
    /// Its id; what [`Translation`] names it by.
    pub id: ZoneId,
    /// Its name, for people.
    pub name: String,
    /// Kernel names, whether they exist or not.
    pub interfaces: Vec<String>,
}

/// Where a translation comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NatOrigin {
    /// A NAT rule.
    NatRule(NatRuleId),
    /// A published service.
    PublishedService(PublishedServiceId),
}

/// A translation in force, in order: NAT rules first, then published services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedTranslation {
    /// Whose it is.
    pub origin: NatOrigin,
    /// What it does; of a published service [`Translation::Dnat`].
    pub translation: Translation,
}

/// A destination translation with zones and interface addresses spelled out: what eBPF looks up and the reference
/// uses.
///
/// `network` is one address, except for [`Translation::OneToOne`], where it is the external network: a /8 or a /64 is
/// one entry, not one for each address. Such an entry always has `protocol` None, so the ports of its row in an image
/// are free to say where the network ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnatEntry {
    /// Whose it is.
    pub origin: NatOrigin,
    /// Zone the packet came in from, never `local`. Hairpin makes an entry for every zone.
    pub from: ZoneNumber,
    /// What it was sent to: any of these. Host bits are zero.
    pub network: IpNet,
    /// None: every protocol; then ports do not matter.
    pub protocol: Option<u8>,
    /// What it was sent to; [`PortRange::ALL`] where ports do not matter.
    pub ports: PortRange,
    /// Where the first of `network` goes, of the same family; those behind it go to the addresses behind this.
    pub target: IpAddr,
    /// The port for the first of `ports`; the last has one too. None: ports stay.
    pub target_port: Option<u16>,
}

/// Why a rule or a published service is not in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotInForce {
    /// It is not enabled.
    Disabled,
    /// Its time is over.
    Expired,
    /// Its schedule says not now.
    OffSchedule,
    /// A zone it names has no interfaces.
    Zone,
    /// It names a list or a service that is not there or has no meaning here, or translates out of the range of
    /// ports. Who changes policies refuses that; it is left out whole rather than read as something wider.
    Reference,
}

/// A rule or a published service that has no line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Whose line it would be.
    pub origin: Origin,
    /// What it would count on.
    pub counter: CounterId,
    /// Index of the line it would stand in front of.
    pub before: usize,
    /// Why it is not there.
    pub why: NotInForce,
}

/// The policy as it is in force at one moment.
#[derive(Debug, Clone)]
pub struct Ruleset {
    /// Revision it was made from.
    pub revision: Revision,
    /// Zones that have interfaces or are `local`, by number.
    pub zones: BTreeMap<ZoneNumber, ResolvedZone>,
    /// In the order they are judged: anti-lockout, rules, published services.
    pub lines: Vec<Arc<Line>>,
    /// What has no line, in the same order; for [`Ruleset::explain`] only.
    pub left_out: Vec<LeftOut>,
    /// Every pair of `zones`.
    pub defaults: BTreeMap<(ZoneNumber, ZoneNumber), PairDefault>,
    /// Lists that lines name.
    pub lists: BTreeMap<u32, Arc<AddressSet>>,
    /// In order.
    pub translations: Vec<ResolvedTranslation>,
    /// Of `translations`; the first that matches decides.
    pub dnat: Vec<DnatEntry>,
    /// The zone of each interface that exists and is in one, by kernel index.
    pub zone_of_interface: BTreeMap<u32, ZoneNumber>,
    /// [`Inventory::pinned`]: who goes by names must look at the index, too.
    pub pinned: BTreeMap<String, Option<u32>>,
}

/// Lists that rules may name, by id.
pub type Lists = BTreeMap<ListId, ListAddresses>;
