//! What translation adds to checksums (RFC 1624, equation 3), as programs add it: words as they lie in memory.

/// The sum of `~old + new` over words of 16 bits, folded. Added to the complement of a checksum it gives the
/// complement of the new one. Both have the same, even, length.
pub(crate) fn delta(old: &[u8], new: &[u8]) -> u16 {
    let word = |pair: &[u8]| u16::from_ne_bytes([pair[0], pair[1]]);
    let pairs = old.chunks_exact(2).zip(new.chunks_exact(2));
    // A flow has 18 words of a side at most: the sum stays far below 32 bits.
    fold(
        pairs
            .map(|(old, new)| u32::from(!word(old)) + u32::from(word(new)))
            .sum(),
    )
}

/// Adds the carries.
fn fold(mut sum: u32) -> u16 {
    loop {
        match u16::try_from(sum) {
            Ok(folded) => return folded,
            Err(_) => sum = (sum & 0xffff) + (sum >> 16),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The checksum of RFC 1071, as it lies in memory.
    fn checksum(bytes: &[u8]) -> u16 {
        let words = bytes.chunks_exact(2);
        !fold(
            words
                .map(|pair| u32::from(u16::from_ne_bytes([pair[0], pair[1]])))
                .sum(),
        )
    }

    proptest! {
        #[test]
        fn a_checksum_with_the_delta_is_that_of_the_new_bytes(
            old in prop::collection::vec(any::<u8>(), 36),
            new in prop::collection::vec(any::<u8>(), 36),
            rest in prop::collection::vec(any::<u8>(), 64),
        ) {
            // What stays is never all 0, as a protocol number is in the pseudo header.
            prop_assume!(rest.iter().any(|byte| *byte != 0));
            let before = checksum(&[&old[..], &rest].concat());
            let after = !fold(u32::from(!before) + u32::from(delta(&old, &new)));
            prop_assert_eq!(after, checksum(&[&new[..], &rest].concat()));
        }
    }
}
