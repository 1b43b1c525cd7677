//! Sets of addresses as sorted disjoint ranges.

use std::net::IpAddr;

use ravelin_model::AddressRange;

/// Addresses of both families; ranges sorted, disjoint and not touching, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct AddressSet {
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl AddressSet {
    /// The union of ranges in any order.
    pub fn new(ranges: impl IntoIterator<Item = AddressRange>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for range in ranges {
            match (range.first(), range.last()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => v4.push((u32::from(first), u32::from(last))),
                (IpAddr::V6(first), IpAddr::V6(last)) => v6.push((u128::from(first), u128::from(last))),
                _ => unreachable!("both ends of a range are of one family"),
            }
        }
        Self {
            v4: merge(v4, |last| last.checked_add(1)),
            v6: merge(v6, |last| last.checked_add(1)),
        }
    }

    /// IPv4 ranges as numbers in host order.
    pub fn v4(&self) -> &[(u32, u32)] {
        &self.v4
    }

    /// IPv6 ranges as numbers.
    pub fn v6(&self) -> &[(u128, u128)] {
        &self.v6
    }

    /// Whether no address is in it.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => holds(&self.v4, u32::from(address)),
            IpAddr::V6(address) => holds(&self.v6, u128::from(address)),
        }
    }
}

fn holds<A: Ord + Copy>(ranges: &[(A, A)], address: A) -> bool {
    let at = ranges.partition_point(|(_, last)| *last < address);
    ranges.get(at).is_some_and(|(first, _)| *first <= address)
}

fn merge<A: Ord + Copy>(mut ranges: Vec<(A, A)>, next: impl Fn(A) -> Option<A>) -> Box<[(A, A)]> {
    ranges.sort_unstable();
    let mut merged: Vec<(A, A)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            // Nothing comes after the last address of all: whatever follows is inside.
            Some(open) if next(open.1).is_none_or(|next| first <= next) => open.1 = open.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_or_overlap_become_one() {
        let set = AddressSet::new(
            [
                "10.0.1.0/24",
                "10.0.0.0/24",
                "10.0.0.7",
                "10.0.3.0/24",
                "::/0",
                "ffff::",
            ]
            .map(|text| text.parse().expect(text)),
        );
        assert_eq!(set.v4(), [(0x0a00_0000, 0x0a00_01ff), (0x0a00_0300, 0x0a00_03ff)]);
        assert_eq!(set.v6(), [(0, u128::MAX)]);
        for (address, inside) in [
            ("10.0.1.255", true),
            ("10.0.2.0", false),
            ("10.0.3.0", true),
            ("9.255.255.255", false),
            ("::ffff:10.0.2.0", true),
        ] {
            assert_eq!(set.contains(address.parse().expect(address)), inside, "{address}");
        }
    }
}
