//! Sets of small numbers, each kept once, so that equal sets have equal numbers.

use std::collections::HashMap;

/// Sets of elements. A set is a binary tree over 64-bit words of which equal parts are one, so that a step from a set
/// to one with another element costs the depth of the tree however large the sets are.
#[derive(Debug)]
pub(super) struct ElementSets {
    /// Levels above the words.
    levels: u32,
    /// By number: the word, or above the words the numbers of both halves.
    parts: Vec<u64>,
    known: HashMap<(u32, u64), u32>,
    /// The last step with each element. An element comes and goes at the ends of each range, mostly between the same
    /// two sets.
    steps: Vec<(u32, u32)>,
}

impl ElementSets {
    /// The empty set.
    pub(super) const EMPTY: u32 = 0;

    /// For elements below `elements`.
    pub(super) fn new(elements: usize) -> Self {
        Self {
            levels: elements.div_ceil(64).next_power_of_two().ilog2(),
            parts: vec![0],
            known: HashMap::new(),
            steps: vec![(u32::MAX, u32::MAX); elements],
        }
    }

    /// The set with the element if it was without, and without it if it had it.
    pub(super) fn toggle(&mut self, set: u32, element: u32) -> u32 {
        let (one, other) = self.steps[element as usize];
        if one == set {
            return other;
        }
        if other == set {
            return one;
        }
        let toggled = self.change(self.levels, set, element);
        self.steps[element as usize] = (set, toggled);
        toggled
    }

    /// One more than the highest number of a set or a part of one.
    pub(super) fn numbers(&self) -> usize {
        self.parts.len()
    }

    /// Hands over every element of the set, in order.
    pub(super) fn elements(&self, set: u32, take: &mut impl FnMut(u32)) {
        self.walk(self.levels, set, 0, take);
    }

    fn walk(&self, level: u32, number: u32, first: u32, take: &mut impl FnMut(u32)) {
        if number == Self::EMPTY {
            return;
        }
        let part = self.parts[number as usize];
        if level == 0 {
            let mut word = part;
            while word != 0 {
                take(first + word.trailing_zeros());
                word &= word - 1;
            }
        } else {
            let [left, right] = halves(part);
            self.walk(level - 1, left, first, take);
            self.walk(level - 1, right, first + (64 << (level - 1)), take);
        }
    }

    fn change(&mut self, level: u32, number: u32, element: u32) -> u32 {
        let part = self.parts[number as usize];
        let part = if level == 0 {
            part ^ (1 << (element % 64))
        } else {
            let mut halves = halves(part);
            let half = &mut halves[(element >> (5 + level) & 1) as usize];
            *half = self.change(level - 1, *half, element);
            u64::from(halves[0]) << 32 | u64::from(halves[1])
        };
        self.number(level, part)
    }

    fn number(&mut self, level: u32, part: u64) -> u32 {
        if part == 0 {
            return Self::EMPTY;
        }
        *self.known.entry((level, part)).or_insert_with(|| {
            self.parts.push(part);
            u32::try_from(self.parts.len() - 1).expect("fewer steps than numbers")
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn halves(part: u64) -> [u32; 2] {
    [(part >> 32) as u32, part as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_have_equal_numbers_however_they_came_about() {
        let mut sets = ElementSets::new(1000);
        let mut grown = ElementSets::EMPTY;
        for element in [3, 999, 64, 500] {
            grown = sets.toggle(grown, element);
        }
        let mut shrunk = ElementSets::EMPTY;
        for element in [64, 7, 500, 3, 7, 999] {
            shrunk = sets.toggle(shrunk, element);
        }
        assert_eq!(grown, shrunk);
        let mut elements = Vec::new();
        sets.elements(grown, &mut |element| elements.push(element));
        assert_eq!(elements, [3, 64, 500, 999]);
        for element in elements {
            grown = sets.toggle(grown, element);
        }
        assert_eq!(grown, ElementSets::EMPTY);
    }
}
