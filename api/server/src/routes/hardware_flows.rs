//! Connections in network cards.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{HardwareFlow, HardwareFlowPort, HardwareFlowState, Page, Timestamp};
use ravelin_flows::HardwareFlow as Found;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::Query;
use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::state::AppState;

/// Which connections to show. Everything given must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HardwareFlowsQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, max_length = 1024)]
    cursor: Option<String>,
    /// Only those that pass this interface, by its kernel name.
    #[param(nullable = false, max_length = 15, example = "wan0")]
    interface: Option<String>,
    /// Only those of this state.
    #[param(nullable = false, inline)]
    state: Option<HardwareFlowState>,
}

/// Show the connections in network cards
///
/// With the mode `dry_run` of `hw_offload`, those that would be. The feature itself says of each interface whether its card
/// forwards, or why not. As of a few seconds ago, in order of the ids.
#[utoipa::path(
    get,
    path = "/api/v1/hardware-flows",
    operation_id = "list_hardware_flows",
    tag = "flows",
    params(HardwareFlowsQuery),
    responses((status = 200, description = "Connections.", body = Page<HardwareFlow>))
)]
pub(crate) async fn index(
    State(state): State<AppState>,
    Query(query): Query<HardwareFlowsQuery>,
) -> Result<Json<Page<HardwareFlow>>, Failure> {
    let HardwareFlowsQuery {
        limit,
        cursor,
        interface,
        state: wanted,
    } = query;
    let found = state.flows().hardware_flows();
    let fits = |flow: &&Found| {
        interface
            .as_ref()
            .is_none_or(|name| flow.interfaces.contains(name))
            && wanted.is_none_or(|wanted| wanted == state_of(flow))
    };
    let items: Vec<Shown> = found.iter().filter(fits).cloned().map(Shown).collect();
    let page = PageQuery::new(limit, cursor);
    Ok(Json(page.page(items, |Shown(flow)| flow.id.to_string())?))
}

fn state_of(flow: &Found) -> HardwareFlowState {
    match flow.state {
        ravelin_flows::HardwareFlowState::Installed => HardwareFlowState::Installed,
        ravelin_flows::HardwareFlowState::WouldInstall => HardwareFlowState::WouldInstall,
    }
}

/// One that is to be shown.
struct Shown(Found);

impl From<Shown> for HardwareFlow {
    fn from(Shown(flow): Shown) -> Self {
        let state = state_of(&flow);
        let Found {
            id,
            original,
            state: _,
            interfaces: [from, to],
            tags,
            packets_per_second,
            counts,
            since,
        } = flow;
        Self {
            id: id.to_string(),
            protocol: original.protocol,
            original: original.into(),
            state,
            from: HardwareFlowPort {
                interface: from,
                vlan_id: tags[0],
            },
            to: HardwareFlowPort {
                interface: to,
                vlan_id: tags[1],
            },
            packets_per_second,
            counts: counts.into(),
            installed_at: since.map(Timestamp),
        }
    }
}
