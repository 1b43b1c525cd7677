//! How a change to the policy is to be committed, by what the request says beside its body.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use ravelin_control::{Actor, CommitOptions};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::{Caller, Query};
use crate::failure::Failure;
use crate::serve::Connection;
use crate::state::AppState;

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// RFC 7240; also the value of `Preference-Applied`.
pub(crate) const DRY_RUN: &str = "dry-run";

/// How to commit.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CommitQuery {
    /// The old policy returns by itself unless the new one is confirmed in time.
    #[param(minimum = 5, maximum = 3600, nullable = false)]
    confirm_within_seconds: Option<u64>,
}

/// A change to the policy: who asks, and how it is to be committed.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) actor: Actor,
    pub(crate) options: CommitOptions,
}

impl FromRequestParts<AppState> for Write {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Failure> {
        let Caller(actor) = Caller::from_request_parts(parts, state).await?;
        let Query(query) = Query::<CommitQuery>::from_request_parts(parts, state).await?;
        let caller = Connection::of(&parts.extensions).caller(&parts.headers);
        Ok(Self {
            actor,
            options: CommitOptions {
                dry_run: prefers_dry_run(&parts.headers),
                confirm_within: query.confirm_within()?,
                caller,
            },
        })
    }
}

impl CommitQuery {
    fn confirm_within(&self) -> Result<Option<Duration>, Failure> {
        match self.confirm_within_seconds {
            None => Ok(None),
            Some(seconds @ 5..=3600) => Ok(Some(Duration::from_secs(seconds))),
            Some(seconds) => Err(Failure::invalid_query(format!(
                "confirm_within_seconds {seconds} is not within 5 to 3600"
            ))),
        }
    }
}

/// Preferences nobody knows are no errors (RFC 7240, section 2).
fn prefers_dry_run(headers: &HeaderMap) -> bool {
    let values = headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .filter_map(|preference| preference.split(';').next())
        .any(|preference| preference.trim().eq_ignore_ascii_case(DRY_RUN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], expected: bool) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(PREFER, value.parse().expect("header"));
        }
        assert_eq!(prefers_dry_run(&headers), expected, "{values:?}");
    }

    #[test]
    fn a_dry_run_is_one_preference_among_others() {
        check(&[], false);
        check(&["dry-run"], true);
        check(&["return=minimal, Dry-Run; a=b"], true);
        check(&["wait=10", "dry-run"], true);
        check(&["dry-runs"], false);
        check(&["return=\"dry\""], false);
    }
}
