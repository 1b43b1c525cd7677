//! Frames the cases send.

use std::net::IpAddr;

/// Where every frame goes.
pub const RECEIVER_MAC: &str = "02:00:00:00:00:02";

/// 64 bytes of UDP to port 9 behind an Ethernet header; the source is the generator's business.
pub fn udp(destination: IpAddr) -> Vec<u8> {
    let mut frame = vec![0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1];
    match destination {
        IpAddr::V4(address) => {
            frame.extend([
                0x08, 0x00, 0x45, 0, 0, 50, 0, 1, 0x40, 0, 64, 17, 0, 0, 0, 0, 0, 0,
            ]);
            frame.extend(address.octets());
            frame.extend([0x30, 0x39, 0, 9, 0, 30, 0, 0]);
        }
        IpAddr::V6(address) => {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 30, 17, 64]);
            frame.extend([0; 16]);
            frame.extend(address.octets());
            frame.extend([0x30, 0x39, 0, 9, 0, 30, 0, 0]);
        }
    }
    frame.extend([0; 22]);
    frame
}

/// The frame with another source address; IPv4 in the first four bytes.
pub fn from(source: [u8; 16], mut frame: Vec<u8>) -> Vec<u8> {
    let is_ipv4 = frame[12..14] == [0x08, 0x00];
    let (at, length) = if is_ipv4 { (26, 4) } else { (22, 16) };
    frame[at..at + length].copy_from_slice(&source[..length]);
    frame
}

/// A query for the A record of `name` over IPv4.
pub fn query(name: &str) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).expect("a short label"));
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    let udp = u16::try_from(8 + message.len()).expect("a short message");
    let mut frame = udp_to_port_53(udp);
    frame.extend(message);
    frame
}

fn udp_to_port_53(udp_length: u16) -> Vec<u8> {
    let mut frame = vec![0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45, 0];
    frame.extend((20 + udp_length).to_be_bytes());
    frame.extend([
        0, 1, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 0x30, 0x39, 0, 53,
    ]);
    frame.extend(udp_length.to_be_bytes());
    frame.extend([0, 0]);
    frame
}

/// A source for the generator: an IPv4 address is followed by the checksum the frame has with it.
pub fn source_of(frame: &[u8], mut source: [u8; 16]) -> [u8; 16] {
    if frame[12..14] == [0x08, 0x00] {
        let header = frame[14..26].iter().chain(&source[..4]).chain(&frame[30..34]);
        let bytes: Vec<u8> = header.copied().collect();
        let words = bytes
            .chunks_exact(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
        let mut sum: u32 = words.sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        let checksum = u16::try_from(!sum & 0xffff).expect("16 bits");
        source[4..6].copy_from_slice(&checksum.to_be_bytes());
    }
    source
}
