//! What a router makes of a packet, said independently: the packet is built anew, with checksums over all its bytes.

use ravelin_test_harness::packet::{Packet, Tag, Transport, View};

use super::road::{Connection, SERVER_MAC, VLAN_MAC, WAN_MAC};
use ravelin_test_harness::packet::{CLIENT_MAC, ROUTER_MAC};

/// 802.1Q.
const VLAN: u16 = 0x8100;

/// The link a frame leaves by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub to: [u8; 6],
    pub from: [u8; 6],
    pub tag: Option<u16>,
}

/// To the client.
pub const TO_CLIENT: Link = Link {
    to: CLIENT_MAC,
    from: ROUTER_MAC,
    tag: None,
};
/// To the server.
pub const TO_SERVER: Link = Link {
    to: SERVER_MAC,
    from: WAN_MAC,
    tag: None,
};
/// To the server on the VLAN.
pub const TO_VLAN: Link = Link {
    to: SERVER_MAC,
    from: VLAN_MAC,
    tag: Some(super::road::TAG),
};

/// The frame that leaves for a packet of the connection.
pub fn forwarded(packet: &Packet, connection: &Connection, link: Link) -> Vec<u8> {
    let translated = connection.translated(packet);
    let mut out = packet.clone();
    out.source = translated.source;
    out.destination = translated.destination;
    out.ttl -= 1;
    out.tags = link
        .tag
        .map(|tci| Tag { ethertype: VLAN, tci })
        .into_iter()
        .collect();
    match &mut out.transport {
        Transport::Tcp(tcp) => {
            tcp.source = translated.source_port;
            tcp.destination = translated.destination_port;
        }
        Transport::Udp(udp) => {
            udp.source = translated.source_port;
            udp.destination = translated.destination_port;
        }
        other => panic!("{other:?}"),
    }
    let mut frame = out.build();
    frame[..6].copy_from_slice(&link.to);
    frame[6..12].copy_from_slice(&link.from);
    if let Some(checksum) = udp_checksum(&out, &mut frame)
        && *checksum == [0, 0]
    {
        // RFC 768: a sum of zero is told as all ones.
        *checksum = [0xff, 0xff];
    }
    frame
}

/// Where the checksum of a UDP packet lies in its frame.
pub fn udp_checksum<'a>(packet: &Packet, frame: &'a mut [u8]) -> Option<&'a mut [u8; 2]> {
    let network = packet.network_offset();
    let header = if packet.source.is_ipv4() { 20 } else { 40 };
    let at = network + header + 6;
    matches!(packet.transport, Transport::Udp(_)).then(|| frame[at..].first_chunk_mut().unwrap())
}

/// Has checked once that the frames themselves are right: by another reader than the one that made them.
pub fn assert_right(frame: &[u8]) {
    let view = View::of_frame(frame).expect("an IP packet");
    assert!(view.checksum_is_right(), "{frame:02x?}");
}
