//! What tuning keeps to.

use std::ops::RangeInclusive;

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Errors, Fields, FromJson, Node};

/// Who acts on what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TuningMode {
    /// The engine.
    Auto,
    /// Nobody: decisions are only told.
    Advise,
    /// Nothing is decided, and nothing is moved.
    Off,
}

impl From<model::TuningMode> for TuningMode {
    fn from(mode: model::TuningMode) -> Self {
        match mode {
            model::TuningMode::Auto => Self::Auto,
            model::TuningMode::Advise => Self::Advise,
            model::TuningMode::Off => Self::Off,
        }
    }
}

/// Least and most of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TuningBounds {
    /// Least.
    #[schema(example = 1024)]
    pub min: u64,
    /// Most; not less than `min`.
    #[schema(example = 1_048_576)]
    pub max: u64,
}

impl From<model::Bounds> for TuningBounds {
    fn from(bounds: model::Bounds) -> Self {
        let model::Bounds { min, max } = bounds;
        Self { min, max }
    }
}

/// Least and most of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TuningLimits {
    /// Connections of each family that fit into the flow cache, 64 to 2000000.
    pub flow_cache_connections: TuningBounds,
    /// Buffers for events on their way from the data plane, 2 to 4096.
    pub event_buffers: TuningBounds,
    /// Events a buffer holds, 1 to 4096.
    pub event_batch: TuningBounds,
    /// Tasks that work on events, 1 to 64.
    pub event_workers: TuningBounds,
    /// Events each CPU may send in a second, 1 to 1000000.
    pub event_rate: TuningBounds,
    /// Queues of an interface's indirection table in use, 1 to 1024.
    pub receive_queues: TuningBounds,
}

/// Least and most of some; `null` and unknown members are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TuningLimitsPatch {
    /// See `TuningLimits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub flow_cache_connections: Option<TuningBoundsPatch>,
    /// See `TuningLimits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_buffers: Option<TuningBoundsPatch>,
    /// See `TuningLimits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_batch: Option<TuningBoundsPatch>,
    /// See `TuningLimits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_workers: Option<TuningBoundsPatch>,
    /// See `TuningLimits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_rate: Option<TuningBoundsPatch>,
    /// See `TuningLimits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub receive_queues: Option<TuningBoundsPatch>,
}

/// Least, most, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TuningBoundsPatch {
    /// Least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub min: Option<u64>,
    /// Most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max: Option<u64>,
}

/// What tuning keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TuningSettings {
    /// Who acts.
    pub mode: TuningMode,
    /// Seconds measured between two decisions.
    #[schema(minimum = 1, maximum = 3600)]
    pub window_seconds: u32,
    /// Bytes all tuned objects may take together.
    #[schema(minimum = 1_048_576_u64, maximum = 68_719_476_736_u64)]
    pub memory_ceiling_bytes: u64,
    /// Of each.
    pub limits: TuningLimits,
}

/// Members to change; `null` and unknown members are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TuningPatch {
    /// See `TuningSettings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mode: Option<TuningMode>,
    /// See `TuningSettings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 3600)]
    pub window_seconds: Option<u32>,
    /// See `TuningSettings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1_048_576_u64, maximum = 68_719_476_736_u64)]
    pub memory_ceiling_bytes: Option<u64>,
    /// See `TuningSettings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub limits: Option<TuningLimitsPatch>,
}

impl From<&model::TuningLimits> for TuningSettings {
    fn from(limits: &model::TuningLimits) -> Self {
        let model::TuningLimits {
            mode,
            window_seconds,
            memory_ceiling_bytes,
            bounds: _,
        } = limits;
        let of = |tunable| limits.bounds_of(tunable).into();
        Self {
            mode: (*mode).into(),
            window_seconds: *window_seconds,
            memory_ceiling_bytes: *memory_ceiling_bytes,
            limits: TuningLimits {
                flow_cache_connections: of(model::Tunable::FlowCacheConnections),
                event_buffers: of(model::Tunable::EventBuffers),
                event_batch: of(model::Tunable::EventBatch),
                event_workers: of(model::Tunable::EventWorkers),
                event_rate: of(model::Tunable::EventRate),
                receive_queues: of(model::Tunable::ReceiveQueues),
            },
        }
    }
}

