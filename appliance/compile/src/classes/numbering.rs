//! Numbers for classes, such that the classes of an element are few runs of numbers: a tree can then ask for them by
//! comparing.

use std::cmp::Reverse;

use super::element_sets::ElementSets;
use crate::ImageTooLarge;

/// Most elements of all classes together: 64 MiB.
const MEMBERS_MAX: usize = 16 << 20;

/// What is in each class.
#[derive(Debug)]
pub(super) struct Numbering {
    /// Where the members of each class end.
    ends: Vec<usize>,
    /// Elements of all classes, in the order of the classes.
    members: Vec<u32>,
}

impl Numbering {
    /// Numbers the sets in use, each of which may come up often; also returns the class of each set. The empty set is
    /// class 0.
    pub(super) fn new(
        used: impl Iterator<Item = u32>,
        sets: &ElementSets,
        elements: usize,
    ) -> Result<(Self, Vec<u32>), ImageTooLarge> {
        let mut seen = vec![false; sets.numbers()];
        seen[ElementSets::EMPTY as usize] = true;
        let mut found = Found::default();
        for set in used {
            if !std::mem::replace(&mut seen[set as usize], true) {
                found.push(set, sets)?;
            }
        }
        // Elements of many classes first: their classes lie together, and the others' in few runs within.
        let mut classes_of = vec![0u32; elements];
        for element in &found.members {
            classes_of[*element as usize] += 1;
        }
        let mut by_use: Vec<u32> = (0u32..).take(elements).collect();
        by_use.sort_by_key(|element| Reverse(classes_of[*element as usize]));
        let mut ranks = vec![0u32; elements];
        for (rank, element) in (0u32..).zip(&by_use) {
            ranks[*element as usize] = rank;
        }
        for at in 0..found.sets.len() {
            let members = found.range(at);
            found.members[members].sort_unstable_by_key(|element| ranks[*element as usize]);
        }
        let mut order: Vec<usize> = (0..found.sets.len()).collect();
        let key = |at: &usize| {
            found.members[found.range(*at)]
                .iter()
                .map(|element| ranks[*element as usize])
        };
        order.sort_by(|one, other| key(one).cmp(key(other)));

        let mut classes = vec![0; sets.numbers()];
        let mut numbering = Self {
            ends: vec![0],
            members: Vec::with_capacity(found.members.len()),
        };
        for (class, at) in (1u32..).zip(order) {
            classes[found.sets[at] as usize] = class;
            numbering
                .members
                .extend_from_slice(&found.members[found.range(at)]);
            numbering.ends.push(numbering.members.len());
        }
        Ok((numbering, classes))
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.ends.len()).expect("no more than sets, which have 32-bit numbers")
    }

    /// In no order that means something.
    pub(super) fn elements_of(&self, class: u32) -> &[u32] {
        let class = class as usize;
        let start = class.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.members[start..self.ends[class]]
    }
}

/// The sets in use with their elements.
#[derive(Default)]
struct Found {
    sets: Vec<u32>,
    ends: Vec<usize>,
    members: Vec<u32>,
}

impl Found {
    fn push(&mut self, set: u32, sets: &ElementSets) -> Result<(), ImageTooLarge> {
        sets.elements(set, &mut |element| self.members.push(element));
        self.sets.push(set);
        self.ends.push(self.members.len());
        if self.members.len() > MEMBERS_MAX {
            return Err(ImageTooLarge {
                what: "overlaps of address sets",
                needed: self.members.len(),
                capacity: MEMBERS_MAX,
            });
        }
        Ok(())
    }

    fn range(&self, at: usize) -> std::ops::Range<usize> {
        at.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[at]
    }
}
