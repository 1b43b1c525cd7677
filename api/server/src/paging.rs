//! Pages of collections that are in memory as a whole.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ravelin_api_types::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::failure::Failure;

/// Items of a page when nobody says how many.
const DEFAULT_LIMIT: u32 = 100;
/// Most items of a page.
const MAX_LIMIT: u32 = 1000;

/// Which part of a collection to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, max_length = 1024)]
    cursor: Option<String>,
}

impl PageQuery {
    /// A page that is asked for beside other things.
    pub(crate) fn new(limit: Option<u32>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// Items to show.
    pub(crate) fn limit(&self) -> Result<u32, Failure> {
        checked_limit(self.limit)
    }

    /// Key of the last item of the page before.
    pub(crate) fn after(&self) -> Result<Option<String>, Failure> {
        self.cursor.as_deref().map(decode_cursor).transpose()
    }

    /// The page of `items`, which are sorted by `key`.
    pub(crate) fn page<S, T: From<S>>(
        &self,
        mut items: Vec<S>,
        key: impl Fn(&S) -> String,
    ) -> Result<Page<T>, Failure> {
        let limit = usize::try_from(self.limit()?).unwrap_or(usize::MAX);
        items.sort_by_cached_key(&key);
        if let Some(after) = self.after()? {
            items.retain(|item| key(item) > after);
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().map(&key);
        Ok(Page {
            items: items.into_iter().map(Into::into).collect(),
            next_cursor: last.filter(|_| more).map(|key| encode_cursor(&key)),
        })
    }
}

pub(crate) fn checked_limit(limit: Option<u32>) -> Result<u32, Failure> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        limit => Err(Failure::invalid_query(format!(
            "limit {limit} is not within 1 to {MAX_LIMIT}"
        ))),
    }
}

/// A cursor that names the place after `key`.
pub(crate) fn encode_cursor(key: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key)
}

/// The key a cursor names.
pub(crate) fn decode_cursor(cursor: &str) -> Result<String, Failure> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Failure::invalid_query("cursor is not one this collection gave"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let items: Vec<u32> = (0..25).rev().collect();
        let key = |n: &u32| format!("{n:04}");
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let query = PageQuery {
                limit: Some(10),
                cursor,
            };
            let page: Page<u32> = query.page(items.clone(), key).expect("page");
            seen.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..25).collect::<Vec<_>>());
    }
}
