//! DNS servers.

use axum::Json;
use axum::extract::{Path, State};
use ravelin_api_types::{DnsServer, DnsServerSpec, Page};

use crate::extract::{IfMatch, JsonBody, Query};
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy::{self, CommitQuery, Write};
use crate::respond::{Tagged, Written};
use crate::state::AppState;

/// Show every DNS server
#[utoipa::path(
    get,
    path = "/api/v1/dns-servers",
    operation_id = "list_dns_servers",
    tag = "network",
    params(PageQuery),
    responses((status = 200, description = "DNS servers in the order they are asked.", body = Page<DnsServer>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<DnsServer>>, Failure> {
    policy::index::<DnsServerSpec>(&state, &query).await
}

/// Make a DNS server
#[utoipa::path(
    post,
    path = "/api/v1/dns-servers",
    operation_id = "create_dns_server",
    tag = "network",
    params(CommitQuery),
    request_body(content = DnsServerSpec, description = "What it says."),
    responses((status = 201, description = "The new DNS server; `Location` says where it is.", body = DnsServer))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    write: Write,
    body: JsonBody,
) -> Result<Written<DnsServer>, Failure> {
    policy::create::<DnsServerSpec>(&state, write, &body).await
}

/// Show a DNS server
#[utoipa::path(
    get,
    path = "/api/v1/dns-servers/{id}",
    operation_id = "get_dns_server",
    tag = "network",
    params(("id" = String, Path, description = "Id of the DNS server.")),
    responses((status = 200, description = "The DNS server.", body = DnsServer))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Tagged<DnsServer>, Failure> {
    policy::show::<DnsServerSpec>(&state, &id).await
}

/// Have a DNS server say something else
#[utoipa::path(
    put,
    path = "/api/v1/dns-servers/{id}",
    operation_id = "put_dns_server",
    tag = "network",
    params(
        ("id" = String, Path, description = "Id of the DNS server."),
        ("If-Match" = String, Header, description = "ETag of the DNS server, or `*`."),
        CommitQuery,
    ),
    request_body(content = DnsServerSpec, description = "The whole of what it says."),
    responses((status = 200, description = "The DNS server afterwards.", body = DnsServer))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<DnsServer>, Failure> {
    policy::replace::<DnsServerSpec>(&state, write, &id, precondition, &body).await
}

/// Change parts of a DNS server
#[utoipa::path(
    patch,
    path = "/api/v1/dns-servers/{id}",
    operation_id = "patch_dns_server",
    tag = "network",
    params(
        ("id" = String, Path, description = "Id of the DNS server."),
        ("If-Match" = String, Header, description = "ETag of the DNS server, or `*`."),
        CommitQuery,
    ),
    request_body(
        content = ref("#/components/schemas/DnsServerSpecPatch"),
        description = "A merge patch (RFC 7396)."
    ),
    responses((status = 200, description = "The DNS server afterwards.", body = DnsServer))
)]
pub(crate) async fn patch(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
    body: JsonBody,
) -> Result<Written<DnsServer>, Failure> {
    policy::patch::<DnsServerSpec>(&state, write, &id, precondition, &body).await
}

/// Delete a DNS server
#[utoipa::path(
    delete,
    path = "/api/v1/dns-servers/{id}",
    operation_id = "delete_dns_server",
    tag = "network",
    params(
        ("id" = String, Path, description = "Id of the DNS server."),
        ("If-Match" = String, Header, description = "ETag of the DNS server, or `*`."),
        CommitQuery,
    ),
    responses((status = 204, description = "The DNS server is gone."))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    write: Write,
    Path(id): Path<String>,
    IfMatch(precondition): IfMatch,
) -> Result<Written<()>, Failure> {
    policy::delete::<DnsServerSpec>(&state, write, &id, precondition).await
}
