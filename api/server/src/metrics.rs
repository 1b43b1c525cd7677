//! Metrics: what the engine says when it is asked, and what was counted of requests. Labels are bounded: names of
//! interfaces, features, lists, maps, programs and sensors, never addresses or domain names.

mod exposition;
mod families;
mod flows;
mod measured;
mod policy;
mod requests;
mod snapshot;
mod system;
mod tuning;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

pub(crate) use exposition::{Format, Held};
pub(crate) use requests::RequestMetrics;

use crate::state::AppState;

/// Every metric as of now.
pub(crate) async fn exposition(state: &AppState, format: Format) -> String {
    // One at a time: what was read later must not be shown earlier, or counters would seem to fall.
    let mut held = state.held().lock().await;
    let mut registry = Registry::with_prefix("ravelin");
    state.metrics().register(&mut registry);
    registry.register_collector(Box::new(snapshot::take(state).await));
    registry.register_collector(Box::new(measured::Measured(state.control().reading().await)));
    registry.register_collector(Box::new(flows::LastReading(state.flows().tally())));
    registry.register_collector(Box::new(tuning::Tuned(state.control().tuning())));
    let mut encoded = String::new();
    if encode(&mut encoded, &registry).is_err() {
        // A String takes everything: only a metric that contradicts itself could fail.
        tracing::error!("metrics cannot be written");
    }
    held.write(&encoded, format)
}
