//! Frames made and taken apart byte by byte, independent of the code under test.

mod build;
mod checksum;
mod dns;
mod read;
mod transport;
mod view;

pub use build::{Extension, Packet, Tag};
pub use checksum::{checksum, transport_checksum};
pub use dns::{Query, nxdomain, wire_name};
pub use read::{Datagram, Read, Segment, read};
pub use transport::{Icmp, Sctp, Tcp, Transport, Udp};
pub use view::View;

/// Source address of the frames [`Packet`] makes.
pub const CLIENT_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x0c];

/// Destination address of the frames [`Packet`] makes.
pub const ROUTER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];

/// Bit FIN of byte 13 of the TCP header.
pub const FIN: u8 = 0x01;
/// Bit SYN.
pub const SYN: u8 = 0x02;
/// Bit RST.
pub const RST: u8 = 0x04;
/// Bit PSH.
pub const PSH: u8 = 0x08;
/// Bit ACK.
pub const ACK: u8 = 0x10;
