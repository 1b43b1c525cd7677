//! What handlers take out of a request.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{CONTENT_TYPE, HeaderMap, IF_MATCH};
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ravelin_api_types::{FromJson, ProblemKind, parse};
use ravelin_control::{Actor, Precondition};
use ravelin_model::{Feature, Revision};
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::state::AppState;

/// Longest time a client may take to send a body of JSON.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The principal of the request; every handler behind the credential check has one.
impl FromRequestParts<AppState> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Failure> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Failure::new(ProblemKind::Unauthorized, "a credential is needed"))
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Actor);

/// A body of JSON, not yet read.
#[derive(Debug)]
pub(crate) struct JsonBody(pub(crate) Bytes);

impl JsonBody {
    pub(crate) fn read<T: FromJson>(&self) -> Result<T, Failure> {
        Ok(parse(&self.0)?)
    }
}

impl FromRequest<AppState> for JsonBody {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Failure> {
        media_type(
            request.headers(),
            &["application/json", "application/merge-patch+json"],
        )?;
        let limit = state.limits().body_of(request.uri().path());
        read_body(request, limit).await.map(Self)
    }
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_body(request: Request, limit: usize) -> Result<Bytes, Failure> {
    let body = Limited::new(request.into_body(), limit).collect();
    match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Ok(Err(_)) => Err(Failure::new(ProblemKind::InterruptedBody, "the body broke off")),
        Err(_) => Err(Failure::new(
            ProblemKind::InterruptedBody,
            "the body came too slowly",
        )),
    }
}

/// The body is over the limit.
pub(crate) fn too_large(limit: usize) -> Failure {
    Failure::new(
        ProblemKind::BodyTooLarge,
        format!("the body is larger than {limit} bytes"),
    )
}

/// Refuses a body of another type than these.
pub(crate) fn media_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Failure> {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| {
            value
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        });
    match essence {
        Some(essence) if accepted.contains(&essence.as_str()) => Ok(()),
        _ => Err(Failure::new(
            ProblemKind::UnsupportedMediaType,
            format!("Content-Type must be {}", accepted.join(" or ")),
        )),
    }
}

/// Typed query fields. Their names were checked against the specification before.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Failure> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| Failure::invalid_query(rejection.body_text()))
    }
}

/// A part of the path that names something; what is no valid name names nothing: 404.
pub(crate) fn named<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::not_found(what))
}

/// The feature a path names.
#[derive(Debug)]
pub(crate) struct NamedFeature(pub(crate) Feature);

impl FromRequestParts<AppState> for NamedFeature {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Failure> {
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Failure::not_found("such feature"))?;
        named(&name, "such feature").map(Self)
    }
}

/// `If-Match`, which the operation needs.
#[derive(Debug)]
pub(crate) struct IfMatch(pub(crate) Precondition);

impl FromRequestParts<AppState> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Failure> {
        if_match(&parts.headers).map(Self)
    }
}

fn if_match(headers: &HeaderMap) -> Result<Precondition, Failure> {
    let mut values = headers.get_all(IF_MATCH).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(if headers.contains_key(IF_MATCH) {
            Failure::new(ProblemKind::InvalidHeader, "If-Match must come once")
        } else {
            Failure::new(
                ProblemKind::PreconditionRequired,
                "this change needs If-Match with the ETag of what it changes, or *",
            )
        });
    };
    precondition(value.to_str().unwrap_or_default().trim()).ok_or_else(|| {
        Failure::new(
            ProblemKind::InvalidHeader,
            "If-Match must be * or one strong ETag such as \"12\"",
        )
    })
}

/// What `*` or a strong ETag asks for.
pub(crate) fn precondition(text: &str) -> Option<Precondition> {
    if text == "*" {
        return Some(Precondition::Exists);
    }
    let tag = text.strip_prefix('"')?.strip_suffix('"')?;
    // A tag we never made matches nothing, so the change is refused as stale.
    let revision = tag.parse().unwrap_or(u64::MAX);
    Some(Precondition::Revision(Revision(revision)))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn check(values: &[&str], expected: Result<Precondition, u16>) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, value.parse().expect("header"));
        }
        let found = if_match(&headers).map_err(|failure| failure.into_response().status().as_u16());
        assert_eq!(found, expected, "{values:?}");
    }

    #[test]
    fn if_match_is_one_strong_tag_or_a_star() {
        check(&[], Err(428));
        check(&["*"], Ok(Precondition::Exists));
        check(&["\"12\""], Ok(Precondition::Revision(Revision(12))));
        check(&["\"other\""], Ok(Precondition::Revision(Revision(u64::MAX))));
        check(&["12"], Err(400));
        check(&["W/\"12\""], Err(400));
        check(&["\"1\"", "\"2\""], Err(400));
    }
}
