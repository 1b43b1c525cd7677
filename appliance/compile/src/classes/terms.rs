//! Sides of lines: what a box can say of an address itself, and what needs a term.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Element;
use crate::{AddressSet, AddressTerm, ImageTooLarge};

/// One side of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Side {
    /// 0: the prefix says all.
    pub(crate) term: u16,
    /// Prefix length; 0 with a term.
    pub(crate) bits: u8,
    /// Every address it matches is from this one …
    pub(crate) first: u128,
    /// … to this one. IPv4 addresses are 32-bit numbers.
    pub(crate) last: u128,
}

impl Side {
    /// Every address of a family whose addresses have so many bits.
    const fn any(width: u32) -> Self {
        Self {
            term: 0,
            bits: 0,
            first: 0,
            last: u128::MAX >> (u128::BITS - width),
        }
    }
}

/// A side as a term: IPv4 and IPv6. None: it matches no address of the family.
type Sides = [Option<Side>; 2];

/// Bits of an address by `rv_policy_family`.
const WIDTHS: [u32; 2] = [u32::BITS, u128::BITS];

/// Which elements an address must be in one of, or in none.
#[derive(Debug)]
pub(crate) struct Term {
    /// Any of these.
    pub(crate) elements: Vec<u32>,
    /// All but those.
    pub(crate) negate: bool,
}

/// The terms of a ruleset, each once.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    lists: &'a BTreeMap<u32, Arc<AddressSet>>,
    sides: HashMap<&'a AddressTerm, Sides>,
    by_addresses: HashMap<&'a AddressSet, u32>,
    by_list: HashMap<u32, u32>,
    /// What the terms are made of.
    pub(crate) elements: Vec<Element>,
    /// Term 1 comes first.
    pub(crate) terms: Vec<Term>,
}

impl<'a> Terms<'a> {
    pub(crate) fn new(lists: &'a BTreeMap<u32, Arc<AddressSet>>) -> Self {
        Self {
            lists,
            sides: HashMap::new(),
            by_addresses: HashMap::new(),
            by_list: HashMap::new(),
            elements: Vec::new(),
            terms: Vec::new(),
        }
    }

    /// What a side is in each family if it is not spelled out.
    pub(crate) fn sides(&mut self, side: &'a AddressTerm) -> Result<Sides, ImageTooLarge> {
        if let Some(sides) = self.sides.get(side) {
            return Ok(*sides);
        }
        let sides = self.intern(side)?;
        self.sides.insert(side, sides);
        Ok(sides)
    }

    fn intern(&mut self, side: &'a AddressTerm) -> Result<Sides, ImageTooLarge> {
        let named = || {
            let lists = side.lists.iter().filter_map(|number| self.lists.get(number));
            std::iter::once(&side.addresses).chain(lists.map(Arc::as_ref))
        };
        let hulls = [
            hull(named().map(AddressSet::v4)).map(|(first, last)| (first.into(), last.into())),
            hull(named().map(AddressSet::v6)),
        ];
        let mut term = 0;
        if hulls.iter().any(Option::is_some) {
            let number = self.terms.len() + 1;
            term = u16::try_from(number).map_err(|_| ImageTooLarge {
                what: "different sides of rules with lists, many addresses or negation",
                needed: number,
                capacity: u16::MAX.into(),
            })?;
            let elements = self.elements_of(side);
            self.terms.push(Term {
                elements,
                negate: side.negate,
            });
        }
        let mut sides = [None; 2];
        for ((of, hull), width) in sides.iter_mut().zip(hulls).zip(WIDTHS) {
            let any = Side::any(width);
            *of = match (hull, side.negate) {
                (None, false) => None,
                (None, true) => Some(any),
                (Some(_), true) => Some(Side { term, ..any }),
                (Some((first, last)), false) => Some(Side {
                    term,
                    bits: 0,
                    first,
                    last,
                }),
            };
        }
        Ok(sides)
    }

    fn elements_of(&mut self, side: &'a AddressTerm) -> Vec<u32> {
        let mut elements = Vec::with_capacity(side.lists.len() + 1);
        if !side.addresses.is_empty() {
            elements.push(*self.by_addresses.entry(&side.addresses).or_insert_with(|| {
                self.elements.push(Element::Addresses(side.addresses.clone()));
                last_index(&self.elements)
            }));
        }
        for number in &side.lists {
            if let Some(list) = self.lists.get(number) {
                elements.push(*self.by_list.entry(*number).or_insert_with(|| {
                    self.elements.push(Element::List(*number, Arc::clone(list)));
                    last_index(&self.elements)
                }));
            }
        }
        elements
    }
}

fn last_index(elements: &[Element]) -> u32 {
    u32::try_from(elements.len() - 1).expect("fewer lists and sides than that")
}

/// Spells a side out as prefixes of a family, at most `most` of them; false: it has more, or names lists, or what it
/// does not mean.
pub(crate) fn spell(side: &AddressTerm, family: usize, most: usize, prefixes: &mut Vec<Side>) -> bool {
    prefixes.clear();
    if side.is_any() {
        prefixes.push(Side::any(WIDTHS[family]));
        return true;
    }
    if side.negate || !side.lists.is_empty() {
        return false;
    }
    if family == 0 {
        let ranges = side.addresses.v4().iter();
        spell_ranges(
            ranges.map(|(first, last)| ((*first).into(), (*last).into())),
            family,
            most,
            prefixes,
        )
    } else {
        spell_ranges(side.addresses.v6().iter().copied(), family, most, prefixes)
    }
}

