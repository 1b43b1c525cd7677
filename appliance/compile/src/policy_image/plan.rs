//! How the boxes of a family are dealt out to trees. A packet goes through every tree, so few are fast; a box that is
//! wide where its neighbours are narrow is in most leaves of their tree, so many are small.

use crate::classes::Side;
use crate::tree::Room;

/// A side is wide that has one in so many of all of them within it.
const WIDE_PART: usize = 64;

/// Which boxes share a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// All.
    One,
    /// Those with a narrow destination; those with a wide one.
    Two,
    /// The same, but those with a wide destination by their source.
    Three,
    /// By source and destination.
    Four,
}

impl Plan {
    /// The plans for `boxes` of `total` of both families, fastest first. Their bounds keep the images of 10,000 rules
    /// within 1 MiB; who has few rules can have more for each. The last one makes do with the least; `most` is the room
    /// there is at all.
    pub(crate) fn all(boxes: usize, total: usize, most: usize) -> impl Iterator<Item = (Self, Room)> {
        let share = 16_000 * boxes / total.max(1);
        let few = boxes.saturating_mul(if total <= 20_000 { 7 } else { 12 }) / 4;
        [
            (Self::One, 2_500, share, Room::LEAF),
            (Self::Two, 6_000, share, Room::LEAF),
            (Self::Three, usize::MAX, few, Room::LEAF),
            (Self::Four, usize::MAX, boxes.saturating_mul(6), Room::LEAF),
            (Self::Four, usize::MAX, most, Room::LEAF_MAX),
        ]
        .into_iter()
        .filter(move |(_, up_to, ..)| total <= *up_to)
        .map(move |(plan, _, size, leaf)| {
            (
                plan,
                Room {
                    size: size.min(most),
                    leaf,
                },
            )
        })
    }

    /// The root of a box by whether its sides are wide.
    pub(super) fn root(self, source: bool, destination: bool) -> usize {
        match self {
            Self::One => 0,
            Self::Two => usize::from(destination),
            Self::Three if destination => 1 + usize::from(source),
            Self::Three => 0,
            Self::Four => usize::from(source) * 2 + usize::from(destination),
        }
    }
}

/// What is wide among the sides of a family.
#[derive(Debug)]
pub(super) struct Widths {
    /// Where different sides begin, sorted.
    firsts: Vec<u128>,
}

impl Widths {
    pub(super) fn new(sides: impl Iterator<Item = Side>) -> Self {
        let mut firsts: Vec<u128> = sides.map(|side| side.first).collect();
        firsts.sort_unstable();
        firsts.dedup();
        Self { firsts }
    }

    pub(super) fn is_wide(&self, side: Side) -> bool {
        let before = self.firsts.partition_point(|first| *first < side.first);
        let within = self.firsts.partition_point(|first| *first <= side.last) - before;
        within > 1 && within * WIDE_PART > self.firsts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_with_many_others_in_it_is_wide() {
        let side = |first, last| Side {
            term: 0,
            bits: 0,
            first,
            last,
        };
        // A hundred hosts, one of them in most rules, and networks around ten and around one of them.
        let hosts = (0..100).chain([7; 1000]).map(|host| side(host * 10, host * 10));
        let widths = Widths::new(hosts.chain([side(0, 99), side(500, 509)]));
        assert!(widths.is_wide(side(0, 99)));
        assert!(widths.is_wide(side(0, u128::MAX)));
        assert!(!widths.is_wide(side(500, 509)));
        assert!(!widths.is_wide(side(70, 70)));
    }

    #[test]
    fn the_last_plan_has_all_the_room_and_needs_the_least() {
        for boxes in [1, 3_000, 1_000_000] {
            let (plan, room) = Plan::all(boxes, boxes, 10_000).last().expect("one at least");
            assert_eq!((plan, room.size, room.leaf), (Plan::Four, 10_000, Room::LEAF_MAX));
        }
        assert_eq!(
            Plan::all(1, 1, 20_000).next().map(|(plan, _)| plan),
            Some(Plan::One)
        );
    }
}
