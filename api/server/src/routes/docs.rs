//! The specification, for machines and for people. Needs nothing from outside this host.

use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::Path;
use axum::http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

use crate::failure::Failure;

/// Scripts come from this host only and may talk to this host only.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

static SPECIFICATION: LazyLock<OpenApi> = LazyLock::new(crate::openapi);
static PAGE: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    // The page would otherwise send the specification's address to a validator on the internet.
    Arc::new(Config::from("/api/v1/openapi.json").validator_url("none"))
});

/// Show the specification of this API
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "get_openapi",
    tag = "docs",
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value))
)]
pub(crate) async fn specification() -> Json<&'static OpenApi> {
    Json(&SPECIFICATION)
}

/// Show the specification to people
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "get_docs",
    tag = "docs",
    responses((status = 303, description = "To the first page."))
)]
pub(crate) async fn page() -> Redirect {
    Redirect::to("/docs/index.html")
}

/// Show a file of the page
#[utoipa::path(
    get,
    path = "/docs/{file}",
    operation_id = "get_docs_file",
    tag = "docs",
    params(("file" = String, Path, description = "Name of the file.", example = "index.html")),
    responses((status = 200, description = "The file.", body = String, content_type = "text/html"))
)]
pub(crate) async fn file(Path(name): Path<String>) -> Result<Response, Failure> {
    let found = utoipa_swagger_ui::serve(&name, PAGE.clone()).ok().flatten();
    let file = found.ok_or_else(|| Failure::not_found("such file"))?;
    let kind = HeaderValue::from_str(&file.content_type);
    let mut response = file.bytes.into_owned().into_response();
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| headers.insert(name, value);
    set(
        CONTENT_TYPE,
        kind.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    set(CONTENT_SECURITY_POLICY, POLICY);
    if file.gzpipped {
        set(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
