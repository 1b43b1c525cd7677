//! Numbers of attributes (`enum ctattr_…`, include/uapi/linux/netfilter/nfnetlink_conntrack.h).

pub(super) const TUPLE_ORIGINAL: u16 = 1;
pub(super) const TUPLE_REPLY: u16 = 2;
pub(super) const STATUS: u16 = 3;
pub(super) const PROTOCOL_INFO: u16 = 4;
pub(super) const NAT_SOURCE: u16 = 6;
pub(super) const TIMEOUT: u16 = 7;
pub(super) const MARK: u16 = 8;
pub(super) const COUNTERS_ORIGINAL: u16 = 9;
pub(super) const COUNTERS_REPLY: u16 = 10;
pub(super) const ID: u16 = 12;
pub(super) const NAT_DESTINATION: u16 = 13;
pub(super) const TUPLE_MASTER: u16 = 14;
pub(super) const ZONE: u16 = 18;
pub(super) const TIMESTAMP: u16 = 20;
pub(super) const MARK_MASK: u16 = 21;
pub(super) const LABELS: u16 = 22;
pub(super) const SYN_PROXY: u16 = 24;

/// Of a tuple.
pub(super) mod tuple {
    pub(in super::super) const IP: u16 = 1;
    pub(in super::super) const PROTOCOL: u16 = 2;
    pub(in super::super) const ZONE: u16 = 3;
}

/// Of addresses.
pub(super) mod ip {
    pub(in super::super) const V4_SOURCE: u16 = 1;
    pub(in super::super) const V4_DESTINATION: u16 = 2;
    pub(in super::super) const V6_SOURCE: u16 = 3;
    pub(in super::super) const V6_DESTINATION: u16 = 4;
}

/// Of the protocol of a tuple.
pub(super) mod protocol {
    pub(in super::super) const NUMBER: u16 = 1;
    pub(in super::super) const SOURCE_PORT: u16 = 2;
    pub(in super::super) const DESTINATION_PORT: u16 = 3;
    pub(in super::super) const ICMP_ID: u16 = 4;
    pub(in super::super) const ICMP_TYPE: u16 = 5;
    pub(in super::super) const ICMP_CODE: u16 = 6;
    pub(in super::super) const ICMPV6_ID: u16 = 7;
    pub(in super::super) const ICMPV6_TYPE: u16 = 8;
    pub(in super::super) const ICMPV6_CODE: u16 = 9;
}

/// Of what is known of TCP.
pub(super) mod tcp {
    pub(in super::super) const INFO: u16 = 1;
    pub(in super::super) const STATE: u16 = 1;
    pub(in super::super) const FLAGS_ORIGINAL: u16 = 4;
    pub(in super::super) const FLAGS_REPLY: u16 = 5;
}

/// Of counts.
pub(super) mod counters {
    pub(in super::super) const PACKETS: u16 = 1;
    pub(in super::super) const BYTES: u16 = 2;
}

/// Of times.
pub(super) mod timestamp {
    pub(in super::super) const START: u16 = 1;
    pub(in super::super) const STOP: u16 = 2;
}

/// Of a SYN proxy.
pub(super) mod syn_proxy {
    pub(in super::super) const INITIAL_SEQUENCE: u16 = 1;
    pub(in super::super) const INITIAL_TIME: u16 = 2;
    pub(in super::super) const TIME_OFFSET: u16 = 3;
}

/// Of a translation to be made.
pub(super) mod nat {
    pub(in super::super) const V4_FIRST: u16 = 1;
    pub(in super::super) const V4_LAST: u16 = 2;
    pub(in super::super) const PORTS: u16 = 3;
    pub(in super::super) const V6_FIRST: u16 = 4;
    pub(in super::super) const V6_LAST: u16 = 5;
    pub(in super::super) const FIRST_PORT: u16 = 1;
    pub(in super::super) const LAST_PORT: u16 = 2;
}
