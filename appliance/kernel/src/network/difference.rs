//! What is to be done to bring the kernel to a plan. Pure: all it knows is what was read.
//!
//! The order closes before it opens. Links go down and leave bridges first, others' addresses and routes are never
//! touched, links are raised when they are what they shall be, and what shall drop or refuse packets comes before what
//! forwards them. An address or a route goes after the one that takes its place has come.

mod addresses;
mod links;
mod routes;

use std::collections::BTreeSet;

use ravelin_model::{NetworkFault, NetworkPart, NetworkPlan};

use super::operation::Operation;
use super::present::{Present, plain_rule};
use links::LinkWork;

/// What is to be done, and what cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Difference {
    /// In order.
    pub(super) operations: Vec<Operation>,
    /// What is not as planned whatever is done.
    pub(super) faults: Vec<NetworkFault>,
}

impl Difference {
    fn fault(&mut self, part: NetworkPart, waiting: bool, reason: String) {
        self.faults.push(NetworkFault {
            part,
            waiting,
            reason,
        });
    }
}

/// Compares.
pub(super) fn difference(plan: &NetworkPlan, present: &Present) -> Difference {
    let mut difference = Difference::default();
    let links = LinkWork::new(plan, present, &mut difference);
    links.close(&mut difference);
    links.make(&mut difference);
    links.set(&mut difference);
    addresses::compare(&links, &mut difference);
    links.raise(&mut difference);
    routes::compare(&links, &mut difference);
    rules(plan, present, &mut difference);
    difference
}

/// A rule is added before another goes: where both match, the old one goes on to decide, and never none.
fn rules(plan: &NetworkPlan, present: &Present, difference: &mut Difference) {
    let mut wanted: Vec<_> = plan.rules.iter().collect();
    wanted.sort_by_key(|rule| rule.priority);
    let mut kept = BTreeSet::new();
    for rule in wanted {
        let plain = plain_rule(rule);
        if kept.insert(plain.clone()) && !present.rules.contains(&plain) {
            difference.operations.push(Operation::AddRule(rule.clone()));
        }
    }
    let old = present.rules.iter().filter(|rule| !kept.contains(*rule));
    difference
        .operations
        .extend(old.cloned().map(Operation::RemoveRule));
}
