//! Finds out who asks. Everything but `/healthz` needs a credential, also what does not exist.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ravelin_api_types::ProblemKind;
use ravelin_control::Actor;

use crate::extract::Caller;
use crate::failure::Failure;
use crate::routes::{HEALTH_PATH, TOKEN_PATH};
use crate::serve::Connection;
use crate::state::AppState;

/// Query fields clients of other products put credentials into.
const CREDENTIAL_FIELDS: [&str; 8] = [
    "access_token",
    "token",
    "api_key",
    "apikey",
    "key",
    "auth",
    "authorization",
    "jwt",
];

pub(crate) async fn credential(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    if request.uri().query().is_some_and(has_credential) {
        return Failure::new(
            ProblemKind::TokenInQuery,
            "URLs end up in logs: revoke that credential and send it as Authorization: Bearer",
        )
        .into_response();
    }
    if request.uri().path() == HEALTH_PATH {
        return next.run(request).await;
    }
    match identify(&state, &request) {
        Ok(actor) => {
            let caller = Caller(actor);
            request.extensions_mut().insert(caller.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(caller);
            response
        }
        Err(failure) => failure.into_response(),
    }
}

fn has_credential(query: &str) -> bool {
    query.split('&').any(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let name = name.to_ascii_lowercase();
        CREDENTIAL_FIELDS.contains(&name.as_str()) || value.starts_with("rva_") || value.starts_with("eyJ")
    })
}

/// An `Authorization` that is there decides alone; without one the peer's own credentials may do.
fn identify(state: &AppState, request: &Request) -> Result<Actor, Failure> {
    let connection = Connection::of(request.extensions());
    let headers = request.headers();
    let origin = connection.origin(headers);
    let peer = connection.throttle_key(headers);
    if !headers.contains_key(AUTHORIZATION) {
        if let Some(name) = connection.trusted_name() {
            return Ok(Actor { name, origin });
        }
        state.rates().ask(&format!("anonymous {peer}"))?;
        return Err(Failure::new(
            ProblemKind::Unauthorized,
            "this request needs Authorization: Bearer and a token",
        ));
    }
    let token = bearer(headers);
    let for_token = request.uri().path() == TOKEN_PATH;
    let name = if for_token {
        // Guessing is what the throttle is for, so it comes before looking.
        state.rates().may_attempt(&peer)?;
        token
            .filter(|token| state.secrets().is_admin_token(token))
            .map(|_| "admin".to_owned())
    } else {
        token.and_then(|token| state.secrets().key().verify(token))
    };
    if let Some(name) = name {
        return Ok(Actor { name, origin });
    }
    // A genuine access token is taken however many wrong ones the same peer sent: nobody can be locked out of a
    // running session.
    state.rates().may_attempt(&peer)?;
    state.rates().attempt_failed(&peer);
    Err(Failure::new(
        ProblemKind::Unauthorized,
        "the credential is not valid",
    ))
}

/// The token of exactly one `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
