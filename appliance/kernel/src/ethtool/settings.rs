//! Rings, channels, interrupts and pause frames, by the messages of crate `ethtool`.

use ethtool::{
    EthtoolAttr, EthtoolChannelAttr, EthtoolCoalesceAttr, EthtoolMessage, EthtoolPauseAttr, EthtoolRingAttr,
};
use netlink_packet_generic::GenlHeader;
use ravelin_model::{Channels, Coalescing, Pause, Rings};
use rtnetlink::packet_core::{Emitable, ParseableParametrized};

use super::FAMILY;
use crate::generic::{GenericNetlink, Refusal, Reply};

/// The crate has no name for it.
const ETHTOOL_MSG_RINGS_SET: u8 = 16;

pub(crate) fn rings(netlink: &mut GenericNetlink, interface: &str) -> Result<Rings, Refusal> {
    let reply = ask(netlink, &EthtoolMessage::new_ring_get(Some(interface)))?;
    read_rings(reply.command, &reply.attributes)
}

pub(super) fn read_rings(command: u8, reply: &[u8]) -> Result<Rings, Refusal> {
    let mut rings = Rings::default();
    for attribute in read(command, reply)? {
        let EthtoolAttr::Ring(attribute) = attribute else {
            continue;
        };
        match attribute {
            EthtoolRingAttr::Rx(size) => rings.rx = size,
            EthtoolRingAttr::RxMax(size) => rings.rx_max = size,
            EthtoolRingAttr::Tx(size) => rings.tx = size,
            EthtoolRingAttr::TxMax(size) => rings.tx_max = size,
            _ => {}
        }
    }
    Ok(rings)
}

pub(crate) fn set_rings(
    netlink: &mut GenericNetlink,
    interface: &str,
    rx: Option<u32>,
    tx: Option<u32>,
) -> Result<(), Refusal> {
    let request = ring_change(interface, rx, tx);
    netlink
        .ask(FAMILY, ETHTOOL_MSG_RINGS_SET, &bytes(&request))
        .map(drop)
}

/// As a message of another command: the attributes are the same.
pub(super) fn ring_change(interface: &str, rx: Option<u32>, tx: Option<u32>) -> EthtoolMessage {
    let mut request = EthtoolMessage::new_ring_get(Some(interface));
    request
        .nlas
        .extend(rx.map(|size| EthtoolAttr::Ring(EthtoolRingAttr::Rx(size))));
    request
        .nlas
        .extend(tx.map(|size| EthtoolAttr::Ring(EthtoolRingAttr::Tx(size))));
    request
}

pub(crate) fn channels(netlink: &mut GenericNetlink, interface: &str) -> Result<Channels, Refusal> {
    let reply = ask(netlink, &EthtoolMessage::new_channel_get(Some(interface)))?;
    read_channels(reply.command, &reply.attributes)
}

pub(super) fn read_channels(command: u8, reply: &[u8]) -> Result<Channels, Refusal> {
    let mut channels = Channels::default();
    for attribute in read(command, reply)? {
        let EthtoolAttr::Channel(attribute) = attribute else {
            continue;
        };
        match attribute {
            EthtoolChannelAttr::RxCount(count) => channels.rx = count,
            EthtoolChannelAttr::RxMax(count) => channels.rx_max = count,
            EthtoolChannelAttr::TxCount(count) => channels.tx = count,
            EthtoolChannelAttr::TxMax(count) => channels.tx_max = count,
            EthtoolChannelAttr::CombinedCount(count) => channels.combined = count,
            EthtoolChannelAttr::CombinedMax(count) => channels.combined_max = count,
            _ => {}
        }
    }
    Ok(channels)
}

pub(crate) fn set_channels(
    netlink: &mut GenericNetlink,
    interface: &str,
    rx: Option<u32>,
    tx: Option<u32>,
    combined: Option<u32>,
) -> Result<(), Refusal> {
    let request = channel_change(interface, rx, tx, combined);
    netlink
        .ask(FAMILY, request.cmd.into(), &bytes(&request))
        .map(drop)
}

pub(super) fn channel_change(
    interface: &str,
    rx: Option<u32>,
    tx: Option<u32>,
    combined: Option<u32>,
) -> EthtoolMessage {
    let mut request = EthtoolMessage::new_channel_set(interface);
    let counts = [
        rx.map(EthtoolChannelAttr::RxCount),
        tx.map(EthtoolChannelAttr::TxCount),
        combined.map(EthtoolChannelAttr::CombinedCount),
    ];
    request
        .nlas
        .extend(counts.into_iter().flatten().map(EthtoolAttr::Channel));
    request
}

pub(crate) fn coalescing(netlink: &mut GenericNetlink, interface: &str) -> Result<Coalescing, Refusal> {
    let reply = ask(netlink, &EthtoolMessage::new_coalesce_get(Some(interface)))?;
    read_coalescing(reply.command, &reply.attributes)
}

pub(super) fn read_coalescing(command: u8, reply: &[u8]) -> Result<Coalescing, Refusal> {
    let mut coalescing = Coalescing::default();
    for attribute in read(command, reply)? {
        let EthtoolAttr::Coalesce(attribute) = attribute else {
            continue;
        };
        match attribute {
            EthtoolCoalesceAttr::RxUsecs(time) => coalescing.rx_usecs = Some(time),
            EthtoolCoalesceAttr::RxMaxFrames(frames) => coalescing.rx_frames = Some(frames),
            EthtoolCoalesceAttr::TxUsecs(time) => coalescing.tx_usecs = Some(time),
            EthtoolCoalesceAttr::TxMaxFrames(frames) => coalescing.tx_frames = Some(frames),
            EthtoolCoalesceAttr::UseAdaptiveRx(on) => coalescing.adaptive_rx = Some(on),
            EthtoolCoalesceAttr::UseAdaptiveTx(on) => coalescing.adaptive_tx = Some(on),
            _ => {}
        }
    }
    Ok(coalescing)
}

pub(crate) fn pause(netlink: &mut GenericNetlink, interface: &str) -> Result<Pause, Refusal> {
    let reply = ask(netlink, &EthtoolMessage::new_pause_get(Some(interface)))?;
    read_pause(reply.command, &reply.attributes)
}

pub(super) fn read_pause(command: u8, reply: &[u8]) -> Result<Pause, Refusal> {
    let mut pause = Pause::default();
    for attribute in read(command, reply)? {
        let EthtoolAttr::Pause(attribute) = attribute else {
            continue;
        };
        match attribute {
            EthtoolPauseAttr::AutoNeg(on) => pause.autonegotiated = on,
            EthtoolPauseAttr::Rx(on) => pause.rx = on,
            EthtoolPauseAttr::Tx(on) => pause.tx = on,
            _ => {}
        }
    }
    Ok(pause)
}

fn ask(netlink: &mut GenericNetlink, request: &EthtoolMessage) -> Result<Reply, Refusal> {
    let replies = netlink.ask(FAMILY, request.cmd.into(), &bytes(request))?;
    let mut replies = replies.into_iter();
    replies.next().ok_or_else(|| Refusal::unreadable("it is empty"))
}

fn read(command: u8, reply: &[u8]) -> Result<Vec<EthtoolAttr>, Refusal> {
    let header = GenlHeader {
        cmd: command,
        version: 1,
    };
    let message = EthtoolMessage::parse_with_param(reply, header);
    Ok(message.map_err(Refusal::unreadable)?.nlas)
}

pub(super) fn bytes(message: &EthtoolMessage) -> Vec<u8> {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}
