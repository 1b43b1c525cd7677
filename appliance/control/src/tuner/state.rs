//! What the tuner remembers from window to window.

use std::collections::BTreeMap;
use std::time::Duration;

use ravelin_model::{Adjustment, TunedObject, TuningOutcome};

use super::costs::Costs;
use super::memory::{Memory, Proposed};

/// What became of earlier decisions, and what objects cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TunerState {
    pub(super) costs: Costs,
    memories: BTreeMap<TunedObject, Memory>,
    pub(super) withheld: Vec<(Adjustment, String)>,
}

impl TunerState {
    /// Nothing was decided yet.
    pub fn new(costs: Costs) -> Self {
        Self {
            costs,
            ..Self::default()
        }
    }

    /// What was wanted in the last window and the memory ceiling has no room for, and what it would take. Told once for
    /// each value and ceiling.
    pub fn take_withheld(&mut self) -> Vec<(Adjustment, String)> {
        std::mem::take(&mut self.withheld)
    }

    /// What became of an adjustment. Each one must be told of before the next window.
    pub fn note(&mut self, adjustment: &Adjustment, outcome: &TuningOutcome) {
        let Adjustment { object, from, to, .. } = adjustment;
        let Some(memory) = self.memories.get_mut(object) else {
            return;
        };
        match outcome {
            TuningOutcome::Applied(_) => memory.changed(*from),
            TuningOutcome::Advised => memory.was_told(*from, *to),
            TuningOutcome::Withheld(_) => {}
            TuningOutcome::Failed(_) => memory.failed(),
        }
    }

    /// How long it took to make a change.
    pub(crate) fn took(&mut self, object: &TunedObject, took: Duration) {
        if let Some(memory) = self.memories.get_mut(object) {
            memory.took = Some(took);
        }
    }

    /// A window went by with these objects; the others are gone.
    pub(super) fn pass(&mut self, values: &BTreeMap<TunedObject, u64>) {
        self.memories.retain(|object, _| values.contains_key(object));
        for (object, value) in values {
            self.memories
                .entry(object.clone())
                .or_insert_with(|| Memory::new(*value))
                .pass();
        }
    }

    /// What is remembered of an object.
    pub(super) fn memory(&mut self, object: &TunedObject, value: u64) -> &mut Memory {
        self.memories
            .entry(object.clone())
            .or_insert_with(|| Memory::new(value))
    }

    /// Notes what is proposed, for [`Self::note`].
    pub(super) fn propose(&mut self, object: &TunedObject, value: u64, proposed: Proposed) {
        self.memory(object, value).proposed = Some(proposed);
    }

    /// Notes that the ceiling has no room for an adjustment, once for each value and ceiling.
    pub(super) fn withhold(&mut self, adjustment: Adjustment, ceiling: u64, needed: u64) {
        let memory = self.memory(&adjustment.object, adjustment.from);
        let key = Some((adjustment.to, ceiling));
        if memory.withheld == key {
            return;
        }
        memory.withheld = key;
        let problem = format!("all tuned objects would take {needed} bytes of at most {ceiling}");
        self.withheld.push((adjustment, problem));
    }
}
