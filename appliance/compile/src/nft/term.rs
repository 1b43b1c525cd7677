//! One side of a line, for one family.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ravelin_model::AddressRange;

use super::chains::{Chains, digest};
use super::table::{Family, Field, Name, Range, SetBody, Statement, Test};
use super::tree;
use crate::{AddressSet, AddressTerm};

/// Ranges of lists whose changes may change chains.
const SHORT_LIST: usize = 64;

/// What the addresses of a family must be.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// None: any.
    pub(super) matching: Option<Statement>,
    /// The addresses that match, sorted and disjoint; None: they change without the policy.
    pub(super) ranges: Option<Arc<[Range]>>,
}

/// Names the sets of terms.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    lists: &'a BTreeMap<u32, Arc<AddressSet>>,
}

impl<'a> Terms<'a> {
    pub(super) fn new(lists: &'a BTreeMap<u32, Arc<AddressSet>>) -> Self {
        Self { lists }
    }

    /// What a side asks of the addresses of a family; None: none matches.
    pub(super) fn side(
        &self,
        term: &AddressTerm,
        field: fn(Family) -> Field,
        family: Family,
        chains: &mut Chains,
    ) -> Option<Side> {
        let field = field(family);
        if term.is_any() {
            return Some(Side {
                matching: None,
                ranges: Some([family.all()].into()),
            });
        }
        if !term.lists.is_empty() {
            let name = self.list_set(term, family, chains);
            let ranges = match chains.table.sets.get(&name) {
                Some(SetBody::Addresses(_, addresses)) => short(addresses, family),
                _ => None,
            };
            let ranges = ranges.map(|ranges| match term.negate {
                true => tree::subtract(family.all(), &ranges),
                false => ranges,
            });
            return Some(Side {
                matching: Some(set_match(field, term.negate, name)),
                ranges: ranges.map(Into::into),
            });
        }
        let named = ranges(&term.addresses, family);
        let ranges: Arc<[Range]> = if term.negate {
            tree::subtract(family.all(), &named).into()
        } else {
            named.clone().into()
        };
        if ranges.is_empty() {
            return None;
        }
        let matching = if *ranges == [family.all()] {
            None
        } else if named.len() == 1 {
            Some(Statement::Match {
                fields: [field].into(),
                negated: term.negate,
                test: Test::Elements(named.into_iter().map(|range| [range].into()).collect()),
            })
        } else {
            let name = format!("a{:016x}_{}", digest(&named), family.suffix());
            let addresses = Arc::new(term.addresses.clone());
            let name = chains.set(name, SetBody::Addresses(family, addresses));
            Some(set_match(field, term.negate, name))
        };
        Some(Side {
            matching,
            ranges: Some(ranges),
        })
    }

    /// The set of one list, or of all that is named together; of the same name whatever is on the lists.
    fn list_set(&self, term: &AddressTerm, family: Family, chains: &mut Chains) -> Name {
        let list = |number| self.lists.get(number).cloned().unwrap_or_default();
        if let ([number], true) = (term.lists.as_slice(), term.addresses.is_empty()) {
            let name = format!("list{number}_{}", family.suffix());
            return chains.set(name, SetBody::Addresses(family, list(number)));
        }
        let name: Name = format!(
            "t{:016x}_{}",
            digest(&(&term.addresses, &term.lists)),
            family.suffix()
        )
        .into();
        if !chains.table.sets.contains_key(&name) {
            let lists: Vec<Arc<AddressSet>> = term.lists.iter().map(list).collect();
            let all = lists.iter().map(AsRef::as_ref).chain([&term.addresses]);
            let union = AddressSet::new(all.flat_map(|set| address_ranges(set, family)));
            chains.set(name.clone(), SetBody::Addresses(family, Arc::new(union)));
        }
        name
    }
}

/// The ranges of a list that is short enough for chains to depend on what is on it.
fn short(addresses: &AddressSet, family: Family) -> Option<Vec<Range>> {
    let count = match family {
        Family::V4 => addresses.v4().len(),
        Family::V6 => addresses.v6().len(),
    };
    (count <= SHORT_LIST).then(|| ranges(addresses, family))
}

fn set_match(field: Field, negated: bool, name: Name) -> Statement {
    Statement::Match {
        fields: [field].into(),
        negated,
        test: Test::Set(name),
    }
}

/// The ranges of a family.
pub(super) fn ranges(set: &AddressSet, family: Family) -> Vec<Range> {
    match family {
        Family::V4 => set
            .v4()
            .iter()
            .map(|(first, last)| (u128::from(*first), u128::from(*last)))
            .collect(),
        Family::V6 => set.v6().to_vec(),
    }
}

/// An address as a number.
pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address of a number.
pub(super) fn address(number: u128, family: Family) -> IpAddr {
    match family {
        Family::V4 => {
            let number = u32::try_from(number).expect("an IPv4 address has 32 bits");
            Ipv4Addr::from(number).into()
        }
        Family::V6 => Ipv6Addr::from(number).into(),
    }
}

fn address_ranges(set: &AddressSet, family: Family) -> impl Iterator<Item = AddressRange> {
    ranges(set, family).into_iter().map(move |(first, last)| {
        AddressRange::new(address(first, family), address(last, family)).expect("ranges are in order")
    })
}
