//! Keeping the flow cache in step with conntrack: what is asked for, and how it stands.

use std::net::SocketAddr;
use std::time::Duration;

use time::OffsetDateTime;

use crate::{FlowTuple, HwOffloadConfig, VerdictLine, ZoneId};

/// What flows are to be done with; made of the features' configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowSettings {
    /// Keep the cache in step; None: `conntrack_sync` is off, and the cache empty.
    pub sync: Option<ConntrackSyncConfig>,
    /// `flow_offload` is on: XDP forwards what is in the cache.
    pub offload: bool,
    /// Write flow records; None: `flow_records` is off.
    pub records: Option<FlowRecordsConfig>,
    /// Which of those written are kept, also while `flow_records` is off; None: nobody has said, and all are.
    pub retention: Option<RecordRetention>,
    /// Have cards forward; None: `hw_offload` is off, and no card has a flow of ours.
    pub hardware: Option<HwOffloadConfig>,
}

/// Configuration of `conntrack_sync`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConntrackSyncConfig {
    /// Seconds between comparisons of the cache with all of conntrack.
    pub check_seconds: u32,
}

impl Default for ConntrackSyncConfig {
    fn default() -> Self {
        Self { check_seconds: 60 }
    }
}

/// Configuration of `flow_records`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRecordsConfig {
    /// Most records kept.
    pub keep_records: u32,
    /// Hours after which a record goes.
    pub keep_hours: u32,
    /// Where they are sent by IPFIX as well (RFC 7011), over UDP.
    pub collector: Option<SocketAddr>,
    /// IPFIX observation domain.
    pub observation_domain: u32,
}

/// Which flow records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRetention {
    /// Most records.
    pub records: u32,
    /// Hours after which a record goes.
    pub hours: u32,
}

impl FlowRecordsConfig {
    /// Which are kept.
    pub fn retention(&self) -> RecordRetention {
        RecordRetention {
            records: self.keep_records,
            hours: self.keep_hours,
        }
    }
}

impl Default for FlowRecordsConfig {
    fn default() -> Self {
        Self {
            keep_records: 100_000,
            keep_hours: 7 * 24,
            collector: None,
            observation_domain: 1,
        }
    }
}

/// Where the cache stands to conntrack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SyncState {
    /// `conntrack_sync` is off.
    #[default]
    Off,
    /// Reading conntrack for the first time.
    Seeding,
    /// In step.
    Synced,
    /// News were lost; reading conntrack anew. XDP forwards nothing meanwhile.
    Resyncing,
    /// It cannot be done, and why.
    Unavailable(String),
}

impl SyncState {
    /// Its name in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Seeding => "seeding",
            Self::Synced => "synced",
            Self::Resyncing => "resyncing",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// An interface and whether frames can be redirected to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffloadPort {
    /// Kernel name.
    pub interface: String,
    /// Kernel index.
    pub index: u32,
    /// Why not, in a sentence; None: they can.
    pub problem: Option<String>,
}

/// How the keeping in step goes. Figures are since the start of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncStatus {
    /// Now.
    pub state: SyncState,
    /// Since when it is in step.
    pub synced_at: Option<OffsetDateTime>,
    /// Readings of all of conntrack that began a new count: 1 after the first.
    pub epoch: u64,
    /// News that were lost (ENOBUFS), as often as that was told.
    pub overruns: u64,
    /// Connections in the cache, IPv4.
    pub entries4: u64,
    /// Connections in the cache, IPv6.
    pub entries6: u64,
    /// Most of each family.
    pub capacity: u64,
    /// Put into the cache.
    pub inserted: u64,
    /// Taken out.
    pub removed: u64,
    /// Not put in because the map or a bucket was full.
    pub full: u64,
    /// Moves to a cache of another size.
    pub moves: u64,
    /// Connections that found no room in the new cache at a move; the kernel forwards them.
    pub left_behind: u64,
    /// How long XDP forwarded nothing at the last move.
    pub last_pause: Duration,
    /// Connections the comparisons found missing, or that were there and should not have been.
    pub drift: u64,
    /// News read from conntrack.
    pub events: u64,
    /// How long the last reading of all of conntrack took.
    pub last_reading: Duration,
    /// Connections conntrack had at the last reading.
    pub connections: u64,
    /// Flow records written to the store.
    pub records_stored: u64,
    /// Flow records lost because the store was too slow.
    pub records_lost: u64,
    /// Flow records sent to the collector.
    pub records_exported: u64,
    /// Interfaces, by name.
    pub ports: Vec<OffloadPort>,
}

/// What a new policy means for live connections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LiveFlows {
    /// Stay.
    pub kept: u64,
    /// Are ended, or would be.
    pub cut: u64,
    /// Of `kept`: where they go cannot be told for now, so nobody judged them.
    pub unjudged: u64,
    /// The first of those cut, 100 at most.
    pub sample: Vec<CutFlow>,
    /// How long it took.
    pub duration: Duration,
}

/// A connection a policy does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutFlow {
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// As packets of the other side come in.
    pub reply: FlowTuple,
    /// Zone it comes in from; None: its interface is in none.
    pub from_zone: Option<ZoneId>,
    /// Zone it leaves by; None: its interface is in none.
    pub to_zone: Option<ZoneId>,
    /// The line that denies it.
    pub line: VerdictLine,
}
