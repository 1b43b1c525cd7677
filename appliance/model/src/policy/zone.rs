//! Zones: what the policy calls the networks behind interfaces.

use std::collections::BTreeSet;

use super::object::{Id, Kind, Object, ObjectName};
use crate::Action;

/// A zone.
pub type Zone = Object<ZoneSpec>;
/// Id of a zone: `zon_…`.
pub type ZoneId = Id<ZoneSpec>;

/// Id of the built-in zone `local`: the box itself, what it sends and what is sent to it.
pub const LOCAL_ZONE: &str = "zon_local";

/// Number of a zone in the data plane. 0 is no zone: packets of an interface that is in none are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneNumber(u8);

impl ZoneNumber {
    /// The box itself.
    pub const LOCAL: Self = Self(1);
    /// The greatest.
    pub const MAX: u8 = 63;

    /// None for 0 and what is greater than [`Self::MAX`].
    pub fn new(number: u32) -> Option<Self> {
        match u8::try_from(number) {
            Ok(number @ 1..=Self::MAX) => Some(Self(number)),
            _ => None,
        }
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// What a user says of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneSpec {
    /// Unique.
    pub name: ObjectName,
    /// Free text.
    pub description: String,
    /// Kernel names; an interface is in one zone at most, and may not exist yet. Always empty for `local`.
    pub interfaces: BTreeSet<String>,
    /// The box can be managed from here: whatever the rules say, its management ports answer.
    pub management: bool,
}

impl Kind for ZoneSpec {
    const PREFIX: &'static str = "zon_";
    const NAME: &'static str = "zone";
    const COLLECTION: &'static str = "zones";
}

/// What happens between two zones where no rule says.
pub type ZonePair = Object<ZonePairSpec>;
/// Id of a zone pair: `zpr_…`.
pub type ZonePairId = Id<ZonePairSpec>;

/// What a user says of a zone pair. A pair nobody wrote drops without a log, but from `local` everything is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZonePairSpec {
    /// Where packets come in.
    pub from: ZoneId,
    /// Where they would leave; may be the same zone.
    pub to: ZoneId,
    /// For packets no rule matches.
    pub default_action: Action,
    /// Whether those are logged.
    pub log: bool,
}

impl Kind for ZonePairSpec {
    const PREFIX: &'static str = "zpr_";
    const NAME: &'static str = "zone_pair";
    const COLLECTION: &'static str = "zone-pairs";
}
