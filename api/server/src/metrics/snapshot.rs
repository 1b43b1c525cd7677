//! What the engine says at the moment of a scrape.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use ravelin_api_types::System;
use ravelin_control::{EventLosses, PolicyMetrics, Readiness};
use ravelin_model::{
    Counter, FeatureState, FeatureStatus, Interface, InterfaceStatistics, LinkCounters, LinkState, List,
    ListKind, MapInfo, ProgramInfo,
};
use ravelin_system::AgentError;

use super::families::{Families, Sample};
use super::{policy, system};
use crate::state::AppState;

/// Longest wait for the agent, which only reads files: a scrape has ten seconds for everything.
const MACHINE: Duration = Duration::from_secs(2);

/// Everything that is shown. What could not be read is None, and said so by `ravelin_scrape_success`.
#[derive(Debug)]
pub(super) struct Snapshot {
    readiness: Readiness,
    features: Option<Vec<FeatureStatus>>,
    interfaces: Option<Vec<Interface>>,
    statistics: Option<Vec<InterfaceStatistics>>,
    lists: Option<Vec<List>>,
    programs: Option<Vec<ProgramInfo>>,
    maps: Option<Vec<MapInfo>>,
    losses: Option<EventLosses>,
    policy: Option<PolicyMetrics>,
    system: Option<System>,
}

/// Asks the engine and the machine for everything.
pub(super) async fn take(state: &AppState) -> Snapshot {
    let control = state.control();
    let system = tokio::time::timeout(MACHINE, state.machine().show(control.recovery().into())).await;
    Snapshot {
        readiness: control.readiness(),
        features: read("features", control.features().await),
        interfaces: read("interfaces", control.interfaces().await),
        statistics: read("statistics", control.statistics().await),
        lists: read("lists", control.lists().await),
        programs: read("programs", control.programs().await),
        maps: read("maps", control.maps().await),
        losses: read("event_losses", control.event_losses().await),
        policy: read("policy", control.policy_metrics().await),
        system: read("system", system.unwrap_or(Err(AgentError::Timeout))),
    }
}

fn read<T>(part: &str, result: Result<T, impl fmt::Display>) -> Option<T> {
    result
        .inspect_err(|error| tracing::debug!(part, %error, "a part of the metrics cannot be read"))
        .ok()
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = Families(encoder);
        self.engine(&mut to)?;
        if let Some(features) = &self.features {
            write_features(&mut to, features)?;
        }
        if let Some(statistics) = &self.statistics {
            write_statistics(&mut to, statistics)?;
        }
        if let Some(interfaces) = &self.interfaces {
            write_interfaces(&mut to, interfaces)?;
        }
        if let Some(lists) = &self.lists {
            let entries = lists.iter().map(|list| {
                let kind = match list.kind {
                    ListKind::Address => "address",
                    ListKind::Domain => "domain",
                };
                (
                    vec![("list", list.id.as_str()), ("kind", kind)],
                    list.entries_count,
                )
            });
            to.gauges(
                "list_entries",
                "Entries of a list, expired ones not counted",
                entries,
            )?;
        }
        if let Some(programs) = &self.programs {
            write_programs(&mut to, programs)?;
        }
        if let Some(maps) = &self.maps {
            write_maps(&mut to, maps)?;
        }
        if let Some(EventLosses { suppressed, lost }) = self.losses {
            to.counter(
                "events_suppressed",
                "Events over the budget of the data plane",
                suppressed,
            )?;
            to.counter("events_lost", "Events lost to a full ring buffer or queue", lost)?;
        }
        if let Some(metrics) = &self.policy {
            policy::write(&mut to, metrics)?;
        }
        if let Some(machine) = &self.system {
            system::write(&mut to, machine)?;
        }
        Ok(())
    }
}

