//! Rounds of reading, comparing and changing, until nothing is to be done or nothing more can be.

use std::fmt;

use ravelin_model::{NetworkFault, NetworkPlan};
use tracing::debug;

use super::difference::difference;
use super::operation::Operation;
use super::present::Present;

/// One does it as a rule. Changes have effects of their own: an IPv6 address goes when its link goes down, a bond sets the
/// MTU of its ports. What does not keep still after so many rounds is a fault.
const ROUNDS: usize = 6;

/// What is brought to a plan: the kernel, or a model of it in tests.
pub(super) trait Kernel {
    /// Why a change was not made.
    type Refusal: fmt::Display;
    /// Why nothing can be read.
    type Error;

    /// Everything there is, and of links what the plan asks for.
    fn read(&mut self, plan: &NetworkPlan) -> Result<Present, Self::Error>;

    /// Makes a change.
    fn perform(&mut self, operation: &Operation) -> Result<(), Self::Refusal>;

    /// Whether a change can succeed when links change.
    fn waits(refusal: &Self::Refusal) -> bool;
}

/// Brings it to the plan; what could not be brought about. What fails is tried again as long as other changes are made,
/// which may be what it needs.
pub(super) fn bring<K: Kernel>(kernel: &mut K, plan: &NetworkPlan) -> Result<Vec<NetworkFault>, K::Error> {
    let mut refused: Vec<(Operation, K::Refusal)> = Vec::new();
    let mut affirmed: Vec<Operation> = Vec::new();
    let mut rounds = 0..ROUNDS;
    let mut moving = true;
    loop {
        let mut difference = difference(plan, &kernel.read(plan)?);
        // That they hold cannot be read, so they are to be done for ever.
        difference
            .operations
            .retain(|operation| !affirmed.contains(operation));
        if difference.operations.is_empty() || !moving || rounds.next().is_none() {
            let mut faults = difference.faults;
            let left = difference.operations.iter();
            faults.extend(left.map(|operation| fault::<K>(operation, &refused)));
            return Ok(faults);
        }
        refused.clear();
        moving = false;
        for operation in difference.operations {
            debug!(?operation, "change the network");
            match kernel.perform(&operation) {
                Ok(()) => {
                    moving = true;
                    if matches!(operation, Operation::AffirmRoute(_)) {
                        affirmed.push(operation);
                    }
                }
                Err(refusal) => {
                    if let Operation::ReplaceRoute(route) | Operation::AffirmRoute(route) = &operation {
                        // The one there is not wanted, and must not outlive the one that is. Should it, the next round
                        // finds it.
                        moving |= kernel.perform(&Operation::RemoveRoute(route.clone())).is_ok();
                    }
                    refused.push((operation, refusal));
                }
            }
        }
    }
}

fn fault<K: Kernel>(operation: &Operation, refused: &[(Operation, K::Refusal)]) -> NetworkFault {
    let refusal = refused.iter().find(|(of, _)| of == operation);
    let failure = operation.failure();
    NetworkFault {
        part: operation.part(),
        waiting: refusal.is_some_and(|(_, refusal)| K::waits(refusal)),
        reason: match refusal {
            Some((_, refusal)) => format!("{failure}: {refusal}"),
            None => format!("{failure}, though the kernel said so: something changes it back"),
        },
    }
}
