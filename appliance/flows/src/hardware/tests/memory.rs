//! A card in memory, which refuses what it is told to refuse.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ravelin_kernel::{FlowerRule, FlowerState, RuleName};

use crate::hardware::rules::FlowRules;

/// A card in memory. Cheap to clone: it is the same.
#[derive(Debug, Clone, Default)]
pub(super) struct MemoryRules(Arc<Mutex<Memory>>);

/// What is in it.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) rules: HashMap<RuleName, (FlowerRule, FlowerState)>,
    /// Requests to put in from now on that are refused: one bit each, the lowest is the next.
    pub(super) refuse: u64,
    /// The same of those that are taken without getting into the card.
    pub(super) miss: u64,
    /// Requests to take out that are refused.
    pub(super) keep: u64,
    /// Readings that fail.
    pub(super) blind: u64,
}

/// The lowest of the bits, which is used up.
fn next(bits: &mut u64) -> bool {
    let bit = *bits & 1 != 0;
    *bits >>= 1;
    bit
}

impl MemoryRules {
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FlowRules for MemoryRules {
    fn prepare(&mut self, _: u32) -> Result<(), String> {
        Ok(())
    }

    fn replace(&mut self, handle: u32, rule: &FlowerRule) -> Result<(), String> {
        let mut memory = self.memory();
        if next(&mut memory.refuse) {
            return Err("the table of the card is full".to_owned());
        }
        let in_hardware = !next(&mut memory.miss);
        let name = rule.name(handle);
        let state = FlowerState {
            name,
            in_hardware,
            in_hardware_count: u32::from(in_hardware),
            packets: 0,
            bytes: 0,
            idle: None,
        };
        memory.rules.insert(name, (*rule, state));
        Ok(())
    }

    fn delete(&mut self, name: RuleName) -> Result<(), String> {
        let mut memory = self.memory();
        if next(&mut memory.keep) {
            return Err("the card does not answer".to_owned());
        }
        memory.rules.remove(&name);
        Ok(())
    }

    fn rules(&mut self, interface: u32) -> Result<Vec<FlowerState>, String> {
        let mut memory = self.memory();
        if next(&mut memory.blind) {
            return Err("the rules did not keep still".to_owned());
        }
        let states = memory.rules.values().map(|(_, state)| *state);
        Ok(states.filter(|state| state.name.interface == interface).collect())
    }
}
