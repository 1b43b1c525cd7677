//! Collections of objects, page by page.

use axum::Json;
use ravelin_api_types::Page;
use ravelin_model::Policy;

use super::{Placed, Resource, shown};
use crate::failure::Failure;
use crate::paging::{PageQuery, encode_cursor};
use crate::state::AppState;

/// A page of all objects of a kind.
pub(crate) async fn index<R: Resource>(
    state: &AppState,
    query: &PageQuery,
) -> Result<Json<Page<R::Shown>>, Failure> {
    let view = state.control().policy();
    page_of::<R>(state, query, &view.policy, R::all(&view.policy)).await
}

/// A page of some objects, in the order they are in.
pub(crate) async fn page_of<R: Resource>(
    state: &AppState,
    query: &PageQuery,
    policy: &Policy,
    objects: Vec<Placed<R>>,
) -> Result<Json<Page<R::Shown>>, Failure> {
    let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
    let start = match query.after()? {
        Some(cursor) => start::<R>(&objects, &cursor)?,
        None => 0,
    };
    let end = start.saturating_add(limit).min(objects.len());
    let page = objects.get(start..end).unwrap_or_default();
    let last = page.last().filter(|_| end < objects.len());
    let next_cursor = last.map(|(_, last)| encode_cursor(&format!("{end} {}", last.id)));
    Ok(Json(Page {
        items: shown::<R>(state, policy, page).await?,
        next_cursor,
    }))
}

/// Behind the object the cursor names; where that is gone, at the place it had.
fn start<R: Resource>(objects: &[Placed<R>], cursor: &str) -> Result<usize, Failure> {
    let read = || {
        let (place, id) = cursor.split_once(' ')?;
        Some((place.parse::<usize>().ok()?, id))
    };
    let (place, id) =
        read().ok_or_else(|| Failure::invalid_query("cursor is not one this collection gave"))?;
    let found = objects.iter().position(|(_, object)| object.id.as_str() == id);
    Ok(found.map_or(place.saturating_sub(1), |found| found + 1))
}
