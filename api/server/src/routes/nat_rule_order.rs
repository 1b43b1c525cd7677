//! The order of NAT rules.

use axum::extract::{Path, State};
use ravelin_api_types::{Move, NatRule, NatRuleOrder, NatRuleSpec, Text, parse_with};
use ravelin_control::{PolicyOperation, Precondition};

use crate::extract::{IfMatch, JsonBody};
use crate::failure::Failure;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Changed, Tagged, Written};
use crate::state::AppState;

/// Put a NAT rule elsewhere
#[utoipa::path(
    post,
    path = "/api/v1/nat-rules/{id}/move",
    operation_id = "move_nat_rule",
    tag = "address translation",
    params(("id" = String, Path, description = "Id of the NAT rule."), CommitQuery),
    request_body(content = Move, description = "Where to."),
    responses((status = 200, description = "The NAT rule at its new place.", body = NatRule))
)]
pub(crate) async fn move_one(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Written<NatRule>, Failure> {
    let (id, view) = (policy::object_id::<NatRuleSpec>(&id)?, state.control().policy());
    policy::placed::<NatRuleSpec>(&view.policy, &id)?;
    let placement = parse_with(&body.0, |node, errors| {
        let find = |text: &str| policy::find_named::<NatRuleSpec>(&view.policy, text);
        policy::placement(node, find, errors)
    })?;
    let operation = PolicyOperation::MoveNatRule {
        id: id.clone(),
        placement,
        precondition: Precondition::Exists,
    };
    let dry_run = write.options.dry_run;
    let committed = policy::commit(&state, write, vec![operation]).await?;
    if dry_run {
        return Ok(Written::Preview(policy::report(committed, true)));
    }
    let changed = policy::afterwards::<NatRuleSpec>(&state, &committed, &id).await?;
    Ok(Written::Done(changed))
}

/// Show the order of the NAT rules
#[utoipa::path(
    get,
    path = "/api/v1/nat-rules/order",
    operation_id = "get_nat_rule_order",
    tag = "address translation",
    responses((status = 200, description = "Ids of all NAT rules; the ETag is the policy's.", body = NatRuleOrder))
)]
pub(crate) async fn show(State(state): State<AppState>) -> Tagged<NatRuleOrder> {
    let view = state.control().policy();
    Tagged(order(&view.policy), view.revision)
}

/// Put all NAT rules in order, at once
///
/// No packet sees a part of it.
#[utoipa::path(
    put,
    path = "/api/v1/nat-rules/order",
    operation_id = "put_nat_rule_order",
    tag = "address translation",
    params(("If-Match" = String, Header, description = "ETag of the order, or `*`."), CommitQuery),
    request_body(content = NatRuleOrder, description = "Every NAT rule there is, once."),
    responses((status = 200, description = "The new order.", body = NatRuleOrder))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<NatRuleOrder>, Failure> {
    let NatRuleOrder { rules } = body.read()?;
    let operation = PolicyOperation::OrderNatRules {
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

fn order(policy: &ravelin_model::Policy) -> NatRuleOrder {
    NatRuleOrder {
        rules: policy
            .nat_rules
            .iter()
            .map(|rule| Text(rule.id.clone()))
            .collect(),
    }
}
