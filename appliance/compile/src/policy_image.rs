//! The image of the policy: trees, what they lead to, and what is looked up by number.

mod boxes;
mod plan;
mod services;
mod translations;

use std::collections::BTreeMap;

use bytemuck::Pod;
use ravelin_abi::rv_image_limit::RV_IMAGE_SLOT_BYTES;
use ravelin_abi::rv_policy_action::{RV_ACTION_ACCEPT, RV_ACTION_DEFER, RV_ACTION_DROP, RV_ACTION_REJECT};
use ravelin_abi::rv_policy_field::RV_FIELD_LEAF;
use ravelin_abi::rv_policy_header_flag::{RV_POLICY_DESTINATION_TERMS, RV_POLICY_SOURCE_TERMS};
use ravelin_abi::rv_policy_limit::RV_POLICY_ROOTS;
use ravelin_abi::rv_policy_rule_flag::{RV_RULE_DEFAULT, RV_RULE_LOG};
use ravelin_abi::rv_zone_limit::RV_ZONE_IFINDEX_LIMIT;
use ravelin_abi::{rv_node, rv_policy_header, rv_policy_rule};
use ravelin_model::{Action, ZoneNumber};

use boxes::Family;
pub(crate) use boxes::PolicyBoxes;
use plan::Plan;

use crate::classes::TermRows;
use crate::image::ImageBuilder;
use crate::tree::{Builder, Tree};
use crate::{CounterId, Image, ImageTooLarge, Ruleset};

const ROOTS: usize = RV_POLICY_ROOTS as usize;
/// Most leaves and boxes in them of a family: 64 MiB of IPv4, 128 MiB of IPv6.
const COPIES_MAX: usize = 2 << 20;

/// Most rows of translations of a family: what the programs search in the steps they have.
const TRANSLATIONS_MAX: usize = 1 << 20;

/// What an image has in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicySizes {
    /// Boxes the rules make, of both families.
    pub boxes: usize,
    /// Boxes in leaves: a box is in each leaf it reaches.
    pub copies: usize,
    /// Nodes of all trees.
    pub nodes: usize,
    /// Nodes on the longest way from a root to a leaf.
    pub depth: usize,
    /// Sides of rules that are not one prefix.
    pub terms: usize,
    /// Classes of addresses they tell apart.
    pub classes: usize,
}

/// The image, and what is in it.
pub(crate) fn build(
    ruleset: &Ruleset,
    boxes: &PolicyBoxes,
    rows: &TermRows,
) -> Result<(Image, PolicySizes), ImageTooLarge> {
    let mut image = ImageBuilder::new(size_of::<rv_policy_header>());
    let mut header = rv_policy_header {
        revision: ruleset.revision.0,
        classes_count: rows.classes(),
        terms_row_words: u32::try_from(rows.row_words).expect("terms have 16-bit numbers"),
        ..rv_policy_header::default()
    };
    let mut sizes = PolicySizes {
        terms: boxes.terms.len(),
        classes: rows.classes() as usize,
        ..PolicySizes::default()
    };
    header.rules = image.align(size_of::<rv_policy_rule>());
    header.rules_count = count(ruleset.lines.len());
    for line in &ruleset.lines {
        let action = if line.rate_limit.is_some() {
            RV_ACTION_DEFER
        } else {
            action(line.action)
        };
        image.push(&rule(
            line.counter,
            action,
            if line.log { RV_RULE_LOG } else { 0 },
        ));
    }
    let total = boxes.families.iter().map(Family::len).sum();
    for (family, of) in boxes.families.iter().enumerate() {
        header.roots[family] = trees(of, total, rows, &mut image, &mut sizes)?;
        let [source, destination] = of.has_terms();
        if source {
            header.flags |= RV_POLICY_SOURCE_TERMS << family;
        }
        if destination {
            header.flags |= RV_POLICY_DESTINATION_TERMS << family;
        }
    }
    header.terms = image.align((rows.row_words * size_of::<u64>()).max(16));
    image.extend(&rows.rows);
    let (rows4, rows6) = translations::rows(&ruleset.dnat);
    let translations = rows4.len().max(rows6.len());
    if translations > TRANSLATIONS_MAX {
        return Err(ImageTooLarge {
            what: "destination translations of a family",
            needed: translations,
            capacity: TRANSLATIONS_MAX,
        });
    }
    header.dnat = [section(&mut image, &rows4), section(&mut image, &rows6)];
    header.dnat_count = [count(rows4.len()), count(rows6.len())];
    header.zone_numbers = zone_numbers(ruleset);
    header.defaults = section(&mut image, &defaults(ruleset, header.zone_numbers));
    let zones = zones(&ruleset.zone_of_interface);
    header.zones = image.align(RV_IMAGE_SLOT_BYTES as usize);
    header.zones_count = count(zones.len());
    image.extend(&zones);
    Ok((image.finish(&header), sizes))
}

