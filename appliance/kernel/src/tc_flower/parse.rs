//! What the kernel says of rules.

use std::time::Duration;

use super::number::{HEADER, KIND, OPTIONS, action, flower, statistics};
use super::{COOKIE, FlowerState, RuleName};
use crate::netlink::{array, attribute, attributes};

/// Ticks of the clock the kernel tells user space, a second (USER_HZ).
const TICKS: u64 = 100;

/// A rule of ours; None: it is another's, or another thing.
pub(super) fn state(message: &[u8]) -> Option<FlowerState> {
    let number = |at| array(message, at).map(u32::from_ne_bytes);
    let (interface, handle, info) = (number(4)?, number(8)?, number(16)?);
    let body = message.get(HEADER..)?;
    if attribute(body, KIND)? != b"flower\0" {
        return None;
    }
    let options = attribute(body, OPTIONS)?;
    let actions = attribute(options, flower::ACTIONS)?;
    // The last one sees every packet all before have let on.
    let (_, last) = attributes(actions).last()?;
    if attribute(last, action::COOKIE)? != COOKIE {
        return None;
    }
    let [a, b, c, d] = info.to_ne_bytes();
    let flags = attribute(options, flower::FLAGS).and_then(u32_of).unwrap_or(0);
    let counted = attribute(last, action::STATISTICS).unwrap_or_default();
    let basic = attribute(counted, statistics::BASIC).unwrap_or_default();
    let narrow = array(basic, 8).map(u32::from_ne_bytes).map(u64::from);
    let wide = attribute(counted, statistics::PACKETS64).and_then(|bytes| array(bytes, 0));
    Some(FlowerState {
        name: RuleName {
            interface,
            preference: u16::from_ne_bytes(upper([a, b, c, d])),
            protocol: u16::from_be_bytes(lower([a, b, c, d])),
            handle,
        },
        in_hardware: flags & flower::IN_HW != 0,
        in_hardware_count: attribute(options, flower::IN_HW_COUNT)
            .and_then(u32_of)
            .unwrap_or(0),
        packets: wide.map(u64::from_ne_bytes).or(narrow).unwrap_or(0),
        bytes: array(basic, 0).map_or(0, u64::from_ne_bytes),
        idle: idle(last),
    })
}

/// Since the last use, of `struct tcf_t`.
fn idle(action: &[u8]) -> Option<Duration> {
    if attribute(action, action::KIND)? != b"mirred\0" {
        return None;
    }
    let options = attribute(action, action::OPTIONS)?;
    let times = attribute(options, action::MIRRED_TIMES)?;
    let ticks = u64::from_ne_bytes(array(times, 8)?);
    Some(Duration::from_millis(ticks.saturating_mul(1000 / TICKS)))
}

fn u32_of(bytes: &[u8]) -> Option<u32> {
    array(bytes, 0).map(u32::from_ne_bytes)
}

/// The more significant half of a number as it lies in memory.
fn upper([a, b, c, d]: [u8; 4]) -> [u8; 2] {
    if cfg!(target_endian = "little") {
        [c, d]
    } else {
        [a, b]
    }
}

fn lower([a, b, c, d]: [u8; 4]) -> [u8; 2] {
    if cfg!(target_endian = "little") {
        [a, b]
    } else {
        [c, d]
    }
}
