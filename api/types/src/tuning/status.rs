//! What tuning saw and did.

use std::time::Duration;

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{TuningLimits, TuningMode, TuningSettings};
use crate::Timestamp;

/// What is tuned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tunable {
    /// Connections of each family that fit into the flow cache.
    FlowCacheConnections,
    /// Buffers for events on their way from the data plane.
    EventBuffers,
    /// Events a buffer holds.
    EventBatch,
    /// Tasks that work on events.
    EventWorkers,
    /// Events each CPU may send in a second.
    EventRate,
    /// Queues of an interface's indirection table in use.
    ReceiveQueues,
}

impl From<model::Tunable> for Tunable {
    fn from(tunable: model::Tunable) -> Self {
        match tunable {
            model::Tunable::FlowCacheConnections => Self::FlowCacheConnections,
            model::Tunable::EventBuffers => Self::EventBuffers,
            model::Tunable::EventBatch => Self::EventBatch,
            model::Tunable::EventWorkers => Self::EventWorkers,
            model::Tunable::EventRate => Self::EventRate,
            model::Tunable::ReceiveQueues => Self::ReceiveQueues,
        }
    }
}

/// Everything there is to say of tuning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Tuning {
    /// Who acts.
    pub mode: TuningMode,
    /// Seconds measured between two decisions.
    pub window_seconds: u32,
    /// Bytes all tuned objects may take together.
    pub memory_ceiling_bytes: u64,
    /// Of each.
    pub limits: TuningLimits,
    /// What is tuned, read back; what cannot be read is missing.
    pub objects: Vec<TunedObject>,
    /// What the last window measured; missing before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub window: Option<TuningWindow>,
    /// The last 100, newest first.
    pub decisions: Vec<TuningDecision>,
    /// Revision of the last change to mode, window, ceiling or limits; also its ETag.
    pub revision: u64,
}

impl From<model::TuningStatus> for Tuning {
    fn from(status: model::TuningStatus) -> Self {
        let model::TuningStatus {
            settings: model::TuningSettings { limits, revision },
            objects,
            window,
            decisions,
            counts: _,
        } = status;
        let TuningSettings {
            mode,
            window_seconds,
            memory_ceiling_bytes,
            limits,
        } = TuningSettings::from(&limits);
        Self {
            mode,
            window_seconds,
            memory_ceiling_bytes,
            limits,
            objects: objects.into_iter().map(Into::into).collect(),
            window: window.map(|(ended_at, window)| TuningWindow::new(Timestamp(ended_at), window)),
            decisions: decisions.into_iter().map(Into::into).collect(),
            revision: revision.0,
        }
    }
}

/// Something tuned, as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TunedObject {
    /// What.
    pub object: Tunable,
    /// Of `receive_queues`: the interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface: Option<String>,
    /// Read back from it.
    pub value: u64,
    /// Least.
    pub min: u64,
    /// Most.
    pub max: u64,
    /// Bytes it takes.
    pub memory_bytes: u64,
    /// When tuning last changed it; missing: not since the engine started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub last_changed_at: Option<Timestamp>,
}

impl From<model::TunedValue> for TunedObject {
    fn from(tuned: model::TunedValue) -> Self {
        let model::TunedValue {
            object: model::TunedObject { tunable, interface },
            value,
            bounds: model::Bounds { min, max },
            memory_bytes,
            last_changed_at,
        } = tuned;
        Self {
            object: tunable.into(),
            interface,
            value,
            min,
            max,
            memory_bytes,
            last_changed_at: last_changed_at.map(Timestamp),
        }
    }
}

/// What became of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TuningOutcome {
    /// It was made, and the object read back.
    Applied,
    /// It was only told: the mode is `advise`.
    Advised,
    /// The memory ceiling has no room for it. Told once.
    Withheld,
    /// It could not be made; the object is as it was.
    Failed,
}

/// A decision of the tuner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TuningDecision {
    /// Grows by one with every decision of the engine's process.
    pub sequence: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Of what.
    pub object: Tunable,
    /// Of `receive_queues`: the interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface: Option<String>,
    /// From.
    pub from: u64,
    /// To.
    pub to: u64,
    /// Why, with the figures.
    #[schema(example = "2951 of 4096 connections are in the cache, 610 more than a window ago")]
    pub reason: String,
    /// What became of it.
    pub outcome: TuningOutcome,
    /// Of `applied`: what the object says afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<u64>,
    /// Of `withheld` and `failed`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<String>,
}

impl From<model::TuningDecision> for TuningDecision {
    fn from(decision: model::TuningDecision) -> Self {
        let model::TuningDecision {
            sequence,
            at,
            adjustment:
                model::Adjustment {
                    object: model::TunedObject { tunable, interface },
                    from,
                    to,
                    reason,
                },
            outcome,
        } = decision;
        let (outcome, value, problem) = match outcome {
            model::TuningOutcome::Applied(value) => (TuningOutcome::Applied, Some(value), None),
            model::TuningOutcome::Advised => (TuningOutcome::Advised, None, None),
            model::TuningOutcome::Withheld(problem) => (TuningOutcome::Withheld, None, Some(problem)),
            model::TuningOutcome::Failed(problem) => (TuningOutcome::Failed, None, Some(problem)),
        };
        Self {
            sequence,
            at: Timestamp(at),
            object: tunable.into(),
            interface,
            from,
            to,
            reason,
            outcome,
            value,
            problem,
        }
    }
}

