// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

pub type __u8 = ::core::ffi::c_uchar;
pub type __u16 = ::core::ffi::c_ushort;
pub type __u32 = ::core::ffi::c_uint;
pub type __u64 = ::core::ffi::c_ulonglong;
pub type __be16 = __u16;
pub type __be32 = __u32;
pub mod rv_blocklist_limit {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_BLOCKLIST_BUCKETS: Type = 65536;
    pub const RV_BLOCKLIST_PARTS: Type = 256;
    pub const RV_BLOCKLIST_DIVIDED_MAX: Type = 1024;
    pub const RV_BLOCKLIST_ROWS: Type = 327680;
}
pub mod rv_range_entry {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_RANGE_ENTRY_MASK: Type = 1073741823;
    pub const RV_RANGE_EXPIRES: Type = 1073741824;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_bucket {
    pub first: __u32,
    pub count: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_bucket"][::core::mem::size_of::<rv_bucket>() - 8usize];
    ["Alignment of rv_bucket"][::core::mem::align_of::<rv_bucket>() - 4usize];
    ["Offset of field: rv_bucket::first"][::core::mem::offset_of!(rv_bucket, first) - 0usize];
    ["Offset of field: rv_bucket::count"][::core::mem::offset_of!(rv_bucket, count) - 4usize];
};
pub mod rv_bucket_count {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_BUCKET_DIVIDED: Type = 1073741824;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_range4 {
    pub start: __u32,
    pub end: __u32,
    pub entry: __u32,
    pub counter: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_range4"][::core::mem::size_of::<rv_range4>() - 16usize];
    ["Alignment of rv_range4"][::core::mem::align_of::<rv_range4>() - 4usize];
    ["Offset of field: rv_range4::start"][::core::mem::offset_of!(rv_range4, start) - 0usize];
    ["Offset of field: rv_range4::end"][::core::mem::offset_of!(rv_range4, end) - 4usize];
    ["Offset of field: rv_range4::entry"][::core::mem::offset_of!(rv_range4, entry) - 8usize];
    ["Offset of field: rv_range4::counter"][::core::mem::offset_of!(rv_range4, counter) - 12usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_range6 {
    pub start: [__u64; 2usize],
    pub end: [__u64; 2usize],
    pub entry: __u32,
    pub counter: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_range6"][::core::mem::size_of::<rv_range6>() - 40usize];
    ["Alignment of rv_range6"][::core::mem::align_of::<rv_range6>() - 8usize];
    ["Offset of field: rv_range6::start"][::core::mem::offset_of!(rv_range6, start) - 0usize];
    ["Offset of field: rv_range6::end"][::core::mem::offset_of!(rv_range6, end) - 16usize];
    ["Offset of field: rv_range6::entry"][::core::mem::offset_of!(rv_range6, entry) - 32usize];
    ["Offset of field: rv_range6::counter"][::core::mem::offset_of!(rv_range6, counter) - 36usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_blocklist_entry {
    pub expires_ns: __u64,
    pub counter: __u32,
    pub list: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_blocklist_entry"][::core::mem::size_of::<rv_blocklist_entry>() - 16usize];
    ["Alignment of rv_blocklist_entry"][::core::mem::align_of::<rv_blocklist_entry>() - 8usize];
    ["Offset of field: rv_blocklist_entry::expires_ns"]
        [::core::mem::offset_of!(rv_blocklist_entry, expires_ns) - 0usize];
    ["Offset of field: rv_blocklist_entry::counter"]
        [::core::mem::offset_of!(rv_blocklist_entry, counter) - 8usize];
    ["Offset of field: rv_blocklist_entry::list"]
        [::core::mem::offset_of!(rv_blocklist_entry, list) - 12usize];
};
pub mod rv_switch {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_SWITCH_STATISTICS: Type = 1;
    pub const RV_SWITCH_FLOW_MONITORING: Type = 2;
    pub const RV_SWITCH_DDOS_PROTECTION: Type = 4;
    pub const RV_SWITCH_DNS_BLOCKLIST: Type = 8;
    pub const RV_SWITCH_DDOS_EXTERNAL_ONLY: Type = 16;
    pub const RV_SWITCH_DNS_DROP: Type = 32;
    pub const RV_SWITCH_ADDRESS_HALF: Type = 64;
    pub const RV_SWITCH_NAME_HALF: Type = 128;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_name_table {
    pub key: __u64,
    pub bucket_mask: __u32,
    pub pad: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_name_table"][::core::mem::size_of::<rv_name_table>() - 16usize];
    ["Alignment of rv_name_table"][::core::mem::align_of::<rv_name_table>() - 8usize];
    ["Offset of field: rv_name_table::key"][::core::mem::offset_of!(rv_name_table, key) - 0usize];
    ["Offset of field: rv_name_table::bucket_mask"]
        [::core::mem::offset_of!(rv_name_table, bucket_mask) - 8usize];
    ["Offset of field: rv_name_table::pad"][::core::mem::offset_of!(rv_name_table, pad) - 12usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_control {
    pub switches: __u64,
    pub address6_skip: [__u8; 2usize],
    pub pad: [__u8; 6usize],
    pub names: [rv_name_table; 2usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_control"][::core::mem::size_of::<rv_control>() - 48usize];
    ["Alignment of rv_control"][::core::mem::align_of::<rv_control>() - 8usize];
    ["Offset of field: rv_control::switches"][::core::mem::offset_of!(rv_control, switches) - 0usize];
    ["Offset of field: rv_control::address6_skip"]
        [::core::mem::offset_of!(rv_control, address6_skip) - 8usize];
    ["Offset of field: rv_control::pad"][::core::mem::offset_of!(rv_control, pad) - 10usize];
    ["Offset of field: rv_control::names"][::core::mem::offset_of!(rv_control, names) - 16usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_counter {
    pub packets: __u64,
    pub bytes: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_counter"][::core::mem::size_of::<rv_counter>() - 16usize];
    ["Alignment of rv_counter"][::core::mem::align_of::<rv_counter>() - 8usize];
    ["Offset of field: rv_counter::packets"][::core::mem::offset_of!(rv_counter, packets) - 0usize];
    ["Offset of field: rv_counter::bytes"][::core::mem::offset_of!(rv_counter, bytes) - 8usize];
};
pub mod rv_name_limit {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_NAME_SLOTS: Type = 8;
    pub const RV_NAME_MAX: Type = 255;
    pub const RV_NAME_LABELS_MAX: Type = 127;
    pub const RV_NAME_SETS: Type = 8192;
}
pub mod rv_name_meta {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_NAME_SET_MASK: Type = 8191;
    pub const RV_NAME_OVERFLOWED: Type = 8192;
    pub const RV_NAME_MATCH_BELOW: Type = 16384;
    pub const RV_NAME_MATCH_SELF: Type = 32768;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_name_bucket {
    pub slot: [__u64; 8usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_name_bucket"][::core::mem::size_of::<rv_name_bucket>() - 64usize];
    ["Alignment of rv_name_bucket"][::core::mem::align_of::<rv_name_bucket>() - 8usize];
    ["Offset of field: rv_name_bucket::slot"][::core::mem::offset_of!(rv_name_bucket, slot) - 0usize];
};
pub mod rv_event_kind {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_EVENT_DROP: Type = 1;
    pub const RV_EVENT_DNS: Type = 2;
}
pub mod rv_event_version {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_EVENT_VERSION: Type = 1;
}
#[repr(C)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_event {
    pub kind: __u16,
    pub version: __u16,
    pub length: __u32,
    pub ktime_ns: __u64,
    pub ifindex: __u32,
    pub frame_length: __u32,
    pub reason: __u16,
    pub family: __u8,
    pub protocol: __u8,
    pub source_port: __u16,
    pub destination_port: __u16,
    pub source: [__u8; 16usize],
    pub destination: [__u8; 16usize],
    pub object: __u32,
    pub list: __u32,
    pub name_length: __u8,
    pub pad: [__u8; 7usize],
    pub name: [__u8; 256usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_event"][::core::mem::size_of::<rv_event>() - 336usize];
    ["Alignment of rv_event"][::core::mem::align_of::<rv_event>() - 8usize];
    ["Offset of field: rv_event::kind"][::core::mem::offset_of!(rv_event, kind) - 0usize];
    ["Offset of field: rv_event::version"][::core::mem::offset_of!(rv_event, version) - 2usize];
    ["Offset of field: rv_event::length"][::core::mem::offset_of!(rv_event, length) - 4usize];
    ["Offset of field: rv_event::ktime_ns"][::core::mem::offset_of!(rv_event, ktime_ns) - 8usize];
    ["Offset of field: rv_event::ifindex"][::core::mem::offset_of!(rv_event, ifindex) - 16usize];
    ["Offset of field: rv_event::frame_length"][::core::mem::offset_of!(rv_event, frame_length) - 20usize];
    ["Offset of field: rv_event::reason"][::core::mem::offset_of!(rv_event, reason) - 24usize];
    ["Offset of field: rv_event::family"][::core::mem::offset_of!(rv_event, family) - 26usize];
    ["Offset of field: rv_event::protocol"][::core::mem::offset_of!(rv_event, protocol) - 27usize];
    ["Offset of field: rv_event::source_port"][::core::mem::offset_of!(rv_event, source_port) - 28usize];
    ["Offset of field: rv_event::destination_port"]
        [::core::mem::offset_of!(rv_event, destination_port) - 30usize];
    ["Offset of field: rv_event::source"][::core::mem::offset_of!(rv_event, source) - 32usize];
    ["Offset of field: rv_event::destination"][::core::mem::offset_of!(rv_event, destination) - 48usize];
    ["Offset of field: rv_event::object"][::core::mem::offset_of!(rv_event, object) - 64usize];
    ["Offset of field: rv_event::list"][::core::mem::offset_of!(rv_event, list) - 68usize];
    ["Offset of field: rv_event::name_length"][::core::mem::offset_of!(rv_event, name_length) - 72usize];
    ["Offset of field: rv_event::pad"][::core::mem::offset_of!(rv_event, pad) - 73usize];
    ["Offset of field: rv_event::name"][::core::mem::offset_of!(rv_event, name) - 80usize];
};
impl Default for rv_event {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_event_budget {
    pub window_ns: __u64,
    pub sent: __u64,
    pub suppressed: __u64,
    pub lost: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_event_budget"][::core::mem::size_of::<rv_event_budget>() - 32usize];
    ["Alignment of rv_event_budget"][::core::mem::align_of::<rv_event_budget>() - 8usize];
    ["Offset of field: rv_event_budget::window_ns"]
        [::core::mem::offset_of!(rv_event_budget, window_ns) - 0usize];
    ["Offset of field: rv_event_budget::sent"][::core::mem::offset_of!(rv_event_budget, sent) - 8usize];
    ["Offset of field: rv_event_budget::suppressed"]
        [::core::mem::offset_of!(rv_event_budget, suppressed) - 16usize];
    ["Offset of field: rv_event_budget::lost"][::core::mem::offset_of!(rv_event_budget, lost) - 24usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_flow_key4 {
    pub source: __be32,
    pub destination: __be32,
    pub source_port: __be16,
    pub destination_port: __be16,
    pub ifindex: __u32,
    pub protocol: __u8,
    pub pad: [__u8; 7usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_flow_key4"][::core::mem::size_of::<rv_flow_key4>() - 24usize];
    ["Alignment of rv_flow_key4"][::core::mem::align_of::<rv_flow_key4>() - 4usize];
    ["Offset of field: rv_flow_key4::source"][::core::mem::offset_of!(rv_flow_key4, source) - 0usize];
    ["Offset of field: rv_flow_key4::destination"]
        [::core::mem::offset_of!(rv_flow_key4, destination) - 4usize];
    ["Offset of field: rv_flow_key4::source_port"]
        [::core::mem::offset_of!(rv_flow_key4, source_port) - 8usize];
    ["Offset of field: rv_flow_key4::destination_port"]
        [::core::mem::offset_of!(rv_flow_key4, destination_port) - 10usize];
    ["Offset of field: rv_flow_key4::ifindex"][::core::mem::offset_of!(rv_flow_key4, ifindex) - 12usize];
    ["Offset of field: rv_flow_key4::protocol"][::core::mem::offset_of!(rv_flow_key4, protocol) - 16usize];
    ["Offset of field: rv_flow_key4::pad"][::core::mem::offset_of!(rv_flow_key4, pad) - 17usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_flow_key6 {
    pub source: [__u8; 16usize],
    pub destination: [__u8; 16usize],
    pub source_port: __be16,
    pub destination_port: __be16,
    pub ifindex: __u32,
    pub protocol: __u8,
    pub pad: [__u8; 7usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_flow_key6"][::core::mem::size_of::<rv_flow_key6>() - 48usize];
    ["Alignment of rv_flow_key6"][::core::mem::align_of::<rv_flow_key6>() - 4usize];
    ["Offset of field: rv_flow_key6::source"][::core::mem::offset_of!(rv_flow_key6, source) - 0usize];
    ["Offset of field: rv_flow_key6::destination"]
        [::core::mem::offset_of!(rv_flow_key6, destination) - 16usize];
    ["Offset of field: rv_flow_key6::source_port"]
        [::core::mem::offset_of!(rv_flow_key6, source_port) - 32usize];
    ["Offset of field: rv_flow_key6::destination_port"]
        [::core::mem::offset_of!(rv_flow_key6, destination_port) - 34usize];
    ["Offset of field: rv_flow_key6::ifindex"][::core::mem::offset_of!(rv_flow_key6, ifindex) - 36usize];
    ["Offset of field: rv_flow_key6::protocol"][::core::mem::offset_of!(rv_flow_key6, protocol) - 40usize];
    ["Offset of field: rv_flow_key6::pad"][::core::mem::offset_of!(rv_flow_key6, pad) - 41usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_flow {
    pub packets: __u64,
    pub bytes: __u64,
    pub first_seen_ns: __u64,
    pub last_seen_ns: __u64,
    pub tcp_flags: __u8,
    pub pad: [__u8; 7usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_flow"][::core::mem::size_of::<rv_flow>() - 40usize];
    ["Alignment of rv_flow"][::core::mem::align_of::<rv_flow>() - 8usize];
    ["Offset of field: rv_flow::packets"][::core::mem::offset_of!(rv_flow, packets) - 0usize];
    ["Offset of field: rv_flow::bytes"][::core::mem::offset_of!(rv_flow, bytes) - 8usize];
    ["Offset of field: rv_flow::first_seen_ns"][::core::mem::offset_of!(rv_flow, first_seen_ns) - 16usize];
    ["Offset of field: rv_flow::last_seen_ns"][::core::mem::offset_of!(rv_flow, last_seen_ns) - 24usize];
    ["Offset of field: rv_flow::tcp_flags"][::core::mem::offset_of!(rv_flow, tcp_flags) - 32usize];
    ["Offset of field: rv_flow::pad"][::core::mem::offset_of!(rv_flow, pad) - 33usize];
};
pub mod rv_reason {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_REASON_PASS: Type = 0;
    pub const RV_REASON_SOURCE_LISTED: Type = 1;
    pub const RV_REASON_DNS_DROPPED: Type = 2;
    pub const RV_REASON_DNS_ANSWERED: Type = 3;
    pub const RV_REASON_CAPACITY: Type = 32;
}
pub mod rv_protocol {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_PROTOCOL_OTHER: Type = 0;
    pub const RV_PROTOCOL_IPV4_TCP: Type = 1;
    pub const RV_PROTOCOL_IPV4_UDP: Type = 2;
    pub const RV_PROTOCOL_IPV4_ICMP: Type = 3;
    pub const RV_PROTOCOL_IPV4_OTHER: Type = 4;
    pub const RV_PROTOCOL_IPV6_TCP: Type = 5;
    pub const RV_PROTOCOL_IPV6_UDP: Type = 6;
    pub const RV_PROTOCOL_IPV6_ICMP: Type = 7;
    pub const RV_PROTOCOL_IPV6_OTHER: Type = 8;
    pub const RV_PROTOCOL_CAPACITY: Type = 16;
}
pub mod rv_direction {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_DIRECTION_INGRESS: Type = 0;
    pub const RV_DIRECTION_EGRESS: Type = 1;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_statistics {
    pub cell: [[rv_counter; 32usize]; 16usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_statistics"][::core::mem::size_of::<rv_statistics>() - 8192usize];
    ["Alignment of rv_statistics"][::core::mem::align_of::<rv_statistics>() - 8usize];
    ["Offset of field: rv_statistics::cell"][::core::mem::offset_of!(rv_statistics, cell) - 0usize];
};
pub mod rv_zone_limit {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_ZONE_IFINDEX_LIMIT: Type = 65536;
    pub const RV_ZONE_SLOTS: Type = 64;
}
pub mod rv_zone_flag {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_ZONE_EXTERNAL: Type = 1;
    pub const RV_ZONE_XDP: Type = 2;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq)]
pub struct rv_zone {
    pub slot: __u16,
    pub zone: __u16,
    pub flags: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_zone"][::core::mem::size_of::<rv_zone>() - 8usize];
    ["Alignment of rv_zone"][::core::mem::align_of::<rv_zone>() - 4usize];
    ["Offset of field: rv_zone::slot"][::core::mem::offset_of!(rv_zone, slot) - 0usize];
    ["Offset of field: rv_zone::zone"][::core::mem::offset_of!(rv_zone, zone) - 2usize];
    ["Offset of field: rv_zone::flags"][::core::mem::offset_of!(rv_zone, flags) - 4usize];
};
