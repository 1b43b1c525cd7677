//! Lines -> boxes of each family.

use ravelin_abi::rv_box_flag::RV_BOX_ANY_PROTOCOL;
use ravelin_abi::rv_policy_limit::{RV_POLICY_ROOTS, RV_ZONE_NUMBERS};
use ravelin_abi::{rv_box, rv_box4, rv_box6};
use ravelin_model::protocol;

use super::plan::{Plan, Widths};
use super::services::{ServiceBox, service_boxes};
use crate::classes::{Element, Side, Term, TermRows, Terms, spell};
use crate::image::ImageBuilder;
use crate::tree::{Boxes, Space, Span};
use crate::{ImageTooLarge, Ruleset};

/// Most boxes of a family: two thirds of them would fill the copies of its trees.
const BOXES_MAX: usize = 1 << 20;
/// Most boxes of a line for the sake of its addresses. Beyond that they become a term: a look-up of the address for
/// each packet, and of its class for each box.
const SPELLED_MAX: usize = 16;

/// A line with one service, one range of ports on each side, and on each side a prefix or a term.
#[derive(Debug, Clone, Copy)]
struct RuleBox {
    rule: u32,
    source: Side,
    destination: Side,
    service: ServiceBox,
    /// 0: any.
    from: u8,
    to: u8,
}

/// What lines are to a classifier.
#[derive(Debug)]
pub(crate) struct PolicyBoxes {
    /// By `rv_policy_family`.
    pub(crate) families: [Family; 2],
    /// Elements and terms their sides have.
    pub(crate) elements: Vec<Element>,
    pub(crate) terms: Vec<Term>,
}

impl PolicyBoxes {
    /// The boxes of every line.
    pub(crate) fn new(ruleset: &Ruleset) -> Result<Self, ImageTooLarge> {
        let mut terms = Terms::new(&ruleset.lists);
        let mut families = [Family::new(false), Family::new(true)];
        let (mut services, mut sources, mut destinations) = (Vec::new(), Vec::new(), Vec::new());
        for (rule, line) in (0u32..).zip(&ruleset.lines) {
            for (number, family) in families.iter_mut().enumerate() {
                let [icmp, other_icmp] = family.icmp();
                service_boxes(&line.services, icmp, other_icmp, &mut services);
                let most = (SPELLED_MAX / services.len().max(1)).max(1);
                let mut is_spelled = [
                    spell(&line.source, number, most, &mut sources),
                    spell(&line.destination, number, most, &mut destinations),
                ];
                if is_spelled == [true; 2] && sources.len() * destinations.len() > most {
                    is_spelled[usize::from(sources.len() < destinations.len())] = false;
                }
                if !is_spelled[0] {
                    sources.clear();
                    sources.extend(terms.sides(&line.source)?[number]);
                }
                if !is_spelled[1] {
                    destinations.clear();
                    destinations.extend(terms.sides(&line.destination)?[number]);
                }
                for (source, destination) in sources
                    .iter()
                    .flat_map(|source| destinations.iter().map(move |to| (source, to)))
                {
                    family.boxes.extend(services.iter().map(|service| RuleBox {
                        rule,
                        source: *source,
                        destination: *destination,
                        service: *service,
                        from: line.from.map_or(0, |zone| zone.get()),
                        to: line.to.map_or(0, |zone| zone.get()),
                    }));
                }
                if family.boxes.len() > BOXES_MAX {
                    return Err(ImageTooLarge {
                        what: "combinations of addresses and ports in rules",
                        needed: family.boxes.len(),
                        capacity: BOXES_MAX,
                    });
                }
            }
        }
        Ok(Self {
            families,
            elements: terms.elements,
            terms: terms.terms,
        })
    }

    /// Says where the elements of the terms are among others.
    pub(crate) fn move_elements(&mut self, places: &[u32]) {
        for element in self.terms.iter_mut().flat_map(|term| &mut term.elements) {
            *element = places[*element as usize];
        }
    }
}

/// The boxes of a family, in the order of the lines.
#[derive(Debug)]
pub(crate) struct Family {
    is_v6: bool,
    boxes: Vec<RuleBox>,
}

impl Family {
    fn new(is_v6: bool) -> Self {
        Self {
            is_v6,
            boxes: Vec::new(),
        }
    }

