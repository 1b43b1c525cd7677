//! What would become of a packet.

use axum::Json;
use axum::extract::State;
use ravelin_api_types::{SimulatedEntry, SimulatedPacket, Simulation, SimulationRequest, parse_with};
use ravelin_control::{ControlError, SimulationQuery, SimulationSource};

use crate::extract::JsonBody;
use crate::failure::Failure;
use crate::policy;
use crate::respond::{Revised, revised};
use crate::state::AppState;

/// Say what would become of a packet
///
/// The loaded program is asked, and the reference; `agree` says whether they say the same. Changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/simulate",
    operation_id = "simulate",
    tag = "policy",
    request_body(content = SimulationRequest, description = "The first packet of a connection."),
    responses((status = 200, description = "What would become of it.", body = Simulation))
)]
pub(crate) async fn simulate(
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> Result<Revised<Json<Simulation>>, Failure> {
    let view = state.control().policy();
    let names = policy::names(&state, &view.policy).await?;
    let packet = parse_with(&body, |node, errors| {
        SimulationRequest::read(node, &names, errors)
    })?;
    let simulation = state
        .control()
        .simulate(query(packet))
        .await
        .map_err(|error| match error {
            // The path is there; what the body names is not.
            ControlError::UnknownInterface(_) => {
                Failure::invalid_value("/interface", "reference", error.to_string())
            }
            other => other.into(),
        })?;
    let revision = simulation.revision;
    Ok(revised(
        Json(policy::simulation(simulation, &view.policy)),
        revision,
    ))
}

fn query(packet: SimulatedPacket) -> SimulationQuery {
    let SimulatedPacket {
        entry,
        to,
        source,
        destination,
        protocol,
        source_port,
        destination_port,
        icmp,
    } = packet;
    SimulationQuery {
        from: match entry {
            SimulatedEntry::Interface(name) => SimulationSource::Interface(name),
            SimulatedEntry::Zone(id) => SimulationSource::Zone(id),
        },
        to,
        source,
        destination,
        protocol,
        source_port,
        destination_port,
        icmp,
    }
}
