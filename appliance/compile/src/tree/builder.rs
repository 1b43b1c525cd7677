//! Builds trees cell by cell.

use ravelin_abi::rv_node;
use ravelin_abi::rv_policy_field::RV_FIELD_LEAF;
use ravelin_abi::rv_policy_limit::RV_POLICY_DEPTH;

use super::split::{Cut, Ends, Measure};
use super::{Boxes, Room, Span, Tree};
use crate::ImageTooLarge;

/// Boxes a cut is chosen by; more would tell nothing new.
const SAMPLE: usize = 192;
/// In cells of so many boxes each is held against those before it.
const PRUNED: usize = 32;
/// Boxes a cut is chosen by where the boxes do not come apart.
const FIRST: usize = 32;
/// Levels behind which trees only go where they must.
const DEEP: usize = 40;
const DEPTH_MAX: usize = RV_POLICY_DEPTH as usize;

/// Builds the trees of a family one after the other.
#[derive(Debug)]
pub(crate) struct Builder<'a> {
    boxes: &'a Boxes<'a>,
    cell: Vec<Span>,
    /// Boxes of the cells on the way from the root, those of the innermost last.
    open: Vec<u32>,
    ends: Ends,
    measures: [Measure; 5],
    /// What is left of it.
    room: Room,
    tree: Tree,
}

impl<'a> Builder<'a> {
    /// `room` is for all trees together.
    pub(crate) fn new(boxes: &'a Boxes<'a>, room: Room) -> Self {
        Self {
            boxes,
            cell: Vec::new(),
            open: Vec::new(),
            ends: Ends::default(),
            measures: Measure::all(SAMPLE),
            room,
            tree: Tree::default(),
        }
    }

    /// The tree of some boxes, in the order of the rules.
    pub(crate) fn build(&mut self, boxes: &[u32]) -> Result<Tree, ImageTooLarge> {
        self.cell = self
            .boxes
            .space
            .last
            .iter()
            .map(|last| Span::new(0, *last))
            .collect();
        self.open.clear();
        for number in boxes {
            self.open.push(*number);
            if self.covers_cell(*number) {
                break;
            }
        }
        self.tree = Tree::default();
        self.node(0, 1)?;
        self.room.size -= self.tree.size();
        Ok(std::mem::take(&mut self.tree))
    }

    /// The node of the cell whose boxes are the open ones from `start` on; takes them away. Returns the best rule.
    fn node(&mut self, start: usize, depth: usize) -> Result<u32, ImageTooLarge> {
        self.tree.depth = self.tree.depth.max(depth);
        if self.open.len() - start <= PRUNED {
            self.prune(start);
        }
        let Some(cut) = self.cut(start, depth) else {
            return self.leaf(start);
        };
        if depth == DEPTH_MAX {
            return Err(ImageTooLarge {
                what: "levels of a decision tree of rules",
                needed: DEPTH_MAX + 1,
                capacity: DEPTH_MAX,
            });
        }
        let node = self.tree.nodes.len();
        self.tree.nodes.push(rv_node {
            threshold: cut.threshold,
            right: 0,
            best: self.boxes.rules[self.open[start] as usize],
            count: 0,
            field: self.boxes.space.fields[cut.place],
            pad: 0,
        });
        let end = self.open.len();
        let cell = self.cell[cut.place];
        for half in [
            Span::new(cell.first, cut.threshold),
            Span::new(cut.threshold + 1, cell.last),
        ] {
            if half.first != cell.first {
                self.tree.nodes[node].right = index(self.tree.nodes.len());
            }
            self.cell[cut.place] = half;
            self.enter(start..end, cut.place, half);
            self.node(end, depth + 1)?;
        }
        self.cell[cut.place] = cell;
        self.open.truncate(start);
        Ok(self.tree.nodes[node].best)
    }

    /// Opens those of the boxes that have something in a half of their cell, which is the cell by now, up to the first
    /// that is all of it: nothing comes behind that one.
    fn enter(&mut self, boxes: std::ops::Range<usize>, place: usize, half: Span) {
        let spans = &self.boxes.spans[place];
        let terms = self
            .boxes
            .space
            .class_side(place)
            .map(|side| &self.boxes.terms[side]);
        for at in boxes {
            let number = self.open[at];
            let span = spans[number as usize];
            let inside = span.first <= half.last && half.first <= span.last;
            let matches = |terms: &Vec<u16>| {
                let term = terms[number as usize];
                term == 0 || self.boxes.rows.meets(term, half.first, half.last)
            };
            if inside && terms.is_none_or(matches) {
                self.open.push(number);
                if self.covers_cell(number) {
                    break;
                }
            }
        }
    }

    /// Whether every packet of the cell matches the box.
    fn covers_cell(&self, number: u32) -> bool {
        let boxes = self.boxes;
        (0..self.cell.len()).all(|place| {
            if let Some(side) = boxes.space.address_side(place)
                && boxes.terms[side][number as usize] != 0
            {
                // The class says it, wherever the address is.
                return true;
            }
            let cell = self.cell[place];
            match boxes
                .space
                .class_side(place)
                .map(|side| boxes.terms[side][number as usize])
            {
                Some(term) if term != 0 => boxes.rows.covers(term, cell.first, cell.last),
                _ => boxes.spans[place][number as usize].covers(cell),
            }
        })
    }

    /// Takes away the open boxes from `start` on that say nothing in the cell that an earlier one has not said.
    fn prune(&mut self, start: usize) {
        let mut kept = start;
        for at in start..self.open.len() {
            let number = self.open[at];
            if !(start..kept).any(|before| self.hides(self.open[before], number)) {
                self.open[kept] = number;
                kept += 1;
            }
        }
        self.open.truncate(kept);
    }