fn spell_ranges(
    ranges: impl Iterator<Item = (u128, u128)>,
    family: usize,
    most: usize,
    prefixes: &mut Vec<Side>,
) -> bool {
    for (first, last) in ranges {
        let mut next = Some(first);
        while let Some(first) = next.filter(|first| *first <= last) {
            if prefixes.len() == most {
                return false;
            }
            // As many as the address is aligned to and the range has room for.
            let length = (last - first).checked_add(1).map_or(u128::BITS, u128::ilog2);
            let host_bits = length.min(first.trailing_zeros()).min(WIDTHS[family]);
            let end = first | u128::MAX.checked_shr(u128::BITS - host_bits).unwrap_or(0);
            prefixes.push(Side {
                term: 0,
                bits: u8::try_from(WIDTHS[family] - host_bits).expect("at most 128"),
                first,
                last: end,
            });
            next = end.checked_add(1);
        }
    }
    true
}

/// From the first to the last address of all sets.
fn hull<'a, A: Copy + Ord + 'a>(sets: impl Iterator<Item = &'a [(A, A)]>) -> Option<(A, A)> {
    sets.filter_map(|ranges| Some((ranges.first()?.0, ranges.last()?.1)))
        .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(addresses: &[&str], lists: &[u32], negate: bool) -> AddressTerm {
        AddressTerm {
            addresses: AddressSet::new(addresses.iter().map(|text| text.parse().expect(text))),
            lists: lists.to_vec(),
            negate,
        }
    }

    /// `expected`: prefix lengths by family; None: not spelled out.
    fn check(addresses: &[&str], expected: [Option<&[u8]>; 2]) {
        for (family, expected) in expected.into_iter().enumerate() {
            let mut prefixes = Vec::new();
            let is_spelled = spell(&side(addresses, &[], false), family, 4, &mut prefixes);
            let bits: Vec<u8> = prefixes.iter().map(|side| side.bits).collect();
            assert_eq!(is_spelled.then_some(bits.as_slice()), expected, "{addresses:?}");
        }
    }

    #[test]
    fn few_prefixes_are_spelled_out() {
        check(&[], [Some(&[0]), Some(&[0])]);
        check(&["0.0.0.0/0"], [Some(&[0]), Some(&[])]);
        check(&["::/0"], [Some(&[]), Some(&[0])]);
        check(&["10.0.0.0/8", "2001:db8::1"], [Some(&[8]), Some(&[128])]);
        check(&["10.0.0.0/9", "10.128.0.0/9"], [Some(&[8]), Some(&[])]);
        check(&["10.0.0.1-10.0.0.4"], [Some(&[32, 31, 32]), Some(&[])]);
        check(
            &["ffff::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
            [Some(&[]), Some(&[16])],
        );
        check(&["255.255.255.254-255.255.255.255"], [Some(&[31]), Some(&[])]);
        check(&["10.0.0.1-10.0.0.30"], [None, Some(&[])]);
    }

    #[test]
    fn lists_and_negation_are_terms() {
        let mut prefixes = Vec::new();
        assert!(!spell(&side(&["10.0.0.0/8"], &[], true), 0, 4, &mut prefixes));
        assert!(!spell(&side(&["10.0.0.0/8"], &[1], false), 0, 4, &mut prefixes));
    }

    #[test]
    fn equal_sides_are_one_term_and_equal_addresses_one_element() {
        let addresses = ["10.0.0.1-10.0.0.2"];
        let sides = [false, false, true].map(|negate| side(&addresses, &[], negate));
        let lists = BTreeMap::new();
        let mut terms = Terms::new(&lists);
        let [one, same, opposite] = sides.each_ref().map(|side| terms.sides(side).expect("few"));
        let hull = (0x0a00_0001, 0x0a00_0002);
        let of = |sides: Sides| sides[0].map(|side| (side.term, (side.first, side.last)));
        assert_eq!(of(one), Some((1, hull)));
        assert_eq!(of(same), Some((1, hull)));
        assert_eq!(of(opposite), Some((2, (0, u32::MAX.into()))));
        assert_eq!((one[1], opposite[1]), (None, Some(Side::any(128))));
        assert_eq!((terms.elements.len(), terms.terms.len()), (1, 2));
    }

    #[test]
    fn a_list_without_addresses_matches_nothing() {
        let lists = BTreeMap::from([(7, Arc::new(AddressSet::default()))]);
        let mut terms = Terms::new(&lists);
        let (listed, unknown, others) = (
            side(&[], &[7], false),
            side(&[], &[8], false),
            side(&[], &[7], true),
        );
        assert_eq!(terms.sides(&listed), Ok([None, None]));
        assert_eq!(terms.sides(&unknown), Ok([None, None]));
        assert_eq!(
            terms.sides(&others),
            Ok([Some(Side::any(32)), Some(Side::any(128))])
        );
        assert!(terms.terms.is_empty());
    }
}
