//! The address index of the block list: prefixes -> sorted disjoint ranges behind a 16-bit directory.

use ipnet::IpNet;
use ravelin_abi::{rv_blocklist_entry, rv_bucket, rv_range4, rv_range6};
use thiserror::Error;

/// One listed prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressSource {
    /// Host bits are zero.
    pub network: IpNet,
    /// `CLOCK_MONOTONIC` nanoseconds; 0: never.
    pub expires_ns: u64,
    /// Row of `blocklist_hits`; stays with the entry.
    pub counter: u32,
    /// Number of the list.
    pub list: u32,
}

/// More than a map holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("needs {needed} {what}, the map holds {capacity}")]
pub struct ImageTooLarge {
    /// What there is too much of.
    pub what: &'static str,
    /// How many are needed.
    pub needed: usize,
    /// How many fit.
    pub capacity: usize,
}

/// One half of the maps `blocklist_dir4/6`, `xdp_blocklist4/6` and `blocklist_entry`.
///
/// Where prefixes overlap, the range goes to the one that expires last (never beats any time), then to the
/// longest, then to the first given: an entry that has expired can thus never hide one that has not.
#[derive(Debug, Clone)]
pub struct AddressImage {
    /// `RV_BLOCKLIST_BUCKETS` buckets by the top 16 bits.
    pub directory4: Vec<rv_bucket>,
    /// Sorted, disjoint.
    pub ranges4: Vec<rv_range4>,
    /// `RV_BLOCKLIST_BUCKETS` buckets by the 16 bits after `skip6`.
    pub directory6: Vec<rv_bucket>,
    /// Sorted, disjoint.
    pub ranges6: Vec<rv_range6>,
    /// Leading bits all IPv6 entries share, 0..=48.
    pub skip6: u8,
    /// Indexed by `rv_range4.entry` and `rv_range6.entry`.
    pub entries: Vec<rv_blocklist_entry>,
}