impl Snapshot {
    fn engine(&self, to: &mut Families<'_>) -> fmt::Result {
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        to.gauges("build_info", "The engine that answers; always 1", [(version, 1)])?;
        let Readiness {
            ready,
            revision,
            problems: _,
        } = &self.readiness;
        to.gauge(
            "ready",
            "Whether everything enabled is at work",
            u64::from(*ready),
        )?;
        to.gauge(
            "configuration_revision",
            "Revision of the configuration",
            revision.0,
        )?;
        let parts = [
            ("features", self.features.is_some()),
            ("interfaces", self.interfaces.is_some()),
            ("statistics", self.statistics.is_some()),
            ("lists", self.lists.is_some()),
            ("programs", self.programs.is_some()),
            ("maps", self.maps.is_some()),
            ("event_losses", self.losses.is_some()),
            ("policy", self.policy.is_some()),
            ("system", self.system.is_some()),
        ];
        let parts = parts.map(|(part, read)| (vec![("part", part)], u64::from(read)));
        to.gauges(
            "scrape_success",
            "Whether a part of the metrics could be read",
            parts,
        )
    }
}

fn write_features(to: &mut Families<'_>, features: &[FeatureStatus]) -> fmt::Result {
    let enabled = features
        .iter()
        .map(|f| (vec![("feature", f.feature.name())], u64::from(f.enabled)));
    to.gauges("feature_enabled", "Whether a feature is switched on", enabled)?;
    let states = features.iter().flat_map(|f| {
        STATES.iter().map(|(state, name)| {
            (
                vec![("feature", f.feature.name()), ("state", *name)],
                u64::from(f.state == *state),
            )
        })
    });
    to.gauges(
        "feature_state",
        "How a feature is doing: 1 for the state it is in",
        states,
    )?;

    // `list.<id>.<unit>` is a number of a list, everything else one of the feature.
    let mut by_unit: BTreeMap<&str, Vec<Sample<'_>>> = BTreeMap::new();
    for status in features {
        let feature = status.feature.name();
        for counter in &status.counters {
            let list = counter
                .name
                .strip_prefix("list.")
                .and_then(|rest| rest.rsplit_once('.'));
            match list {
                Some((list, unit)) => {
                    let labels = vec![("feature", feature), ("list", list)];
                    by_unit.entry(unit).or_default().push((labels, counter.value));
                }
                None => {
                    let help = format!("{} of the feature {feature}", counter.name.replace('_', " "));
                    if let Some(what) = counter.name.strip_suffix("_microseconds") {
                        write_time(to, &format!("{feature}_{what}"), &help, counter)?;
                        continue;
                    }
                    let name = format!("{feature}_{}", counter.name);
                    if counter.gauge {
                        to.gauge(&name, &help, counter.value)?;
                    } else {
                        to.counter(&name, &help, counter.value)?;
                    }
                }
            }
        }
    }
    for (unit, samples) in by_unit {
        let help = format!("What the entries of a list caught, in {unit}");
        to.counters(&format!("list_hits_{unit}"), &help, samples)?;
    }
    Ok(())
}

/// Metrics are in seconds, whatever the API says.
fn write_time(to: &mut Families<'_>, name: &str, help: &str, counter: &Counter) -> fmt::Result {
    let time = Duration::from_micros(counter.value);
    let help = help.replace(" microseconds", "");
    if counter.gauge {
        to.duration(name, &help, time)
    } else {
        to.time(name, &help, time)
    }
}

const STATES: [(FeatureState, &str); 5] = [
    (FeatureState::Disabled, "disabled"),
    (FeatureState::Starting, "starting"),
    (FeatureState::Active, "active"),
    (FeatureState::Degraded, "degraded"),
    (FeatureState::Failed, "failed"),
];

fn write_statistics(to: &mut Families<'_>, statistics: &[InterfaceStatistics]) -> fmt::Result {
    let samples = |value: fn(&ravelin_model::Cell) -> u64| {
        statistics.iter().flat_map(move |interface| {
            interface.cells.iter().map(move |cell| {
                let labels = vec![
                    ("interface", interface.interface.as_str()),
                    ("direction", cell.direction.name()),
                    ("protocol", cell.protocol.name()),
                    ("reason", cell.reason.name()),
                    ("verdict", cell.reason.verdict().name()),
                ];
                (labels, value(cell))
            })
        })
    };
    to.counters(
        "traffic_packets",
        "Packets the data plane saw",
        samples(|cell| cell.packets),
    )?;
    to.counters(
        "traffic_bytes",
        "Bytes the data plane saw, Ethernet header included",
        samples(|cell| cell.bytes),
    )
}

