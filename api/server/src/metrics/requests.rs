//! Requests to the API.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 10] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

type Labels = [(&'static str, String); 3];

/// What was counted of requests.
#[derive(Debug, Clone)]
pub(crate) struct RequestMetrics {
    requests: Family<Labels, Counter>,
    duration: Family<Labels, Histogram, fn() -> Histogram>,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }
}

impl RequestMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "api_requests",
            "Requests answered, by method, path of the specification and status",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "api_request_duration",
            "Time until the header of the answer, by method, path of the specification and status",
            Unit::Seconds,
            self.duration.clone(),
        );
    }

    /// Counts an answer. `path` is a path of the specification, not the one of the request.
    pub(crate) fn answered(&self, method: &Method, path: &str, status: StatusCode, after: Duration) {
        let method = match *method {
            Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE => {
                method.as_str()
            }
            // Clients may invent methods.
            _ => "other",
        };
        let labels = [
            ("method", method.to_owned()),
            ("path", path.to_owned()),
            ("status", status.as_u16().to_string()),
        ];
        self.requests.get_or_create(&labels).inc();
        self.duration.get_or_create(&labels).observe(after.as_secs_f64());
    }
}
