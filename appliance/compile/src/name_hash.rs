//! Keyed hash of a name; the same numbers as ebpf/lib/name_hash.h, held together by vectors/name_hash.txt.

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>).
const LABEL_PRIME: u64 = 0x0100_0000_01b3;
/// 2^64 / golden ratio, odd.
const CHAIN_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
/// Second multiplier of SplitMix64's finalizer.
const BUCKET_MULTIPLIER: u64 = 0xbf58_476d_1ce4_e5b9;
/// Tags are the high bits of the hash.
const TAG_SHIFT: u32 = 16;

/// Hash of the labels pushed so far, the top-level label first: after each push that of one suffix of a name.
///
/// It is no cryptographic hash. The key is random per image, so that nobody can prepare names that collide;
/// a name nobody listed matches a given slot by chance once in 2^48.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameHash {
    key: u64,
    chain: u64,
}

impl NameHash {
    /// Of the empty name.
    pub fn new(key: u64) -> Self {
        Self {
            key,
            chain: key ^ CHAIN_MULTIPLIER,
        }
    }

    /// Adds the next label to the left; ASCII case does not matter (RFC 4343).
    #[must_use]
    pub fn push(self, label: &[u8]) -> Self {
        let hash = label.iter().fold(self.key, |hash, byte| {
            (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(LABEL_PRIME)
        });
        let hash = hash ^ (hash >> 32);
        let chain = (self.chain ^ hash).wrapping_mul(CHAIN_MULTIPLIER);
        Self {
            key: self.key,
            chain: chain ^ (chain >> 29),
        }
    }

    /// All 64 bits.
    pub fn value(self) -> u64 {
        self.chain
    }

    /// The 48 bits a slot keeps.
    pub fn tag(self) -> u64 {
        self.chain >> TAG_SHIFT
    }

    /// The two buckets the name may be in; never the same. `mask` is the number of buckets less one, at least 1.
    #[expect(clippy::cast_possible_truncation, reason = "each bucket takes one half")]
    pub fn buckets(self, mask: u32) -> [u32; 2] {
        let mixed = self.chain.wrapping_mul(BUCKET_MULTIPLIER);
        let mixed = mixed ^ (mixed >> 32);
        let first = mixed as u32 & mask;
        let second = (mixed >> 32) as u32 & mask;
        [first, if second == first { first ^ 1 } else { second }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `key name hash tag bucket1 bucket2` in hex, the buckets for the mask in the header line.
    const VECTORS: &str = include_str!("../vectors/name_hash.txt");

    fn line(key: u64, name: &str, mask: u32) -> String {
        let hash = name
            .rsplit('.')
            .fold(NameHash::new(key), |hash, label| hash.push(label.as_bytes()));
        let [first, second] = hash.buckets(mask);
        format!(
            "{key:016x} {name} {:016x} {:012x} {first:x} {second:x}",
            hash.value(),
            hash.tag()
        )
    }

    #[test]
    fn hashes_stay_what_the_programs_compute() {
        let mut mask = 0;
        for expected in VECTORS.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = expected.split(' ').collect();
            if let ["mask", value] = fields[..] {
                mask = u32::from_str_radix(value, 16).expect("mask");
            } else {
                let key = u64::from_str_radix(fields[0], 16).expect("key");
                assert_eq!(line(key, fields[1], mask), expected);
            }
        }
        assert_ne!(mask, 0, "no vectors");
    }

    #[test]
    fn buckets_differ_even_when_there_are_two() {
        for seed in 0..1000 {
            let [first, second] = NameHash::new(seed).push(b"example").buckets(1);
            assert_eq!(first ^ second, 1, "key {seed}");
        }
    }
}
