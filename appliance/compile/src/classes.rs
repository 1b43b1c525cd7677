//! Classes of addresses: two addresses are of one class where no term of any rule can tell them apart. A program looks
//! up the class of an address once and then asks rules by class.

mod element_sets;
mod numbering;
mod sweep;
mod term_rows;
mod terms;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use element_sets::ElementSets;
use numbering::Numbering;
use sweep::{Stretch, sweep};
pub(crate) use term_rows::TermRows;
pub(crate) use terms::{Side, Term, Terms, spell};

use crate::address_index::AddressIndex;
use crate::{AddressSet, Image, ImageTooLarge};

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
}

/// The classes that a number of elements make. Class 0 are the addresses of no element.
#[derive(Debug)]
pub(crate) struct Classes {
    elements: Vec<Element>,
    numbering: Numbering,
    /// Address -> class; addresses of class 0 are not in it.
    pub(crate) index: Arc<Image>,
}

impl Classes {
    /// The classes of the elements.
    pub(crate) fn new(elements: Vec<Element>) -> Result<Self, ImageTooLarge> {
        let mut sets = ElementSets::new(elements.len());
        let v4: Vec<_> = elements.iter().map(|element| element.addresses().v4()).collect();
        let v6: Vec<_> = elements.iter().map(|element| element.addresses().v6()).collect();
        let stretches4 = sweep(&v4, &mut sets);
        let stretches6 = sweep(&v6, &mut sets);
        let used4 = stretches4.iter().map(|stretch| stretch.set);
        let used6 = stretches6.iter().map(|stretch| stretch.set);
        let (numbering, classes) = Numbering::new(used4.chain(used6), &sets, elements.len())?;
        let index = AddressIndex::build(&number(&stretches4, &classes), &number(&stretches6, &classes));
        Ok(Self {
            elements,
            numbering,
            index: Arc::new(index),
        })
    }

    /// Where each of the elements is among those these classes tell apart; None: one is not, or most of these are not
    /// asked for any more, so that it is time for new classes.
    pub(crate) fn places(&self, elements: &[Element]) -> Option<Vec<u32>> {
        if self.elements.len() > 2 * elements.len() {
            return None;
        }
        let mut by_addresses = HashMap::new();
        let mut by_list = HashMap::new();
        for (place, element) in (0u32..).zip(&self.elements) {
            match element {
                Element::Addresses(addresses) => by_addresses.insert(addresses, place),
                Element::List(number, _) => by_list.insert(*number, place),
            };
        }
        let place = |element: &Element| match element {
            Element::Addresses(addresses) => by_addresses.get(addresses).copied(),
            Element::List(number, addresses) => {
                let place = *by_list.get(number)?;
                let known = self.elements[place as usize].addresses();
                (std::ptr::eq(known, addresses.as_ref()) || known == addresses.as_ref()).then_some(place)
            }
        };
        elements.iter().map(place).collect()
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

/// `classes` by set.
fn number<A: Copy>(stretches: &[Stretch<A>], classes: &[u32]) -> Vec<(A, A, u32)> {
    stretches
        .iter()
        .map(|stretch| (stretch.first, stretch.last, classes[stretch.set as usize]))
        .collect()
}
