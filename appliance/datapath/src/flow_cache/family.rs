//! The two shapes of a flow (`ebpf/include/ravelin/fast.h`), of IPv4 and of IPv6.

use std::fmt;
use std::mem::offset_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytemuck::Pod;
use ravelin_abi::{
    rv_fast_counts, rv_fast_flow4, rv_fast_flow6, rv_fast_path, rv_fast_rest, rv_fast_tuple4, rv_fast_tuple6,
};
use ravelin_model::FlowTuple;

use super::checksum::delta;
use super::hash::FlowHash;

/// Bytes of a word.
const WORD: usize = size_of::<u64>();

/// What a flow consists of, whatever its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<T> {
    pub(crate) key: T,
    pub(crate) translated: T,
    pub(crate) head: Head,
    pub(crate) path: rv_fast_path,
    pub(crate) counts: rv_fast_counts,
    pub(crate) rest: rv_fast_rest,
}

/// The word of a flow that both sides write while it is in use: programs the state, user space the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Head {
    pub(crate) protocol: u8,
    pub(crate) state: u8,
    pub(crate) flags: u16,
    pub(crate) counter: u32,
}

impl Head {
    pub(crate) fn of_word(word: u64) -> Self {
        let [protocol, state, flags @ .., a, b, c, d]: [u8; 8] = word.to_ne_bytes();
        Self {
            protocol,
            state,
            flags: u16::from_ne_bytes(flags),
            counter: u32::from_ne_bytes([a, b, c, d]),
        }
    }

    pub(crate) fn word(self) -> u64 {
        let [f, g] = self.flags.to_ne_bytes();
        let [a, b, c, d] = self.counter.to_ne_bytes();
        u64::from_ne_bytes([self.protocol, self.state, f, g, a, b, c, d])
    }
}

/// A family of addresses. Places are in words of eight bytes.
pub(crate) trait Family: fmt::Debug + Send + Sync + 'static {
    /// As the maps have a flow.
    type Flow: Pod;
    /// As the maps have addresses and ports.
    type Tuple: Pod + Eq + fmt::Debug;
    /// Words of a flow.
    const WORDS: usize = size_of::<Self::Flow>() / WORD;
    /// The word of [`Head`].
    const HEAD: usize;
    /// The first word of `rv_fast_path`.
    const PATH: usize;
    /// The first word of `rv_fast_counts`.
    const COUNTS: usize;
    /// The first word of `rv_fast_rest`: version and connection.
    const REST: usize;

    /// None for the other family.
    fn tuple(tuple: &FlowTuple) -> Option<Self::Tuple>;

    /// The other way round.
    fn flow_tuple(tuple: &Self::Tuple, protocol: u8) -> FlowTuple;

    fn flow(parts: Parts<Self::Tuple>) -> Self::Flow;

    fn parts(flow: &Self::Flow) -> Parts<Self::Tuple>;

    fn hash(seed: u64, key: &Self::Tuple, protocol: u8) -> FlowHash;

    /// What translation adds to the checksum of the IP header and of TCP or UDP.
    fn deltas(key: &Self::Tuple, translated: &Self::Tuple) -> (u16, u16);
}

/// IPv4.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Four;

impl Family for Four {
    type Flow = rv_fast_flow4;
    type Tuple = rv_fast_tuple4;
    const HEAD: usize = offset_of!(rv_fast_flow4, protocol) / WORD;
    const PATH: usize = offset_of!(rv_fast_flow4, path) / WORD;
    const COUNTS: usize = offset_of!(rv_fast_flow4, counts) / WORD;
    const REST: usize = offset_of!(rv_fast_flow4, rest) / WORD;

    fn tuple(tuple: &FlowTuple) -> Option<rv_fast_tuple4> {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (tuple.source, tuple.destination) else {
            return None;
        };
        Some(rv_fast_tuple4 {
            source: u32::from_ne_bytes(source.octets()),
            destination: u32::from_ne_bytes(destination.octets()),
            source_port: tuple.source_port.to_be(),
            destination_port: tuple.destination_port.to_be(),
        })
    }

    fn flow_tuple(tuple: &rv_fast_tuple4, protocol: u8) -> FlowTuple {
        FlowTuple {
            source: Ipv4Addr::from(tuple.source.to_ne_bytes()).into(),
            destination: Ipv4Addr::from(tuple.destination.to_ne_bytes()).into(),
            protocol,
            source_port: u16::from_be(tuple.source_port),
            destination_port: u16::from_be(tuple.destination_port),
        }
    }