impl From<TuningSettings> for model::TuningLimits {
    fn from(settings: TuningSettings) -> Self {
        let TuningSettings {
            mode,
            window_seconds,
            memory_ceiling_bytes,
            limits,
        } = settings;
        let TuningLimits {
            flow_cache_connections,
            event_buffers,
            event_batch,
            event_workers,
            event_rate,
            receive_queues,
        } = limits;
        let bounds = [
            (model::Tunable::FlowCacheConnections, flow_cache_connections),
            (model::Tunable::EventBuffers, event_buffers),
            (model::Tunable::EventBatch, event_batch),
            (model::Tunable::EventWorkers, event_workers),
            (model::Tunable::EventRate, event_rate),
            (model::Tunable::ReceiveQueues, receive_queues),
        ]
        .map(|(tunable, TuningBounds { min, max })| (tunable, model::Bounds { min, max }));
        Self {
            mode: match mode {
                TuningMode::Auto => model::TuningMode::Auto,
                TuningMode::Advise => model::TuningMode::Advise,
                TuningMode::Off => model::TuningMode::Off,
            },
            window_seconds,
            memory_ceiling_bytes,
            bounds: bounds.into(),
        }
    }
}

impl FromJson for TuningMode {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        node.word(
            &[("auto", Self::Auto), ("advise", Self::Advise), ("off", Self::Off)],
            errors,
        )
    }
}

impl FromJson for TuningSettings {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let mode = fields.required("mode", errors);
        let window_seconds = fields.required_with("window_seconds", errors, |node, errors| {
            node.integer(&model::TuningLimits::WINDOW_SECONDS, errors)
        });
        let memory_ceiling_bytes = fields.required_with("memory_ceiling_bytes", errors, |node, errors| {
            node.large_integer(&model::TuningLimits::MEMORY_CEILING_BYTES, errors)
        });
        let limits = fields.required("limits", errors);
        fields.finish(errors);
        Some(Self {
            mode: mode?,
            window_seconds: window_seconds?,
            memory_ceiling_bytes: memory_ceiling_bytes?,
            limits: limits?,
        })
    }
}

impl FromJson for TuningLimits {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let mut of = |tunable: model::Tunable, errors: &mut Errors| {
            fields.required_with(tunable.name(), errors, |node, errors| {
                bounds(node, &tunable.range(), errors)
            })
        };
        let flow_cache_connections = of(model::Tunable::FlowCacheConnections, errors);
        let event_buffers = of(model::Tunable::EventBuffers, errors);
        let event_batch = of(model::Tunable::EventBatch, errors);
        let event_workers = of(model::Tunable::EventWorkers, errors);
        let event_rate = of(model::Tunable::EventRate, errors);
        let receive_queues = of(model::Tunable::ReceiveQueues, errors);
        fields.finish(errors);
        Some(Self {
            flow_cache_connections: flow_cache_connections?,
            event_buffers: event_buffers?,
            event_batch: event_batch?,
            event_workers: event_workers?,
            event_rate: event_rate?,
            receive_queues: receive_queues?,
        })
    }
}

fn bounds(node: Node<'_>, range: &RangeInclusive<u64>, errors: &mut Errors) -> Option<TuningBounds> {
    let mut fields = Fields::of(node, errors)?;
    let mut of = |name, errors: &mut Errors| {
        fields.required_with(name, errors, |node, errors| {
            let value = node.large_integer(range, errors)?;
            Some((node, value))
        })
    };
    let (min, max) = (of("min", errors), of("max", errors));
    fields.finish(errors);
    let ((_, min), (most, max)) = (min?, max?);
    if max < min {
        errors.add(&most, "range", "is less than min");
        return None;
    }
    Some(TuningBounds { min, max })
}
