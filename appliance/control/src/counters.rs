//! What each feature counted. The names are part of the API; `list.<id>.` starts those of a list.
//!
//! | feature | counters |
//! | --- | --- |
//! | `statistics` | `packets`, `bytes`, and `<verdict>_packets`, `<verdict>_bytes` with the verdicts `pass`, `drop`, `answer` |
//! | `flow_monitoring` | gauges `ipv4_entries`, `ipv6_entries`, `tcp_established_entries`, `tcp_transitory_entries`, `udp_entries`, `other_entries`, `capacity_entries`; `expired_entries` |
//! | `ddos_protection` | `dropped_packets`, `dropped_bytes`, `list.<id>.packets`, `list.<id>.bytes`; gauges `loaded_entries`, `capacity_entries` |
//! | `dns_blocklist` | `answered_queries`, `dropped_queries`, `list.<id>.queries`; gauges `loaded_names`, `capacity_names` |
//! | `policy_classifier` | `dropped_packets`, `dropped_bytes`: what eBPF dropped itself |
//! | `conntrack_sync` | `readings` of all of conntrack that began anew, `overruns`, `events`, `inserted_entries`, `removed_entries`, `refused_entries`, `drifted_entries`, `moves` to a cache of another size, `left_behind_entries` at those; gauges `ipv4_entries`, `ipv6_entries`, `capacity_entries`, `connections`, `last_reading_microseconds`, `last_pause_microseconds` of XDP at a move |
//! | `flow_offload` | gauges `interfaces`, `eligible_interfaces` |
//! | `flow_records` | `stored_records`, `lost_records`, `exported_records` |
//! | `hw_offload` | `packets`, `bytes` cards forwarded, `installs`, `removals`, `install_microseconds`, and `<reason>_failures` with the reasons `refused`, `not_in_hardware`, `unreadable`; gauges `interfaces`, `supported_interfaces`, `installed_connections`, `capacity_flows` |

use ravelin_compile::NameImage;
use ravelin_datapath::{FlowSummary, HitCounter};
use ravelin_model::{
    Counter, Feature, HwOffloadFailure, HwOffloadStatus, InterfaceStatistics, List, ListId, Reason,
    SyncStatus, Verdict,
};
use ravelin_store::Store;
use time::OffsetDateTime;

use crate::ControlError;
use crate::error::stored;
use crate::plane::Plane;
use crate::retired::{add, by_list};
use crate::snapshot::Snapshot;

/// Reads the counters of a feature; none where there is no data plane it needs.
pub(crate) async fn read(
    feature: Feature,
    now: &Snapshot,
    plane: &Plane,
    store: &Store,
    flows: FlowSummary,
) -> Result<Vec<Counter>, ControlError> {
    let follows = matches!(feature, Feature::ConntrackSync | Feature::FlowRecords);
    if plane.missing().is_some() && !follows {
        return Ok(Vec::new());
    }
    match feature {
        Feature::Statistics => Ok(statistics(&Totals::read(now, plane).await?)),
        Feature::FlowMonitoring => Ok(flow_monitoring(flows)),
        Feature::DdosProtection => ddos_protection(now, plane, store).await,
        Feature::DnsBlocklist => dns_blocklist(now, plane).await,
        Feature::PolicyClassifier => policy_classifier(now, plane).await,
        Feature::ConntrackSync => Ok(conntrack_sync(&now.sync)),
        Feature::FlowOffload => Ok(flow_offload(&now.sync)),
        Feature::FlowRecords => Ok(flow_records(&now.sync)),
        Feature::HwOffload => Ok(hw_offload(&now.hw_offload)),
    }
}

/// Packets and bytes of the whole machine by outcome.
struct Totals(Vec<(Reason, HitCounter)>);

impl Totals {
    async fn read(now: &Snapshot, plane: &Plane) -> Result<Self, ControlError> {
        let interfaces = plane.call(|datapath| datapath.statistics()).await?;
        Ok(Self::sum(&interfaces, now))
    }

