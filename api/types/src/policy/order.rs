//! The order of rules.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Errors, Fields, FromJson, Node, Text};

/// Where something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoveTo {
    /// In front of all.
    First,
    /// Behind all.
    Last,
    /// Right before `rule`.
    Before,
    /// Right after `rule`.
    After,
}

/// A move of a rule or a NAT rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Where to.
    pub to: MoveTo,
    /// Id of the one it goes before or after; only with `before` and `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rule: Option<String>,
}

impl FromJson for Move {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let moved = Self::read(&mut fields, errors);
        fields.finish(errors);
        moved
    }
}

impl Move {
    /// Reads the members of a move, which may have others beside them.
    pub fn read(fields: &mut Fields<'_>, errors: &mut Errors) -> Option<Self> {
        let words = [
            ("first", MoveTo::First),
            ("last", MoveTo::Last),
            ("before", MoveTo::Before),
            ("after", MoveTo::After),
        ];
        let to = fields.required_with("to", errors, |node, errors| node.word(&words, errors));
        let rule = match to {
            Some(MoveTo::Before | MoveTo::After) => fields.required_with("rule", errors, rule).map(Some),
            Some(MoveTo::First | MoveTo::Last) => fields.optional_with("rule", errors, |node, errors| {
                errors.add(&node, "not_applicable", "comes only with 'before' and 'after'");
                None
            }),
            None => fields.optional_with("rule", errors, rule),
        };
        Some(Self { to: to?, rule: rule? })
    }
}

fn rule(node: Node<'_>, errors: &mut Errors) -> Option<String> {
    node.string(errors).map(str::to_owned)
}

/// The whole order of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleOrder {
    /// Ids of all rules, each once.
    #[schema(value_type = Vec<String>)]
    pub rules: Vec<Text<model::RuleId>>,
}

impl FromJson for RuleOrder {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let rules = fields.required("rules", errors);
        fields.finish(errors);
        Some(Self { rules: rules? })
    }
}

/// The whole order of the NAT rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NatRuleOrder {
    /// Ids of all NAT rules, each once.
    #[schema(value_type = Vec<String>)]
    pub rules: Vec<Text<model::NatRuleId>>,
}

impl FromJson for NatRuleOrder {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let rules = fields.required("rules", errors);
        fields.finish(errors);
        Some(Self { rules: rules? })
    }
}