    /// Whether every packet of the cell that matches `number` matches `before`.
    fn hides(&self, before: u32, number: u32) -> bool {
        let boxes = self.boxes;
        (0..self.cell.len()).all(|place| {
            let term = |side: usize| boxes.terms[side][before as usize];
            if boxes
                .space
                .address_side(place)
                .is_some_and(|side| term(side) != 0)
            {
                return true;
            }
            match boxes.space.class_side(place) {
                Some(side) if term(side) != 0 => {
                    let span = self.hull(number, place);
                    term(side) == boxes.terms[side][number as usize]
                        || boxes.rows.covers(term(side), span.first, span.last)
                }
                _ => {
                    let hull = self.hull(number, place);
                    boxes.spans[place][before as usize].covers(hull)
                }
            }
        })
    }

    /// From the first to the last value a box has of the cell at a place.
    fn hull(&self, number: u32, place: usize) -> Span {
        let cell = self.cell[place];
        let boxes = self.boxes;
        match boxes
            .space
            .class_side(place)
            .map(|side| boxes.terms[side][number as usize])
        {
            Some(term) if term != 0 => {
                let (first, last) = boxes
                    .rows
                    .span(term, cell.first, cell.last)
                    .expect("a box is in no cell without one of its classes");
                Span::new(first, last)
            }
            _ => boxes.spans[place][number as usize].within(cell),
        }
    }

    /// The best cut of the cell whose boxes are the open ones from `start` on. None: it shall be a leaf.
    fn cut(&mut self, start: usize, depth: usize) -> Option<Cut> {
        let count = self.open.len() - start;
        // Few levels are left: no cut but those that must be.
        let is_deep = depth > DEEP;
        if count <= self.room.leaf || is_deep && count <= Room::LEAF_MAX {
            return None;
        }
        let pays = |cut: &Cut| cut.cost < 1.0;
        let step = count.div_ceil(SAMPLE);
        if !is_deep {
            let cut = (0..2).find_map(|measure| self.cut_by(start, step, SAMPLE, measure).filter(pays));
            if cut.is_some() {
                return cut;
            }
        }
        if count <= Room::LEAF_MAX {
            return None;
        }
        // The boxes are in each other's way. Only the first ones count then: where one of them is all of a cell, the
        // others are gone.
        let greatest = self.measures.len() - 1;
        let first = if is_deep { greatest } else { 1 };
        (first..=greatest)
            .find_map(|measure| self.cut_by(start, 1, FIRST, measure).filter(pays))
            .or_else(|| self.halve_classes(start))
            .or_else(|| self.cut_by(start, 1, FIRST, greatest))
    }

    /// The cut in the middle of the classes of a cell, where a term of the first boxes has classes here and there in
    /// all of it; None: none has.
    fn halve_classes(&self, start: usize) -> Option<Cut> {
        let first = self.open[start..].iter().take(FIRST);
        let has_gaps = |place: usize, side: usize| {
            let cell = self.cell[place];
            let terms = first
                .clone()
                .map(|number| self.boxes.terms[side][*number as usize]);
            terms
                .clone()
                .any(|term| term != 0 && !self.boxes.rows.covers(term, cell.first, cell.last))
        };
        let place = (0..self.cell.len())
            .filter(|place| {
                self.boxes
                    .space
                    .class_side(*place)
                    .is_some_and(|side| has_gaps(*place, side))
            })
            .max_by_key(|place| self.cell[*place].last - self.cell[*place].first)?;
        let cell = self.cell[place];
        // A single class has no gaps.
        Some(Cut {
            place,
            threshold: cell.first + (cell.last - cell.first) / 2,
            cost: 1.0,
        })
    }

    /// The best cut judged by every `step`th box, at most `most`; None: they fill the cell.
    fn cut_by(&mut self, start: usize, step: usize, most: usize, measure: usize) -> Option<Cut> {
        let mut ends = std::mem::take(&mut self.ends);
        let mut best: Option<Cut> = None;
        for place in 0..self.cell.len() {
            let cell = self.cell[place];
            if cell.first == cell.last {
                continue;
            }
            ends.clear();
            let mut whole = true;
            for at in (start..self.open.len()).step_by(step).take(most) {
                let span = self.hull(self.open[at], place);
                whole &= span == cell;
                ends.push(span);
            }
            if whole {
                continue;
            }
            if let Some(cut) = ends.best(place, cell, &self.measures[measure])
                && best.is_none_or(|best| cut.cost < best.cost)
            {
                best = Some(cut);
            }
        }
        self.ends = ends;
        best
    }

    fn leaf(&mut self, start: usize) -> Result<u32, ImageTooLarge> {
        let count = self.open.len() - start;
        if count > Room::LEAF_MAX {
            return Err(ImageTooLarge {
                what: "rules in a leaf of a decision tree",
                needed: count,
                capacity: Room::LEAF_MAX,
            });
        }
        let needed = self.tree.size() + count + 1;
        if needed > self.room.size {
            return Err(ImageTooLarge {
                what: "copies of rules in decision trees",
                needed,
                capacity: self.room.size,
            });
        }
        let best = self
            .open
            .get(start)
            .map_or(u32::MAX, |first| self.boxes.rules[*first as usize]);
        self.tree.nodes.push(rv_node {
            threshold: 0,
            right: index(self.tree.leaf_boxes.len()),
            best,
            count: u16::try_from(count).expect("at most RV_POLICY_LEAF_BOXES"),
            field: u8::try_from(RV_FIELD_LEAF).expect("fits the field"),
            pad: 0,
        });
        self.tree.leaf_boxes.extend_from_slice(&self.open[start..]);
        self.open.truncate(start);
        Ok(best)
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).expect("limited by the room for leaf boxes")
}
