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

/// CRC32c, bit by bit: the checksum of SCTP (RFC 9260 appendix A), little-endian on the wire.
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    #[test]
    fn crc32c_is_that_of_the_rfc() {
        // RFC 3720 appendix B.4.
        assert_eq!(super::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(super::crc32c(&[0xff; 32]), 0x62a8_ab43);
    }
}
