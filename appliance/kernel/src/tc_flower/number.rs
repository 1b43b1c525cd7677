//! Numbers of traffic control (include/uapi/linux/{rtnetlink,pkt_sched,pkt_cls,gen_stats}.h, tc_act/*.h).

pub(super) const RTM_NEWQDISC: u16 = 36;
pub(super) const RTM_NEWTFILTER: u16 = 44;
pub(super) const RTM_DELTFILTER: u16 = 45;
pub(super) const RTM_GETTFILTER: u16 = 46;
pub(super) const NLM_F_EXCL: u16 = 0x200;
pub(super) const NLM_F_CREATE: u16 = 0x400;

/// Bytes of `struct tcmsg`.
pub(super) const HEADER: usize = 20;
/// TC_H_CLSACT.
pub(super) const CLSACT: u32 = 0xffff_fff1;
/// The handle of clsact, and of ingress.
pub(super) const CLSACT_HANDLE: u32 = 0xffff_0000;
/// Where filters of frames that come in hang, of clsact as of ingress.
pub(super) const INGRESS: u32 = 0xffff_fff2;

pub(super) const KIND: u16 = 1;
pub(super) const OPTIONS: u16 = 2;

pub(super) const ETH_P_IP: u16 = 0x0800;
pub(super) const ETH_P_IPV6: u16 = 0x86dd;
pub(super) const ETH_P_8021Q: u16 = 0x8100;

/// Of flower.
pub(super) mod flower {
    pub(in super::super) const ACTIONS: u16 = 3;
    pub(in super::super) const ETHERNET_DESTINATION: u16 = 4;
    pub(in super::super) const ETHERNET_DESTINATION_MASK: u16 = 5;
    pub(in super::super) const ETHERNET_TYPE: u16 = 8;
    pub(in super::super) const PROTOCOL: u16 = 9;
    pub(in super::super) const V4_SOURCE: u16 = 10;
    pub(in super::super) const V4_DESTINATION: u16 = 12;
    pub(in super::super) const V6_SOURCE: u16 = 14;
    pub(in super::super) const V6_DESTINATION: u16 = 16;
    pub(in super::super) const TCP_SOURCE: u16 = 18;
    pub(in super::super) const TCP_DESTINATION: u16 = 19;
    pub(in super::super) const UDP_SOURCE: u16 = 20;
    pub(in super::super) const UDP_DESTINATION: u16 = 21;
    pub(in super::super) const FLAGS: u16 = 22;
    pub(in super::super) const VLAN_ID: u16 = 23;
    pub(in super::super) const VLAN_ETHERNET_TYPE: u16 = 25;
    pub(in super::super) const KEY_FLAGS: u16 = 47;
    pub(in super::super) const KEY_FLAGS_MASK: u16 = 48;
    pub(in super::super) const TCP_FLAGS: u16 = 71;
    pub(in super::super) const TCP_FLAGS_MASK: u16 = 72;
    pub(in super::super) const TTL: u16 = 75;
    pub(in super::super) const TTL_MASK: u16 = 76;
    pub(in super::super) const IN_HW_COUNT: u16 = 86;

    /// Bits of `FLAGS`.
    pub(in super::super) const SKIP_HW: u32 = 1 << 0;
    pub(in super::super) const SKIP_SW: u32 = 1 << 1;
    pub(in super::super) const IN_HW: u32 = 1 << 2;
    /// Bit of `KEY_FLAGS`.
    pub(in super::super) const IS_FRAGMENT: u32 = 1 << 0;
}

/// Of an action.
pub(super) mod action {
    pub(in super::super) const KIND: u16 = 1;
    pub(in super::super) const OPTIONS: u16 = 2;
    pub(in super::super) const STATISTICS: u16 = 4;
    pub(in super::super) const COOKIE: u16 = 6;
    /// What follows: nothing, the packet goes on to the stack.
    pub(in super::super) const PASS: u32 = 0;
    /// The next action.
    pub(in super::super) const PIPE: u32 = 3;
    /// Nothing, the packet is gone.
    pub(in super::super) const STOLEN: u32 = 4;

    pub(in super::super) const GACT_PARAMETERS: u16 = 2;
    pub(in super::super) const MIRRED_TIMES: u16 = 1;
    pub(in super::super) const MIRRED_PARAMETERS: u16 = 2;
    pub(in super::super) const MIRRED_EGRESS_REDIRECT: u32 = 1;
    pub(in super::super) const CSUM_PARAMETERS: u16 = 1;
    pub(in super::super) const CSUM_IPV4_HEADER: u32 = 1;
    pub(in super::super) const VLAN_PARAMETERS: u16 = 2;
    pub(in super::super) const VLAN_ID: u16 = 3;
    pub(in super::super) const VLAN_PROTOCOL: u16 = 4;
    pub(in super::super) const VLAN_POP: u32 = 1;
    pub(in super::super) const VLAN_PUSH: u32 = 2;
    pub(in super::super) const VLAN_MODIFY: u32 = 3;
}

/// Of the action pedit.
pub(super) mod pedit {
    pub(in super::super) const PARAMETERS: u16 = 4;
    pub(in super::super) const KEYS: u16 = 5;
    pub(in super::super) const KEY: u16 = 6;
    pub(in super::super) const KEY_HEADER: u16 = 1;
    pub(in super::super) const KEY_COMMAND: u16 = 2;
    pub(in super::super) const ETHERNET: u16 = 1;
    pub(in super::super) const V4: u16 = 2;
    pub(in super::super) const V6: u16 = 3;
    pub(in super::super) const SET: u16 = 0;
    pub(in super::super) const ADD: u16 = 1;
}

/// Of statistics.
pub(super) mod statistics {
    pub(in super::super) const BASIC: u16 = 1;
    pub(in super::super) const PACKETS64: u16 = 8;
}
