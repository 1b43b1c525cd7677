//! The flow cache: connections XDP may forward by itself (`ebpf/include/ravelin/fast.h`).
//!
//! The kernel's and the simulated one are the same tables, over memory programs share or over memory of this process.

mod buckets;
mod cache;
mod checksum;
mod control;
mod family;
mod flows;
mod hash;
mod pairs;
mod table;
mod view;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ravelin_abi::{rv_fast_bucket, rv_fast_control, rv_fast_flow4, rv_fast_flow6};
use ravelin_compile::CounterId;
use ravelin_model::{FlowCount, FlowTuple};

pub(crate) use buckets::{BUCKET_WORDS, bucket_count};
pub(crate) use cache::{CacheFigures, CacheMemory, Platform, TableCache};
pub(crate) use control::CONTROL_WORDS;
#[cfg(feature = "kernel")]
pub(crate) use pairs::connections_of;
pub(crate) use pairs::{CONNECTIONS_MAX, slot_count};
pub(crate) use words::Heap;
#[cfg(feature = "kernel")]
pub(crate) use words::Words;

use crate::DatapathError;

/// A connection to put into the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CachedFlow {
    /// Conntrack's number for it.
    pub connection: u32,
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// As packets of the other side come in.
    pub reply: FlowTuple,
    /// What its packets count on; 0: nothing.
    pub counter: CounterId,
}

/// What became of an insertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Inserted {
    /// It is new.
    New,
    /// It was there, with the same translation; its counter is the new one now.
    Known,
    /// The map is full, or so is one of its buckets. It goes the slow way.
    Full,
    /// Neither TCP nor UDP.
    Unsuited,
}

/// Why XDP does not forward a direction, though it is in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathRefusal {
    /// No route, or not one of Ethernet.
    NoRoute,
    /// The Ethernet address of the next hop is not known.
    NoNeighbour,
    /// The way back leaves by another interface than packets come in by.
    Asymmetric,
    /// It goes to this box.
    Local,
    /// The output interface cannot be redirected to.
    Port,
    /// Packets come without checksum, from a guest of this host.
    Checksum,
    /// ddos_protection lists its source.
    SourceListed,
}

/// What is known of the way of a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// No packet of it was seen since the ways were last learned.
    Unknown,
    /// XDP forwards it.
    Forwarded {
        /// Kernel index of the interface frames come in by.
        ingress: u32,
        /// Kernel index of the interface they are sent by.
        egress: u32,
    },
    /// XDP does not.
    Refused(PathRefusal),
    /// It is ending, or was idle for long.
    Ended,
}

/// A direction in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CachedDirection {
    /// What XDP forwarded; bytes from the IP header on, as conntrack counts them.
    pub count: FlowCount,
    /// Since XDP last forwarded a packet; None: it has not.
    pub idle: Option<Duration>,
    /// Since a packet last went up so that conntrack hears of the connection; None: none has.
    pub refreshed: Option<Duration>,
    /// Its way.
    pub path: Path,
}

/// A connection in the cache: direction of who began it, and the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CachedState {
    /// The connection.
    pub flow: CachedFlow,
    /// Both directions.
    pub directions: [CachedDirection; 2],
}

/// The way of frames of a direction that XDP forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Way {
    /// Kernel index of the device they come in by.
    pub ingress: u32,
    /// VLAN id they come in with; None: they have no tag.
    pub ingress_tag: Option<u16>,
    /// Ethernet address they are sent to: of this box.
    pub own_address: [u8; 6],
    /// Kernel index of the device they leave by.
    pub egress: u32,
    /// VLAN id they leave with; None: they get no tag.
    pub egress_tag: Option<u16>,
    /// Ethernet address they leave from.
    pub source_address: [u8; 6],
    /// Ethernet address of the next hop.
    pub destination_address: [u8; 6],
    /// Longest IP packet, in bytes.
    pub mtu: u16,
}

/// The ways of a connection's directions; None: XDP does not forward it, or nothing is known of it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CachedWays {
    /// The connection.
    pub flow: CachedFlow,
    /// Of who began it, and of the other side.
    pub ways: [Option<Way>; 2],
}

/// A connection that was taken out, with its last counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RemovedFlow {
    /// The connection.
    pub flow: CachedFlow,
    /// What XDP forwarded of each direction; bytes from the IP header on, as conntrack counts them.
    pub counts: [FlowCount; 2],
}

/// How full the cache is, in connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CacheOccupancy {
    /// IPv4 connections.
    pub ipv4: u64,
    /// IPv6 connections.
    pub ipv6: u64,
    /// Most of each family.
    pub capacity: u64,
}