    fn sum(interfaces: &[InterfaceStatistics], now: &Snapshot) -> Self {
        let sums = Reason::ALL.map(|reason| {
            let cells = interfaces.iter().flat_map(|interface| &interface.cells);
            let sum = cells
                .filter(|cell| cell.reason == reason)
                .map(|cell| HitCounter {
                    packets: cell.packets,
                    bytes: cell.bytes,
                })
                .fold(now.retired.reason(reason), add);
            (reason, sum)
        });
        Self(sums.to_vec())
    }

    fn of(&self, matches: impl Fn(Reason) -> bool) -> HitCounter {
        let matching = self.0.iter().filter(|(reason, _)| matches(*reason));
        matching.fold(HitCounter::default(), |sum, (_, hits)| add(sum, *hits))
    }
}

fn statistics(totals: &Totals) -> Vec<Counter> {
    let all = totals.of(|_| true);
    let mut counters = vec![counter("packets", all.packets), counter("bytes", all.bytes)];
    for verdict in [Verdict::Pass, Verdict::Drop, Verdict::Answer] {
        let hits = totals.of(|reason| reason.verdict() == verdict);
        counters.push(counter(&format!("{}_packets", verdict.name()), hits.packets));
        counters.push(counter(&format!("{}_bytes", verdict.name()), hits.bytes));
    }
    counters
}

fn flow_monitoring(flows: FlowSummary) -> Vec<Counter> {
    let sweep = flows.last;
    vec![
        gauge("ipv4_entries", sweep.entries4),
        gauge("ipv6_entries", sweep.entries6),
        gauge("tcp_established_entries", sweep.tcp_established),
        gauge("tcp_transitory_entries", sweep.tcp_transitory),
        gauge("udp_entries", sweep.udp),
        gauge("other_entries", sweep.other),
        gauge("capacity_entries", sweep.capacity),
        counter("expired_entries", flows.expired),
    ]
}

async fn ddos_protection(now: &Snapshot, plane: &Plane, store: &Store) -> Result<Vec<Counter>, ControlError> {
    let dropped = Totals::read(now, plane)
        .await?
        .of(|reason| reason == Reason::SourceListed);
    let mut counters = vec![
        counter("dropped_packets", dropped.packets),
        counter("dropped_bytes", dropped.bytes),
        gauge("loaded_entries", count(now.entries.len())),
        gauge("capacity_entries", count(now.rows.capacity())),
    ];
    for id in now.settings.get(Feature::DdosProtection).config.lists() {
        let list = store.list(id, OffsetDateTime::now_utc()).await.map_err(stored)?;
        let list = list.ok_or_else(|| ControlError::UnknownList(id.clone()))?;
        let hits = list_hits(now, plane, &list).await?;
        counters.push(of_list(id, "packets", hits.packets));
        counters.push(of_list(id, "bytes", hits.bytes));
    }
    Ok(counters)
}

/// What an address list caught since the engine started or its entries came, whichever is earlier.
async fn list_hits(now: &Snapshot, plane: &Plane, list: &List) -> Result<HitCounter, ControlError> {
    let rows = now.rows.of(list.number);
    let hits = plane.call(move |datapath| datapath.address_hits(&rows)).await?;
    Ok(hits.into_iter().fold(now.retired.list(&list.id), add))
}

async fn dns_blocklist(now: &Snapshot, plane: &Plane) -> Result<Vec<Counter>, ControlError> {
    let totals = Totals::read(now, plane).await?;
    let answered = totals.of(|reason| reason == Reason::DnsAnswered);
    let dropped = totals.of(|reason| reason == Reason::DnsDropped);
    let mut counters = vec![
        counter("answered_queries", answered.packets),
        counter("dropped_queries", dropped.packets),
        gauge(
            "loaded_names",
            count(now.names.as_ref().map_or(0, |table| table.names)),
        ),
        gauge(
            "capacity_names",
            count(NameImage::capacity(plane.name_bucket_capacity())),
        ),
    ];
    let sets = now.names.as_ref().map_or(&[][..], |table| &table.sets);
    let number = sets.len();
    let hits = plane.call(move |datapath| datapath.name_hits(number)).await?;
    let by_list = by_list(sets, &hits);
    for id in now.settings.get(Feature::DnsBlocklist).config.lists() {
        let live = by_list.get(id).copied().unwrap_or_default();
        counters.push(of_list(id, "queries", add(live, now.retired.list(id)).packets));
    }
    Ok(counters)
}

