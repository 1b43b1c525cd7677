//! Lists.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{List, ListPatch, NewList, Page, References};
use ravelin_model::{ListId, ObjectKind};

use crate::extract::{Caller, IfMatch, JsonBody, Query, named};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy;
use crate::respond::{Changed, Tagged};
use crate::state::AppState;

/// Show every list
#[utoipa::path(
    get,
    path = "/api/v1/lists",
    operation_id = "list_lists",
    tag = "lists",
    params(PageQuery),
    responses((status = 200, description = "Lists: built-in ones first, then by name.", body = Page<List>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<List>>, Failure> {
    let lists = state.control().lists().await?;
    let place = |list: &ravelin_model::List| format!("{} {}", u8::from(!list.id.is_built_in()), list.name);
    Ok(Json(query.page(lists, place)?))
}

/// Make a list
#[utoipa::path(
    post,
    path = "/api/v1/lists",
    operation_id = "create_list",
    tag = "lists",
    request_body(content = NewList, description = "The list."),
    responses((status = 201, description = "The new list; `Location` says where it is.", body = List))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    body: JsonBody,
) -> Result<Changed<List>, Failure> {
    let NewList { name, kind } = body.read()?;
    let list = ravelin_control::NewList {
        name: name.0,
        kind: kind.into(),
    };
    let list = state.control().create_list(list, &actor).await?;
    let (revision, location) = (list.revision, location(&list.id));
    Ok(Changed::created(list.into(), revision, location))
}

/// Show a list
#[utoipa::path(
    get,
    path = "/api/v1/lists/{id}",
    operation_id = "get_list",
    tag = "lists",
    params(("id" = String, Path, description = "Id of the list.")),
    responses((status = 200, description = "The list without its entries.", body = List))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<List>, Failure> {
    let list = state.control().list(&list_id(&id)?).await?;
    let revision = list.revision;
    Ok(Tagged(list.into(), revision))
}

/// Rename a list
#[utoipa::path(
    patch,
    path = "/api/v1/lists/{id}",
    operation_id = "patch_list",
    tag = "lists",
    params(
        ("id" = String, Path, description = "Id of the list."),
        ("If-Match" = String, Header, description = "ETag of the list, or `*`."),
    ),
    request_body(content = ListPatch, description = "What to change."),
    responses((status = 200, description = "The list with its new name.", body = List))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Changed<List>, Failure> {
    let id = list_id(&id)?;
    let ListPatch { name } = body.read()?;
    let list = state
        .control()
        .rename_list(&id, name.0, precondition, &actor)
        .await?;
    let revision = list.revision;
    Ok(Changed::updated(list.into(), revision))
}

/// Delete a list with its entries
///
/// 409 names the features, rules and published services that use it.
#[utoipa::path(
    delete,
    path = "/api/v1/lists/{id}",
    operation_id = "delete_list",
    tag = "lists",
    params(
        ("id" = String, Path, description = "Id of the list."),
        ("If-Match" = String, Header, description = "ETag of the list, or `*`."),
    ),
    responses((status = 204, description = "The list is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Changed<()>, Failure> {
    let id = list_id(&id)?;
    let revision = state.control().delete_list(&id, precondition, &actor).await?;
    Ok(Changed::deleted(revision))
}

/// Show who uses a list
#[utoipa::path(
    get,
    path = "/api/v1/lists/{id}/references",
    operation_id = "list_list_references",
    tag = "lists",
    params(("id" = String, Path, description = "Id of the list.")),
    responses((status = 200, description = "Features, rules and published services that name it.", body = References))
)]
pub(crate) async fn references(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<References>, Failure> {
    let id = list_id(&id)?;
    policy::references(&state, ObjectKind::List, id.as_str()).await
}

/// The list a path names.
pub(crate) fn list_id(text: &str) -> Result<ListId, Failure> {
    named(text, "such list")
}

/// Where a list is.
pub(crate) fn location(id: &ListId) -> String {
    format!("/api/v1/lists/{id}")
}
