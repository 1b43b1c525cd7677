//! Sides of lines: what a box can say of an address itself, and what needs a term.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Element;
use crate::{AddressSet, AddressTerm, ImageTooLarge};

/// Numbers of terms fit 16 bits; 0 is none.
const TERMS_MAX: usize = u16::MAX as usize;

/// One side of a line in one family.
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

/// One side of a line: IPv4 and IPv6. None: it matches no address of the family.
pub(crate) type Sides = [Option<Side>; 2];

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

    /// What a side is in each family.
    pub(crate) fn sides(&mut self, side: &'a AddressTerm) -> Result<Sides, ImageTooLarge> {
        if let Some(sides) = without_term(side) {
            return Ok(sides);
        }
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
        let hull4 = hull(named().map(AddressSet::v4)).map(|(first, last)| (first.into(), last.into()));
        let hull6 = hull(named().map(AddressSet::v6));
        if self.terms.len() == TERMS_MAX {
            return Err(ImageTooLarge {
                what: "different sides of rules with several addresses",
                needed: TERMS_MAX + 1,
                capacity: TERMS_MAX,
            });
        }
        let term = u16::try_from(self.terms.len() + 1).expect("checked against the maximum");
        let alone = side.lists.is_empty() && !side.negate;
        let sides = [
            family(
                term,
                side.negate,
                hull4,
                single4(&side.addresses).filter(|_| alone),
                ANY4,
            ),
            family(
                term,
                side.negate,
                hull6,
                single6(&side.addresses).filter(|_| alone),
                ANY6,
            ),
        ];
        if sides.iter().flatten().any(|side| side.term != 0) {
            let elements = self.elements_of(side);
            self.terms.push(Term {
                elements,
                negate: side.negate,
            });
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

const ANY4: Side = Side {
    term: 0,
    bits: 0,
    first: 0,
    last: u32::MAX as u128,
};
const ANY6: Side = Side {
    term: 0,
    bits: 0,
    first: 0,
    last: u128::MAX,
};

/// Sides that are any or a prefix in each family, without looking at anything else: most are.
fn without_term(side: &AddressTerm) -> Option<Sides> {
    if side.is_any() {
        return Some([Some(ANY4), Some(ANY6)]);
    }
    if side.negate || !side.lists.is_empty() {
        return None;
    }
    let v4 = match side.addresses.v4() {
        [] => None,
        _ => Some(single4(&side.addresses)?),
    };
    let v6 = match side.addresses.v6() {
        [] => None,
        _ => Some(single6(&side.addresses)?),
    };
    Some([v4, v6])
}

fn single4(addresses: &AddressSet) -> Option<Side> {
    let [(first, last)] = *addresses.v4() else {
        return None;
    };
    let prefix = prefix_bits(first.into(), last.into(), 32)?;
    Some(Side {
        term: 0,
        bits: prefix,
        first: first.into(),
        last: last.into(),
    })
}

fn single6(addresses: &AddressSet) -> Option<Side> {
    let [(first, last)] = *addresses.v6() else {
        return None;
    };
    let prefix = prefix_bits(first, last, 128)?;
    Some(Side {
        term: 0,
        bits: prefix,
        first,
        last,
    })
}

/// Length of the prefix that is exactly these addresses.
fn prefix_bits(first: u128, last: u128, width: u8) -> Option<u8> {
    let differing = first ^ last;
    let is_prefix = differing & differing.wrapping_add(1) == 0 && first & differing == 0;
    let host_bits = u8::try_from(differing.trailing_ones()).expect("at most 128");
    is_prefix.then(|| width - host_bits)
}

/// From the first to the last address of all sets.
fn hull<'a, A: Copy + Ord + 'a>(sets: impl Iterator<Item = &'a [(A, A)]>) -> Option<(A, A)> {
    sets.filter_map(|ranges| Some((ranges.first()?.0, ranges.last()?.1)))
        .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
}

/// `hull`: of what is named in the family, None: nothing; `single`: what is named is one prefix and nothing else.
fn family(
    term: u16,
    negate: bool,
    hull: Option<(u128, u128)>,
    single: Option<Side>,
    any: Side,
) -> Option<Side> {
    match (hull, negate) {
        (None, false) => None,
        (None, true) => Some(any),
        (Some(_), true) => Some(Side { term, ..any }),
        (Some((first, last)), false) => Some(single.unwrap_or(Side {
            term,
            bits: 0,
            first,
            last,
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &[&str], negate: bool, expected: [Option<(bool, u8)>; 2]) {
        let side = AddressTerm {
            addresses: AddressSet::new(addresses.iter().map(|text| text.parse().expect(text))),
            lists: Vec::new(),
            negate,
        };
        let lists = BTreeMap::new();
        let mut terms = Terms::new(&lists);
        let sides = terms.sides(&side).expect("few terms");
        let found = sides.map(|side| side.map(|side| (side.term != 0, side.bits)));
        assert_eq!(found, expected, "{addresses:?} {negate}");
    }

    #[test]
    fn a_prefix_of_each_family_needs_no_term() {
        check(&[], false, [Some((false, 0)), Some((false, 0))]);
        check(&["0.0.0.0/0"], false, [Some((false, 0)), None]);
        check(
            &["10.0.0.0/8", "2001:db8::1"],
            false,
            [Some((false, 8)), Some((false, 128))],
        );
        check(&["10.0.0.0/9", "10.128.0.0/9"], false, [Some((false, 8)), None]);
    }

    #[test]
    fn everything_else_is_a_term_of_the_family_that_needs_it() {
        check(
            &["10.0.0.1", "10.0.0.3", "::/0"],
            false,
            [Some((true, 0)), Some((false, 0))],
        );
        check(&["10.0.0.1-10.0.0.2"], false, [Some((true, 0)), None]);
        check(&["10.0.0.0/8"], true, [Some((true, 0)), Some((false, 0))]);
    }

    #[test]
    fn equal_sides_are_one_term_and_equal_addresses_one_element() {
        let addresses = AddressSet::new(["10.0.0.1-10.0.0.2".parse().expect("range")]);
        let side = |negate| AddressTerm {
            addresses: addresses.clone(),
            lists: vec![],
            negate,
        };
        let (one, same, opposite) = (side(false), side(false), side(true));
        let lists = BTreeMap::new();
        let mut terms = Terms::new(&lists);
        let found =
            [&one, &same, &opposite].map(|side| terms.sides(side).expect("few")[0].expect("IPv4").term);
        assert_eq!(found, [1, 1, 2]);
        assert_eq!((terms.elements.len(), terms.terms.len()), (1, 2));
    }

    #[test]
    fn a_list_without_addresses_matches_nothing() {
        let lists = BTreeMap::from([(7, Arc::new(AddressSet::default()))]);
        let mut terms = Terms::new(&lists);
        let side = |lists: &[u32], negate| AddressTerm {
            lists: lists.to_vec(),
            negate,
            ..AddressTerm::default()
        };
        let (listed, unknown, others) = (side(&[7], false), side(&[8], false), side(&[7], true));
        assert_eq!(terms.sides(&listed), Ok([None, None]));
        assert_eq!(terms.sides(&unknown), Ok([None, None]));
        assert_eq!(terms.sides(&others), Ok([Some(ANY4), Some(ANY6)]));
        assert!(terms.terms.is_empty());
    }
}
