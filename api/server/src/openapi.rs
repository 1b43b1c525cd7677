//! The specification: what the handlers say about themselves, and what every operation has in common.

mod common;
mod down_convert;

use axum::http::Method;
use ravelin_api_types::{CommitReport, Event, FieldError, Gap, Move, Problem};
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::{OpenApi, RefOr};

use common::SecuritySchemes;
use down_convert::down_convert;

/// What stands above the operations.
#[derive(Debug, utoipa::OpenApi)]
#[openapi(
    info(
        title = "Ravelin",
        version = "1.0.0",
        description = "The API of the Ravelin firewall appliance.\n\n\
            Changes answer with the `revision` of the configuration after them. Single resources have an `ETag`; \
            operations with `If-Match` need it. Errors are problems (RFC 9457), all errors of a body at once. Unknown \
            members of bodies and unknown query fields are refused. Changes to the policy take `Prefer: dry-run` and \
            `confirm_within_seconds`. Every operation also answers HEAD where it \
            answers GET, 404 for unknown paths and 405 for unknown methods.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    servers((url = "/", description = "This host.")),
    tags(
        (name = "auth", description = "Access tokens."),
        (name = "features", description = "What the data plane does with packets."),
        (name = "lists", description = "Addresses and domain names features work by."),
        (name = "zones", description = "What the policy calls the networks behind interfaces."),
        (name = "rules", description = "Which new connections may be."),
        (name = "services", description = "Protocols and ports by name."),
        (name = "address translation", description = "NAT rules and published services."),
        (name = "policy", description = "The policy as a whole."),
        (name = "flows", description = "Connections."),
        (name = "interfaces", description = "Network interfaces."),
        (name = "network", description = "Routes and names."),
        (name = "data plane", description = "Programs, maps and counters in the kernel."),
        (name = "tuning", description = "Sizes and rates the engine sets itself by what it measures."),
        (name = "system", description = "The machine: versions, updates, power, logs."),
        (name = "events", description = "What happens, as it happens."),
        (name = "health", description = "Liveness, readiness, metrics."),
        (name = "docs", description = "This specification."),
    ),
    components(schemas(Problem, FieldError, Event, Gap, CommitReport, Move)),
    modifiers(&SecuritySchemes)
)]
pub(crate) struct Document;

/// The specification of every route, complete.
pub fn openapi() -> OpenApi {
    let mut openapi = crate::router::documented().into_openapi();
    common::complete(&mut openapi);
    openapi
}

/// The files of `openapi/` by name: the specification as it is, and in OpenAPI 3.0.3 for older generators.
pub fn openapi_files() -> Result<[(&'static str, String); 2], serde_json::Error> {
    let specification = serde_json::to_value(openapi())?;
    let older = down_convert(&specification);
    Ok([
        ("v1.json", serde_json::to_string_pretty(&specification)? + "\n"),
        ("v1-3.0.json", serde_json::to_string_pretty(&older)? + "\n"),
    ])
}

/// Every operation with its method and path.
pub(crate) fn operations(openapi: &OpenApi) -> impl Iterator<Item = (Method, &str, &Operation)> {
    openapi.paths.paths.iter().flat_map(|(path, item)| {
        let by_method = [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::DELETE, &item.delete),
            (Method::PATCH, &item.patch),
        ];
        by_method
            .into_iter()
            .filter_map(move |(method, operation)| Some((method, path.as_str(), operation.as_ref()?)))
    })
}

/// Parameters of an operation.
pub(crate) fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation
        .parameters
        .iter()
        .flatten()
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
}

#[cfg(test)]
mod tests;
