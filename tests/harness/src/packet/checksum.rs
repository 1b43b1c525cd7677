//! The Internet checksum, RFC 1071, in the plainest form.

use std::net::IpAddr;

/// Checksum of bytes whose checksum field is 0; over bytes that hold a right checksum it is 0.
pub fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0u64;
    for pair in bytes.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u64::from(u16::from_be_bytes([pair[0], low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded")
}

/// The same over the pseudo header of the family (RFC 9293 section 3.1, RFC 8200 section 8.1) and the transport
/// header with its payload.
pub fn transport_checksum(source: IpAddr, destination: IpAddr, protocol: u8, transport: &[u8]) -> u16 {
    let mut bytes = Vec::new();
    for address in [source, destination] {
        match address {
            IpAddr::V4(address) => bytes.extend(address.octets()),
            IpAddr::V6(address) => bytes.extend(address.octets()),
        }
    }
    bytes.extend(u32::from(protocol).to_be_bytes());
    bytes.extend(
        u32::try_from(transport.len())
            .expect("a packet is short")
            .to_be_bytes(),
    );
    bytes.extend(transport);
    checksum(&bytes)
}
