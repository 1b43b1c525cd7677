//! Decision trees over ordered boxes (HyperSplit kind): a packet takes one way from the root to a leaf of few boxes.

mod builder;
mod span;
mod split;

use ravelin_abi::rv_node;
use ravelin_abi::rv_policy_field::{RV_FIELD_DESTINATION_CLASS, RV_FIELD_SOURCE_CLASS};

use ravelin_abi::rv_policy_limit::RV_POLICY_LEAF_BOXES;

pub(crate) use builder::Builder;
pub(crate) use span::Span;

use crate::classes::TermRows;

/// The key of a family: the words its boxes are about.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    /// `rv_policy_field` of each word.
    pub(crate) fields: Vec<u8>,
    /// The greatest value of each word.
    pub(crate) last: Vec<u32>,
}

impl Space {
    /// The side whose classes are at this place: 0 source, 1 destination.
    pub(crate) fn class_side(&self, place: usize) -> Option<usize> {
        match u32::from(self.fields[place]) {
            RV_FIELD_SOURCE_CLASS => Some(0),
            RV_FIELD_DESTINATION_CLASS => Some(1),
            _ => None,
        }
    }

    /// The side whose address has a word at this place.
    pub(crate) fn address_side(&self, place: usize) -> Option<usize> {
        match self.fields[place] {
            0..4 => Some(0),
            4..8 => Some(1),
            _ => None,
        }
    }
}

/// What trees are made of, in the order of the rules.
#[derive(Debug)]
pub(crate) struct Boxes<'a> {
    pub(crate) space: Space,
    /// By place in the key, then by box.
    pub(crate) spans: Vec<Vec<Span>>,
    /// By side, then by box: the term, 0: none.
    pub(crate) terms: [Vec<u16>; 2],
    /// Rule of each box.
    pub(crate) rules: Vec<u32>,
    pub(crate) rows: &'a TermRows,
}

/// What trees may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Of all trees together, see [`Tree::size`].
    pub(crate) size: usize,
    /// Cells of no more boxes than that are leaves.
    pub(crate) leaf: usize,
}

impl Room {
    /// So many boxes are looked through as fast as a further cut would be.
    pub(crate) const LEAF: usize = 8;
    /// Most boxes a leaf can have.
    pub(crate) const LEAF_MAX: usize = RV_POLICY_LEAF_BOXES as usize;
}

/// A tree, not yet at its place in the image.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// In preorder. `right` of an inner node is an index here, of a leaf an index of `leaf_boxes`.
    pub(crate) nodes: Vec<rv_node>,
    /// Boxes of all leaves.
    pub(crate) leaf_boxes: Vec<u32>,
    /// Nodes on the longest way.
    pub(crate) depth: usize,
}

impl Tree {
    /// Leaves and the boxes in them. A tree has as many inner nodes as leaves, less one.
    pub(crate) fn size(&self) -> usize {
        self.nodes.len().div_ceil(2) + self.leaf_boxes.len()
    }
}
