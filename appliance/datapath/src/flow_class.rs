//! Which time-out a flow has.

use std::time::Duration;

use crate::{FlowSweep, FlowTimeouts};

/// IANA protocol numbers.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Bits of byte 13 of the TCP header (RFC 9293 section 3.1).
const FIN: u8 = 0x01;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Kinds of flows by how long they may be idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlowClass {
    TcpEstablished,
    TcpTransitory,
    Udp,
    Other,
}

impl FlowClass {
    /// By protocol and every TCP flag seen so far in this direction.
    pub(crate) fn of(protocol: u8, tcp_flags: u8) -> Self {
        match protocol {
            TCP if tcp_flags & (ACK | FIN | RST) == ACK => Self::TcpEstablished,
            TCP => Self::TcpTransitory,
            UDP => Self::Udp,
            _ => Self::Other,
        }
    }

    pub(crate) fn timeout(self, timeouts: &FlowTimeouts) -> Duration {
        match self {
            Self::TcpEstablished => timeouts.tcp_established,
            Self::TcpTransitory => timeouts.tcp_transitory,
            Self::Udp => timeouts.udp,
            Self::Other => timeouts.other,
        }
    }

    pub(crate) fn count(self, sweep: &mut FlowSweep) -> &mut u64 {
        match self {
            Self::TcpEstablished => &mut sweep.tcp_established,
            Self::TcpTransitory => &mut sweep.tcp_transitory,
            Self::Udp => &mut sweep.udp,
            Self::Other => &mut sweep.other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_is_established_between_the_first_ack_and_fin_or_rst() {
        const SYN: u8 = 0x02;
        for (protocol, flags, expected) in [
            (6, SYN, FlowClass::TcpTransitory),
            (6, SYN | ACK, FlowClass::TcpEstablished),
            (6, ACK, FlowClass::TcpEstablished),
            (6, SYN | ACK | FIN, FlowClass::TcpTransitory),
            (6, ACK | RST, FlowClass::TcpTransitory),
            (6, 0, FlowClass::TcpTransitory),
            (17, ACK, FlowClass::Udp),
            (1, 0, FlowClass::Other),
            (58, 0, FlowClass::Other),
        ] {
            assert_eq!(FlowClass::of(protocol, flags), expected, "{protocol} {flags:#x}");
        }
    }
}
