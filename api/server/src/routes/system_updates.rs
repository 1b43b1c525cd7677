//! Updates of an appliance.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ravelin_api_types::{Page, ProblemKind, SlotBoot, SystemUpdate, UpdateFetch};
use ravelin_system::Slot;
use ravelin_system::update::{BootRequest, UpdateOptions, UpdateRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::{JsonBody, Query, media_type, named};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::state::AppState;
use crate::system::update;

/// The media type of a bundle.
pub(crate) const BUNDLE_TYPE: &str = "application/octet-stream";

/// What else is wanted of a bundle in the body.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// SHA-256 the bundle has to have.
    #[param(nullable = false, min_length = 64, max_length = 64)]
    sha256: Option<String>,
    /// Takes a version that is not newer than the one that runs.
    #[param(nullable = false)]
    allow_downgrade: Option<bool>,
    /// Restarts the machine into the new slot once it is written.
    #[param(nullable = false)]
    reboot: Option<bool>,
}

/// An update that goes on.
#[derive(Debug)]
pub(crate) struct Accepted(SystemUpdate);

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = format!("/api/v1/system/updates/{}", self.0.id);
        (StatusCode::ACCEPTED, [(LOCATION, location)], Json(self.0)).into_response()
    }
}

/// Show the updates of this machine
///
/// The last twenty, with what became of them.
#[utoipa::path(
    get,
    path = "/api/v1/system/updates",
    operation_id = "list_updates",
    tag = "system",
    params(PageQuery),
    responses((status = 200, description = "Updates, the newest first.", body = Page<SystemUpdate>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SystemUpdate>>, Failure> {
    let updates = state.machine().agent.updates().await?;
    let updates: Vec<SystemUpdate> = updates.into_iter().map(update).collect();
    // The greatest number comes first.
    let place = |update: &SystemUpdate| {
        let number = update
            .id
            .rsplit('_')
            .next()
            .and_then(|number| number.parse().ok());
        format!("{:020}", u64::MAX - number.unwrap_or(0))
    };
    Ok(Json(page.page(updates, place)?))
}

/// Show an update
#[utoipa::path(
    get,
    path = "/api/v1/system/updates/{id}",
    operation_id = "get_update",
    tag = "system",
    params(("id" = String, Path, description = "Id of the update.")),
    responses((status = 200, description = "The update.", body = SystemUpdate))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<SystemUpdate>, Failure> {
    Ok(Json(update(state.machine().agent.update(&id).await?)))
}

/// Install an update
///
/// The body is a bundle (`application/octet-stream`, with options in the query), or JSON that says where one is; options
/// are in the JSON then. A bundle in the body is received and verified before the answer: what is unsigned, truncated,
/// signed by a key that is not trusted, for something else, or not newer than what runs is refused, and nothing was
/// written. A bundle that is fetched is refused the same way, in `problem` of the update.
///
/// It is written to the slot that does not run; `ready_to_boot` says that the next restart boots it, on trial: it becomes
/// `good` once the boot is finished, the policy is in force and the gateway answers, or else the machine restarts into the
/// slot that ran before, and the update is `rolled_back`.
#[utoipa::path(
    post,
    path = "/api/v1/system/updates",
    operation_id = "create_update",
    tag = "system",
    params(UploadQuery),
    request_body(content(
        (UpdateFetch = "application/json"),
        (Vec<u8> = "application/octet-stream")
    ), description = "A bundle, or where it is."),
    responses((status = 202, description = "It goes on at `Location`.", body = SystemUpdate))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Result<Accepted, Failure> {
    media_type(request.headers(), &["application/json", BUNDLE_TYPE])?;
    let agent = &state.machine().agent;
    let created = if is_bundle(request.headers()) {
        let options = query.options()?;
        let length = content_length(request.headers());
        agent.send_update(&options, length, request.into_body()).await?
    } else {
        if query.any() {
            return Err(Failure::invalid_query(
                "options of a bundle that is fetched are in the body",
            ));
        }
        let body = <JsonBody as axum::extract::FromRequest<AppState>>::from_request(request, &state).await?;
        agent.fetch_update(&fetch(body.read()?)).await?
    };
    Ok(Accepted(update(created)))
}

/// Boot the other slot
///
/// On trial, as after an update: back to the version before, without a bundle. A version that is not newer than the one
/// that runs needs `allow_downgrade`. Each version has its own policy store: what was changed since the update is not in
/// the older one's.
#[utoipa::path(
    post,
    path = "/api/v1/system/slots/{slot}/boot",
    operation_id = "boot_slot",
    tag = "system",
    params(("slot" = String, Path, description = "`a` or `b`.")),
    request_body = SlotBoot,
    responses((status = 202, description = "It goes on at `Location`.", body = SystemUpdate))
)]
pub(crate) async fn boot(
    State(state): State<AppState>,
    Path(slot): Path<String>,
    body: JsonBody,
) -> Result<Accepted, Failure> {
    let slot: Slot = named(&slot, "such slot")?;
    let SlotBoot {
        allow_downgrade,
        reboot,
    } = body.read()?;
    let request = BootRequest {
        allow_downgrade,
        reboot,
    };
    Ok(Accepted(update(
        state.machine().agent.boot(slot, &request).await?,
    )))
}

impl UploadQuery {
    fn any(&self) -> bool {
        self.sha256.is_some() || self.allow_downgrade.is_some() || self.reboot.is_some()
    }

    fn options(self) -> Result<UpdateOptions, Failure> {
        let Self {
            sha256,
            allow_downgrade,
            reboot,
        } = self;
        let proper = |digest: &String| {
            digest.len() == 64
                && digest
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if sha256.as_ref().is_some_and(|digest| !proper(digest)) {
            return Err(Failure::invalid_query(
                "sha256 is not 64 lower-case hexadecimal digits",
            ));
        }
        Ok(UpdateOptions {
            sha256,
            allow_downgrade: allow_downgrade.unwrap_or(false),
            reboot: reboot.unwrap_or(false),
        })
    }
}

fn fetch(fetch: UpdateFetch) -> UpdateRequest {
    let UpdateFetch {
        url,
        sha256,
        allow_downgrade,
        reboot,
    } = fetch;
    UpdateRequest {
        url,
        options: UpdateOptions {
            sha256,
            allow_downgrade,
            reboot,
        },
    }
}

/// Whether the body of a request is a bundle, which no limit of other bodies is for.
pub(crate) fn is_bundle(headers: &HeaderMap) -> bool {
    media_type(headers, &[BUNDLE_TYPE]).is_ok() && headers.contains_key(CONTENT_TYPE)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// An Idempotency-Key is for requests that can be compared with an earlier one.
pub(crate) fn no_key_with_a_bundle() -> Failure {
    Failure::new(
        ProblemKind::InvalidHeader,
        "Idempotency-Key does not go with a bundle: its options say sha256 and version",
    )
}
