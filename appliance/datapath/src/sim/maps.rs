//! What the kernel's maps would hold.

use std::mem::size_of;

use ravelin_abi::{
    rv_control, rv_counter, rv_fast_bucket, rv_fast_control, rv_fast_flow4, rv_fast_flow6, rv_flow,
    rv_flow_key4, rv_flow_key6, rv_image_page, rv_name_bucket, rv_name_limit::RV_NAME_SETS, rv_statistics,
    rv_zone, rv_zone_limit,
};
use ravelin_model::MapInfo;

use crate::flow_cache::{bucket_count, slot_count};

/// Address entries that fit.
pub(super) const ADDRESSES: u32 = 131_072;
/// Name buckets that fit.
pub(super) const NAME_BUCKETS: u32 = 131_072;
/// Flows that would fit, of each family.
pub(super) const FLOWS: u32 = 262_144;
/// Connections of each family that fit into a new flow cache.
pub(super) const CACHED_CONNECTIONS: u32 = 16_384;
/// Hit counters of the policy.
pub(super) const POLICY_COUNTERS: u32 = 131_072;

/// Entries in use.
#[derive(Debug, Default)]
pub(super) struct Occupancy {
    pub(super) address_pages: usize,
    pub(super) name_buckets: usize,
    pub(super) policy_rows: usize,
    pub(super) zones: usize,
    /// Connections of each family that fit into the flow cache.
    pub(super) cached_connections: u32,
    pub(super) cached4: u64,
    pub(super) cached6: u64,
}

/// The maps under the names they have in the kernel, of kind `simulated` and without memory there.
pub(super) fn maps(occupancy: &Occupancy) -> Vec<MapInfo> {
    let index = size_of::<u32>();
    let buckets = bucket_count(occupancy.cached_connections);
    let slots = slot_count(occupancy.cached_connections);
    // One for each direction.
    let flows = |connections: u64| usize::try_from(connections * 2).ok();
    [
        ("control", index, size_of::<rv_control>(), 1, None),
        (
            "zones",
            index,
            size_of::<rv_zone>(),
            rv_zone_limit::RV_ZONE_IFINDEX_LIMIT,
            Some(occupancy.zones),
        ),
        (
            "statistics",
            index,
            size_of::<rv_statistics>(),
            rv_zone_limit::RV_ZONE_SLOTS * 2,
            None,
        ),
        (
            "flow_map4",
            size_of::<rv_flow_key4>(),
            size_of::<rv_flow>(),
            FLOWS,
            Some(0),
        ),
        (
            "flow_map6",
            size_of::<rv_flow_key6>(),
            size_of::<rv_flow>(),
            FLOWS,
            Some(0),
        ),
        (
            "xdp_blocklist",
            index,
            size_of::<rv_image_page>(),
            u32::try_from(occupancy.address_pages).unwrap_or(u32::MAX),
            Some(occupancy.address_pages),
        ),
        ("blocklist_hits", index, size_of::<rv_counter>(), ADDRESSES, None),
        (
            "dns_blocklist",
            index,
            size_of::<rv_name_bucket>(),
            2 * NAME_BUCKETS,
            Some(occupancy.name_buckets),
        ),
        ("dns_hits", index, size_of::<rv_counter>(), 2 * RV_NAME_SETS, None),
        ("policy", index, index, 2, Some(occupancy.policy_rows)),
        ("policy_classes", index, index, 2, Some(occupancy.policy_rows)),
        ("rule_hits", index, size_of::<rv_counter>(), POLICY_COUNTERS, None),
        ("fast_misses", index, size_of::<u64>(), 1, None),
        ("fast_control", index, size_of::<rv_fast_control>(), 1, None),
        ("fast_index4", index, size_of::<rv_fast_bucket>(), buckets, None),
        ("fast_index6", index, size_of::<rv_fast_bucket>(), buckets, None),
        (
            "fast_flow4",
            index,
            size_of::<rv_fast_flow4>(),
            slots,
            flows(occupancy.cached4),
        ),
        (
            "fast_flow6",
            index,
            size_of::<rv_fast_flow6>(),
            slots,
            flows(occupancy.cached6),
        ),
    ]
    .into_iter()
    .map(|(name, key, value, max_entries, occupancy)| MapInfo {
        id: 0,
        name: name.to_owned(),
        kind: "simulated".to_owned(),
        key_bytes: bytes(key),
        value_bytes: bytes(value),
        max_entries,
        occupancy: occupancy.map(|entries| entries as u64),
        memory_bytes: 0,
        pin: None,
    })
    .collect()
}

fn bytes(size: usize) -> u32 {
    u32::try_from(size).expect("structs are small")
}
