//! Entries of lists.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{AddedEntries, Entry, Hits, NewEntries, Page, parse_with};
use ravelin_control::{Applied, EntryPage, EntryQuery, ListedEntry};
use ravelin_model::EntryId;
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::IntoParams;

use super::lists::{list_id, location};
use crate::extract::{Caller, JsonBody, Query, named};
use crate::failure::Failure;
use crate::paging::{checked_limit, decode_cursor, encode_cursor};
use crate::respond::Changed;
use crate::state::AppState;

/// Which entries to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntriesQuery {
    /// Entries of the page.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, max_length = 1024)]
    cursor: Option<String>,
    /// Only entries whose value contains this text, in any case.
    #[param(nullable = false, max_length = 255)]
    search: Option<String>,
}

impl TryFrom<EntriesQuery> for EntryQuery {
    type Error = Failure;

    fn try_from(query: EntriesQuery) -> Result<Self, Failure> {
        let EntriesQuery {
            limit,
            cursor,
            search,
        } = query;
        let after = cursor.as_deref().map(decode_cursor).transpose()?;
        let after = after
            .map(|id| id.parse::<EntryId>())
            .transpose()
            .map_err(|_| Failure::invalid_query("cursor is not one this collection gave"))?;
        Ok(Self {
            search: search
                .filter(|text| !text.is_empty())
                .map(|text| text.to_lowercase()),
            after,
            limit: checked_limit(limit)?,
        })
    }
}

/// Show entries of a list
#[utoipa::path(
    get,
    path = "/api/v1/lists/{id}/entries",
    operation_id = "list_entries",
    tag = "lists",
    params(("id" = String, Path, description = "Id of the list."), EntriesQuery),
    responses((status = 200, description = "Entries in the order they came.", body = Page<Entry>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(query): Query<EntriesQuery>,
) -> Result<Json<Page<Entry>>, Failure> {
    let EntryPage { items, next } = state.control().entries(&list_id(&id)?, query.try_into()?).await?;
    Ok(Json(Page {
        items: items.into_iter().map(entry).collect(),
        next_cursor: next.map(|id| encode_cursor(&id.to_string())),
    }))
}

/// Add entries to a list
///
/// One, or many at once: all are added or none. A value that is there already keeps its id and takes the new expiry.
#[utoipa::path(
    post,
    path = "/api/v1/lists/{id}/entries",
    operation_id = "add_entries",
    tag = "lists",
    params(("id" = String, Path, description = "Id of the list.")),
    request_body(content = NewEntries, description = "The entries."),
    responses((status = 201, description = "What was added.", body = AddedEntries))
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Changed<AddedEntries>, Failure> {
    let id = list_id(&id)?;
    let kind = state.control().list(&id).await?.kind;
    let now = OffsetDateTime::now_utc();
    let values = parse_with(&body, |node, errors| NewEntries::read(node, kind, now, errors))?;
    let Applied {
        value: (list, entries),
        live_flows,
    } = state.control().add_entries(&id, values, &actor).await?;
    let revision = list.revision;
    let location = match entries.as_slice() {
        [one] => format!("{}/entries/{}", location(&id), one.id),
        _ => format!("{}/entries", location(&id)),
    };
    let body = AddedEntries {
        entries: entries.into_iter().map(Into::into).collect(),
        list: list.into(),
        revision: revision.0,
    };
    Ok(Changed::created(body, revision, location)
        .without_etag()
        .judged(live_flows))
}

/// Show an entry
#[utoipa::path(
    get,
    path = "/api/v1/lists/{id}/entries/{entry}",
    operation_id = "get_entry",
    tag = "lists",
    params(
        ("id" = String, Path, description = "Id of the list."),
        ("entry" = String, Path, description = "Id of the entry."),
    ),
    responses((status = 200, description = "The entry with what it caught.", body = Entry))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path((id, entry_id)): Path<(String, String)>,
) -> Result<Json<Entry>, Failure> {
    let listed = state
        .control()
        .entry(&list_id(&id)?, named(&entry_id, "such entry")?)
        .await?;
    Ok(Json(entry(listed)))
}

/// Delete an entry
#[utoipa::path(
    delete,
    path = "/api/v1/lists/{id}/entries/{entry}",
    operation_id = "delete_entry",
    tag = "lists",
    params(
        ("id" = String, Path, description = "Id of the list."),
        ("entry" = String, Path, description = "Id of the entry."),
    ),
    responses((status = 204, description = "The entry is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path((id, entry)): Path<(String, String)>,
) -> Result<Changed<()>, Failure> {
    let (id, entry) = (list_id(&id)?, named(&entry, "such entry")?);
    let Applied {
        value: list,
        live_flows,
    } = state.control().delete_entry(&id, entry, &actor).await?;
    Ok(Changed::deleted(list.revision).judged(live_flows))
}

fn entry(listed: ListedEntry) -> Entry {
    let ListedEntry { entry, hits } = listed;
    let mut entry = Entry::from(entry);
    entry.hits = hits.map(|hits| Hits {
        packets: hits.packets,
        bytes: hits.bytes,
    });
    entry
}
