// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

pub type __u8 = ::core::ffi::c_uchar;
pub type __u16 = ::core::ffi::c_ushort;
pub type __u32 = ::core::ffi::c_uint;
pub type __u64 = ::core::ffi::c_ulonglong;
pub type __be16 = __u16;
pub type __be32 = __u32;
pub mod rv_blocklist_value {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_LISTED_COUNTER: Type = 1073741823;
    pub const RV_LISTED: Type = 1073741824;
    pub const RV_LISTED_EXPIRES: Type = 2147483648;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_blocklist_entry {
    pub expires_ns: __u64,
    pub list: __u32,
    pub pad: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_blocklist_entry"][::core::mem::size_of::<rv_blocklist_entry>() - 16usize];
    ["Alignment of rv_blocklist_entry"][::core::mem::align_of::<rv_blocklist_entry>() - 8usize];
    ["Offset of field: rv_blocklist_entry::expires_ns"]
        [::core::mem::offset_of!(rv_blocklist_entry, expires_ns) - 0usize];
    ["Offset of field: rv_blocklist_entry::list"][::core::mem::offset_of!(rv_blocklist_entry, list) - 8usize];
    ["Offset of field: rv_blocklist_entry::pad"][::core::mem::offset_of!(rv_blocklist_entry, pad) - 12usize];
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
    pub const RV_SWITCH_POLICY_CLASSIFIER: Type = 256;
    pub const RV_SWITCH_POLICY_HALF: Type = 512;
    pub const RV_SWITCH_FLOW_OFFLOAD: Type = 1024;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
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
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_control {
    pub switches: __u64,
    pub names: [rv_name_table; 2usize],
    pub event_rate: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_control"][::core::mem::size_of::<rv_control>() - 48usize];
    ["Alignment of rv_control"][::core::mem::align_of::<rv_control>() - 8usize];
    ["Offset of field: rv_control::switches"][::core::mem::offset_of!(rv_control, switches) - 0usize];
    ["Offset of field: rv_control::names"][::core::mem::offset_of!(rv_control, names) - 8usize];
    ["Offset of field: rv_control::event_rate"][::core::mem::offset_of!(rv_control, event_rate) - 40usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
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
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
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
    pub const RV_EVENT_POLICY: Type = 3;
}
pub mod rv_event_version {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_EVENT_VERSION: Type = 2;
}
#[repr(C)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
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
    pub revision: __u64,
    pub name_length: __u8,
    pub from_zone: __u8,
    pub to_zone: __u8,
    pub pad: [__u8; 5usize],
    pub name: [__u8; 256usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_event"][::core::mem::size_of::<rv_event>() - 344usize];
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
    ["Offset of field: rv_event::revision"][::core::mem::offset_of!(rv_event, revision) - 72usize];
    ["Offset of field: rv_event::name_length"][::core::mem::offset_of!(rv_event, name_length) - 80usize];
    ["Offset of field: rv_event::from_zone"][::core::mem::offset_of!(rv_event, from_zone) - 81usize];
    ["Offset of field: rv_event::to_zone"][::core::mem::offset_of!(rv_event, to_zone) - 82usize];
    ["Offset of field: rv_event::pad"][::core::mem::offset_of!(rv_event, pad) - 83usize];
    ["Offset of field: rv_event::name"][::core::mem::offset_of!(rv_event, name) - 88usize];
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
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
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
pub mod rv_fast_limit {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_FAST_BUCKET_WORDS: Type = 16;
    pub const RV_FAST_SLOT_BITS: Type = 22;
    pub const RV_FAST_SLOT: Type = 4194303;
    pub const RV_FAST_TAG_SHIFT: Type = 54;
    pub const RV_FAST_LEARNING: Type = 4294967295;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_fast_bucket {
    pub words: [__u32; 16usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_fast_bucket"][::core::mem::size_of::<rv_fast_bucket>() - 64usize];
    ["Alignment of rv_fast_bucket"][::core::mem::align_of::<rv_fast_bucket>() - 4usize];
    ["Offset of field: rv_fast_bucket::words"][::core::mem::offset_of!(rv_fast_bucket, words) - 0usize];
};
pub mod rv_fast_state {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_FAST_LIVE: Type = 1;
    pub const RV_FAST_ENDED: Type = 2;
    pub const RV_FAST_IDLE: Type = 3;
}
pub mod rv_fast_flag {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_FAST_TRANSLATED: Type = 1;
}
pub mod rv_fast_refusal {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_FAST_FITS: Type = 0;
    pub const RV_FAST_NO_ROUTE: Type = 1;
    pub const RV_FAST_NO_NEIGHBOUR: Type = 2;
    pub const RV_FAST_ASYMMETRIC: Type = 3;
    pub const RV_FAST_LOCAL: Type = 4;
    pub const RV_FAST_PORT: Type = 5;
    pub const RV_FAST_CHECKSUM: Type = 6;
    pub const RV_FAST_SOURCE_LISTED: Type = 7;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_fast_path {
    pub generation: __u32,
    pub ingress: __u32,
    pub egress: __u32,
    pub ingress_tag: __u16,
    pub egress_tag: __u16,
    pub mtu: __u16,
    pub refusal: __u8,
    pub pad: __u8,
    pub destination_mac: [__u8; 6usize],
    pub source_mac: [__u8; 6usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_fast_path"][::core::mem::size_of::<rv_fast_path>() - 32usize];
    ["Alignment of rv_fast_path"][::core::mem::align_of::<rv_fast_path>() - 4usize];
    ["Offset of field: rv_fast_path::generation"][::core::mem::offset_of!(rv_fast_path, generation) - 0usize];
    ["Offset of field: rv_fast_path::ingress"][::core::mem::offset_of!(rv_fast_path, ingress) - 4usize];
    ["Offset of field: rv_fast_path::egress"][::core::mem::offset_of!(rv_fast_path, egress) - 8usize];
    ["Offset of field: rv_fast_path::ingress_tag"]
        [::core::mem::offset_of!(rv_fast_path, ingress_tag) - 12usize];
    ["Offset of field: rv_fast_path::egress_tag"]
        [::core::mem::offset_of!(rv_fast_path, egress_tag) - 14usize];
    ["Offset of field: rv_fast_path::mtu"][::core::mem::offset_of!(rv_fast_path, mtu) - 16usize];
    ["Offset of field: rv_fast_path::refusal"][::core::mem::offset_of!(rv_fast_path, refusal) - 18usize];
    ["Offset of field: rv_fast_path::pad"][::core::mem::offset_of!(rv_fast_path, pad) - 19usize];
    ["Offset of field: rv_fast_path::destination_mac"]
        [::core::mem::offset_of!(rv_fast_path, destination_mac) - 20usize];
    ["Offset of field: rv_fast_path::source_mac"]
        [::core::mem::offset_of!(rv_fast_path, source_mac) - 26usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_fast_counts {
    pub packets: __u64,
    pub bytes: __u64,
    pub last_seen_ns: __u64,
    pub refreshed_ns: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_fast_counts"][::core::mem::size_of::<rv_fast_counts>() - 32usize];
    ["Alignment of rv_fast_counts"][::core::mem::align_of::<rv_fast_counts>() - 8usize];
    ["Offset of field: rv_fast_counts::packets"][::core::mem::offset_of!(rv_fast_counts, packets) - 0usize];
    ["Offset of field: rv_fast_counts::bytes"][::core::mem::offset_of!(rv_fast_counts, bytes) - 8usize];
    ["Offset of field: rv_fast_counts::last_seen_ns"]
        [::core::mem::offset_of!(rv_fast_counts, last_seen_ns) - 16usize];
    ["Offset of field: rv_fast_counts::refreshed_ns"]
        [::core::mem::offset_of!(rv_fast_counts, refreshed_ns) - 24usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_fast_rest {
    pub version: __u32,
    pub connection: __u32,
    pub network_delta: __u16,
    pub transport_delta: __u16,
    pub ingress_vlan: __u16,
    pub egress_vlan: __u16,
    pub inserted_ns: __u64,
    pub own_mac: [__u8; 6usize],
    pub pad: [__u8; 2usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_fast_rest"][::core::mem::size_of::<rv_fast_rest>() - 32usize];
    ["Alignment of rv_fast_rest"][::core::mem::align_of::<rv_fast_rest>() - 8usize];
    ["Offset of field: rv_fast_rest::version"][::core::mem::offset_of!(rv_fast_rest, version) - 0usize];
    ["Offset of field: rv_fast_rest::connection"][::core::mem::offset_of!(rv_fast_rest, connection) - 4usize];
    ["Offset of field: rv_fast_rest::network_delta"]
        [::core::mem::offset_of!(rv_fast_rest, network_delta) - 8usize];
    ["Offset of field: rv_fast_rest::transport_delta"]
        [::core::mem::offset_of!(rv_fast_rest, transport_delta) - 10usize];
    ["Offset of field: rv_fast_rest::ingress_vlan"]
        [::core::mem::offset_of!(rv_fast_rest, ingress_vlan) - 12usize];
    ["Offset of field: rv_fast_rest::egress_vlan"]
        [::core::mem::offset_of!(rv_fast_rest, egress_vlan) - 14usize];
    ["Offset of field: rv_fast_rest::inserted_ns"]
        [::core::mem::offset_of!(rv_fast_rest, inserted_ns) - 16usize];
    ["Offset of field: rv_fast_rest::own_mac"][::core::mem::offset_of!(rv_fast_rest, own_mac) - 24usize];
    ["Offset of field: rv_fast_rest::pad"][::core::mem::offset_of!(rv_fast_rest, pad) - 30usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_fast_tuple4 {
    pub source: __be32,
    pub destination: __be32,
    pub source_port: __be16,
    pub destination_port: __be16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_fast_tuple4"][::core::mem::size_of::<rv_fast_tuple4>() - 12usize];
    ["Alignment of rv_fast_tuple4"][::core::mem::align_of::<rv_fast_tuple4>() - 4usize];
    ["Offset of field: rv_fast_tuple4::source"][::core::mem::offset_of!(rv_fast_tuple4, source) - 0usize];
    ["Offset of field: rv_fast_tuple4::destination"]
        [::core::mem::offset_of!(rv_fast_tuple4, destination) - 4usize];
    ["Offset of field: rv_fast_tuple4::source_port"]
        [::core::mem::offset_of!(rv_fast_tuple4, source_port) - 8usize];
    ["Offset of field: rv_fast_tuple4::destination_port"]
        [::core::mem::offset_of!(rv_fast_tuple4, destination_port) - 10usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_fast_tuple6 {
    pub source: [__u8; 16usize],
    pub destination: [__u8; 16usize],
    pub source_port: __be16,
    pub destination_port: __be16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_fast_tuple6"][::core::mem::size_of::<rv_fast_tuple6>() - 36usize];
    ["Alignment of rv_fast_tuple6"][::core::mem::align_of::<rv_fast_tuple6>() - 2usize];
    ["Offset of field: rv_fast_tuple6::source"][::core::mem::offset_of!(rv_fast_tuple6, source) - 0usize];
    ["Offset of field: rv_fast_tuple6::destination"]
        [::core::mem::offset_of!(rv_fast_tuple6, destination) - 16usize];
    ["Offset of field: rv_fast_tuple6::source_port"]
        [::core::mem::offset_of!(rv_fast_tuple6, source_port) - 32usize];
    ["Offset of field: rv_fast_tuple6::destination_port"]
        [::core::mem::offset_of!(rv_fast_tuple6, destination_port) - 34usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_fast_flow4 {
    pub key: rv_fast_tuple4,
    pub translated: rv_fast_tuple4,
    pub protocol: __u8,
    pub state: __u8,
    pub flags: __u16,
    pub counter: __u32,
    pub path: rv_fast_path,
    pub counts: rv_fast_counts,
    pub rest: rv_fast_rest,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_fast_flow4"][::core::mem::size_of::<rv_fast_flow4>() - 128usize];
    ["Alignment of rv_fast_flow4"][::core::mem::align_of::<rv_fast_flow4>() - 8usize];
    ["Offset of field: rv_fast_flow4::key"][::core::mem::offset_of!(rv_fast_flow4, key) - 0usize];
    ["Offset of field: rv_fast_flow4::translated"]
        [::core::mem::offset_of!(rv_fast_flow4, translated) - 12usize];
    ["Offset of field: rv_fast_flow4::protocol"][::core::mem::offset_of!(rv_fast_flow4, protocol) - 24usize];
    ["Offset of field: rv_fast_flow4::state"][::core::mem::offset_of!(rv_fast_flow4, state) - 25usize];
    ["Offset of field: rv_fast_flow4::flags"][::core::mem::offset_of!(rv_fast_flow4, flags) - 26usize];
    ["Offset of field: rv_fast_flow4::counter"][::core::mem::offset_of!(rv_fast_flow4, counter) - 28usize];
    ["Offset of field: rv_fast_flow4::path"][::core::mem::offset_of!(rv_fast_flow4, path) - 32usize];
    ["Offset of field: rv_fast_flow4::counts"][::core::mem::offset_of!(rv_fast_flow4, counts) - 64usize];
    ["Offset of field: rv_fast_flow4::rest"][::core::mem::offset_of!(rv_fast_flow4, rest) - 96usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_fast_flow6 {
    pub key: rv_fast_tuple6,
    pub translated: rv_fast_tuple6,
    pub protocol: __u8,
    pub state: __u8,
    pub flags: __u16,
    pub counter: __u32,
    pub path: rv_fast_path,
    pub pad: [__u64; 2usize],
    pub counts: rv_fast_counts,
    pub rest: rv_fast_rest,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_fast_flow6"][::core::mem::size_of::<rv_fast_flow6>() - 192usize];
    ["Alignment of rv_fast_flow6"][::core::mem::align_of::<rv_fast_flow6>() - 8usize];
    ["Offset of field: rv_fast_flow6::key"][::core::mem::offset_of!(rv_fast_flow6, key) - 0usize];
    ["Offset of field: rv_fast_flow6::translated"]
        [::core::mem::offset_of!(rv_fast_flow6, translated) - 36usize];
    ["Offset of field: rv_fast_flow6::protocol"][::core::mem::offset_of!(rv_fast_flow6, protocol) - 72usize];
    ["Offset of field: rv_fast_flow6::state"][::core::mem::offset_of!(rv_fast_flow6, state) - 73usize];
    ["Offset of field: rv_fast_flow6::flags"][::core::mem::offset_of!(rv_fast_flow6, flags) - 74usize];
    ["Offset of field: rv_fast_flow6::counter"][::core::mem::offset_of!(rv_fast_flow6, counter) - 76usize];
    ["Offset of field: rv_fast_flow6::path"][::core::mem::offset_of!(rv_fast_flow6, path) - 80usize];
    ["Offset of field: rv_fast_flow6::pad"][::core::mem::offset_of!(rv_fast_flow6, pad) - 112usize];
    ["Offset of field: rv_fast_flow6::counts"][::core::mem::offset_of!(rv_fast_flow6, counts) - 128usize];
    ["Offset of field: rv_fast_flow6::rest"][::core::mem::offset_of!(rv_fast_flow6, rest) - 160usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_fast_control {
    pub alive_until_ns: __u64,
    pub seed: __u64,
    pub tcp_refresh_ns: __u64,
    pub udp_refresh_ns: __u64,
    pub tcp_idle_ns: __u64,
    pub udp_idle_ns: __u64,
    pub generation: __u32,
    pub bucket_mask4: __u32,
    pub bucket_mask6: __u32,
    pub pad: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_fast_control"][::core::mem::size_of::<rv_fast_control>() - 64usize];
    ["Alignment of rv_fast_control"][::core::mem::align_of::<rv_fast_control>() - 8usize];
    ["Offset of field: rv_fast_control::alive_until_ns"]
        [::core::mem::offset_of!(rv_fast_control, alive_until_ns) - 0usize];
    ["Offset of field: rv_fast_control::seed"][::core::mem::offset_of!(rv_fast_control, seed) - 8usize];
    ["Offset of field: rv_fast_control::tcp_refresh_ns"]
        [::core::mem::offset_of!(rv_fast_control, tcp_refresh_ns) - 16usize];
    ["Offset of field: rv_fast_control::udp_refresh_ns"]
        [::core::mem::offset_of!(rv_fast_control, udp_refresh_ns) - 24usize];
    ["Offset of field: rv_fast_control::tcp_idle_ns"]
        [::core::mem::offset_of!(rv_fast_control, tcp_idle_ns) - 32usize];
    ["Offset of field: rv_fast_control::udp_idle_ns"]
        [::core::mem::offset_of!(rv_fast_control, udp_idle_ns) - 40usize];
    ["Offset of field: rv_fast_control::generation"]
        [::core::mem::offset_of!(rv_fast_control, generation) - 48usize];
    ["Offset of field: rv_fast_control::bucket_mask4"]
        [::core::mem::offset_of!(rv_fast_control, bucket_mask4) - 52usize];
    ["Offset of field: rv_fast_control::bucket_mask6"]
        [::core::mem::offset_of!(rv_fast_control, bucket_mask6) - 56usize];
    ["Offset of field: rv_fast_control::pad"][::core::mem::offset_of!(rv_fast_control, pad) - 60usize];
};
pub mod rv_port_flag {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_PORT_REDIRECT: Type = 1;
    pub const RV_PORT_VERIFY_CHECKSUM: Type = 2;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_port {
    pub device: __u32,
    pub tag: __u16,
    pub flags: __u16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_port"][::core::mem::size_of::<rv_port>() - 8usize];
    ["Alignment of rv_port"][::core::mem::align_of::<rv_port>() - 4usize];
    ["Offset of field: rv_port::device"][::core::mem::offset_of!(rv_port, device) - 0usize];
    ["Offset of field: rv_port::tag"][::core::mem::offset_of!(rv_port, tag) - 4usize];
    ["Offset of field: rv_port::flags"][::core::mem::offset_of!(rv_port, flags) - 6usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_vlan_key {
    pub device: __u32,
    pub tag: __u16,
    pub pad: __u16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_vlan_key"][::core::mem::size_of::<rv_vlan_key>() - 8usize];
    ["Alignment of rv_vlan_key"][::core::mem::align_of::<rv_vlan_key>() - 4usize];
    ["Offset of field: rv_vlan_key::device"][::core::mem::offset_of!(rv_vlan_key, device) - 0usize];
    ["Offset of field: rv_vlan_key::tag"][::core::mem::offset_of!(rv_vlan_key, tag) - 4usize];
    ["Offset of field: rv_vlan_key::pad"][::core::mem::offset_of!(rv_vlan_key, pad) - 6usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
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
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
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
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
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
pub mod rv_image_limit {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_IMAGE_SLOT_BYTES: Type = 16;
    pub const RV_IMAGE_PAGE_SLOTS: Type = 4096;
    pub const RV_IMAGE_PAGE_BYTES: Type = 65536;
}
#[repr(C)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_image_page {
    pub words: [__u64; 8192usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_image_page"][::core::mem::size_of::<rv_image_page>() - 65536usize];
    ["Alignment of rv_image_page"][::core::mem::align_of::<rv_image_page>() - 8usize];
    ["Offset of field: rv_image_page::words"][::core::mem::offset_of!(rv_image_page, words) - 0usize];
};
impl Default for rv_image_page {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub mod rv_index_limit {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_INDEX_BUCKET_ROWS: Type = 4;
    pub const RV_INDEX_DEPTH: Type = 8;
    pub const RV_INDEX_BITS: Type = 20;
    pub const RV_INDEX_STEPS: Type = 26;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_index_link {
    pub first: __u32,
    pub next: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_index_link"][::core::mem::size_of::<rv_index_link>() - 8usize];
    ["Alignment of rv_index_link"][::core::mem::align_of::<rv_index_link>() - 4usize];
    ["Offset of field: rv_index_link::first"][::core::mem::offset_of!(rv_index_link, first) - 0usize];
    ["Offset of field: rv_index_link::next"][::core::mem::offset_of!(rv_index_link, next) - 4usize];
};
pub mod rv_index_next {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_INDEX_DIRECTORY: Type = 2147483648;
    pub const RV_INDEX_SKIP_SHIFT: Type = 8;
    pub const RV_INDEX_SKIP_MASK: Type = 127;
    pub const RV_INDEX_BITS_MASK: Type = 31;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_index_row4 {
    pub start: __u32,
    pub length: __u32,
    pub value: __u32,
    pub link: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_index_row4"][::core::mem::size_of::<rv_index_row4>() - 16usize];
    ["Alignment of rv_index_row4"][::core::mem::align_of::<rv_index_row4>() - 4usize];
    ["Offset of field: rv_index_row4::start"][::core::mem::offset_of!(rv_index_row4, start) - 0usize];
    ["Offset of field: rv_index_row4::length"][::core::mem::offset_of!(rv_index_row4, length) - 4usize];
    ["Offset of field: rv_index_row4::value"][::core::mem::offset_of!(rv_index_row4, value) - 8usize];
    ["Offset of field: rv_index_row4::link"][::core::mem::offset_of!(rv_index_row4, link) - 12usize];
};
pub mod rv_index_kind {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_INDEX_WHOLE: Type = 0;
    pub const RV_INDEX_PART: Type = 1;
    pub const RV_INDEX_LINK: Type = 2;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_index_row6 {
    pub high: __u64,
    pub start: __u64,
    pub length: __u64,
    pub value: __u32,
    pub kind: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_index_row6"][::core::mem::size_of::<rv_index_row6>() - 32usize];
    ["Alignment of rv_index_row6"][::core::mem::align_of::<rv_index_row6>() - 8usize];
    ["Offset of field: rv_index_row6::high"][::core::mem::offset_of!(rv_index_row6, high) - 0usize];
    ["Offset of field: rv_index_row6::start"][::core::mem::offset_of!(rv_index_row6, start) - 8usize];
    ["Offset of field: rv_index_row6::length"][::core::mem::offset_of!(rv_index_row6, length) - 16usize];
    ["Offset of field: rv_index_row6::value"][::core::mem::offset_of!(rv_index_row6, value) - 24usize];
    ["Offset of field: rv_index_row6::kind"][::core::mem::offset_of!(rv_index_row6, kind) - 28usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_index_header {
    pub root: [rv_index_link; 2usize],
    pub details: __u32,
    pub pad: [__u32; 3usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_index_header"][::core::mem::size_of::<rv_index_header>() - 32usize];
    ["Alignment of rv_index_header"][::core::mem::align_of::<rv_index_header>() - 4usize];
    ["Offset of field: rv_index_header::root"][::core::mem::offset_of!(rv_index_header, root) - 0usize];
    ["Offset of field: rv_index_header::details"]
        [::core::mem::offset_of!(rv_index_header, details) - 16usize];
    ["Offset of field: rv_index_header::pad"][::core::mem::offset_of!(rv_index_header, pad) - 20usize];
};
pub mod rv_policy_limit {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_ZONE_NUMBERS: Type = 64;
    pub const RV_ZONE_LOCAL: Type = 1;
    pub const RV_POLICY_ROOTS: Type = 4;
    pub const RV_POLICY_LEAF_BOXES: Type = 64;
    pub const RV_POLICY_DEPTH: Type = 64;
    pub const RV_POLICY_COUNTER_BITS: Type = 20;
}
pub mod rv_policy_field {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_FIELD_SOURCE: Type = 0;
    pub const RV_FIELD_DESTINATION: Type = 4;
    pub const RV_FIELD_SOURCE_PORT: Type = 8;
    pub const RV_FIELD_DESTINATION_PORT: Type = 9;
    pub const RV_FIELD_PROTOCOL: Type = 10;
    pub const RV_FIELD_FROM_ZONE: Type = 11;
    pub const RV_FIELD_TO_ZONE: Type = 12;
    pub const RV_FIELD_SOURCE_CLASS: Type = 13;
    pub const RV_FIELD_DESTINATION_CLASS: Type = 14;
    pub const RV_FIELDS: Type = 16;
    pub const RV_FIELD_LEAF: Type = 255;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_node {
    pub threshold: __u32,
    pub right: __u32,
    pub best: __u32,
    pub count: __u16,
    pub field: __u8,
    pub pad: __u8,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_node"][::core::mem::size_of::<rv_node>() - 16usize];
    ["Alignment of rv_node"][::core::mem::align_of::<rv_node>() - 4usize];
    ["Offset of field: rv_node::threshold"][::core::mem::offset_of!(rv_node, threshold) - 0usize];
    ["Offset of field: rv_node::right"][::core::mem::offset_of!(rv_node, right) - 4usize];
    ["Offset of field: rv_node::best"][::core::mem::offset_of!(rv_node, best) - 8usize];
    ["Offset of field: rv_node::count"][::core::mem::offset_of!(rv_node, count) - 12usize];
    ["Offset of field: rv_node::field"][::core::mem::offset_of!(rv_node, field) - 14usize];
    ["Offset of field: rv_node::pad"][::core::mem::offset_of!(rv_node, pad) - 15usize];
};
pub mod rv_box_flag {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_BOX_ANY_PROTOCOL: Type = 1;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_box {
    pub rule: __u32,
    pub source_port: [__u16; 2usize],
    pub destination_port: [__u16; 2usize],
    pub source_term: __u16,
    pub destination_term: __u16,
    pub source_bits: __u8,
    pub destination_bits: __u8,
    pub protocol: __u8,
    pub flags: __u8,
    pub from_zone: __u8,
    pub to_zone: __u8,
    pub pad: __u16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_box"][::core::mem::size_of::<rv_box>() - 24usize];
    ["Alignment of rv_box"][::core::mem::align_of::<rv_box>() - 4usize];
    ["Offset of field: rv_box::rule"][::core::mem::offset_of!(rv_box, rule) - 0usize];
    ["Offset of field: rv_box::source_port"][::core::mem::offset_of!(rv_box, source_port) - 4usize];
    ["Offset of field: rv_box::destination_port"][::core::mem::offset_of!(rv_box, destination_port) - 8usize];
    ["Offset of field: rv_box::source_term"][::core::mem::offset_of!(rv_box, source_term) - 12usize];
    ["Offset of field: rv_box::destination_term"]
        [::core::mem::offset_of!(rv_box, destination_term) - 14usize];
    ["Offset of field: rv_box::source_bits"][::core::mem::offset_of!(rv_box, source_bits) - 16usize];
    ["Offset of field: rv_box::destination_bits"]
        [::core::mem::offset_of!(rv_box, destination_bits) - 17usize];
    ["Offset of field: rv_box::protocol"][::core::mem::offset_of!(rv_box, protocol) - 18usize];
    ["Offset of field: rv_box::flags"][::core::mem::offset_of!(rv_box, flags) - 19usize];
    ["Offset of field: rv_box::from_zone"][::core::mem::offset_of!(rv_box, from_zone) - 20usize];
    ["Offset of field: rv_box::to_zone"][::core::mem::offset_of!(rv_box, to_zone) - 21usize];
    ["Offset of field: rv_box::pad"][::core::mem::offset_of!(rv_box, pad) - 22usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_box4 {
    pub source: __u32,
    pub destination: __u32,
    pub box_: rv_box,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_box4"][::core::mem::size_of::<rv_box4>() - 32usize];
    ["Alignment of rv_box4"][::core::mem::align_of::<rv_box4>() - 4usize];
    ["Offset of field: rv_box4::source"][::core::mem::offset_of!(rv_box4, source) - 0usize];
    ["Offset of field: rv_box4::destination"][::core::mem::offset_of!(rv_box4, destination) - 4usize];
    ["Offset of field: rv_box4::box_"][::core::mem::offset_of!(rv_box4, box_) - 8usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_box6 {
    pub source: [__u64; 2usize],
    pub destination: [__u64; 2usize],
    pub box_: rv_box,
    pub pad: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_box6"][::core::mem::size_of::<rv_box6>() - 64usize];
    ["Alignment of rv_box6"][::core::mem::align_of::<rv_box6>() - 8usize];
    ["Offset of field: rv_box6::source"][::core::mem::offset_of!(rv_box6, source) - 0usize];
    ["Offset of field: rv_box6::destination"][::core::mem::offset_of!(rv_box6, destination) - 16usize];
    ["Offset of field: rv_box6::box_"][::core::mem::offset_of!(rv_box6, box_) - 32usize];
    ["Offset of field: rv_box6::pad"][::core::mem::offset_of!(rv_box6, pad) - 56usize];
};
pub mod rv_policy_action {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_ACTION_ACCEPT: Type = 1;
    pub const RV_ACTION_DROP: Type = 2;
    pub const RV_ACTION_REJECT: Type = 3;
    pub const RV_ACTION_DEFER: Type = 4;
}
pub mod rv_policy_rule_flag {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_RULE_LOG: Type = 1;
    pub const RV_RULE_DEFAULT: Type = 2;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_policy_rule {
    pub counter: __u32,
    pub action: __u8,
    pub flags: __u8,
    pub pad: __u16,
    pub pad2: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_policy_rule"][::core::mem::size_of::<rv_policy_rule>() - 16usize];
    ["Alignment of rv_policy_rule"][::core::mem::align_of::<rv_policy_rule>() - 8usize];
    ["Offset of field: rv_policy_rule::counter"][::core::mem::offset_of!(rv_policy_rule, counter) - 0usize];
    ["Offset of field: rv_policy_rule::action"][::core::mem::offset_of!(rv_policy_rule, action) - 4usize];
    ["Offset of field: rv_policy_rule::flags"][::core::mem::offset_of!(rv_policy_rule, flags) - 5usize];
    ["Offset of field: rv_policy_rule::pad"][::core::mem::offset_of!(rv_policy_rule, pad) - 6usize];
    ["Offset of field: rv_policy_rule::pad2"][::core::mem::offset_of!(rv_policy_rule, pad2) - 8usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_dnat4 {
    pub address: __u32,
    pub target: __u32,
    pub port: [__u16; 2usize],
    pub target_port: __u16,
    pub zone: __u8,
    pub protocol: __u8,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_dnat4"][::core::mem::size_of::<rv_dnat4>() - 16usize];
    ["Alignment of rv_dnat4"][::core::mem::align_of::<rv_dnat4>() - 4usize];
    ["Offset of field: rv_dnat4::address"][::core::mem::offset_of!(rv_dnat4, address) - 0usize];
    ["Offset of field: rv_dnat4::target"][::core::mem::offset_of!(rv_dnat4, target) - 4usize];
    ["Offset of field: rv_dnat4::port"][::core::mem::offset_of!(rv_dnat4, port) - 8usize];
    ["Offset of field: rv_dnat4::target_port"][::core::mem::offset_of!(rv_dnat4, target_port) - 12usize];
    ["Offset of field: rv_dnat4::zone"][::core::mem::offset_of!(rv_dnat4, zone) - 14usize];
    ["Offset of field: rv_dnat4::protocol"][::core::mem::offset_of!(rv_dnat4, protocol) - 15usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_dnat6 {
    pub address: [__u64; 2usize],
    pub target: [__u64; 2usize],
    pub port: [__u16; 2usize],
    pub target_port: __u16,
    pub zone: __u8,
    pub protocol: __u8,
    pub pad: [__u64; 3usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_dnat6"][::core::mem::size_of::<rv_dnat6>() - 64usize];
    ["Alignment of rv_dnat6"][::core::mem::align_of::<rv_dnat6>() - 8usize];
    ["Offset of field: rv_dnat6::address"][::core::mem::offset_of!(rv_dnat6, address) - 0usize];
    ["Offset of field: rv_dnat6::target"][::core::mem::offset_of!(rv_dnat6, target) - 16usize];
    ["Offset of field: rv_dnat6::port"][::core::mem::offset_of!(rv_dnat6, port) - 32usize];
    ["Offset of field: rv_dnat6::target_port"][::core::mem::offset_of!(rv_dnat6, target_port) - 36usize];
    ["Offset of field: rv_dnat6::zone"][::core::mem::offset_of!(rv_dnat6, zone) - 38usize];
    ["Offset of field: rv_dnat6::protocol"][::core::mem::offset_of!(rv_dnat6, protocol) - 39usize];
    ["Offset of field: rv_dnat6::pad"][::core::mem::offset_of!(rv_dnat6, pad) - 40usize];
};
pub mod rv_policy_family {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_FAMILY_IPV4: Type = 0;
    pub const RV_FAMILY_IPV6: Type = 1;
    pub const RV_FAMILIES: Type = 2;
}
pub mod rv_policy_header_flag {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_POLICY_SOURCE_TERMS: Type = 1;
    pub const RV_POLICY_DESTINATION_TERMS: Type = 4;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_policy_header {
    pub revision: __u64,
    pub roots: [[__u32; 4usize]; 2usize],
    pub rules: __u32,
    pub rules_count: __u32,
    pub defaults: __u32,
    pub flags: __u32,
    pub dnat: [__u32; 2usize],
    pub dnat_count: [__u32; 2usize],
    pub terms: __u32,
    pub terms_row_words: __u32,
    pub classes_count: __u32,
    pub zone_numbers: __u32,
    pub zones: __u32,
    pub zones_count: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_policy_header"][::core::mem::size_of::<rv_policy_header>() - 96usize];
    ["Alignment of rv_policy_header"][::core::mem::align_of::<rv_policy_header>() - 8usize];
    ["Offset of field: rv_policy_header::revision"]
        [::core::mem::offset_of!(rv_policy_header, revision) - 0usize];
    ["Offset of field: rv_policy_header::roots"][::core::mem::offset_of!(rv_policy_header, roots) - 8usize];
    ["Offset of field: rv_policy_header::rules"][::core::mem::offset_of!(rv_policy_header, rules) - 40usize];
    ["Offset of field: rv_policy_header::rules_count"]
        [::core::mem::offset_of!(rv_policy_header, rules_count) - 44usize];
    ["Offset of field: rv_policy_header::defaults"]
        [::core::mem::offset_of!(rv_policy_header, defaults) - 48usize];
    ["Offset of field: rv_policy_header::flags"][::core::mem::offset_of!(rv_policy_header, flags) - 52usize];
    ["Offset of field: rv_policy_header::dnat"][::core::mem::offset_of!(rv_policy_header, dnat) - 56usize];
    ["Offset of field: rv_policy_header::dnat_count"]
        [::core::mem::offset_of!(rv_policy_header, dnat_count) - 64usize];
    ["Offset of field: rv_policy_header::terms"][::core::mem::offset_of!(rv_policy_header, terms) - 72usize];
    ["Offset of field: rv_policy_header::terms_row_words"]
        [::core::mem::offset_of!(rv_policy_header, terms_row_words) - 76usize];
    ["Offset of field: rv_policy_header::classes_count"]
        [::core::mem::offset_of!(rv_policy_header, classes_count) - 80usize];
    ["Offset of field: rv_policy_header::zone_numbers"]
        [::core::mem::offset_of!(rv_policy_header, zone_numbers) - 84usize];
    ["Offset of field: rv_policy_header::zones"][::core::mem::offset_of!(rv_policy_header, zones) - 88usize];
    ["Offset of field: rv_policy_header::zones_count"]
        [::core::mem::offset_of!(rv_policy_header, zones_count) - 92usize];
};
pub mod rv_mark {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_MARK_COUNTER: Type = 1048575;
    pub const RV_MARK_TO_ZONE_SHIFT: Type = 24;
    pub const RV_MARK_TO_ZONE: Type = 1056964608;
    pub const RV_MARK_VERDICT_SHIFT: Type = 30;
    pub const RV_MARK_OURS: Type = 1058013183;
}
pub mod rv_connection_mark {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_CONNECTION_COUNTER: Type = 1048575;
    pub const RV_CONNECTION_ANSWERED: Type = 1048576;
    pub const RV_CONNECTION_RESET: Type = 2097152;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_metadata {
    pub magic: __u32,
    pub mark: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_metadata"][::core::mem::size_of::<rv_metadata>() - 8usize];
    ["Alignment of rv_metadata"][::core::mem::align_of::<rv_metadata>() - 4usize];
    ["Offset of field: rv_metadata::magic"][::core::mem::offset_of!(rv_metadata, magic) - 0usize];
    ["Offset of field: rv_metadata::mark"][::core::mem::offset_of!(rv_metadata, mark) - 4usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
pub struct rv_probe {
    pub magic: __u32,
    pub mark: __u32,
    pub target: [__u32; 4usize],
    pub target_port: __u16,
    pub from_zone: __u8,
    pub to_zone: __u8,
    pub action: __u8,
    pub reason: __u8,
    pub pad: __u16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of rv_probe"][::core::mem::size_of::<rv_probe>() - 32usize];
    ["Alignment of rv_probe"][::core::mem::align_of::<rv_probe>() - 4usize];
    ["Offset of field: rv_probe::magic"][::core::mem::offset_of!(rv_probe, magic) - 0usize];
    ["Offset of field: rv_probe::mark"][::core::mem::offset_of!(rv_probe, mark) - 4usize];
    ["Offset of field: rv_probe::target"][::core::mem::offset_of!(rv_probe, target) - 8usize];
    ["Offset of field: rv_probe::target_port"][::core::mem::offset_of!(rv_probe, target_port) - 24usize];
    ["Offset of field: rv_probe::from_zone"][::core::mem::offset_of!(rv_probe, from_zone) - 26usize];
    ["Offset of field: rv_probe::to_zone"][::core::mem::offset_of!(rv_probe, to_zone) - 27usize];
    ["Offset of field: rv_probe::action"][::core::mem::offset_of!(rv_probe, action) - 28usize];
    ["Offset of field: rv_probe::reason"][::core::mem::offset_of!(rv_probe, reason) - 29usize];
    ["Offset of field: rv_probe::pad"][::core::mem::offset_of!(rv_probe, pad) - 30usize];
};
pub mod rv_reason {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_REASON_PASS: Type = 0;
    pub const RV_REASON_SOURCE_LISTED: Type = 1;
    pub const RV_REASON_DNS_DROPPED: Type = 2;
    pub const RV_REASON_DNS_ANSWERED: Type = 3;
    pub const RV_REASON_POLICY_RULE: Type = 4;
    pub const RV_REASON_POLICY_DEFAULT: Type = 5;
    pub const RV_REASON_INVALID_STATE: Type = 6;
    pub const RV_REASON_NO_ZONE: Type = 7;
    pub const RV_REASON_FORWARDED: Type = 8;
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
pub mod rv_column {
    #[allow(unused_imports)]
    use super::*;
    pub type Type = ::core::ffi::c_uint;
    pub const RV_COLUMN_FORWARDED_VLAN: Type = 31;
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
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
#[derive(Debug, Default, Copy, Clone, Hash, PartialEq, Eq, :: bytemuck :: Pod, :: bytemuck :: Zeroable)]
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
