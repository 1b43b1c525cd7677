//! Connections as conntrack knows them, and what is left of them when they end.

use std::fmt;
use std::net::IpAddr;

use time::OffsetDateTime;

use crate::{Revision, VerdictLine, ZoneId, protocol};

/// Addresses and ports of packets of a connection in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowTuple {
    /// From.
    pub source: IpAddr,
    /// To, of the same family.
    pub destination: IpAddr,
    /// IANA number.
    pub protocol: u8,
    /// 0 where the protocol has none; of ICMP the identifier.
    pub source_port: u16,
    /// 0 where the protocol has none; of ICMP `type << 8 | code`.
    pub destination_port: u16,
}

impl FlowTuple {
    /// Whether it is IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.source.is_ipv6()
    }

    /// The other way round: source and destination change places.
    #[must_use]
    pub fn inverted(&self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
            ..*self
        }
    }

    /// Whether its ports are ports: TCP, UDP, SCTP, DCCP and UDP-Lite have them.
    pub fn has_ports(&self) -> bool {
        matches!(
            self.protocol,
            protocol::TCP | protocol::UDP | protocol::SCTP | 33 | 136
        )
    }
}

/// State of a TCP connection (`enum tcp_conntrack`, include/uapi/linux/netfilter/nf_conntrack_tcp.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TcpState {
    /// Not known yet.
    None,
    /// SYN.
    SynSent,
    /// SYN and SYN-ACK.
    SynReceived,
    /// The handshake is over.
    Established,
    /// One side has sent FIN.
    FinWait,
    /// … and the other acknowledged it.
    CloseWait,
    /// Both sides have sent FIN.
    LastAck,
    /// … and acknowledged.
    TimeWait,
    /// Reset.
    Close,
    /// SYN from both sides.
    SynSent2,
}

impl TcpState {
    /// Every state, by the kernel's number.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::SynSent,
        Self::SynReceived,
        Self::Established,
        Self::FinWait,
        Self::CloseWait,
        Self::LastAck,
        Self::TimeWait,
        Self::Close,
        Self::SynSent2,
    ];

    /// By the kernel's number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SynSent => "syn_sent",
            Self::SynReceived => "syn_received",
            Self::Established => "established",
            Self::FinWait => "fin_wait",
            Self::CloseWait => "close_wait",
            Self::LastAck => "last_ack",
            Self::TimeWait => "time_wait",
            Self::Close => "close",
            Self::SynSent2 => "syn_sent2",
        }
    }
}

/// Bits of a connection's status (`enum ip_conntrack_status`, nf_conntrack_common.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ConnectionStatus(pub u32);

impl ConnectionStatus {
    /// It was expected by another one, its master.
    pub const EXPECTED: u32 = 1 << 0;
    /// Packets were seen both ways.
    pub const SEEN_REPLY: u32 = 1 << 1;
    /// Is not thrown out early.
    pub const ASSURED: u32 = 1 << 2;
    /// Its first packet got through.
    pub const CONFIRMED: u32 = 1 << 3;
    /// Its source is translated.
    pub const SNAT: u32 = 1 << 4;
    /// Its destination is translated.
    pub const DNAT: u32 = 1 << 5;
    /// Its TCP sequence numbers are changed.
    pub const SEQUENCE_ADJUSTED: u32 = 1 << 6;
    /// It is being ended.
    pub const DYING: u32 = 1 << 9;
    /// It has a helper.
    pub const HELPER: u32 = 1 << 13;
    /// It is in a flowtable.
    pub const OFFLOADED: u32 = 1 << 14;
    /// … of the hardware.
    pub const HARDWARE: u32 = 1 << 15;

    /// Whether any of these bits is set.
    pub fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}

/// Packets and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FlowCount {
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on, as conntrack counts them.
    pub bytes: u64,
}

impl std::ops::AddAssign for FlowCount {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

/// A connection as conntrack tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The kernel's number for it (CTA_ID); another connection may have it later.
    pub id: u32,
    /// Conntrack zone; 0 but where somebody set another.
    pub zone: u16,
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// As packets of the other side come in. Without translation `original` inverted.
    pub reply: FlowTuple,
    /// What became of it so far.
    pub status: ConnectionStatus,
    /// Its mark (`rv_connection_mark`, ravelin/policy.h).
    pub mark: u32,
    /// Seconds until it is forgotten; in the news of its end what was left of them, None: they ran out. None too while
    /// it is in a flowtable.
    pub timeout_seconds: Option<u32>,
    /// None where it is not TCP, in news of what did not change it, and while it is in a flowtable.
    pub tcp_state: Option<TcpState>,
    /// Packets of who began it, and of the other side, that conntrack saw; None where it does not count.
    pub counts: Option<[FlowCount; 2]>,
    /// When it began; None where conntrack does not note it.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended; in the news of its end only.
    pub ended_at: Option<OffsetDateTime>,
    /// Who expected it.
    pub master: Option<FlowTuple>,
    /// A SYN proxy stands in between.
    pub syn_proxy: bool,
    /// Labels others put on it: label n is bit n.
    pub labels: u128,
}

impl Connection {
    /// Where packets of who began it go in the end: behind the translation of their destination.
    pub fn server(&self) -> (IpAddr, u16) {
        (self.reply.source, self.reply.source_port)
    }
}

/// What forwards packets of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offload {
    /// The kernel.
    None,
    /// XDP.
    Xdp,
    /// A flowtable of nftables.
    Flowtable,
    /// The network card.
    Hardware,
}

impl Offload {
    /// Every one, slowest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Xdp, Self::Flowtable, Self::Hardware];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no",
            Self::Xdp => "xdp",
            Self::Flowtable => "flowtable",
            Self::Hardware => "hw",
        }
    }
}

impl fmt::Display for Offload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndReason {
    /// Both sides closed it.
    Closed,
    /// One side reset it.
    Reset,
    /// It was silent for too long.
    Timeout,
    /// Somebody asked for its end.
    Killed,
    /// A commit of the policy no longer allows it.
    Policy,
    /// The kernel threw it out, or somebody else deleted it.
    Removed,
}

impl EndReason {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Closed,
        Self::Reset,
        Self::Timeout,
        Self::Killed,
        Self::Policy,
        Self::Removed,
    ];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Killed => "killed",
            Self::Policy => "policy",
            Self::Removed => "removed",
        }
    }
}

/// What is left of a connection when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRecord {
    /// As packets of who began it came in.
    pub original: FlowTuple,
    /// As packets of the other side came in.
    pub reply: FlowTuple,
    /// All packets of who began it, and of the other side, whoever forwarded them.
    pub counts: [FlowCount; 2],
    /// When it began; None where nobody noted it.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub ended_at: OffsetDateTime,
    /// Why.
    pub end_reason: EndReason,
    /// Last state, of TCP.
    pub tcp_state: Option<TcpState>,
    /// Line of the policy that let it in; None: it is older than the policy.
    pub line: Option<VerdictLine>,
    /// Revision of the policy at its end.
    pub revision: Revision,
    /// Zone it came in from, as far as known.
    pub from_zone: Option<ZoneId>,
    /// Zone it left by, as far as known.
    pub to_zone: Option<ZoneId>,
    /// Who forwarded packets of it at its end.
    pub offload: Offload,
    /// Community ID v1 of the original tuple; None where the protocol has none.
    pub community_id: Option<String>,
}