    /// Its own ICMP and the other family's.
    fn icmp(&self) -> [u8; 2] {
        if self.is_v6 {
            [protocol::ICMPV6, protocol::ICMP]
        } else {
            [protocol::ICMP, protocol::ICMPV6]
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.boxes.len()
    }

    /// Whether some box asks for a class of (source, destination).
    pub(crate) fn has_terms(&self) -> [bool; 2] {
        [
            self.boxes.iter().any(|of| of.source.term != 0),
            self.boxes.iter().any(|of| of.destination.term != 0),
        ]
    }

    /// Boxes by the tree they go to. A box with a term that no address of any class matches is in none.
    pub(crate) fn by_root(&self, rows: &TermRows, plan: Plan) -> [Vec<u32>; RV_POLICY_ROOTS as usize] {
        let mut roots = [const { Vec::new() }; RV_POLICY_ROOTS as usize];
        let some_match = |side: Side| side.term == 0 || rows.span(side.term, 0, rows.classes() - 1).is_some();
        let sources = Widths::new(self.boxes.iter().map(|of| of.source));
        let destinations = Widths::new(self.boxes.iter().map(|of| of.destination));
        for (number, of) in (0u32..).zip(&self.boxes) {
            if some_match(of.source) && some_match(of.destination) {
                let root = plan.root(sources.is_wide(of.source), destinations.is_wide(of.destination));
                roots[root].push(number);
            }
        }
        roots
    }

    /// The boxes as trees see them.
    pub(crate) fn tree_boxes<'a>(&self, rows: &'a TermRows) -> Boxes<'a> {
        let words = if self.is_v6 { 4 } else { 1 };
        let fields = (0..words).chain(4..4 + words).chain(8..15).collect();
        let zone = RV_ZONE_NUMBERS - 1;
        let class = rows.classes() - 1;
        let others = [
            u16::MAX.into(),
            u16::MAX.into(),
            u8::MAX.into(),
            zone,
            zone,
            class,
            class,
        ];
        let last = std::iter::repeat_n(u32::MAX, 2 * usize::from(words))
            .chain(others)
            .collect();
        let mut spans: Vec<Vec<Span>> = Vec::new();
        for side in [|of: &RuleBox| of.source, |of: &RuleBox| of.destination] {
            for word in 0..words {
                spans.push(self.column(|of| word_span(side(of), word, self.is_v6)));
            }
        }
        spans.push(self.column(|of| ports(of.service.source_port)));
        spans.push(self.column(|of| ports(of.service.destination_port)));
        spans.push(self.column(|of| of.service.protocol.map_or(Span::new(0, u8::MAX.into()), one)));
        spans.push(self.column(|of| zone_span(of.from)));
        spans.push(self.column(|of| zone_span(of.to)));
        spans.push(self.column(|of| class_span(of.source, rows, class)));
        spans.push(self.column(|of| class_span(of.destination, rows, class)));
        Boxes {
            space: Space { fields, last },
            spans,
            terms: [
                self.boxes.iter().map(|of| of.source.term).collect(),
                self.boxes.iter().map(|of| of.destination.term).collect(),
            ],
            rules: self.boxes.iter().map(|of| of.rule).collect(),
            rows,
        }
    }

    fn column(&self, span: impl Fn(&RuleBox) -> Span) -> Vec<Span> {
        self.boxes.iter().map(span).collect()
    }

    /// Writes the boxes of a leaf; their slot.
    pub(crate) fn push_leaf(&self, numbers: &[u32], image: &mut ImageBuilder) -> u32 {
        if numbers.is_empty() {
            // Nobody looks there, but the slot shall be one of the image.
            return 0;
        }
        let size = if self.is_v6 {
            size_of::<rv_box6>()
        } else {
            size_of::<rv_box4>()
        };
        image.align(size);
        let slot = image.keep_together(size * numbers.len());
        for number in numbers {
            let of = &self.boxes[*number as usize];
            if self.is_v6 {
                image.push(&box6(of));
            } else {
                image.push(&box4(of));
            }
        }
        slot
    }
}

/// What a side leaves of a word of the address.
fn word_span(side: Side, word: u8, is_v6: bool) -> Span {
    if !is_v6 {
        return Span::new(low_word(side.first), low_word(side.last));
    }
    let shift = 32 * u32::from(3 - word);
    // With words before that differ, this one can be anything.
    let is_free = word > 0 && side.first >> (shift + 32) != side.last >> (shift + 32);
    if is_free {
        Span::new(0, u32::MAX)
    } else {
        Span::new(low_word(side.first >> shift), low_word(side.last >> shift))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low word is what is wanted")]
fn low_word(address: u128) -> u32 {
    address as u32
}

fn ports((first, last): (u16, u16)) -> Span {
    Span::new(first.into(), last.into())
}

fn one(value: u8) -> Span {
    Span::new(value.into(), value.into())
}

fn zone_span(zone: u8) -> Span {
    match zone {
        0 => Span::new(0, RV_ZONE_NUMBERS - 1),
        zone => one(zone),
    }
}

fn class_span(side: Side, rows: &TermRows, last: u32) -> Span {
    match side.term {
        0 => Span::new(0, last),
        // A box with a term that no class matches is in no tree.
        term => rows
            .span(term, 0, last)
            .map_or(Span::new(0, 0), |(first, last)| Span::new(first, last)),
    }
}

fn rest(of: &RuleBox) -> rv_box {
    rv_box {
        rule: of.rule,
        source_port: of.service.source_port.into(),
        destination_port: of.service.destination_port.into(),
        source_term: of.source.term,
        destination_term: of.destination.term,
        source_bits: of.source.bits,
        destination_bits: of.destination.bits,
        protocol: of.service.protocol.unwrap_or(0),
        flags: match of.service.protocol {
            Some(_) => 0,
            None => u8::try_from(RV_BOX_ANY_PROTOCOL).expect("a low bit"),
        },
        from_zone: of.from,
        to_zone: of.to,
        pad: 0,
    }
}

fn box4(of: &RuleBox) -> rv_box4 {
    let prefix = |side: Side| if side.term == 0 { low_word(side.first) } else { 0 };
    rv_box4 {
        source: prefix(of.source),
        destination: prefix(of.destination),
        box_: rest(of),
    }
}

fn box6(of: &RuleBox) -> rv_box6 {
    let prefix = |side: Side| {
        if side.term == 0 {
            halves(side.first)
        } else {
            [0; 2]
        }
    };
    rv_box6 {
        source: prefix(of.source),
        destination: prefix(of.destination),
        box_: rest(of),
        pad: 0,
    }
}

/// Two words, high first.
#[expect(clippy::cast_possible_truncation, reason = "the low word is what is wanted")]
pub(super) fn halves(address: u128) -> [u64; 2] {
    [(address >> 64) as u64, address as u64]
}
