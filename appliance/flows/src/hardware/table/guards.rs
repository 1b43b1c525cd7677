//! Packets at their last hop go up, before any other rule.

use std::collections::{BTreeSet, HashMap};

use ravelin_kernel::{FlowerRule, FlowerState, GuardRule, RuleName};
use ravelin_model::HwOffloadFailure;

use super::Table;
use super::connection::Candidate;
use crate::hardware::rules::FlowRules;

impl<R: FlowRules> Table<R> {
    /// Has packets at their last hop go up, before any other rule.
    pub(super) fn guard(&mut self, candidate: &Candidate) -> bool {
        for rule in &candidate.rules {
            let interface = rule.ingress;
            if self.guarded.contains(&interface) {
                continue;
            }
            for name in guard_names(interface) {
                self.doomed.remove(&name);
            }
            let put_in = self.rules.prepare(interface).and_then(|()| {
                let mut guards = GuardRule::all(interface).into_iter();
                guards.try_for_each(|guard| self.rules.replace(guard.handle(), &FlowerRule::Guard(guard)))
            });
            let there = put_in.and_then(|()| self.rules.rules(interface));
            let whole = there.as_ref().is_ok_and(|states| {
                let states = states.iter().map(|state| (state.name, *state)).collect();
                is_guarded(interface, &states)
            });
            if !whole {
                tracing::warn!(interface, problem = ?there.err(), "the card takes no rule for the last hop");
                self.fail(HwOffloadFailure::Refused);
                self.doomed.extend(guard_names(interface));
                return false;
            }
            self.guarded.insert(interface);
        }
        true
    }

    /// Forgets guards that are gone.
    pub(super) fn check_guards(
        &mut self,
        found: &HashMap<RuleName, FlowerState>,
        unread: &BTreeSet<u32>,
        interfaces: &[u32],
    ) {
        self.guarded.retain(|interface| {
            interfaces.contains(interface) && (unread.contains(interface) || is_guarded(*interface, found))
        });
    }
}

pub(super) fn guard_names(interface: u32) -> Vec<RuleName> {
    let name = |guard: GuardRule| FlowerRule::Guard(guard).name(guard.handle());
    GuardRule::all(interface).into_iter().map(name).collect()
}

fn is_guarded(interface: u32, found: &HashMap<RuleName, FlowerState>) -> bool {
    let there = |name: &RuleName| found.get(name).is_some_and(|state| state.in_hardware);
    guard_names(interface).iter().all(there)
}
