//! The order of rules.

use axum::extract::{Path, State};
use ravelin_api_types::{Move, Rule, RuleOrder, RuleSpec, Text, parse_with};
use ravelin_control::{PolicyOperation, Precondition};

use crate::extract::{IfMatch, JsonBody};
use crate::failure::Failure;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Changed, Tagged, Written};
use crate::state::AppState;

/// Put a rule elsewhere
#[utoipa::path(
    post,
    path = "/api/v1/rules/{id}/move",
    operation_id = "move_rule",
    tag = "rules",
    params(("id" = String, Path, description = "Id of the rule."), CommitQuery),
    request_body(content = Move, description = "Where to."),
    responses((status = 200, description = "The rule at its new place.", body = Rule))
)]
pub(crate) async fn move_one(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Written<Rule>, Failure> {
    let (id, view) = (policy::object_id::<RuleSpec>(&id)?, state.control().policy());
    policy::placed::<RuleSpec>(&view.policy, &id)?;
    let placement = parse_with(&body.0, |node, errors| {
        let find = |text: &str| policy::find_named::<RuleSpec>(&view.policy, text);
        policy::placement(node, find, errors)
    })?;
    let operation = PolicyOperation::MoveRule {
        id: id.clone(),
        placement,
        precondition: Precondition::Exists,
    };
    let dry_run = write.options.dry_run;
    let committed = policy::commit(&state, write, vec![operation]).await?;
    if dry_run {
        return Ok(Written::Preview(policy::report(committed, true)));
    }
    let changed = policy::afterwards::<RuleSpec>(&state, &committed, &id).await?;
    Ok(Written::Done(changed))
}

/// Show the order of the rules
#[utoipa::path(
    get,
    path = "/api/v1/rules/order",
    operation_id = "get_rule_order",
    tag = "rules",
    responses((status = 200, description = "Ids of all rules; the ETag is the policy's.", body = RuleOrder))
)]
pub(crate) async fn show(State(state): State<AppState>) -> Tagged<RuleOrder> {
    let view = state.control().policy();
    Tagged(order(&view.policy), view.revision)
}

/// Put all rules in order, at once
///
/// No packet sees a part of it.
#[utoipa::path(
    put,
    path = "/api/v1/rules/order",
    operation_id = "put_rule_order",
    tag = "rules",
    params(("If-Match" = String, Header, description = "ETag of the order, or `*`."), CommitQuery),
    request_body(content = RuleOrder, description = "Every rule there is, once."),
    responses((status = 200, description = "The new order.", body = RuleOrder))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<RuleOrder>, Failure> {
    let RuleOrder { rules } = body.read()?;
    let operation = PolicyOperation::OrderRules {
        order: rules.into_iter().map(|id| id.0).collect(),
        precondition,
    };
    let dry_run = write.options.dry_run;
    let committed = policy::commit(&state, write, vec![operation]).await;
    let place = |_| "/rules".to_owned();
    let committed = committed.map_err(|error| Failure::of_operations(error, place, ""))?;
    if dry_run {
        return Ok(Written::Preview(policy::report(committed, true)));
    }
    let view = &committed.policy;
    let changed = Changed::updated(order(&view.policy), committed.revision);
    let changed = changed.tagged(view.revision);
    Ok(Written::Done(changed.judged(committed.live_flows)))
}

fn order(policy: &ravelin_model::Policy) -> RuleOrder {
    RuleOrder {
        rules: policy.rules.iter().map(|rule| Text(rule.id.clone())).collect(),
    }
}
