//! Metrics: what the engine says when it is asked, and what was counted of requests. Labels are bounded: names of
//! interfaces, features, lists, maps and programs, never addresses or domain names.

mod families;
mod flows;
mod policy;
mod requests;
mod snapshot;
mod tuning;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

pub(crate) use requests::RequestMetrics;

use crate::state::AppState;

/// Media type of [`exposition`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every metric as of now.
pub(crate) async fn exposition(state: &AppState) -> String {
    let mut registry = Registry::with_prefix("ravelin");
    state.metrics().register(&mut registry);
    registry.register_collector(Box::new(snapshot::take(state.control()).await));
    registry.register_collector(Box::new(flows::LastReading(state.flows().tally())));
    registry.register_collector(Box::new(tuning::Tuned(state.control().tuning())));
    let mut text = String::new();
    if encode(&mut text, &registry).is_err() {
        // A String takes everything: only a metric that contradicts itself could fail.
        tracing::error!("metrics cannot be written");
    }
    text
}
