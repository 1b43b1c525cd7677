//! What is measured of the engine at work: flow cache, events, threads, memory, the store, CPUs and queues. What could
//! not be read is missing, never 0.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use ravelin_control::{CacheReading, EventFigures, Reading};
use ravelin_model::{BatchFigures, ProcessUsage, QueuePackets, SoftnetCpu, SyncStatus, Told, WorkerFigures};

use super::families::Families;

/// A reading, taken just now.
#[derive(Debug)]
pub(super) struct Measured(pub(super) Reading);

impl Collector for Measured {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Reading {
            at: _,
            cache,
            sync,
            events,
            workers,
            softnet,
            process,
            queues,
            verdict_batches,
            flow_record_batches,
        } = &self.0;
        let mut to = Families(encoder);
        if let Told::Known(cache) = cache {
            write_cache(&mut to, cache)?;
        }
        write_moves(&mut to, sync)?;
        if let Told::Known(events) = events {
            write_events(&mut to, events)?;
        }
        write_workers(&mut to, workers)?;
        if let Told::Known(process) = process {
            write_process(&mut to, process)?;
        }
        if let Told::Known(softnet) = softnet {
            write_softnet(&mut to, softnet)?;
        }
        write_queues(&mut to, queues)?;
        write_batches(
            &mut to,
            &[
                ("verdicts", verdict_batches),
                ("flow_records", flow_record_batches),
            ],
        )
    }
}

fn write_cache(to: &mut Families<'_>, cache: &CacheReading) -> fmt::Result {
    let CacheReading {
        lookups,
        capacity,
        bytes,
    } = cache;
    to.counter(
        "flow_cache_hits",
        "Packets forwarded from the flow cache",
        lookups.hits,
    )?;
    to.counter(
        "flow_cache_misses",
        "Packets that could have been forwarded from the flow cache, had their connection been there",
        lookups.misses,
    )?;
    to.gauge(
        "flow_cache_capacity_connections",
        "Connections of each family that fit into the flow cache",
        u64::from(*capacity),
    )?;
    to.gauge("flow_cache_memory_bytes", "Memory of the flow cache", *bytes)
}

/// What else the keeper of the cache counts is told of the feature `conntrack_sync`.
fn write_moves(to: &mut Families<'_>, sync: &SyncStatus) -> fmt::Result {
    to.counter(
        "flow_cache_moves",
        "Moves of connections to a flow cache of another size",
        sync.moves,
    )?;
    to.counter(
        "flow_cache_left_behind_connections",
        "Connections that found no room at such a move",
        sync.left_behind,
    )
}

fn write_events(to: &mut Families<'_>, events: &EventFigures) -> fmt::Result {
    let EventFigures {
        read,
        // Told with the losses of events.
        suppressed: _,
        lost: _,
        buffer_hits,
        buffer_misses,
        batches,
        waiting,
        bytes,
        tuning,
    } = events;
    to.counter("events_read", "Events read from the data plane", *read)?;
    to.counter(
        "event_buffer_hits",
        "Buffers for events that were free when one was needed",
        *buffer_hits,
    )?;
    to.counter(
        "event_buffer_misses",
        "Times no buffer was free, and events waited in the ring",
        *buffer_misses,
    )?;
    to.gauge("event_buffers", "Buffers for events", u64::from(tuning.buffers))?;
    to.gauge(
        "event_buffer_memory_bytes",
        "Memory of all buffers for events",
        *bytes,
    )?;
    to.counter("event_batches", "Batches of events handed on", *batches)?;
    to.gauge(
        "event_batches_waiting",
        "Batches of events nobody works on yet",
        *waiting,
    )?;
    to.gauge(
        "event_batch_limit_events",
        "Events a batch holds at most",
        u64::from(tuning.batch),
    )?;
    to.gauge(
        "event_rate_limit_events",
        "Events each CPU may send in a second",
        u64::from(tuning.rate),
    )
}

