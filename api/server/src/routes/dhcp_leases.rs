//! Leases of clients of the LANs.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{DhcpLease, Page, Timestamp};
use ravelin_system::network_services::{Lease, LeaseHolder};
use time::OffsetDateTime;

use crate::extract::Query;
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::state::AppState;

/// Show the addresses clients of LANs were given
///
/// DHCPv4 only: of IPv6, clients make addresses of their own.
#[utoipa::path(
    get,
    path = "/api/v1/dhcp-leases",
    operation_id = "list_dhcp_leases",
    tag = "network",
    params(PageQuery),
    responses((status = 200, description = "Leases by address.", body = Page<DhcpLease>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<DhcpLease>>, Failure> {
    let leases = state.machine().agent.dhcp_leases().await?.leases;
    let shown: Vec<DhcpLease> = leases.into_iter().filter_map(shown).collect();
    // In the order of addresses, not of their texts.
    Ok(Json(query.page(shown, |lease| {
        format!("{:08x}", u32::from(lease.address))
    })?))
}

/// None: its end is no time.
fn shown(lease: Lease) -> Option<DhcpLease> {
    let Lease {
        address,
        holder: LeaseHolder { mac, hostname },
        expires_at_seconds,
    } = lease;
    let expires_at = OffsetDateTime::from_unix_timestamp(expires_at_seconds).ok()?;
    Some(DhcpLease {
        address,
        mac,
        hostname,
        expires_at: Timestamp(expires_at),
    })
}
