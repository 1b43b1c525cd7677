//! Overlapping sets of addresses -> disjoint ranges, each with the sets its addresses are in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::element_sets::ElementSets;

/// An address as a number.
pub(super) trait Number: Copy + Ord {
    const LAST: Self;
    /// The next one; None after the last.
    fn next(self) -> Option<Self>;
    /// The one before; never asked of the first.
    fn previous(self) -> Self;
}

impl Number for u32 {
    const LAST: Self = Self::MAX;
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn previous(self) -> Self {
        self - 1
    }
}

impl Number for u128 {
    const LAST: Self = Self::MAX;
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn previous(self) -> Self {
        self - 1
    }
}

/// Addresses that are in the same elements, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch<A> {
    pub(super) first: A,
    pub(super) last: A,
    /// Number of the set of elements; never the empty one.
    pub(super) set: u32,
}

/// Where each address of some element stands. `elements`: sorted disjoint ranges by element.
pub(super) fn sweep<A: Number>(elements: &[&[(A, A)]], sets: &mut ElementSets) -> Vec<Stretch<A>> {
    let mut edges: BinaryHeap<Reverse<(A, u32)>> = (0u32..)
        .zip(elements)
        .filter_map(|(element, ranges)| ranges.first().map(|range| Reverse((range.0, element))))
        .collect();
    let mut cursors = vec![Cursor::default(); elements.len()];
    let mut stretches: Vec<Stretch<A>> = Vec::new();
    let mut set = ElementSets::EMPTY;
    let mut from = None;
    while let Some(mut edge) = edges.peek_mut() {
        let Reverse((at, element)) = *edge;
        if let Some(first) = from.filter(|first| *first < at) {
            push(&mut stretches, first, at.previous(), set);
        }
        from = Some(at);
        set = sets.toggle(set, element);
        match cursors[element as usize].advance(elements[element as usize]) {
            Some(next) => *edge = Reverse((next, element)),
            None => {
                PeekMut::pop(edge);
            }
        }
    }
    if let Some(first) = from {
        push(&mut stretches, first, A::LAST, set);
    }
    stretches
}

/// Where an element's next edge is.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    range: usize,
    inside: bool,
}

impl Cursor {
    fn advance<A: Number>(&mut self, ranges: &[(A, A)]) -> Option<A> {
        self.inside = !self.inside;
        if self.inside {
            ranges[self.range].1.next()
        } else {
            self.range += 1;
            ranges.get(self.range).map(|range| range.0)
        }
    }
}

fn push<A: Number>(stretches: &mut Vec<Stretch<A>>, first: A, last: A, set: u32) {
    if set == ElementSets::EMPTY {
        return;
    }
    match stretches.last_mut() {
        Some(before) if before.set == set && before.last.next() == Some(first) => before.last = last,
        _ => stretches.push(Stretch { first, last, set }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(elements: &[&[(u32, u32)]], expected: &[(u32, u32, &[u32])]) {
        let mut sets = ElementSets::new(elements.len());
        let stretches = sweep(elements, &mut sets);
        let found: Vec<(u32, u32, Vec<u32>)> = stretches
            .iter()
            .map(|stretch| {
                let mut members = Vec::new();
                sets.elements(stretch.set, &mut |element| members.push(element));
                (stretch.first, stretch.last, members)
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(f, l, m)| (*f, *l, m.to_vec())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn overlaps_become_stretches_of_their_own() {
        check(
            &[&[(10, 19), (30, 39)], &[(15, 34)]],
            &[
                (10, 14, &[0]),
                (15, 19, &[0, 1]),
                (20, 29, &[1]),
                (30, 34, &[0, 1]),
                (35, 39, &[0]),
            ],
        );
    }

    #[test]
    fn the_ends_of_the_address_space_are_addresses() {
        check(
            &[&[(0, u32::MAX)], &[(0, 0), (u32::MAX, u32::MAX)], &[]],
            &[
                (0, 0, &[0, 1]),
                (1, u32::MAX - 1, &[0]),
                (u32::MAX, u32::MAX, &[0, 1]),
            ],
        );
    }

    #[test]
    fn what_touches_and_is_in_the_same_sets_is_one() {
        check(&[&[(1, 4)], &[(5, 9)]], &[(1, 4, &[0]), (5, 9, &[1])]);
        check(&[], &[]);
    }
}
