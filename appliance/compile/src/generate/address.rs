//! Random addresses that meet each other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ravelin_model::AddressRange;

use super::Random;

/// Where addresses lie: few places, so that what is made of them overlaps.
#[derive(Debug, Clone)]
pub(super) struct Places {
    v4: Vec<u32>,
    v6: Vec<u128>,
}

/// Both ends of the family, and what looks alike in the other one.
const FIXED_V4: [u32; 4] = [0, u32::MAX, 0x0a00_0000, 0xc000_0200];

const FIXED_V6: [u128; 6] = [
    0,
    u128::MAX,
    // ::ffff:10.0.0.0, which is not 10.0.0.0, and a00::, whose first word is.
    0xffff_0a00_0000,
    0x0a00_0000 << 96,
    0x2001_0db8 << 96,
    0xfe80 << 112,
];

/// Lengths people write, and those at the ends.
const LENGTHS_V4: [u32; 9] = [0, 1, 8, 12, 16, 24, 30, 31, 32];

const LENGTHS_V6: [u32; 13] = [0, 1, 8, 32, 33, 48, 63, 64, 65, 96, 112, 127, 128];

impl Places {
    /// So many random places beside the fixed ones.
    pub(super) fn new(random: &mut Random, count: usize) -> Self {
        let mut places = Self {
            v4: FIXED_V4.to_vec(),
            v6: FIXED_V6.to_vec(),
        };
        for _ in 0..count {
            // Near another place as often as not: nested prefixes.
            let (near4, near6) = (*random.of(&places.v4), *random.of(&places.v6));
            let (bits4, bits6) = (random.within(1..=32), random.within(1..=128));
            places.v4.push(near4 ^ random.word() >> (32 - bits4));
            places.v6.push(near6 ^ random.wide() >> (128 - bits6));
        }
        places
    }

    /// A range about one of the places.
    pub(super) fn range(&self, random: &mut Random, v6: bool, narrow: bool) -> AddressRange {
        let as_prefix = !random.once_in(5);
        if v6 {
            let address = *random.of(&self.v6);
            let (first, last) = if as_prefix {
                let bits = length(random, &LENGTHS_V6, 128, narrow);
                let host = u128::MAX.checked_shr(bits).unwrap_or(0);
                (address & !host, address | host)
            } else {
                let span = random.wide() >> random.within(if narrow { 96 } else { 0 }..=127);
                (address, address.saturating_add(span))
            };
            range(Ipv6Addr::from(first).into(), Ipv6Addr::from(last).into())
        } else {
            let address = *random.of(&self.v4);
            let (first, last) = if as_prefix {
                let bits = length(random, &LENGTHS_V4, 32, narrow);
                let host = u32::MAX.checked_shr(bits).unwrap_or(0);
                (address & !host, address | host)
            } else {
                let span = random.word() >> random.within(if narrow { 24 } else { 0 }..=31);
                (address, address.saturating_add(span))
            };
            range(Ipv4Addr::from(first).into(), Ipv4Addr::from(last).into())
        }
    }

    /// One of the places.
    pub(super) fn address(&self, random: &mut Random, v6: bool) -> IpAddr {
        if v6 {
            Ipv6Addr::from(*random.of(&self.v6)).into()
        } else {
            Ipv4Addr::from(*random.of(&self.v4)).into()
        }
    }
}

fn length(random: &mut Random, usual: &[u32], most: u32, narrow: bool) -> u32 {
    let length = if random.once_in(4) {
        random.within(0..=most)
    } else {
        *random.of(usual)
    };
    if narrow { length.max(most / 4 * 3) } else { length }
}

fn range(first: IpAddr, last: IpAddr) -> AddressRange {
    AddressRange::new(first, last).expect("one family, in order")
}

/// An address of the family, often at an end of it.
pub(super) fn anywhere(random: &mut Random, v6: bool) -> IpAddr {
    if v6 {
        let some = random.wide();
        Ipv6Addr::from(*random.of(&[FIXED_V6.as_slice(), &[some, some, some]].concat())).into()
    } else {
        let some = random.word();
        Ipv4Addr::from(*random.of(&[FIXED_V4.as_slice(), &[some, some, some]].concat())).into()
    }
}

/// An edge of the range, the address beside it, or one inside.
pub(super) fn about<A: Edge>(random: &mut Random, (first, last): (A, A)) -> A {
    match random.below(6) {
        0 => first,
        1 => last,
        2 => first.before(),
        3 => last.after(),
        _ => A::between(random, first, last),
    }
}

/// A number with neighbours; the first and the last are each other's.
pub(super) trait Edge: Copy {
    fn before(self) -> Self;
    fn after(self) -> Self;
    fn between(random: &mut Random, first: Self, last: Self) -> Self;
}

impl Edge for u16 {
    fn before(self) -> Self {
        self.wrapping_sub(1)
    }
    fn after(self) -> Self {
        self.wrapping_add(1)
    }
    fn between(random: &mut Random, first: Self, last: Self) -> Self {
        match (last - first).checked_add(1) {
            Some(span) => first + random.short() % span,
            None => random.short(),
        }
    }
}

impl Edge for u32 {
    fn before(self) -> Self {
        self.wrapping_sub(1)
    }
    fn after(self) -> Self {
        self.wrapping_add(1)
    }
    fn between(random: &mut Random, first: Self, last: Self) -> Self {
        match (last - first).checked_add(1) {
            Some(span) => first + random.word() % span,
            None => random.word(),
        }
    }
}

impl Edge for u128 {
    fn before(self) -> Self {
        self.wrapping_sub(1)
    }
    fn after(self) -> Self {
        self.wrapping_add(1)
    }
    fn between(random: &mut Random, first: Self, last: Self) -> Self {
        match (last - first).checked_add(1) {
            Some(span) => first + random.wide() % span,
            None => random.wide(),
        }
    }
}
