//! The journal of the machine.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{LogEntry, Page};
use ravelin_system::journal::{JournalPage, JournalQuery};
use serde::Deserialize;
use utoipa::IntoParams;

use super::verdict_log::time;
use crate::extract::Query;
use crate::failure::Failure;
use crate::paging::{checked_limit, decode_cursor, encode_cursor};
use crate::state::AppState;
use crate::system::log_entry;

/// Which entries to show. Everything given must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogsQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, max_length = 1024)]
    cursor: Option<String>,
    /// Only of this unit.
    #[param(nullable = false, max_length = 256, example = "raveld.service")]
    unit: Option<String>,
    /// Only of this priority and those that matter more: 0 (emergency) to 7 (debug).
    #[param(nullable = false, maximum = 7)]
    priority: Option<u8>,
    /// Not older than this time.
    #[param(nullable = false, max_length = 64, example = "2026-01-31T12:00:00Z")]
    since: Option<String>,
}

/// Show the journal of the machine
///
/// Newest first. It is kept over restarts, and bounded: the oldest entries go first.
#[utoipa::path(
    get,
    path = "/api/v1/system/logs",
    operation_id = "list_logs",
    tag = "system",
    params(LogsQuery),
    responses((status = 200, description = "Entries, newest first.", body = Page<LogEntry>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<LogsQuery>,
) -> Result<Json<Page<LogEntry>>, Failure> {
    let LogsQuery {
        limit,
        cursor,
        unit,
        priority,
        since,
    } = query;
    let query = JournalQuery {
        limit: checked_limit(limit)?,
        cursor: cursor.as_deref().map(decode_cursor).transpose()?,
        unit,
        priority,
        since: since.map(|since| time("since", &since)).transpose()?,
        kernel: false,
    };
    let JournalPage { entries, next_cursor } = state.machine().agent.logs(&query).await?;
    Ok(Json(Page {
        items: entries.into_iter().map(log_entry).collect(),
        next_cursor: next_cursor.map(|cursor| encode_cursor(&cursor)),
    }))
}
