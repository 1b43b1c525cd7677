//! Answers of the gateway's own, as problem details (RFC 9457).

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use ravelin_api_types::{PROBLEM_MEDIA_TYPE, Problem, ProblemKind};
use thiserror::Error;

use crate::activity::Active;
use crate::body::ResponseBody;
use crate::headers;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const RETRY_AFTER_SECONDS: &str = "2";

/// Why the gateway answers a request itself. The text is for the client: nothing about the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// 400: `OPTIONS *` and other targets that are no path.
    #[error("the request's target is not a path")]
    BadTarget,
    /// 400: WebSocket, h2c.
    #[error(
        "this server changes to no other protocol; send the request without Upgrade, HTTP/2 is chosen by ALPN"
    )]
    Upgrade,
    /// 405: CONNECT.
    #[error("this server is no proxy")]
    Connect,
    /// 408.
    #[error("no byte of the request's body came for {seconds} s")]
    BodyIdle {
        /// `limits.body_idle_timeout_seconds`.
        seconds: u32,
    },
    /// 400.
    #[error("the request's body broke off")]
    BodyBroken,
    /// 413.
    #[error("the request's body is declared larger than {limit_bytes} bytes")]
    TooLarge {
        /// `limits.content_length_bytes`.
        limit_bytes: u64,
    },
    /// 431.
    #[error("the request's line and headers are larger than {limit_bytes} bytes")]
    HeadersTooLarge {
        /// `limits.header_bytes`.
        limit_bytes: u32,
    },
    /// 503.
    #[error(
        "the engine does not take connections; check that raveld runs, and that engine_socket of the gateway's \
         configuration is the gateway.sock in raveld's run_dir and open to the gateway's user"
    )]
    EngineAway,
    /// 502.
    #[error("the engine broke off before it answered; it may have been restarted, its log says more")]
    EngineBroke,
    /// 504.
    #[error("the engine has not answered for {seconds} s; whether it carried out the request is unknown")]
    EngineSlow {
        /// `limits.engine_timeout_seconds`.
        seconds: u32,
    },
}

impl Refusal {
    /// Status, slug and title: the engine's where it has the same kind of problem.
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        let shared = |kind: ProblemKind, status| (status, kind.slug(), kind.title());
        match self {
            Self::BadTarget => (
                StatusCode::BAD_REQUEST,
                "invalid-target",
                "The request's target is not valid",
            ),
            Self::Upgrade => (
                StatusCode::BAD_REQUEST,
                "upgrade-refused",
                "The protocol cannot be changed",
            ),
            Self::Connect => shared(ProblemKind::MethodNotAllowed, StatusCode::METHOD_NOT_ALLOWED),
            Self::BodyIdle { .. } => (
                StatusCode::REQUEST_TIMEOUT,
                "request-timeout",
                "The request took too long",
            ),
            Self::BodyBroken => shared(ProblemKind::InterruptedBody, StatusCode::BAD_REQUEST),
            Self::TooLarge { .. } => shared(ProblemKind::BodyTooLarge, StatusCode::PAYLOAD_TOO_LARGE),
            Self::HeadersTooLarge { .. } => shared(
                ProblemKind::HeaderTooLarge,
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            ),
            Self::EngineAway => (
                StatusCode::SERVICE_UNAVAILABLE,
                "engine-unavailable",
                "The engine cannot be reached",
            ),
            Self::EngineBroke => (StatusCode::BAD_GATEWAY, "engine-failed", "The engine broke off"),
            Self::EngineSlow { .. } => (
                StatusCode::GATEWAY_TIMEOUT,
                "engine-timeout",
                "The engine took too long",
            ),
        }
    }

    /// The answer, with a request id that is also in the log.
    pub fn response(self, request_id: String, active: Active) -> Response<ResponseBody> {
        let (status, slug, title) = self.parts();
        let problem = Problem {
            type_: format!("/problems/{slug}"),
            title: title.to_owned(),
            status: status.as_u16(),
            request_id: request_id.clone(),
            ..Problem::new(ProblemKind::Internal, self.to_string())
        };
        let text = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(ResponseBody::own(Bytes::from(text), active));
        *response.status_mut() = status;
        let fields = response.headers_mut();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            fields.insert(REQUEST_ID, id);
        }
        match self {
            Self::Connect => {
                fields.insert(ALLOW, HeaderValue::from_static(METHODS));
            }
            Self::EngineAway => {
                fields.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
            }
            _ => {}
        }
        headers::harden(fields);
        response
    }
}
