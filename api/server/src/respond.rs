//! Shapes of successful answers.

use axum::Json;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ravelin_api_types::{CommitReport, LiveFlows};
use ravelin_control::LiveReport;
use ravelin_model::Revision;
use serde::Serialize;

use crate::policy::{DRY_RUN, live};

/// Revision of the configuration after a change.
pub(crate) const REVISION: HeaderName = HeaderName::from_static("ravelin-revision");

/// What a change meant for live connections.
pub(crate) const LIVE_FLOWS: HeaderName = HeaderName::from_static("ravelin-live-flows");

/// What was preferred and is done (RFC 7240).
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The ETag of something last changed at this revision.
pub(crate) fn etag(revision: Revision) -> String {
    format!("\"{}\"", revision.0)
}

/// A single resource.
#[derive(Debug)]
pub(crate) struct Tagged<T>(pub(crate) T, pub(crate) Revision);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        set(&mut response, ETAG, &etag(self.1));
        response
    }
}

/// A change that was made.
#[derive(Debug)]
pub(crate) struct Changed<T> {
    status: StatusCode,
    body: Option<T>,
    revision: Revision,
    etag: Option<Revision>,
    location: Option<String>,
    live_flows: LiveReport,
}

impl<T> Changed<T> {
    /// The resource afterwards.
    pub(crate) fn updated(body: T, revision: Revision) -> Self {
        Self {
            status: StatusCode::OK,
            body: Some(body),
            revision,
            etag: Some(revision),
            location: None,
            live_flows: LiveReport::NotJudged,
        }
    }

    /// What came into being, and where it is.
    pub(crate) fn created(body: T, revision: Revision, location: String) -> Self {
        Self {
            status: StatusCode::CREATED,
            location: Some(location),
            ..Self::updated(body, revision)
        }
    }

    /// Of something whose ETag is another revision than the change's.
    pub(crate) fn tagged(mut self, etag: Revision) -> Self {
        self.etag = Some(etag);
        self
    }

    /// It came into being, and this is where it is.
    pub(crate) fn at(mut self, location: String) -> Self {
        self.status = StatusCode::CREATED;
        self.location = Some(location);
        self
    }

    /// What it meant for live connections.
    pub(crate) fn judged(mut self, live_flows: LiveReport) -> Self {
        self.live_flows = live_flows;
        self
    }

    /// For resources that change by themselves, so that no ETag would hold.
    pub(crate) fn without_etag(mut self) -> Self {
        self.etag = None;
        self
    }
}

impl Changed<()> {
    /// It is gone.
    pub(crate) fn deleted(revision: Revision) -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: None,
            revision,
            etag: None,
            location: None,
            live_flows: LiveReport::NotJudged,
        }
    }
}

impl<T: Serialize> IntoResponse for Changed<T> {
    fn into_response(self) -> Response {
        let (live_flows, live_flows_problem) = live(self.live_flows);
        let summary = live_flows.as_ref().map(summary);
        let mut response = match self.body {
            Some(body) => {
                let body = WithLiveFlows {
                    body,
                    live_flows,
                    live_flows_problem,
                };
                (self.status, Json(body)).into_response()
            }
            None => self.status.into_response(),
        };
        if let Some(summary) = summary {
            set(&mut response, LIVE_FLOWS, &summary);
        }
        set(&mut response, REVISION, &self.revision.0.to_string());
        if let Some(revision) = self.etag {
            set(&mut response, ETAG, &etag(revision));
        }
        if let Some(location) = &self.location {
            set(&mut response, LOCATION, location);
        }
        response
    }
}

/// An answer to a change and what it meant for live connections.
#[derive(Serialize)]
struct WithLiveFlows<T> {
    #[serde(flatten)]
    body: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    live_flows: Option<LiveFlows>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live_flows_problem: Option<String>,
}

/// The figures as a dictionary of structured fields (RFC 9651), for answers without a body.
fn summary(flows: &LiveFlows) -> String {
    format!(
        "kept={}, cut={}, unjudged={}",
        flows.kept, flows.cut, flows.unjudged
    )
}

/// A change to the policy that was made, or that was only looked at.
#[derive(Debug)]
pub(crate) enum Written<T> {
    /// It was made.
    Done(Changed<T>),
    /// What would become of it.
    Preview(CommitReport),
}

impl<T: Serialize> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Done(changed) => changed.into_response(),
            Self::Preview(report) => {
                let revision = Revision(report.revision);
                let mut response = revised(Json(report), revision).into_response();
                set(&mut response, PREFERENCE_APPLIED, DRY_RUN);
                response
            }
        }
    }
}

/// An answer that says by which revision it holds.
#[derive(Debug)]
pub(crate) struct Revised<T>(T, Revision);

/// See [`Revised`].
pub(crate) fn revised<T>(body: T, revision: Revision) -> Revised<T> {
    Revised(body, revision)
}

impl<T: IntoResponse> IntoResponse for Revised<T> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        set(&mut response, REVISION, &self.1.0.to_string());
        response
    }
}

/// Values here are digits, quotes and paths of checked ids: always a valid header.
fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
