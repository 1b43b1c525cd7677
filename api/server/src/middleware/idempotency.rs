//! `Idempotency-Key` on POST: the same request twice changes something once. Answers are kept in memory for 24
//! hours, at most 1024 of them, and do not outlive the process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ravelin_api_types::ProblemKind;
use sha2::{Digest, Sha256};

use crate::extract::{Caller, read_body};
use crate::failure::{Failure, render};
use crate::middleware::RequestId;
use crate::routes::TOKEN_PATH;
use crate::routes::system_updates::{is_bundle, no_key_with_a_bundle};
use crate::state::AppState;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const MAX_KEY_BYTES: usize = 255;
const MAX_REPLIES: usize = 1024;
const MAX_REPLY_BYTES: usize = 256 << 10;
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

type Fingerprint = [u8; 32];

/// Answers that may be asked for again.
#[derive(Debug, Default)]
pub(crate) struct Replies(Mutex<HashMap<Fingerprint, Kept>>);

#[derive(Debug)]
struct Kept {
    request: Fingerprint,
    at: Instant,
    /// None: not answered yet.
    reply: Option<Reply>,
}

#[derive(Debug, Clone)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Replies {
    /// Registers a request, or says what became of the one that came first.
    fn begin(&self, key: Fingerprint, request: Fingerprint, now: Instant) -> Result<Option<Reply>, Failure> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| now.saturating_duration_since(kept.at) < KEPT_FOR);
        if let Some(first) = kept.get(&key) {
            return match &first.reply {
                _ if first.request != request => Err(Failure::new(
                    ProblemKind::IdempotencyKeyReused,
                    "this Idempotency-Key came with another request before",
                )),
                Some(reply) => Ok(Some(reply.clone())),
                None => Err(Failure::new(
                    ProblemKind::RequestInProgress,
                    "the first request with this Idempotency-Key is not answered yet",
                )
                .retry_after(1)),
            };
        }
        if kept.len() >= MAX_REPLIES {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.at).map(|(key, _)| *key);
            oldest.map(|key| kept.remove(&key));
        }
        let first = Kept {
            request,
            at: now,
            reply: None,
        };
        kept.insert(key, first);
        Ok(None)
    }

    /// Keeps the answer; None: the request may be tried again.
    fn finish(&self, key: &Fingerprint, reply: Option<Reply>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (kept.get_mut(key), reply) {
            (Some(first), Some(reply)) => first.reply = Some(reply),
            _ => {
                kept.remove(key);
            }
        }
    }
}

pub(crate) async fn idempotency(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // A kept answer of the token endpoint would be a kept token.
    let applies = request.method() == Method::POST && request.uri().path() != TOKEN_PATH;
    match request.headers().get(IDEMPOTENCY_KEY).cloned() {
        Some(_) if applies && is_bundle(request.headers()) => no_key_with_a_bundle().into_response(),
        Some(key) if applies => match once(&state, &key, request, next).await {
            Ok(response) => response,
            Err(failure) => failure.into_response(),
        },
        _ => next.run(request).await,
    }
}

async fn once(
    state: &AppState,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(Failure::new(
            ProblemKind::InvalidHeader,
            format!("Idempotency-Key must have 1 to {MAX_KEY_BYTES} bytes"),
        ));
    }
    let caller = request.extensions().get::<Caller>();
    let caller = caller.map_or("", |Caller(actor)| &actor.name);
    let key = fingerprint(&[caller.as_bytes(), key.as_bytes()]);
    let request_id = request.extensions().get::<RequestId>().cloned();

    let (parts, body) = request.into_parts();
    let body = read_body(
        Request::from_parts(parts.clone(), body),
        state.limits().body_of(parts.uri.path()),
    )
    .await?;
    let target = parts.uri.to_string();
    let this = fingerprint(&[target.as_bytes(), &body]);

    if let Some(reply) = state.replies().begin(key, this, Instant::now())? {
        let mut response = (reply.status, reply.headers, reply.body).into_response();
        response
            .headers_mut()
            .insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        return Ok(response);
    }
    let unanswered = Unanswered { state, key };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    // A problem keeps the id of the request it was made for, as the audit trail has it.
    let response = render(response, request_id.as_ref().map_or("", |id| &id.0));
    let (parts, body) = response.into_parts();
    let body = read_body(Request::new(body), MAX_REPLY_BYTES)
        .await
        .map_err(|_| {
            Failure::new(
                ProblemKind::Internal,
                "the change was made; its answer is too large to be kept",
            )
        })?;
    if parts.status.is_server_error() {
        drop(unanswered);
    } else {
        unanswered.answered(Reply {
            status: parts.status,
            headers: parts.headers.clone(),
            body: body.clone(),
        });
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Forgets the request if the client goes away before it is answered.
struct Unanswered<'a> {
    state: &'a AppState,
    key: Fingerprint,
}

impl Unanswered<'_> {
    fn answered(self, reply: Reply) {
        self.state.replies().finish(&self.key, Some(reply));
        std::mem::forget(self);
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.state.replies().finish(&self.key, None);
    }
}

/// Each part with its length, so that no two sequences of parts are the same bytes.
fn fingerprint(parts: &[&[u8]]) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
