//! The name table of the DNS block list: label-chain hashes in 64-byte cuckoo buckets.

use ravelin_abi::rv_name_bucket;
use ravelin_model::{DomainPattern, ListId};

/// One listed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameSource<'a> {
    /// What is listed.
    pub pattern: &'a DomainPattern,
    /// Where.
    pub list: &'a ListId,
}

/// Lists behind a set number of the table: which of them match the name itself, which the names below it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetMembers {
    /// Lists that match the listed name itself.
    pub matching_self: Vec<ListId>,
    /// Lists that match names below the listed one.
    pub matching_below: Vec<ListId>,
}

/// One half of the map `dns_blocklist`, with what its set numbers mean.
#[derive(Debug, Clone)]
pub struct NameImage {
    /// Seed of the label hash.
    pub key: u64,
    /// A power of two of them.
    pub buckets: Vec<rv_name_bucket>,
    /// Names stored.
    pub names: usize,
    /// Indexed by set number.
    pub sets: Vec<SetMembers>,
}
