//! Figures of the machine. What it has not, or cannot be read, is missing.

use std::collections::HashMap;
use std::fmt;

use ravelin_api_types::{RecoveryState, SlotName, StateCondition, System, SystemSlot, SystemTemperature};

use super::families::{Families, Sample};

/// Writes what the machine says of itself.
pub(super) fn write(to: &mut Families<'_>, system: &System) -> fmt::Result {
    if let Some(version) = &system.image_version {
        let version = vec![("version", version.as_str())];
        to.gauges(
            "system_image_info",
            "The image that runs; always 1",
            [(version, 1)],
        )?;
    }
    if system.appliance {
        write_slots(to, system)?;
    }
    if let Some(disk) = system.state_disk {
        to.gauge(
            "system_state_disk_size_bytes",
            "Room of the state partition",
            disk.size_bytes,
        )?;
        to.gauge(
            "system_state_disk_free_bytes",
            "Room left on the state partition",
            disk.free_bytes,
        )?;
    }
    if let Some(memory) = system.memory {
        to.gauge(
            "system_memory_size_bytes",
            "Memory of the machine",
            memory.total_bytes,
        )?;
        to.gauge(
            "system_memory_available_bytes",
            "Memory a new program could have",
            memory.available_bytes,
        )?;
    }
    if let Some(load) = &system.load {
        let load = ["1", "5", "15"].into_iter().zip(load);
        to.measures(
            "system_load",
            "Processes that run or wait to, on average over so many minutes",
            load.map(|(minutes, load)| (vec![("minutes", minutes)], *load)),
        )?;
    }
    if let Some(uptime) = system.uptime_seconds {
        let help = "Time since the kernel runs";
        to.measure("system_uptime_seconds", help, uptime)?;
    }
    write_temperatures(to, &system.temperatures)?;
    to.gauge(
        "system_clock_synchronised",
        "Whether the kernel follows a time server",
        u64::from(system.clock.synchronised),
    )?;
    if let Some(error) = system.clock.maximum_error_seconds {
        let help = "How wrong the clock may be, as the kernel reckons";
        to.measure("system_clock_maximum_error_seconds", help, error)?;
    }
    let recovery = [
        ("none", RecoveryState::None),
        ("last_known_good", RecoveryState::LastKnownGood),
        ("lockdown", RecoveryState::Lockdown),
    ];
    to.gauges(
        "system_recovery",
        "What the engine goes by: 1 at the state it is in",
        one_of("state", recovery, system.recovery.state),
    )
}

fn write_slots(to: &mut Families<'_>, system: &System) -> fmt::Result {
    let states = system.slots.iter().flat_map(|slot| {
        let SystemSlot {
            name,
            version: _,
            installed_at: _,
            booted,
            good,
            next,
            bad,
        } = slot;
        let name = match name {
            SlotName::A => "a",
            SlotName::B => "b",
        };
        [("booted", booted), ("good", good), ("next", next), ("bad", bad)]
            .map(|(state, is)| (vec![("slot", name), ("state", state)], u64::from(*is)))
    });
    to.gauges("system_slot_state", "Whether a slot is in this state", states)?;
    to.gauge(
        "system_trial",
        "Whether the slot that runs has yet to show that it works",
        u64::from(system.trial.is_some()),
    )?;
    let Some(condition) = system.state_partition else {
        return Ok(());
    };
    let conditions = [
        ("ok", StateCondition::Ok),
        ("repaired", StateCondition::Repaired),
        ("lost", StateCondition::Lost),
    ];
    to.gauges(
        "system_state_partition",
        "How the partition with everything that is set came up: 1 at its condition",
        one_of("condition", conditions, condition),
    )
}

/// Chips of one kind have one name: a number tells them apart.
fn write_temperatures(to: &mut Families<'_>, temperatures: &[SystemTemperature]) -> fmt::Result {
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    let told: Vec<_> = temperatures
        .iter()
        .map(|of| {
            let label = of.label.as_deref().unwrap_or_default();
            let count = counts.entry((&of.sensor, label)).or_default();
            *count += 1;
            (of, label, (*count - 1).to_string())
        })
        .collect();
    let samples = told.iter().map(|(of, label, number)| {
        let labels = vec![
            ("sensor", of.sensor.as_str()),
            ("label", *label),
            ("number", number.as_str()),
        ];
        (labels, of.celsius)
    });
    to.measures(
        "system_temperature_celsius",
        "What a sensor says; sensors of the same name are numbered",
        samples,
    )
}

/// A sample for each value there is: 1 at the one that holds.
fn one_of<V: PartialEq + Copy, const N: usize>(
    label: &'static str,
    values: [(&'static str, V); N],
    holds: V,
) -> [Sample<'static>; N] {
    values.map(|(name, value)| (vec![(label, name)], u64::from(value == holds)))
}

#[cfg(test)]
mod tests {
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::DescriptorEncoder;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;
    use serde_json::json;

    use super::*;

    #[derive(Debug)]
    struct Shown(System);

    impl Collector for Shown {
        fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
            write(&mut Families(encoder), &self.0)
        }
    }

    #[test]
    fn sensors_of_the_same_name_are_told_apart() {
        let sensor =
            |name: &str, celsius: f64| json!({ "sensor": name, "label": "Composite", "celsius": celsius });
        let system = json!({
            "appliance": false, "version": "0.1.0", "slots": [], "first_boot": false,
            "temperatures": [sensor("nvme", 40.5), sensor("nvme", -3.0), { "sensor": "cpu", "celsius": 60.0 }],
            "clock": { "now": "2026-02-01T00:00:00Z", "synchronised": false },
            "recovery": { "state": "lockdown", "volatile": false },
        });
        let mut registry = Registry::with_prefix("ravelin");
        registry.register_collector(Box::new(Shown(serde_json::from_value(system).expect("system"))));
        let mut text = String::new();
        encode(&mut text, &registry).expect("encode");
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "ravelin_system_temperature_celsius{sensor=\"nvme\",label=\"Composite\",number=\"0\"} 40.5",
                "ravelin_system_temperature_celsius{sensor=\"nvme\",label=\"Composite\",number=\"1\"} -3.0",
                "ravelin_system_temperature_celsius{sensor=\"cpu\",label=\"\",number=\"0\"} 60.0",
                "ravelin_system_clock_synchronised 0",
                "ravelin_system_recovery{state=\"none\"} 0",
                "ravelin_system_recovery{state=\"last_known_good\"} 0",
                "ravelin_system_recovery{state=\"lockdown\"} 1",
            ]
        );
    }
}