async fn policy_classifier(now: &Snapshot, plane: &Plane) -> Result<Vec<Counter>, ControlError> {
    let totals = Totals::read(now, plane).await?;
    let dropped = totals.of(|reason| matches!(reason, Reason::PolicyRule | Reason::PolicyDefault));
    Ok(vec![
        counter("dropped_packets", dropped.packets),
        counter("dropped_bytes", dropped.bytes),
    ])
}

fn conntrack_sync(sync: &SyncStatus) -> Vec<Counter> {
    vec![
        counter("readings", sync.epoch),
        counter("overruns", sync.overruns),
        counter("events", sync.events),
        counter("inserted_entries", sync.inserted),
        counter("removed_entries", sync.removed),
        counter("refused_entries", sync.full),
        counter("drifted_entries", sync.drift),
        counter("moves", sync.moves),
        counter("left_behind_entries", sync.left_behind),
        gauge("ipv4_entries", sync.entries4),
        gauge("ipv6_entries", sync.entries6),
        gauge("capacity_entries", sync.capacity),
        gauge("connections", sync.connections),
        gauge(
            "last_reading_microseconds",
            u64::try_from(sync.last_reading.as_micros()).unwrap_or(u64::MAX),
        ),
        gauge(
            "last_pause_microseconds",
            u64::try_from(sync.last_pause.as_micros()).unwrap_or(u64::MAX),
        ),
    ]
}

fn flow_offload(sync: &SyncStatus) -> Vec<Counter> {
    let eligible = sync.ports.iter().filter(|port| port.problem.is_none());
    vec![
        gauge("interfaces", count(sync.ports.len())),
        gauge("eligible_interfaces", count(eligible.count())),
    ]
}

fn flow_records(sync: &SyncStatus) -> Vec<Counter> {
    vec![
        counter("stored_records", sync.records_stored),
        counter("lost_records", sync.records_lost),
        counter("exported_records", sync.records_exported),
    ]
}

fn hw_offload(status: &HwOffloadStatus) -> Vec<Counter> {
    let supported = status.ports.iter().filter(|port| port.problem.is_none());
    let capacity = status.ports.iter().filter_map(|port| port.limit);
    let mut counters = vec![
        counter("packets", status.packets),
        counter("bytes", status.bytes),
        counter("installs", status.installs),
        counter("removals", status.removals),
        counter(
            "install_microseconds",
            u64::try_from(status.install_time.as_micros()).unwrap_or(u64::MAX),
        ),
        gauge("interfaces", count(status.ports.len())),
        gauge("supported_interfaces", count(supported.count())),
        gauge("installed_connections", status.installed),
        gauge("capacity_flows", capacity.fold(0, u64::saturating_add)),
    ];
    let failures = HwOffloadFailure::ALL.iter().zip(status.failures);
    counters.extend(failures.map(|(reason, number)| counter(&format!("{}_failures", reason.name()), number)));
    counters
}

fn counter(name: &str, value: u64) -> Counter {
    Counter {
        name: name.to_owned(),
        value,
        gauge: false,
    }
}

fn gauge(name: &str, value: u64) -> Counter {
    Counter {
        gauge: true,
        ..counter(name, value)
    }
}

fn of_list(list: &ListId, unit: &str, value: u64) -> Counter {
    counter(&format!("list.{list}.{unit}"), value)
}

fn count(number: usize) -> u64 {
    number as u64
}