    fn flow(parts: Parts<rv_fast_tuple4>) -> rv_fast_flow4 {
        let Parts {
            key,
            translated,
            head,
            path,
            counts,
            rest,
        } = parts;
        rv_fast_flow4 {
            key,
            translated,
            protocol: head.protocol,
            state: head.state,
            flags: head.flags,
            counter: head.counter,
            path,
            counts,
            rest,
        }
    }

    fn parts(flow: &rv_fast_flow4) -> Parts<rv_fast_tuple4> {
        let rv_fast_flow4 {
            key,
            translated,
            protocol,
            state,
            flags,
            counter,
            path,
            counts,
            rest,
        } = *flow;
        Parts {
            key,
            translated,
            head: Head {
                protocol,
                state,
                flags,
                counter,
            },
            path,
            counts,
            rest,
        }
    }

    fn hash(seed: u64, key: &rv_fast_tuple4, protocol: u8) -> FlowHash {
        let addresses = bytemuck::cast([key.source, key.destination]);
        let ports = bytemuck::cast([key.source_port, key.destination_port]);
        FlowHash::new::<1>(seed, addresses, ports, protocol)
    }

    fn deltas(key: &rv_fast_tuple4, translated: &rv_fast_tuple4) -> (u16, u16) {
        const ADDRESSES: usize = offset_of!(rv_fast_tuple4, source_port);
        let (old, new) = (bytemuck::bytes_of(key), bytemuck::bytes_of(translated));
        (delta(&old[..ADDRESSES], &new[..ADDRESSES]), delta(old, new))
    }
}

/// IPv6.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Six;

impl Family for Six {
    type Flow = rv_fast_flow6;
    type Tuple = rv_fast_tuple6;
    const HEAD: usize = offset_of!(rv_fast_flow6, protocol) / WORD;
    const PATH: usize = offset_of!(rv_fast_flow6, path) / WORD;
    const COUNTS: usize = offset_of!(rv_fast_flow6, counts) / WORD;
    const REST: usize = offset_of!(rv_fast_flow6, rest) / WORD;

    fn tuple(tuple: &FlowTuple) -> Option<rv_fast_tuple6> {
        let (IpAddr::V6(source), IpAddr::V6(destination)) = (tuple.source, tuple.destination) else {
            return None;
        };
        Some(rv_fast_tuple6 {
            source: source.octets(),
            destination: destination.octets(),
            source_port: tuple.source_port.to_be(),
            destination_port: tuple.destination_port.to_be(),
        })
    }

    fn flow_tuple(tuple: &rv_fast_tuple6, protocol: u8) -> FlowTuple {
        FlowTuple {
            source: Ipv6Addr::from(tuple.source).into(),
            destination: Ipv6Addr::from(tuple.destination).into(),
            protocol,
            source_port: u16::from_be(tuple.source_port),
            destination_port: u16::from_be(tuple.destination_port),
        }
    }

    fn flow(parts: Parts<rv_fast_tuple6>) -> rv_fast_flow6 {
        let Parts {
            key,
            translated,
            head,
            path,
            counts,
            rest,
        } = parts;
        rv_fast_flow6 {
            key,
            translated,
            protocol: head.protocol,
            state: head.state,
            flags: head.flags,
            counter: head.counter,
            path,
            pad: [0; 2],
            counts,
            rest,
        }
    }

    fn parts(flow: &rv_fast_flow6) -> Parts<rv_fast_tuple6> {
        let rv_fast_flow6 {
            key,
            translated,
            protocol,
            state,
            flags,
            counter,
            path,
            pad: _,
            counts,
            rest,
        } = *flow;
        Parts {
            key,
            translated,
            head: Head {
                protocol,
                state,
                flags,
                counter,
            },
            path,
            counts,
            rest,
        }
    }

    fn hash(seed: u64, key: &rv_fast_tuple6, protocol: u8) -> FlowHash {
        let addresses = bytemuck::cast([key.source, key.destination]);
        let ports = bytemuck::cast([key.source_port, key.destination_port]);
        FlowHash::new::<4>(seed, addresses, ports, protocol)
    }

    /// IPv6 has no checksum of its own.
    fn deltas(key: &rv_fast_tuple6, translated: &rv_fast_tuple6) -> (u16, u16) {
        (0, delta(bytemuck::bytes_of(key), bytemuck::bytes_of(translated)))
    }
}
