//! Addresses: others' are left alone, and serve where they are what is wanted.

use std::collections::BTreeMap;

use ipnet::IpNet;
use ravelin_model::NetworkPart;

use super::Difference;
use super::links::{LinkWork, Standing};
use crate::network::operation::Operation;
use crate::network::present::PresentAddress;

pub(super) fn compare(links: &LinkWork<'_>, difference: &mut Difference) {
    let mut there: BTreeMap<u32, Vec<&PresentAddress>> = BTreeMap::new();
    for address in &links.present.addresses {
        there.entry(address.link).or_default().push(address);
    }
    for (wanted, standing) in links.usable() {
        let (there, promotes) = match standing {
            Standing::Stays(link) => (there.remove(&link.index).unwrap_or_default(), link.promotes),
            Standing::Made => (Vec::new(), false),
        };
        link(&wanted.name, &wanted.addresses, &there, promotes, difference);
    }
    // Of links the plan does not have, or cannot use.
    for (index, there) in there {
        if let Some(present) = links.present.links.get(&index)
            && !links.is_doomed(index)
        {
            link(&present.name, &[], &there, present.promotes, difference);
        }
    }
}

/// New ones are added before old ones go, so that routes by their networks stay.
fn link(
    name: &str,
    wanted: &[IpNet],
    there: &[&PresentAddress],
    promotes: bool,
    difference: &mut Difference,
) {
    let mut new: Vec<IpNet> = Vec::new();
    for address in wanted {
        match there.iter().find(|present| present.network == *address) {
            Some(present) if present.duplicate => {
                let part = NetworkPart::Address(name.to_owned(), *address);
                let reason = "another host on the link has it".to_owned();
                difference.fault(part, false, reason);
            }
            Some(_) => {}
            None if new.contains(address) => {}
            None => new.push(*address),
        }
    }
    let old = there
        .iter()
        .filter(|present| present.own && !wanted.contains(&present.network))
        .map(|present| present.network);
    // The kernel has an IPv6 address with one prefix length only.
    let (in_the_way, old): (Vec<IpNet>, Vec<IpNet>) =
        old.partition(|old| matches!(old, IpNet::V6(_)) && new.iter().any(|new| new.addr() == old.addr()));
    let operations = &mut difference.operations;
    let remove = |address| Operation::RemoveAddress(name.to_owned(), address);
    operations.extend(in_the_way.into_iter().map(remove));
    operations.extend(
        new.into_iter()
            .map(|address| Operation::AddAddress(name.to_owned(), address)),
    );
    if !promotes && old.iter().any(|old| matches!(old, IpNet::V4(_))) {
        operations.push(Operation::Promote(name.to_owned()));
    }
    operations.extend(old.into_iter().map(remove));
}
