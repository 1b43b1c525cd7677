//! What is said of a card.

use ravelin_model::{HardwareChange, HardwareProbe};

use crate::ability::{self, Ability};
use crate::cards::Identity;
use crate::{flow_limit, support};

/// Yes, no, or nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It can.
    Yes,
    /// It cannot.
    No,
    /// Neither the kernel nor the tables say.
    Unknown,
}

impl Answer {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

impl From<bool> for Answer {
    fn from(can: bool) -> Self {
        if can { Self::Yes } else { Self::No }
    }
}

/// Who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Ethtool netlink, of this very interface.
    Ethtool,
    /// Devlink, of this very card.
    Devlink,
    /// The family `netdev` of generic netlink, of this very interface.
    Netdev,
    /// The table of drivers.
    Table,
    /// Nobody.
    Unknown,
}

impl Source {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ethtool => "ethtool",
            Self::Devlink => "devlink",
            Self::Netdev => "netdev",
            Self::Table => "table",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing a card can do, or cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// Which.
    pub ability: Ability,
    /// Whether it can.
    pub value: Answer,
    /// Whether it does so now; None: there is nothing to switch, or it is not told.
    pub active: Option<bool>,
    /// Who said so.
    pub source: Source,
    /// Why, in a sentence.
    pub reason: String,
}

/// Who told the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitSource {
    /// The driver, of this very card.
    Driver,
    /// A resource of devlink, of this very card.
    Devlink,
    /// What is documented of the model; this card may have less.
    ModelDefault,
    /// Nobody.
    Unknown,
}

impl LimitSource {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Devlink => "devlink",
            Self::ModelDefault => "model_default",
            Self::Unknown => "unknown",
        }
    }
}

/// How many flows a card takes: tc flower rules for packets that come in by this interface. A connection is one rule at
/// each of its two interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLimit {
    /// Most rules; None: nobody says.
    pub value: Option<u64>,
    /// Who says so.
    pub source: LimitSource,
    /// Why, in a sentence.
    pub reason: String,
}

/// Everything that is said of the card behind an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// Family of the card or kind of the virtual device; None: its driver is in no table.
    pub family: Option<&'static str>,
    /// Model; None: its PCI identity is in no table.
    pub model: Option<&'static str>,
    /// Where family and model are written.
    pub identity_source: Option<&'static str>,
    /// Every ability once, in the order of [`Ability::ALL`].
    pub capabilities: Vec<Capability>,
    /// How many flows it takes.
    pub max_flows: FlowLimit,
    /// Established connections can be handed to this card now: the tables say that driver and card can, and everything
    /// read of this card agrees.
    pub supported: bool,
    /// Why, or why not, in a sentence.
    pub reason: String,
    /// The one change after which it would be supported; None: it is, or no change helps.
    pub remedy: Option<HardwareChange>,
}

impl Assessment {
    /// What is said of an ability.
    pub fn capability(&self, ability: Ability) -> Option<&Capability> {
        self.capabilities.iter().find(|known| known.ability == ability)
    }

    /// It is known that the card can.
    pub fn can(&self, ability: Ability) -> bool {
        self.capability(ability)
            .is_some_and(|known| known.value == Answer::Yes)
    }
}

/// Says what the card behind an interface can do. Never fails: what is not told is unknown, and an unknown card is not
/// supported.
pub fn assess(probe: &HardwareProbe) -> Assessment {
    let identity = Identity::of(probe);
    let verdict = support::judge(probe, &identity);
    Assessment {
        family: identity.family(),
        model: identity.model(),
        identity_source: identity.source(),
        capabilities: ability::all(probe, &identity),
        max_flows: flow_limit::of(probe, &identity),
        supported: verdict.supported,
        reason: verdict.reason,
        remedy: verdict.remedy,
    }
}