/// What a window measured. What could not be read is missing and never 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TuningWindow {
    /// When it ended.
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: Timestamp,
    /// How long it really was.
    pub seconds: f64,
    /// The flow cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub flow_cache: Option<TuningCache>,
    /// Events on their way from the data plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub events: Option<TuningEvents>,
    /// Tasks that work on them.
    pub event_workers: TuningWorkers,
    /// Verdicts and flow records written to the store.
    pub store: TuningStore,
    /// Packets of all CPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub softnet: Option<TuningSoftnet>,
    /// CPU time of all threads of the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub engine_cpu_seconds: Option<f64>,
    /// Interfaces whose card spreads packets over queues.
    pub receive_queues: Vec<TuningQueues>,
}

/// The flow cache in a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TuningCache {
    /// Share of packets that were forwarded from it, of 1; `null` without traffic.
    pub hit_rate: Option<f64>,
    /// How full the fuller family is at the end, of 1.
    pub occupancy: f64,
    /// IPv4 connections in it at the end.
    pub ipv4_connections: u64,
    /// IPv6 connections in it at the end.
    pub ipv6_connections: u64,
    /// Connections put in.
    pub inserted_connections: u64,
    /// Connections there was no room for.
    pub refused_connections: u64,
    /// Packets forwarded from it.
    pub hit_packets: u64,
    /// Packets that could have been, had their connection been there.
    pub missed_packets: u64,
}

/// Events in a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TuningEvents {
    /// Read from the data plane.
    pub read_events: u64,
    /// Over the rate.
    pub suppressed_events: u64,
    /// Lost.
    pub lost_events: u64,
    /// Buffers that were there when one was needed.
    pub buffer_hits: u64,
    /// Times there was none.
    pub buffer_misses: u64,
    /// Batches handed on.
    pub batches: u64,
    /// How full they were, of 1; `null` without one.
    pub batch_fill: Option<f64>,
    /// Batches that wait at the end.
    pub waiting_batches: u64,
}

/// Tasks that work on events in a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TuningWorkers {
    /// How many there are at the end.
    pub count: u64,
    /// How long all of them together worked.
    pub busy_seconds: f64,
}

/// Batches written to the store in a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TuningStore {
    /// Batches.
    pub batches: u64,
    /// Rows in them.
    pub rows: u64,
    /// Time a batch took on average; `null` without one.
    pub mean_batch_seconds: Option<f64>,
}

/// What the CPUs did with received packets in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TuningSoftnet {
    /// They took.
    pub processed_packets: u64,
    /// They dropped.
    pub dropped_packets: u64,
    /// Times they stopped with packets left.
    pub squeezed: u64,
}

/// Queues of an interface in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TuningQueues {
    /// Kernel name.
    #[schema(example = "lan0")]
    pub interface: String,
    /// Packets of each queue.
    pub packets: Vec<u64>,
    /// Queues of the indirection table in use.
    pub in_use: u64,
}

impl TuningWindow {
    fn new(ended_at: Timestamp, window: model::TuningWindow) -> Self {
        let model::TuningWindow {
            elapsed,
            cache,
            events,
            workers:
                model::WorkerWindow {
                    count,
                    busy,
                    batches: _,
                },
            store,
            softnet,
            engine_cpu,
            receive,
        } = window;
        let queues = |window| {
            let model::ReceiveWindow {
                interface,
                packets,
                in_use,
            } = window;
            TuningQueues {
                interface,
                packets,
                in_use,
            }
        };
        Self {
            ended_at,
            seconds: elapsed.as_secs_f64(),
            flow_cache: cache.map(Into::into),
            events: events.map(Into::into),
            event_workers: TuningWorkers {
                count,
                busy_seconds: busy.as_secs_f64(),
            },
            store: TuningStore {
                batches: store.batches,
                rows: store.rows,
                mean_batch_seconds: store.latency().as_ref().map(Duration::as_secs_f64),
            },
            softnet: softnet.map(Into::into),
            engine_cpu_seconds: engine_cpu.as_ref().map(Duration::as_secs_f64),
            receive_queues: receive.into_iter().map(queues).collect(),
        }
    }
}

impl From<model::CacheWindow> for TuningCache {
    fn from(window: model::CacheWindow) -> Self {
        Self {
            hit_rate: window.hit_rate(),
            occupancy: window.occupancy(),
            ipv4_connections: window.entries4,
            ipv6_connections: window.entries6,
            inserted_connections: window.inserted,
            refused_connections: window.refused,
            hit_packets: window.hits,
            missed_packets: window.misses,
        }
    }
}

impl From<model::EventWindow> for TuningEvents {
    fn from(window: model::EventWindow) -> Self {
        Self {
            read_events: window.read,
            suppressed_events: window.suppressed,
            lost_events: window.lost,
            buffer_hits: window.buffer_hits,
            buffer_misses: window.buffer_misses,
            batches: window.batches,
            batch_fill: window.batch_fill(),
            waiting_batches: window.waiting,
        }
    }
}

impl From<model::SoftnetWindow> for TuningSoftnet {
    fn from(window: model::SoftnetWindow) -> Self {
        let model::SoftnetWindow {
            processed,
            dropped,
            squeezed,
        } = window;
        Self {
            processed_packets: processed,
            dropped_packets: dropped,
            squeezed,
        }
    }
}
