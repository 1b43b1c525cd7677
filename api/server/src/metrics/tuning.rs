//! What tuning decided, and what came of it.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use ravelin_model::{Tunable, TunedObject, TunedValue, TuningOutcome, TuningStatus};

use super::families::{Families, Sample};

/// Tuning, as of now.
#[derive(Debug)]
pub(super) struct Tuned(pub(super) TuningStatus);

impl Collector for Tuned {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let TuningStatus {
            settings,
            objects,
            window: _,
            decisions: _,
            counts,
        } = &self.0;
        let mut families = Families(encoder);
        let each = Tunable::ALL.into_iter().flat_map(|tunable| {
            let outcomes = TuningOutcome::NAMES.into_iter();
            outcomes.flat_map(move |outcome| [true, false].map(|up| (tunable, up, outcome)))
        });
        let decisions = each.map(|key| {
            let (tunable, up, outcome) = key;
            let direction = if up { "up" } else { "down" };
            let labels = vec![
                ("object", tunable.name()),
                ("direction", direction),
                ("outcome", outcome),
            ];
            (labels, counts.get(&key).copied().unwrap_or(0))
        });
        families.counters("tuning_decisions", "Decisions of tuning", decisions)?;
        families.gauges(
            "tuning_value",
            "What is tuned, read back",
            objects.iter().map(|tuned| sample(tuned, tuned.value)),
        )?;
        families.gauges(
            "tuning_memory_bytes",
            "Bytes what is tuned takes",
            objects.iter().map(|tuned| sample(tuned, tuned.memory_bytes)),
        )?;
        families.gauge(
            "tuning_memory_ceiling_bytes",
            "Bytes all that is tuned may take",
            settings.limits.memory_ceiling_bytes,
        )
    }
}

fn sample(tuned: &TunedValue, value: u64) -> Sample<'_> {
    let TunedObject { tunable, interface } = &tuned.object;
    let interface = interface.as_deref().unwrap_or_default();
    (vec![("object", tunable.name()), ("interface", interface)], value)
}