fn write_workers(to: &mut Families<'_>, workers: &WorkerFigures) -> fmt::Result {
    let WorkerFigures {
        busy,
        total_busy,
        batches,
    } = workers;
    let count = u64::try_from(busy.len()).unwrap_or(u64::MAX);
    to.gauge("event_workers", "Tasks that work on events", count)?;
    to.counter("event_worker_batches", "Batches of events worked on", *batches)?;
    to.time(
        "event_worker_busy",
        "Time spent on batches of events",
        *total_busy,
    )
}

fn write_process(to: &mut Families<'_>, process: &ProcessUsage) -> fmt::Result {
    let ProcessUsage {
        cpu,
        threads,
        resident_bytes,
    } = process;
    to.time("engine_cpu", "CPU time of the engine, all its threads", *cpu)?;
    let mut groups: BTreeMap<String, Duration> = BTreeMap::new();
    for thread in threads {
        *groups.entry(group(&thread.name)).or_default() += thread.cpu;
    }
    let samples = groups
        .iter()
        .map(|(name, cpu)| (vec![("threads", name.as_str())], cpu.as_secs_f64()));
    to.seconds(
        "engine_thread_cpu",
        "CPU time of threads that run, by their name",
        samples,
    )?;
    let threads = u64::try_from(threads.len()).unwrap_or(u64::MAX);
    to.gauge("engine_threads", "Threads of the engine", threads)?;
    to.gauge(
        "engine_resident_memory_bytes",
        "Memory of the engine that is resident",
        *resident_bytes,
    )
}

/// Name of a thread without its number, so that a pool is one series.
fn group(name: &str) -> String {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | ':' | '/'));
    if base.is_empty() { name } else { base }.to_owned()
}

type SoftnetCount = fn(&SoftnetCpu) -> u32;

fn write_softnet(to: &mut Families<'_>, softnet: &[SoftnetCpu]) -> fmt::Result {
    let cpus: Vec<String> = softnet.iter().map(|cpu| cpu.cpu.to_string()).collect();
    let families: [(&str, &str, SoftnetCount); 3] = [
        ("softnet_processed_packets", "Packets a CPU received", |cpu| {
            cpu.processed
        }),
        (
            "softnet_dropped_packets",
            "Packets a CPU dropped because its backlog was full",
            |cpu| cpu.dropped,
        ),
        (
            "softnet_squeezes",
            "Times a CPU stopped receiving with packets left",
            |cpu| cpu.squeezed,
        ),
    ];
    for (name, help, value) in families {
        let samples = softnet
            .iter()
            .zip(&cpus)
            .map(|(cpu, number)| (vec![("cpu", number.as_str())], u64::from(value(cpu))));
        to.counters(name, help, samples)?;
    }
    Ok(())
}

fn write_queues(to: &mut Families<'_>, queues: &BTreeMap<String, Told<Vec<QueuePackets>>>) -> fmt::Result {
    let told = queues
        .iter()
        .filter_map(|(interface, queues)| Some((interface, queues.known()?)));
    let numbered: Vec<(&str, String, u64)> = told
        .flat_map(|(interface, queues)| {
            let queue = |queue: &QueuePackets| (interface.as_str(), queue.queue.to_string(), queue.packets);
            queues.iter().map(queue)
        })
        .collect();
    let samples = numbered.iter().map(|(interface, queue, packets)| {
        (
            vec![("interface", *interface), ("queue", queue.as_str())],
            *packets,
        )
    });
    to.counters(
        "queue_received_packets",
        "Packets a queue of an interface received",
        samples,
    )
}

fn write_batches(to: &mut Families<'_>, batches: &[(&str, &BatchFigures)]) -> fmt::Result {
    to.batches(
        "store_batch_duration",
        "Time a batch of rows took to be written to the store, its wait included",
        batches,
    )?;
    let rows = batches
        .iter()
        .map(|(kind, figures)| (vec![("kind", *kind)], figures.rows));
    to.counters("store_batch_rows", "Rows of batches written to the store", rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_a_pool_are_one_group() {
        assert_eq!(group("tokio-rt-worker"), "tokio-rt-worker");
        assert_eq!(group("sqlx-sqlite-wor"), "sqlx-sqlite-wor");
        assert_eq!(group("event-worker-12"), "event-worker");
        assert_eq!(group("datapath"), "datapath");
        assert_eq!(group("7"), "7");
    }
}
