//! Classes of addresses: two addresses are of one class where no term of any rule can tell them apart. A program looks
//! up the class of an address once and then asks rules by class.

mod element_sets;
mod numbering;
mod sweep;
mod term_rows;
mod terms;

use std::ops::Range;
use std::sync::Arc;

use element_sets::ElementSets;
use numbering::Numbering;
use sweep::{Stretch, sweep};
pub(crate) use term_rows::TermRows;
pub(crate) use terms::{Side, Term, Terms, spell};

use crate::{AddressSet, ImageTooLarge};

/// What terms are made of.
#[derive(Debug, Clone)]
pub(crate) enum Element {
    /// The addresses a side spells out.
    Addresses(AddressSet),
    /// A list by number.
    List(u32, Arc<AddressSet>),
}

impl Element {
    fn addresses(&self) -> &AddressSet {
        match self {
            Self::Addresses(addresses) => addresses,
            Self::List(_, addresses) => addresses,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Addresses(one), Self::Addresses(other)) => one == other,
            (Self::List(number, one), Self::List(other_number, other)) => {
                number == other_number && (Arc::ptr_eq(one, other) || one == other)
            }
            _ => false,
        }
    }
}

/// The classes that a number of elements make. Class 0 are the addresses of no element.
#[derive(Debug)]
pub(crate) struct Classes {
    elements: Vec<Element>,
    numbering: Numbering,
    /// Sorted, disjoint; addresses in none of them are of class 0.
    pub(crate) ranges4: Vec<(u32, u32, u32)>,
    /// The same.
    pub(crate) ranges6: Vec<(u128, u128, u32)>,
}

impl Classes {
    /// The classes of the elements.
    pub(crate) fn new(elements: Vec<Element>) -> Result<Self, ImageTooLarge> {
        let mut sets = ElementSets::new(elements.len());
        let v4: Vec<_> = elements.iter().map(|element| element.addresses().v4()).collect();
        let v6: Vec<_> = elements.iter().map(|element| element.addresses().v6()).collect();
        let stretches4 = sweep(&v4, &mut sets);
        let stretches6 = sweep(&v6, &mut sets);
        let used = stretches4
            .iter()
            .map(|stretch| stretch.set)
            .chain(stretches6.iter().map(|stretch| stretch.set));
        let numbering = Numbering::new(used, &sets, elements.len())?;
        Ok(Self {
            ranges4: number(&stretches4, &numbering),
            ranges6: number(&stretches6, &numbering),
            elements,
            numbering,
        })
    }

    /// Whether these are the elements, in this order.
    pub(crate) fn are_of(&self, elements: &[Element]) -> bool {
        self.elements.len() == elements.len()
            && self
                .elements
                .iter()
                .zip(elements)
                .all(|(one, other)| one.is_same(other))
    }

    /// How many elements they tell apart.
    pub(crate) fn element_count(&self) -> usize {
        self.elements.len()
    }

    /// How many there are; at least class 0.
    pub(crate) fn count(&self) -> u32 {
        self.numbering.count()
    }

    /// The elements the addresses of a class are in.
    pub(crate) fn elements_of(&self, class: u32) -> &[u32] {
        self.numbering.elements_of(class)
    }

    /// The classes, from class 0 on.
    pub(crate) fn numbers(&self) -> Range<u32> {
        0..self.count()
    }
}

fn number<A: Copy>(stretches: &[Stretch<A>], numbering: &Numbering) -> Vec<(A, A, u32)> {
    stretches
        .iter()
        .map(|stretch| (stretch.first, stretch.last, numbering.class_of(stretch.set)))
        .collect()
}
