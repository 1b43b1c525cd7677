//! What is left of connections when they end.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FlowCounts, FlowTranslation, FlowTuple};
use crate::{PolicyLine, Timestamp};

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlowEndReason {
    /// Both sides closed it.
    Closed,
    /// One side reset it.
    Reset,
    /// It was silent for too long.
    Timeout,
    /// Somebody asked for its end.
    Killed,
    /// A commit of the policy no longer allows it.
    Policy,
    /// The kernel threw it out, or somebody else deleted it.
    Removed,
}

impl From<model::EndReason> for FlowEndReason {
    fn from(reason: model::EndReason) -> Self {
        match reason {
            model::EndReason::Closed => Self::Closed,
            model::EndReason::Reset => Self::Reset,
            model::EndReason::Timeout => Self::Timeout,
            model::EndReason::Killed => Self::Killed,
            model::EndReason::Policy => Self::Policy,
            model::EndReason::Removed => Self::Removed,
        }
    }
}

impl From<FlowEndReason> for model::EndReason {
    fn from(reason: FlowEndReason) -> Self {
        match reason {
            FlowEndReason::Closed => Self::Closed,
            FlowEndReason::Reset => Self::Reset,
            FlowEndReason::Timeout => Self::Timeout,
            FlowEndReason::Killed => Self::Killed,
            FlowEndReason::Policy => Self::Policy,
            FlowEndReason::Removed => Self::Removed,
        }
    }
}

/// What is left of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowRecord {
    /// Grows with every record.
    pub number: u64,
    /// IANA protocol number.
    #[schema(value_type = i32, minimum = 0, maximum = 255)]
    pub protocol: u8,
    /// As packets of who began it came in.
    pub original: FlowTuple,
    /// As packets of the other side came in.
    pub reply: FlowTuple,
    /// Address translation.
    pub nat: FlowTranslation,
    /// What was counted.
    pub counts: FlowCounts,
    /// When it began; missing: conntrack did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: Timestamp,
    /// How long it lived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub duration_ms: Option<u64>,
    /// Why it ended.
    pub end_reason: FlowEndReason,
    /// Last state of TCP: `syn_sent`, `syn_received`, `established`, `fin_wait`, `close_wait`, `last_ack`, `time_wait`,
    /// `close`, `syn_sent2` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "time_wait")]
    pub tcp_state: Option<String>,
    /// The line of the policy that let it in; missing: it was older than the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line: Option<PolicyLine>,
    /// Revision of the policy at its end.
    pub revision: u64,
    /// Id of the zone it came in from; missing: `line` does not name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from_zone: Option<String>,
    /// Id of the zone it left by; missing: `line` does not name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to_zone: Option<String>,
    /// What forwarded packets of it at its end: `no` (the kernel), `xdp`, `flowtable` or `hw`.
    #[schema(example = "xdp")]
    pub offload: String,
    /// Community ID, version 1 with seed 0, of the connection before translation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "1:LQU9qZlK+B5F3KDmev6m5PMibrg=")]
    pub community_id: Option<String>,
}

impl FlowRecord {
    /// The record with this number; `line`: its line, with its name.
    pub fn new(number: u64, record: model::FlowRecord, line: Option<PolicyLine>) -> Self {
        let model::FlowRecord {
            original,
            reply,
            counts,
            started_at,
            ended_at,
            end_reason,
            tcp_state,
            line: _,
            revision,
            from_zone,
            to_zone,
            offload,
            community_id,
        } = record;
        let lived = started_at.map(|started_at| (ended_at - started_at).whole_milliseconds());
        Self {
            number,
            protocol: original.protocol,
            nat: FlowTranslation::of(&original, &reply),
            original: original.into(),
            reply: reply.into(),
            counts: counts.into(),
            started_at: started_at.map(Timestamp),
            ended_at: Timestamp(ended_at),
            duration_ms: lived.map(|lived| u64::try_from(lived).unwrap_or(0)),
            end_reason: end_reason.into(),
            tcp_state: tcp_state.map(|state| state.name().to_owned()),
            line,
            revision: revision.0,
            from_zone: from_zone.map(|zone| zone.to_string()),
            to_zone: to_zone.map(|zone| zone.to_string()),
            offload: offload.name().to_owned(),
            community_id,
        }
    }
}
