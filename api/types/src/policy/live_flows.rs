//! What a change to the policy means for live connections.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::FlowTuple;

/// Live connections, judged by a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveFlows {
    /// Connections that stay.
    pub kept: u64,
    /// Connections that were ended, or would be in a dry run.
    pub cut: u64,
    /// Of `kept`: where they go cannot be told for now, so nothing judged them.
    pub unjudged: u64,
    /// The first of those cut, 100 at most.
    pub sample: Vec<CutFlow>,
    /// How long it took.
    pub duration_ms: u64,
}

/// A connection the policy does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CutFlow {
    /// IANA protocol number.
    #[schema(value_type = i32, minimum = 0, maximum = 255)]
    pub protocol: u8,
    /// As its packets come in.
    pub original: FlowTuple,
    /// As packets of the other side come in.
    pub reply: FlowTuple,
    /// Id of the zone it comes from; missing: its interface is in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from_zone: Option<String>,
    /// Id of the zone it leaves by; missing: its interface is in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to_zone: Option<String>,
    /// What denies it: `rule`, `published_service`, `zone_pair`, `unwritten_pair` or `no_zone`.
    #[schema(example = "zone_pair")]
    pub origin: String,
    /// Id of the rule, the published service or the zone pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub origin_id: Option<String>,
}

impl From<model::CutFlow> for CutFlow {
    fn from(flow: model::CutFlow) -> Self {
        let model::CutFlow {
            original,
            reply,
            from_zone,
            to_zone,
            line,
        } = flow;
        Self {
            protocol: original.protocol,
            original: original.into(),
            reply: reply.into(),
            from_zone: from_zone.map(|zone| zone.to_string()),
            to_zone: to_zone.map(|zone| zone.to_string()),
            origin: line.name().to_owned(),
            origin_id: line.id().map(str::to_owned),
        }
    }
}

impl From<model::LiveFlows> for LiveFlows {
    fn from(flows: model::LiveFlows) -> Self {
        let model::LiveFlows {
            kept,
            cut,
            unjudged,
            sample,
            duration,
        } = flows;
        Self {
            kept,
            cut,
            unjudged,
            sample: sample.into_iter().map(Into::into).collect(),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
