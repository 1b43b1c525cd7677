//! Tuning: what the engine sets itself.

use axum::extract::State;
use ravelin_api_types::{
    BadBody, FromJson, Tuning, TuningPatch, TuningSettings, merge_patch, parse_value, parse_with,
};
use ravelin_control::{ControlError, Precondition};
use serde_json::Value;

use crate::extract::{Caller, IfMatch, JsonBody};
use crate::failure::Failure;
use crate::respond::{Changed, Tagged};
use crate::state::AppState;

/// Show what is tuned, by what, and what was decided
#[utoipa::path(
    get,
    path = "/api/v1/tuning",
    operation_id = "get_tuning",
    tag = "tuning",
    responses((
        status = 200,
        description = "Mode, limits, objects as they were read back, the last window and the last 100 decisions. The \
            ETag is that of mode, window, ceiling and limits.",
        body = Tuning
    ))
)]
pub(crate) async fn show(State(state): State<AppState>) -> Tagged<Tuning> {
    let status = state.control().tuning();
    let revision = status.settings.revision;
    Tagged(status.into(), revision)
}

/// Change mode, window, memory ceiling or limits
///
/// In force at once: in `auto`, what is outside its new limits comes inside without waiting for a window or for
/// traffic; in `advise` that is only told, in `off` nothing moves.
#[utoipa::path(
    patch,
    path = "/api/v1/tuning",
    operation_id = "patch_tuning",
    tag = "tuning",
    params(("If-Match" = String, Header, description = "ETag of what is changed, or `*`.")),
    request_body(content = TuningPatch, description = "A merge patch (RFC 7396)."),
    responses((status = 200, description = "Tuning with its new limits.", body = Tuning))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    Caller(actor): Caller,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<Tuning>, Failure> {
    let patch: Value = parse_with(&body.0, |node, _| Some(node.value().clone()))?;
    loop {
        let settings = state.control().tuning().settings;
        let current = settings.revision;
        if matches!(precondition, Precondition::Revision(named) if named != current) {
            return Err(ControlError::Stale { current }.into());
        }
        let mut merged = serde_json::to_value(TuningSettings::from(&settings.limits))
            .map_err(|error| BadBody::Malformed(error.to_string()))?;
        merge_patch(&mut merged, &patch);
        let limits = parse_value(&merged, TuningSettings::from_json)?.into();
        // Merged into this revision: none may slip in between. Whoever takes any revision takes the next one, too.
        let only = Precondition::Revision(current);
        match state.control().set_tuning(limits, only, &actor).await {
            Err(ControlError::Stale { .. }) if precondition == Precondition::Exists => {}
            Err(error) => return Err(error.into()),
            Ok(settings) => {
                let status = ravelin_model::TuningStatus {
                    settings,
                    ..state.control().tuning()
                };
                let revision = status.settings.revision;
                return Ok(Changed::updated(status.into(), revision));
            }
        }
    }
}
