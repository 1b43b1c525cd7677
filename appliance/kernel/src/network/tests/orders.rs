//! In which order things are done.

use std::collections::BTreeMap;

use ravelin_compile::generate::Random;
use ravelin_model::RouteTarget;

use super::plans::{self, Kinds};
use super::{PLANS, bring};
use crate::network::difference::difference;
use crate::network::operation::Operation;
use crate::network::present::{Kind, PresentLink};

/// What closes comes before what opens.
fn stage(operation: &Operation) -> u8 {
    match operation {
        Operation::Down(_) | Operation::Leave(_) => 0,
        Operation::Delete(_) => 1,
        Operation::Create(..) | Operation::SpanningTree(..) | Operation::Join { .. } => 2,
        Operation::Mtu(..) => 3,
        Operation::RefuseAdvertisements(_) => 4,
        Operation::AddAddress(..) | Operation::Promote(_) | Operation::RemoveAddress(..) => 5,
        Operation::Up(_) => 6,
        Operation::AddRoute(route) | Operation::ReplaceRoute(route) | Operation::AffirmRoute(route) => {
            match route.target {
                RouteTarget::Blackhole | RouteTarget::Unreachable => 7,
                RouteTarget::Interface(_) => 8,
                RouteTarget::Gateway { .. } => 9,
            }
        }
        Operation::RemoveRoute(_) => 10,
        Operation::AddRule(_) => 11,
        Operation::RemoveRule(_) => 12,
    }
}

/// That every address which takes another's place is there before the other goes.
#[track_caller]
fn check_addresses(operations: &[Operation]) {
    let mut removed: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for operation in operations {
        match operation {
            Operation::RemoveAddress(link, address) => {
                removed.entry(link.as_str()).or_default().push(address.addr());
            }
            Operation::AddAddress(link, _) => {
                let before = removed.get(link.as_str()).cloned().unwrap_or_default();
                // The kernel has no two of one IPv6 address.
                assert!(before.iter().all(|old| old.is_ipv6()), "{operations:#?}");
            }
            _ => {}
        }
    }
}

fn created(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Create(name, _) => Some(name),
        _ => None,
    }
}

#[test]
fn what_closes_comes_before_what_opens() {
    let mut random = Random::seeded();
    for _ in 0..PLANS {
        let mut model = plans::kernel(&mut random);
        let first = plans::plan(&mut random, &model.present, Kinds::ALL);
        bring(&mut model, &first).expect("never fails");
        let second = plans::plan(&mut random, &model.present, Kinds::ALL);
        let mut operations = difference(&second, &model.present).operations;
        check_addresses(&operations);
        // A bond takes no port that is up.
        let joins = |at: usize, operations: &[Operation]| {
            matches!((&operations[at], operations.get(at + 1)),
                (Operation::Down(name), Some(Operation::Join { port, .. })) if port == name)
        };
        let joined: Vec<usize> = (0..operations.len())
            .filter(|at| joins(*at, &operations))
            .collect();
        for at in joined.into_iter().rev() {
            operations.remove(at);
        }
        assert!(operations.is_sorted_by_key(stage), "{operations:#?}");
        let made: Vec<&str> = operations.iter().filter_map(created).collect();
        let grows = |name: &str, bytes: u32| {
            let mut links = model.present.links.values();
            made.contains(&name) || links.any(|link| link.name == name && link.mtu_bytes < bytes)
        };
        let mtus = operations.iter().filter_map(|operation| match operation {
            Operation::Mtu(name, bytes) => Some(grows(name, *bytes)),
            _ => None,
        });
        assert!(mtus.is_sorted(), "what shrinks comes first: {operations:#?}");
    }
}

#[test]
fn links_are_deleted_from_above_and_made_from_below() {
    let mut random = Random::seeded();
    for _ in 0..PLANS {
        let mut model = plans::kernel(&mut random);
        let first = plans::plan(&mut random, &model.present, Kinds::ALL);
        bring(&mut model, &first).expect("never fails");
        let second = plans::plan(&mut random, &model.present, Kinds::ALL);
        let operations = difference(&second, &model.present).operations;
        let named = |name: &str| model.present.links.values().find(|link| link.name == name);
        let carries = |above: &PresentLink, below: &PresentLink| matches!(above.kind, Kind::Vlan { parent: Some(parent), .. } if parent == below.index);
        let deleted: Vec<&PresentLink> = operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Delete(name) => named(name),
                _ => None,
            })
            .collect();
        for (at, below) in deleted.iter().enumerate() {
            assert!(
                !deleted[at..].iter().any(|above| carries(above, below)),
                "{operations:#?}"
            );
        }
        let mut made: Vec<&str> = Vec::new();
        let all: Vec<&str> = operations.iter().filter_map(created).collect();
        for operation in &operations {
            if let Operation::Create(name, link) = operation {
                let members = link.members().iter().map(String::as_str);
                for member in members.filter(|member| all.contains(member)) {
                    assert!(made.contains(&member), "{name} before {member}: {operations:#?}");
                }
                made.push(name);
            }
        }
    }
}
