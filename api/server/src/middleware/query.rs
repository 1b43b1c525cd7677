//! Refuses query fields an operation does not know, by the specification, so no handler can forget to.

use std::collections::{HashMap, HashSet};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::ParameterIn;

use crate::failure::Failure;
use crate::state::AppState;

/// Names of the query fields of every operation.
#[derive(Debug)]
pub(crate) struct KnownQueries(HashMap<(Method, String), HashSet<String>>);

impl KnownQueries {
    pub(crate) fn of(openapi: &OpenApi) -> Self {
        let mut known = HashMap::new();
        for (method, path, operation) in crate::openapi::operations(openapi) {
            let names = crate::openapi::parameters(operation)
                .filter(|parameter| parameter.parameter_in == ParameterIn::Query)
                .map(|parameter| parameter.name.clone())
                .collect();
            known.insert((method, path.to_owned()), names);
        }
        Self(known)
    }

    fn check(&self, method: &Method, path: &str, query: &str) -> Result<(), Failure> {
        // HEAD takes what GET takes.
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let Some(known) = self.0.get(&(method.clone(), path.to_owned())) else {
            return Ok(());
        };
        let mut seen = HashSet::new();
        for field in query.split('&').filter(|field| !field.is_empty()) {
            let name = field.split('=').next().unwrap_or_default();
            if !known.contains(name) {
                return Err(Failure::invalid_query(format!(
                    "the query field '{name}' is not known here"
                )));
            }
            if !seen.insert(name) {
                return Err(Failure::invalid_query(format!(
                    "the query field '{name}' comes twice"
                )));
            }
        }
        Ok(())
    }
}

pub(crate) async fn known_query(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    if let (Some(path), Some(query)) = (path, request.uri().query())
        && let Err(failure) = state.queries().check(request.method(), path.as_str(), query)
    {
        return failure.into_response();
    }
    next.run(request).await
}
