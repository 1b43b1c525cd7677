//! Packets that rules of nftables log (NFLOG, include/uapi/linux/netfilter/nfnetlink_log.h).
//!
//! The only queue is the kernel's buffer for the socket. What does not fit in it is counted by the gaps in the numbers
//! the kernel gives.

mod headers;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;

use netlink_sys::protocols::NETLINK_NETFILTER;
use ravelin_compile::NftRuleset;
use ravelin_model::Revision;
use time::OffsetDateTime;

use crate::KernelError;
use crate::netlink::{Answer, Request, answers, array, attribute, text};
use crate::socket::NetlinkSocket;

const NFNL_SUBSYS_ULOG: u16 = 4;
const NFULNL_MSG_PACKET: u16 = 0;
const NFULNL_MSG_CONFIG: u16 = 1;
const NLM_F_ACK: u16 = 4;

const NFULA_CFG_CMD: u16 = 1;
const NFULA_CFG_MODE: u16 = 2;
const NFULA_CFG_TIMEOUT: u16 = 4;
const NFULA_CFG_FLAGS: u16 = 6;
const NFULNL_CFG_CMD_BIND: u8 = 1;
const NFULNL_COPY_PACKET: u8 = 2;
const NFULNL_CFG_F_SEQ: u16 = 1;

const NFULA_MARK: u16 = 2;
const NFULA_IFINDEX_INDEV: u16 = 4;
const NFULA_IFINDEX_OUTDEV: u16 = 5;
const NFULA_PAYLOAD: u16 = 9;
const NFULA_PREFIX: u16 = 10;
const NFULA_SEQ: u16 = 12;

/// Bytes of a packet the kernel copies; rules ask for less.
const PACKET_BYTES: u32 = 256;
/// Hundredths of a second packets are gathered for.
const GATHER: u32 = 10;
/// Some 10,000 packets.
const SOCKET_BYTES: usize = 4 << 20;

/// A packet a rule logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedPacket {
    /// When it was read, a tenth of a second after it was judged at most while the reader keeps up.
    pub at: OffsetDateTime,
    /// Revision of the policy it was judged by.
    pub revision: Revision,
    /// Its mark: verdict, output zone and counter (`enum rv_mark`).
    pub mark: u32,
    /// Kernel index of the interface it came in by; None: the box sent it.
    pub input: Option<u32>,
    /// Kernel index of the interface it would leave by; None: it is for the box.
    pub output: Option<u32>,
    /// From.
    pub source: IpAddr,
    /// To, after destination translation.
    pub destination: IpAddr,
    /// IANA number of the header behind the IP headers.
    pub protocol: u8,
    /// 0 where there is none.
    pub source_port: u16,
    /// 0 where there is none.
    pub destination_port: u16,
    /// Bytes from the IP header on.
    pub packet_bytes: u32,
}

/// Reads packets logged to a group, in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct PacketLog {
    socket: NetlinkSocket,
    waiting: VecDeque<LoggedPacket>,
    /// Number of the next packet; None: there was none yet.
    next: Option<u32>,
    lost: u64,
}

impl PacketLog {
    /// Listens to a group. Whoever listened before is told no more. Needs a tokio runtime.
    pub async fn open(group: u16) -> Result<Self, KernelError> {
        let failed = |source| KernelError::OpenPacketLog { group, source };
        let mut socket = NetlinkSocket::open(NETLINK_NETFILTER).map_err(failed)?;
        socket.hold(SOCKET_BYTES).map_err(failed)?;
        socket
            .request(config(group, NFULA_CFG_CMD, &[NFULNL_CFG_CMD_BIND]))
            .await
            .map_err(failed)?;
        let mut mode = PACKET_BYTES.to_be_bytes().to_vec();
        mode.extend([NFULNL_COPY_PACKET, 0]);
        for (kind, value) in [
            (NFULA_CFG_MODE, &mode[..]),
            (NFULA_CFG_TIMEOUT, &GATHER.to_be_bytes()),
            (NFULA_CFG_FLAGS, &NFULNL_CFG_F_SEQ.to_be_bytes()),
        ] {
            socket.request(config(group, kind, value)).await.map_err(failed)?;
        }
        Ok(Self {
            socket,
            waiting: VecDeque::new(),
            next: None,
            lost: 0,
        })
    }

    /// Waits for the next packet a rule of this table logged. Cancelling it loses nothing.
    pub async fn next(&mut self) -> io::Result<LoggedPacket> {
        loop {
            if let Some(packet) = self.waiting.pop_front() {
                return Ok(packet);
            }
            let datagram = match self.socket.receive().await {
                Ok(datagram) => datagram,
                // How many were lost, the numbers of those that follow tell.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => continue,
                Err(error) => return Err(error),
            };
            let at = OffsetDateTime::now_utc();
            for (_, _, answer) in answers(datagram) {
                let Answer::Message(PACKET, attributes) = answer else {
                    continue;
                };
                if let Some(number) = number(attributes, NFULA_SEQ) {
                    self.lost += self.next.map_or(0, |next| u64::from(number.wrapping_sub(next)));
                    self.next = Some(number.wrapping_add(1));
                }
                self.waiting.extend(packet(attributes, at));
            }
        }
    }

    /// Packets that were logged and could not be read in time.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

const PACKET: u16 = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;

fn config(group: u16, kind: u16, value: &[u8]) -> Request {
    Request::new(NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, NLM_F_ACK, 0, group).with(kind, value)
}

fn number(attributes: &[u8], kind: u16) -> Option<u32> {
    Some(u32::from_be_bytes(array(attribute(attributes, kind)?, 0)?))
}

/// None: no rule of this table logged it, or it has no IP header.
fn packet(attributes: &[u8], at: OffsetDateTime) -> Option<LoggedPacket> {
    let prefix = text(attribute(attributes, NFULA_PREFIX)?)?;
    let headers = headers::parse(attribute(attributes, NFULA_PAYLOAD)?)?;
    Some(LoggedPacket {
        at,
        revision: NftRuleset::revision_of(prefix)?,
        mark: number(attributes, NFULA_MARK).unwrap_or(0),
        input: number(attributes, NFULA_IFINDEX_INDEV),
        output: number(attributes, NFULA_IFINDEX_OUTDEV),
        source: headers.source,
        destination: headers.destination,
        protocol: headers.protocol,
        source_port: headers.source_port,
        destination_port: headers.destination_port,
        packet_bytes: headers.packet_bytes,
    })
}