type LinkCounter = fn(&LinkCounters) -> u64;

fn write_interfaces(to: &mut Families<'_>, interfaces: &[Interface]) -> fmt::Result {
    let families: [(&str, &str, LinkCounter); 6] = [
        ("interface_received_packets", "Packets the kernel received", |c| {
            c.received_packets
        }),
        ("interface_received_bytes", "Bytes the kernel received", |c| {
            c.received_bytes
        }),
        (
            "interface_received_dropped_packets",
            "Packets the kernel or the driver dropped on receipt",
            |c| c.received_dropped_packets,
        ),
        ("interface_sent_packets", "Packets the kernel sent", |c| {
            c.sent_packets
        }),
        ("interface_sent_bytes", "Bytes the kernel sent", |c| c.sent_bytes),
        (
            "interface_sent_dropped_packets",
            "Packets the kernel dropped on sending",
            |c| c.sent_dropped_packets,
        ),
    ];
    for (name, help, value) in families {
        let samples = interfaces
            .iter()
            .map(|i| (vec![("interface", i.name.as_str())], value(&i.counters)));
        to.counters(name, help, samples)?;
    }
    let gauge = |value: fn(&Interface) -> bool| {
        interfaces
            .iter()
            .map(move |i| (vec![("interface", i.name.as_str())], u64::from(value(i))))
    };
    to.gauges(
        "interface_up",
        "Whether packets can pass",
        gauge(|i| i.link_state == LinkState::Up),
    )?;
    to.gauges(
        "interface_attached",
        "Whether programs sit on it",
        gauge(|i| !i.attachments.is_empty()),
    )
}

fn write_programs(to: &mut Families<'_>, programs: &[ProgramInfo]) -> fmt::Result {
    // A name may come twice while an old program is being replaced, an id never.
    let ids: Vec<String> = programs.iter().map(|program| program.id.to_string()).collect();
    let labelled = || {
        programs
            .iter()
            .zip(&ids)
            .map(|(p, id)| (vec![("program", p.name.as_str()), ("id", id)], p))
    };
    let memory = labelled().map(|(labels, program)| (labels, program.memory_bytes));
    to.gauges(
        "program_memory_bytes",
        "Kernel memory charged to a program",
        memory,
    )?;
    let measured = || labelled().filter_map(|(labels, program)| Some((labels, program.run_time?)));
    #[allow(clippy::cast_precision_loss)] // exact up to 104 days
    let seconds = measured().map(|(labels, (total_ns, _))| (labels, total_ns as f64 / 1e9));
    to.seconds(
        "program_run",
        "Time spent in a program while measure_run_time was on",
        seconds,
    )?;
    let runs = measured().map(|(labels, (_, runs))| (labels, runs));
    to.counters(
        "program_runs",
        "Runs of a program while measure_run_time was on",
        runs,
    )
}

fn write_maps(to: &mut Families<'_>, maps: &[MapInfo]) -> fmt::Result {
    let labelled = || maps.iter().map(|map| (vec![("map", map.name.as_str())], map));
    let entries = labelled().filter_map(|(labels, map)| Some((labels, map.occupancy?)));
    to.gauges("map_entries", "Entries of a map in use", entries)?;
    let capacity = labelled().map(|(labels, map)| (labels, u64::from(map.max_entries)));
    to.gauges("map_capacity_entries", "Entries a map can hold", capacity)?;
    let memory = labelled().map(|(labels, map)| (labels, map.memory_bytes));
    to.gauges("map_memory_bytes", "Kernel memory of a map", memory)
}

#[cfg(test)]
mod tests;