fn section<T: Pod>(image: &mut ImageBuilder, rows: &[T]) -> u32 {
    let slot = image.align(size_of::<T>().next_multiple_of(16));
    image.extend(rows);
    slot
}

/// Trees of a family, nodes first, then the boxes of their leaves. `total`: boxes of both families.
fn trees(
    family: &Family,
    total: usize,
    rows: &TermRows,
    image: &mut ImageBuilder,
    sizes: &mut PolicySizes,
) -> Result<[u32; ROOTS], ImageTooLarge> {
    let trees = plan_trees(family, total, rows)?;
    let mut roots = [0; ROOTS];
    let mut at = image.align(size_of::<rv_node>());
    let first_node = at;
    for (root, tree) in &trees {
        roots[*root] = at;
        at += count(tree.nodes.len());
        sizes.nodes += tree.nodes.len();
        sizes.copies += tree.leaf_boxes.len();
        sizes.depth = sizes.depth.max(tree.depth);
    }
    sizes.boxes += family.len();
    for (_, tree) in &trees {
        image.extend(&tree.nodes);
    }
    let mut at = first_node;
    for (root, tree) in &trees {
        for node in &tree.nodes {
            let mut node = *node;
            if u32::from(node.field) == RV_FIELD_LEAF {
                let first = node.right as usize;
                let numbers = &tree.leaf_boxes[first..first + usize::from(node.count)];
                node.right = family.push_leaf(numbers, image);
            } else {
                node.right += roots[*root];
            }
            image.set(at, &node);
            at += 1;
        }
    }
    Ok(roots)
}

/// The trees of the first plan they fit, with their roots.
fn plan_trees(family: &Family, total: usize, rows: &TermRows) -> Result<Vec<(usize, Tree)>, ImageTooLarge> {
    let boxes = family.tree_boxes(rows);
    let mut trees = Ok(Vec::new());
    for (plan, room) in Plan::all(family.len(), total, COPIES_MAX) {
        let mut builder = Builder::new(&boxes, room);
        trees = (0..)
            .zip(family.by_root(rows, plan))
            .filter(|(_, numbers)| !numbers.is_empty())
            .map(|(root, numbers)| Ok((root, builder.build(&numbers)?)))
            .collect();
        if trees.is_ok() {
            break;
        }
    }
    trees
}

fn action(action: Action) -> u32 {
    match action {
        Action::Accept => RV_ACTION_ACCEPT,
        Action::Drop => RV_ACTION_DROP,
        Action::Reject => RV_ACTION_REJECT,
    }
}

fn rule(counter: CounterId, action: u32, flags: u32) -> rv_policy_rule {
    rv_policy_rule {
        counter,
        action: u8::try_from(action).expect("one of few"),
        flags: u8::try_from(flags).expect("a few bits"),
        pad: 0,
        pad2: 0,
    }
}

/// The greatest number of a zone, and one.
fn zone_numbers(ruleset: &Ruleset) -> u32 {
    let numbers = ruleset.zones.keys().chain(ruleset.zone_of_interface.values());
    let greatest = numbers.max().copied().unwrap_or(ZoneNumber::LOCAL);
    u32::from(greatest.max(ZoneNumber::LOCAL).get()) + 1
}

/// The default of every pair of numbers, whether there are such zones or not.
fn defaults(ruleset: &Ruleset, numbers: u32) -> Vec<rv_policy_rule> {
    let number = |number| ZoneNumber::new(number);
    let pairs = (0..numbers).flat_map(|from| (0..numbers).map(move |to| (from, to)));
    pairs
        .map(|(from, to)| match (number(from), number(to)) {
            (Some(from), Some(to)) => {
                let pair = ruleset.default_for(from, to);
                let log = if pair.log { RV_RULE_LOG } else { 0 };
                rule(pair.counter, action(pair.action), RV_RULE_DEFAULT | log)
            }
            _ => rv_policy_rule::default(),
        })
        .collect()
}

/// The zone of each interface, whole slots. What comes in by one whose index the programs do not look up is left to
/// nftables.
fn zones(zone_of_interface: &BTreeMap<u32, ZoneNumber>) -> Vec<u8> {
    let looked_up = zone_of_interface.range(..RV_ZONE_IFINDEX_LIMIT);
    let length = looked_up
        .clone()
        .next_back()
        .map_or(0, |(index, _)| *index as usize + 1);
    let mut zones = vec![0; length.next_multiple_of(RV_IMAGE_SLOT_BYTES as usize)];
    for (index, zone) in looked_up {
        zones[*index as usize] = zone.get();
    }
    zones
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("limited by what is in memory as larger values")
}
