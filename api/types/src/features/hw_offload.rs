//! Forwarding by network cards.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Errors, Fields, FromJson, Node};

/// What is done about connections a card could forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HwOffloadMode {
    /// They are put into the card.
    Active,
    /// They are only listed, see `GET /api/v1/hardware-flows`.
    DryRun,
}

impl FromJson for HwOffloadMode {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        node.word(&[("active", Self::Active), ("dry_run", Self::DryRun)], errors)
    }
}

/// Configuration of `hw_offload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HwOffloadConfig {
    /// What is done.
    pub mode: HwOffloadMode,
    /// Rate from which a connection is worth a place in the card, both directions together.
    #[schema(minimum = 1, maximum = 100_000_000)]
    pub min_packets_per_second: u32,
    /// Most flows in each card, a connection being two; `null`: as many as the card is known to hold.
    #[serde(default)]
    #[schema(minimum = 2, maximum = 16_777_216)]
    pub max_flows: Option<u32>,
    /// Seconds without a packet after which a connection leaves the card.
    #[schema(minimum = 10, maximum = 3600)]
    pub idle_seconds: u32,
}

/// Members to change; unknown members are refused, and `null` but for `max_flows`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HwOffloadConfigPatch {
    /// See `HwOffloadConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mode: Option<HwOffloadMode>,
    /// See `HwOffloadConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 100_000_000)]
    pub min_packets_per_second: Option<u32>,
    /// See `HwOffloadConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 2, maximum = 16_777_216)]
    pub max_flows: Option<u32>,
    /// See `HwOffloadConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 10, maximum = 3600)]
    pub idle_seconds: Option<u32>,
}

impl FromJson for HwOffloadConfig {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let mode = fields.required("mode", errors);
        let mut number = |name, bounds: &std::ops::RangeInclusive<u32>, errors: &mut Errors| {
            fields.required_with(name, errors, |node, errors| node.integer(bounds, errors))
        };
        let min_packets_per_second = number(
            "min_packets_per_second",
            &model::HwOffloadConfig::MIN_PACKETS_PER_SECOND,
            errors,
        );
        let idle_seconds = number("idle_seconds", &model::HwOffloadConfig::IDLE_SECONDS, errors);
        let max_flows = fields.optional_with("max_flows", errors, |node, errors| {
            node.integer(&model::HwOffloadConfig::MAX_FLOWS, errors)
        });
        fields.finish(errors);
        Some(Self {
            mode: mode?,
            min_packets_per_second: min_packets_per_second?,
            max_flows: max_flows?,
            idle_seconds: idle_seconds?,
        })
    }
}

/// An interface and whether its card forwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HwOffloadInterface {
    /// Kernel name.
    #[schema(example = "wan0")]
    pub interface: String,
    /// Kernel index.
    pub index: u32,
    /// Its card can forward.
    pub supported: bool,
    /// Why not, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// Flows that come in here and are in the card, a connection being two.
    pub installed_flows: u64,
    /// Most of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub capacity_flows: Option<u64>,
}

impl From<model::HwOffloadPort> for HwOffloadInterface {
    fn from(port: model::HwOffloadPort) -> Self {
        let model::HwOffloadPort {
            interface,
            index,
            problem,
            installed,
            limit,
        } = port;
        Self {
            interface,
            index,
            supported: problem.is_none(),
            reason: problem,
            installed_flows: installed,
            capacity_flows: limit,
        }
    }
}
