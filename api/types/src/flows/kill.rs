//! Connections that shall end.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Flow, FlowFilter};
use crate::{Errors, Fields, FromJson, Node};

/// Connections that shall end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowKill {
    /// Which.
    #[serde(default)]
    pub filter: FlowFilter,
    /// Every one there is; needed where `filter` says nothing, and only there.
    #[serde(default)]
    pub all: bool,
    /// Both sides of TCP are told with a reset, where a policy is enforced; else packets of it are judged like those of
    /// new connections.
    #[serde(default)]
    pub reset: bool,
    /// Only say which they are.
    #[serde(default)]
    pub dry_run: bool,
}

/// Connections that shall end, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedKill {
    /// Which.
    pub filter: model::FlowFilter,
    /// Both sides of TCP are told.
    pub reset: bool,
    /// Only say which they are.
    pub dry_run: bool,
}

impl FlowKill {
    /// Reads what shall end; zones and rules are those of the policy.
    pub fn read(node: Node<'_>, policy: &model::Policy, errors: &mut Errors) -> Option<CheckedKill> {
        let mut fields = Fields::of(node.clone(), errors)?;
        let filter = fields.or("filter", model::FlowFilter::default(), errors, |node, errors| {
            FlowFilter::read(node, policy, errors)
        });
        let all = fields.optional_with("all", errors, |node, errors| {
            Some((bool::from_json(node.clone(), errors)?, node))
        });
        let reset = fields.or("reset", false, errors, bool::from_json);
        let dry_run = fields.or("dry_run", false, errors, bool::from_json);
        fields.finish(errors);
        let filter = filter?;
        match all? {
            Some((true, at)) if !filter.is_empty() => {
                errors.add(&at, "not_applicable", "comes without a filter, not beside one");
                return None;
            }
            Some((true, _)) => {}
            _ if filter.is_empty() => {
                let detail = "says nothing: name connections, or say 'all'";
                errors.add(&node.within("filter", node.value()), "required", detail);
                return None;
            }
            _ => {}
        }
        Some(CheckedKill {
            filter,
            reset: reset?,
            dry_run: dry_run?,
        })
    }
}

/// What became of connections that were to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowKillReport {
    /// Nothing was ended.
    pub dry_run: bool,
    /// Connections that were meant.
    pub matched: u64,
    /// Connections that were still there and are ended.
    pub killed: u64,
    /// The first of those that were meant, 100 at most.
    pub sample: Vec<Flow>,
}
