//! Imports of whole lists.

use std::io;

use axum::extract::{Path, Request, State};
use futures::TryStreamExt;
use ravelin_api_types::{ImportProblem, ImportReport};
use tokio_util::io::StreamReader;

use super::lists::list_id;
use crate::extract::{Caller, IfMatch, media_type};
use crate::failure::Failure;
use crate::respond::Changed;
use crate::state::AppState;

/// Replace the entries of a list by what a text says
///
/// One value a line: addresses, prefixes, `hosts` files, `||name^`, `*.name`, plain names. The text is read to its end
/// before anything changes; at no packet is the list empty or half. Its size is limited by the engine's configuration
/// (`import_limit_bytes`), not by the limit of other bodies.
#[utoipa::path(
    put,
    path = "/api/v1/lists/{id}/entries",
    operation_id = "import_entries",
    tag = "lists",
    params(
        ("id" = String, Path, description = "Id of the list."),
        ("If-Match" = String, Header, description = "ETag of the list, or `*`."),
    ),
    request_body(content = String, content_type = "text/plain", description = "The text, in UTF-8."),
    responses((status = 200, description = "What became of the lines.", body = ImportReport))
)]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    request: Request,
) -> Result<Changed<ImportReport>, Failure> {
    let id = list_id(&id)?;
    media_type(request.headers(), &["text/plain"])?;
    let text = request.into_body().into_data_stream().map_err(io::Error::other);
    let text = StreamReader::new(text);
    let ravelin_control::ImportReport {
        list,
        accepted,
        duplicates,
        ignored,
        invalid,
        problems,
        live_flows,
    } = state
        .control()
        .import_entries(&id, precondition, text, &actor)
        .await?;
    let revision = list.revision;
    let report = ImportReport {
        list: list.into(),
        accepted,
        duplicates,
        ignored,
        invalid,
        problems: problems.into_iter().map(problem).collect(),
        revision: revision.0,
    };
    Ok(Changed::updated(report, revision).judged(live_flows))
}

fn problem(problem: ravelin_control::ImportProblem) -> ImportProblem {
    let ravelin_control::ImportProblem { line, detail } = problem;
    ImportProblem { line, detail }
}
