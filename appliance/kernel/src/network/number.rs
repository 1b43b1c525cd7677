//! Numbers of rtnetlink: rtnetlink.h, if_link.h, if_addr.h and fib_rules.h of include/uapi/linux.

pub(super) const RTM_NEWLINK: u16 = 16;
pub(super) const RTM_DELLINK: u16 = 17;
pub(super) const RTM_GETLINK: u16 = 18;
pub(super) const RTM_SETLINK: u16 = 19;
pub(super) const RTM_NEWADDR: u16 = 20;
pub(super) const RTM_DELADDR: u16 = 21;
pub(super) const RTM_GETADDR: u16 = 22;
pub(super) const RTM_NEWROUTE: u16 = 24;
pub(super) const RTM_DELROUTE: u16 = 25;
pub(super) const RTM_GETROUTE: u16 = 26;
pub(super) const RTM_NEWRULE: u16 = 32;
pub(super) const RTM_DELRULE: u16 = 33;
pub(super) const RTM_GETRULE: u16 = 34;

pub(super) const NLM_F_REPLACE: u16 = 0x100;
pub(super) const NLM_F_EXCL: u16 = 0x200;
pub(super) const NLM_F_CREATE: u16 = 0x400;

pub(super) const AF_INET: u8 = 2;
pub(super) const AF_INET6: u8 = 10;

/// Of links, behind `struct ifinfomsg`.
pub(super) mod link {
    pub(in super::super) const HEADER: usize = 16;
    pub(in super::super) const UP: u32 = 1;
    pub(in super::super) const ADDRESS: u16 = 1;
    pub(in super::super) const NAME: u16 = 3;
    pub(in super::super) const MTU: u16 = 4;
    pub(in super::super) const PARENT: u16 = 5;
    pub(in super::super) const MASTER: u16 = 10;
    pub(in super::super) const INFO: u16 = 18;
    pub(in super::super) const FAMILIES: u16 = 26;
    pub(in super::super) const GROUP: u16 = 27;
    pub(in super::super) const FILTER: u16 = 29;
    /// Of `FILTER`: no counters.
    pub(in super::super) const SKIP_STATISTICS: u32 = 1 << 3;
    pub(in super::super) const OTHER_NAMESPACE: u16 = 37;
    pub(in super::super) const PERMANENT_ADDRESS: u16 = 54;
    pub(in super::super) const DEVICE: u16 = 56;
    pub(in super::super) const DEVICE_BUS: u16 = 57;

    pub(in super::super) const INFO_KIND: u16 = 1;
    pub(in super::super) const INFO_DATA: u16 = 2;
    pub(in super::super) const VLAN_ID: u16 = 1;
    /// Flags, and which of them are told.
    pub(in super::super) const VLAN_FLAGS: u16 = 2;
    pub(in super::super) const VLAN_LOOSE_BINDING: u32 = 4;
    pub(in super::super) const VLAN_PROTOCOL: u16 = 5;
    pub(in super::super) const BRIDGE_SPANNING_TREE: u16 = 5;
    pub(in super::super) const BOND_MODE: u16 = 1;
    pub(in super::super) const BOND_MONITOR_MS: u16 = 3;
    pub(in super::super) const BOND_HASH: u16 = 14;

    /// Settings of IPv4: numbers by place in an answer, attributes in a request (IFLA_INET_CONF).
    pub(in super::super) const IPV4_SETTINGS: u16 = 1;
    /// include/uapi/linux/ip.h; places begin at 0, numbers at 1.
    pub(in super::super) const PROMOTE_SECONDARIES: u16 = 20;
    /// Settings of IPv6, numbers by place (IFLA_INET6_CONF).
    pub(in super::super) const IPV6_SETTINGS: u16 = 2;
    /// include/uapi/linux/ipv6.h.
    pub(in super::super) const ACCEPT_RA: usize = 3;
}

/// Of addresses, behind `struct ifaddrmsg`.
pub(super) mod address {
    pub(in super::super) const HEADER: usize = 8;
    pub(in super::super) const ADDRESS: u16 = 1;
    pub(in super::super) const LOCAL: u16 = 2;
    pub(in super::super) const BROADCAST: u16 = 4;
    pub(in super::super) const FLAGS: u16 = 8;
    pub(in super::super) const PROTOCOL: u16 = 11;
    pub(in super::super) const DUPLICATE: u32 = 0x08;
}

/// Of routes, behind `struct rtmsg`.
pub(super) mod route {
    pub(in super::super) const HEADER: usize = 12;
    pub(in super::super) const DESTINATION: u16 = 1;
    pub(in super::super) const INTERFACE: u16 = 4;
    pub(in super::super) const GATEWAY: u16 = 5;
    pub(in super::super) const METRIC: u16 = 6;
    pub(in super::super) const METRICS: u16 = 8;
    pub(in super::super) const MULTIPATH: u16 = 9;
    pub(in super::super) const TABLE: u16 = 15;
    pub(in super::super) const VIA: u16 = 18;
    /// Of `METRICS`.
    pub(in super::super) const MTU: u16 = 2;
    /// A table whose number does not fit into the header.
    pub(in super::super) const TABLE_ELSEWHERE: u8 = 252;
    pub(in super::super) const TABLE_LOCAL: u32 = 255;
    pub(in super::super) const TABLE_MAIN: u32 = 254;

    pub(in super::super) const ANY_TYPE: u8 = 0;
    pub(in super::super) const UNICAST: u8 = 1;
    pub(in super::super) const BLACKHOLE: u8 = 6;
    pub(in super::super) const UNREACHABLE: u8 = 7;

    pub(in super::super) const SCOPE_UNIVERSE: u8 = 0;
    pub(in super::super) const SCOPE_LINK: u8 = 253;
    pub(in super::super) const SCOPE_HOST: u8 = 254;
    pub(in super::super) const ANY_SCOPE: u8 = 255;
    /// Flag of a next hop: it is on the link, whatever routes say.
    pub(in super::super) const ON_LINK: u8 = 4;
    /// Flag: one of the kernel's cache.
    pub(in super::super) const CLONED: u32 = 0x200;
}

/// Of rules, behind `struct fib_rule_hdr`.
pub(super) mod rule {
    pub(in super::super) const HEADER: usize = 12;
    pub(in super::super) const DESTINATION: u16 = 1;
    pub(in super::super) const SOURCE: u16 = 2;
    pub(in super::super) const INPUT_INTERFACE: u16 = 3;
    pub(in super::super) const PRIORITY: u16 = 6;
    pub(in super::super) const TABLE: u16 = 15;
    pub(in super::super) const PROTOCOL: u16 = 21;
    pub(in super::super) const TO_TABLE: u8 = 1;
}