/// Times of the fast path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheTiming {
    /// A TCP packet goes up so that conntrack hears of the connection when the last that did is so long ago.
    pub tcp_refresh: Duration,
    /// The same of UDP.
    pub udp_refresh: Duration,
    /// TCP that was idle for so long goes up for good.
    pub tcp_idle: Duration,
    /// The same of UDP.
    pub udp_idle: Duration,
}

/// An interface as the fast path sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CachePort {
    /// Kernel index.
    pub index: u32,
    /// Kernel index of the device frames pass by: of a VLAN what it is on, else `index`.
    pub device: u32,
    /// VLAN id, 1 to 4094; None: frames are not tagged.
    pub tag: Option<u16>,
    /// Frames can be redirected to `device`.
    pub redirect: bool,
    /// Frames that come in may lack their checksum: veth.
    pub verify_checksum: bool,
}

/// The flow cache. Its owner is its only writer. Calls take microseconds, [`Self::collect`] milliseconds.
///
/// A cache starts with what an earlier process left in it, or empty.
pub trait FlowCache: Send + fmt::Debug {
    /// Puts in both directions of a connection, or neither.
    fn insert(&mut self, flow: &CachedFlow) -> Inserted;

    /// Puts in a connection as it was in another cache, its counts and times included. Its way is learned anew; a
    /// direction that ended stays so. What was there with one of its tuples is taken out.
    fn restore(&mut self, state: &CachedState) -> Inserted;

    /// Takes out a connection by the tuple of either direction. XDP forwards none of its packets that comes after
    /// this. Its last counts come with [`Self::collect`]. False: it was not there.
    fn remove(&mut self, tuple: &FlowTuple) -> bool;

    /// Connections taken out since the last call whose counts no program can change any more. Waits for a grace
    /// period where there are some, and frees their room.
    fn collect(&mut self) -> Result<Vec<RemovedFlow>, DatapathError>;

    /// Every connection that is in it.
    fn for_each(&self, each: &mut dyn FnMut(&CachedState));

    /// How full it is.
    fn occupancy(&self) -> CacheOccupancy;

    /// Lets XDP forward for so long from now on; called again and again. Zero: at once no more.
    fn keep_alive(&mut self, time: Duration);

    /// Has XDP forward nothing any more, and waits for a grace period: no count changes from then on, until
    /// [`Self::keep_alive`] says otherwise. Only the end of a connection is still noted.
    fn halt(&mut self) -> Result<(), DatapathError>;

    /// Has every flow learn its way again: a route, neighbour, link, address or list changed.
    fn forget_paths(&mut self);

    /// Sets the times.
    fn set_timing(&mut self, timing: &CacheTiming);

    /// Tells what interfaces there are; others are not redirected to. Returns the kernel indices of those that frames
    /// cannot be redirected to though `redirect` says so: the kernel did not take their device.
    fn set_ports(&mut self, ports: &[CachePort]) -> Result<Vec<u32>, DatapathError>;

    /// A view for others, at any time, from any thread.
    fn reader(&self) -> Arc<dyn FlowCacheReader>;
}

/// Bytes the maps of a cache take for so many connections of each family (kernel/bpf/arraymap.c,
/// `array_map_mem_usage`): each begins with a page of the kernel's own.
pub(crate) fn cache_bytes(connections: u32) -> u64 {
    const PAGE: u64 = 4096;
    let map = |entries: u32, value: usize| PAGE + (u64::from(entries) * value as u64).next_multiple_of(PAGE);
    let (buckets, slots) = (bucket_count(connections), slot_count(connections));
    map(1, size_of::<rv_fast_control>())
        + 2 * map(buckets, size_of::<rv_fast_bucket>())
        + map(slots, size_of::<rv_fast_flow4>())
        + map(slots, size_of::<rv_fast_flow6>())
}

/// Whether there can be a cache for so many connections in place of one for `current`.
pub(crate) fn check_capacity(connections: u32, current: u32) -> Result<(), DatapathError> {
    let reason = match connections {
        0 => "there has to be room",
        _ if connections > CONNECTIONS_MAX => "words of the index cannot name so many",
        _ if connections == current => "the one in use has this size",
        _ => return Ok(()),
    };
    Err(DatapathError::CacheSize { connections, reason })
}

/// Reads the cache while its owner writes.
pub trait FlowCacheReader: Send + Sync + fmt::Debug {
    /// A connection by the tuple of either direction.
    fn get(&self, tuple: &FlowTuple) -> Option<CachedState>;

    /// The ways of a connection, by the tuple of either direction.
    fn ways(&self, tuple: &FlowTuple) -> Option<CachedWays>;

    /// Every connection that is in it for as long as this takes: milliseconds. One that is put in or taken out
    /// meanwhile may be missed.
    fn for_each(&self, each: &mut dyn FnMut(&CachedState));
}

#[cfg(test)]
mod tests;
