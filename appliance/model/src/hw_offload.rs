//! Forwarding by network cards: what is asked for, and how it stands.

use std::time::Duration;

/// What is done about flows a card could forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum HwOffloadMode {
    /// They are put into the card.
    #[default]
    Active,
    /// They are only listed.
    DryRun,
}

impl HwOffloadMode {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Active, Self::DryRun];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::DryRun => "dry_run",
        }
    }
}

/// Configuration of `hw_offload`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HwOffloadConfig {
    /// What is done.
    pub mode: HwOffloadMode,
    /// Rate from which a connection is worth a place in the card, both directions together.
    pub min_packets_per_second: u32,
    /// Most flows in each card, a connection being two; None: as many as the card is known to hold.
    pub max_flows: Option<u32>,
    /// Seconds without a packet after which a connection leaves the card.
    pub idle_seconds: u32,
}

impl Default for HwOffloadConfig {
    fn default() -> Self {
        Self {
            mode: HwOffloadMode::default(),
            min_packets_per_second: 1000,
            max_flows: None,
            idle_seconds: 30,
        }
    }
}

/// An interface, and whether its card forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HwOffloadPort {
    /// Kernel name.
    pub interface: String,
    /// Kernel index.
    pub index: u32,
    /// Why its card does not, in a sentence; None: it does.
    pub problem: Option<String>,
    /// Flows that come in here and are in the card.
    pub installed: u64,
    /// Most of them; None: its card does not forward.
    pub limit: Option<u64>,
}

/// Why a connection that was planned for a card is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HwOffloadFailure {
    /// The kernel, or the driver, refused a rule.
    Refused,
    /// The rule was taken, but the card does not have it.
    NotInHardware,
    /// The rules could not be read back.
    Unreadable,
}

impl HwOffloadFailure {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Refused, Self::NotInHardware, Self::Unreadable];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NotInHardware => "not_in_hardware",
            Self::Unreadable => "unreadable",
        }
    }
}

/// How forwarding by cards goes. Figures are since the start of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HwOffloadStatus {
    /// Interfaces, by name.
    pub ports: Vec<HwOffloadPort>,
    /// Why no card is asked at all, in a sentence.
    pub problem: Option<String>,
    /// Connections in cards, both directions of each.
    pub installed: u64,
    /// Connections that were put into a card.
    pub installs: u64,
    /// Connections that were taken out.
    pub removals: u64,
    /// Connections that could not be put in, by why, in the order of [`HwOffloadFailure::ALL`].
    pub failures: [u64; HwOffloadFailure::ALL.len()],
    /// Packets cards forwarded.
    pub packets: u64,
    /// Bytes of them, as cards count them.
    pub bytes: u64,
    /// Time spent on putting connections in, all together.
    pub install_time: Duration,
}
