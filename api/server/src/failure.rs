//! The one place that turns errors into answers.

use std::error::Error;

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ravelin_api_types::{BadBody, FieldError, PROBLEM_MEDIA_TYPE, Problem, ProblemKind};
use ravelin_control::{ControlError, Origin, Refusal, RefusalReason};
use ravelin_model::Feature;

/// A request that was refused or failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    problem: Box<Problem>,
    retry_after_seconds: Option<u64>,
}

impl Failure {
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            problem: Box::new(Problem::new(kind, detail)),
            retry_after_seconds: None,
        }
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds.max(1));
        self
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(ProblemKind::NotFound, format!("there is no {what}"))
    }

    pub(crate) fn invalid_query(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::InvalidQuery, detail)
    }

    fn invalid(detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        let mut failure = Self::new(ProblemKind::InvalidContent, detail);
        failure.problem.errors = errors;
        failure
    }

    fn blocked_by(kind: ProblemKind, error: &ControlError, features: &[Feature]) -> Self {
        let mut failure = Self::new(kind, error.to_string());
        failure.problem.blocked_by = features.iter().map(|f| f.name().to_owned()).collect();
        failure
    }

    /// One value of the body is wrong.
    pub(crate) fn invalid_value(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        let error = FieldError {
            pointer: pointer.to_owned(),
            code: code.to_owned(),
            detail: detail.into(),
        };
        Self::invalid("one value is not valid", vec![error])
    }

    /// Whether something changed since it was read.
    pub(crate) fn is_stale(&self) -> bool {
        self.problem.status == ProblemKind::PreconditionFailed.status()
    }

    /// The same of another kind.
    fn of_kind(mut self, kind: ProblemKind) -> Self {
        let plain = Problem::new(kind, std::mem::take(&mut self.problem.detail));
        self.problem = Box::new(Problem {
            errors: self.problem.errors,
            ..plain
        });
        self
    }

    /// Errors of a body that says several operations, each told at its place; `value` is where in it the object is.
    pub(crate) fn of_operations(error: ControlError, place: impl Fn(usize) -> String, value: &str) -> Self {
        let ControlError::PolicyRefused { refusals } = &error else {
            return error.into();
        };
        let mut failure = Self::refused(&error, refusals);
        let told = |refusal: &Refusal| operation_error(refusal, &place(refusal.operation), value);
        failure.problem.errors = refusals.iter().map(told).collect();
        // The request is there; what it names is not.
        if failure.problem.status == ProblemKind::NotFound.status() {
            failure = failure.of_kind(ProblemKind::InvalidContent);
        }
        failure
    }

    /// Refused operations: the first says the kind.
    fn refused(error: &ControlError, refusals: &[Refusal]) -> Self {
        let Some(first) = refusals.first() else {
            return Self::internal(error);
        };
        let mut failure = Self::new(refusal_kind(first), error.to_string());
        let problem = &mut failure.problem;
        if problem.status != ProblemKind::NotFound.status() {
            problem.errors = refusals.iter().map(field_error).collect();
        }
        for refusal in refusals {
            match &refusal.reason {
                RefusalReason::Stale { current } => {
                    problem.current_etag = Some(crate::respond::etag(*current));
                }
                RefusalReason::InUse { users } => {
                    problem
                        .blocked_by
                        .extend(users.iter().map(|user| user.id.clone()));
                    problem.used_by.extend(users.iter().cloned().map(Into::into));
                }
                RefusalReason::Taken { by } if !problem.blocked_by.contains(&by.id) => {
                    problem.blocked_by.push(by.id.clone());
                }
                _ => {}
            }
        }
        failure
    }

    /// A fault of ours: the log has the causes, the answer does not.
    fn internal(error: &ControlError) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        tracing::error!(error = %error, causes = causes.join(": "), "a request failed inside");
        Self::new(
            ProblemKind::Internal,
            format!("{error}; the log says more under this request id"),
        )
    }
}

/// A problem on its way out: the outermost layer knows the request's id and renders it.
#[derive(Debug, Clone)]
struct Unrendered(Problem);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"ravelin\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(Unrendered(*self.problem));
        response
    }
}

/// Gives a problem its body. Other answers pass unchanged.
pub(crate) fn render(mut response: Response, request_id: &str) -> Response {
    let Some(Unrendered(mut problem)) = response.extensions_mut().remove() else {
        return response;
    };
    request_id.clone_into(&mut problem.request_id);
    // Strings and numbers only: this cannot fail.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}

/// For a path that exists with other methods; axum adds `Allow`.
pub(crate) async fn method_not_allowed() -> Failure {
    Failure::new(
        ProblemKind::MethodNotAllowed,
        format!("the header {ALLOW} lists the methods of this path"),
    )
}

/// For a path nobody serves.
pub(crate) async fn no_such_path() -> Failure {
    Failure::not_found("such path")
}

impl From<BadBody> for Failure {
    fn from(body: BadBody) -> Self {
        match body {
            BadBody::Malformed(detail) => Self::new(ProblemKind::MalformedJson, detail),
            BadBody::Invalid(errors) => {
                let detail = match errors.len() {
                    1 => "one value is not valid".to_owned(),
                    n => format!("{n} values are not valid"),
                };
                Self::invalid(detail, errors)
            }
        }
    }
}

fn refusal_kind(refusal: &Refusal) -> ProblemKind {
    match &refusal.reason {
        RefusalReason::Unknown { .. } => ProblemKind::NotFound,
        RefusalReason::Stale { .. } => ProblemKind::PreconditionFailed,
        RefusalReason::InUse { .. } => ProblemKind::InUse,
        RefusalReason::Taken { .. } if refusal.pointer == "/name" => ProblemKind::NameTaken,
        RefusalReason::Taken { .. } | RefusalReason::IdTaken => ProblemKind::Taken,
        RefusalReason::BuiltIn => ProblemKind::BuiltIn,
        RefusalReason::BadReference | RefusalReason::Invalid => ProblemKind::InvalidContent,
        RefusalReason::Full => ProblemKind::NoRoom,
    }
}

fn field_error(refusal: &Refusal) -> FieldError {
    let code = match &refusal.reason {
        RefusalReason::BadReference => "reference",
        reason => reason.code(),
    };
    FieldError {
        pointer: refusal.pointer.clone(),
        code: code.to_owned(),
        detail: refusal.detail.clone(),
    }
}

/// The same at the place of its operation.
fn operation_error(refusal: &Refusal, place: &str, value: &str) -> FieldError {
    let pointer = match &refusal.reason {
        RefusalReason::IdTaken => format!("{place}/id"),
        RefusalReason::Unknown { .. } | RefusalReason::InUse { .. } if !value.is_empty() => {
            format!("{place}/id")
        }
        RefusalReason::Stale { .. } if !value.is_empty() => format!("{place}/if_match"),
        _ if refusal.pointer.is_empty() => place.to_owned(),
        _ => format!("{place}{value}{}", refusal.pointer),
    };
    FieldError {
        pointer,
        ..field_error(refusal)
    }
}

fn origin_id(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Rule(id) => Some(id.to_string()),
        Origin::PublishedService(id) => Some(id.to_string()),
        Origin::ZonePair(id) => Some(id.to_string()),
        Origin::AntiLockout | Origin::UnwrittenPair => None,
    }
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        let plain = |kind| Self::new(kind, error.to_string());
        match &error {
            ControlError::UnknownList(_)
            | ControlError::UnknownEntry { .. }
            | ControlError::UnknownInterface(_)
            | ControlError::UnknownMap(_)
            | ControlError::UnknownRevision(_)
            | ControlError::UnknownObject { .. } => plain(ProblemKind::NotFound),
            ControlError::MissingDependency { missing, .. } => {
                Self::blocked_by(ProblemKind::MissingDependency, &error, missing)
            }
            ControlError::NeededBy { users, .. } => {
                Self::blocked_by(ProblemKind::NeededByFeature, &error, users)
            }
            ControlError::NameTaken(_) => plain(ProblemKind::NameTaken),
            ControlError::ListInUse { users, .. } => {
                let mut failure = plain(ProblemKind::ListInUse);
                failure.problem.blocked_by = users.iter().map(|user| user.id.clone()).collect();
                failure.problem.used_by = users.iter().cloned().map(Into::into).collect();
                failure
            }
            ControlError::BuiltIn(_) => plain(ProblemKind::BuiltInList),
            ControlError::InvalidConfig { problems, .. } => {
                let field_error = |problem: &ravelin_model::InvalidFeatureConfig| FieldError {
                    pointer: format!("/{}", problem.field),
                    code: "reference".to_owned(),
                    detail: problem.problem.clone(),
                };
                Self::invalid(error.to_string(), problems.iter().map(field_error).collect())
            }
            ControlError::WrongKind { index, .. } => {
                let field_error = FieldError {
                    pointer: format!("/entries/{index}/value"),
                    code: "format".to_owned(),
                    detail: error.to_string(),
                };
                Self::invalid(error.to_string(), vec![field_error])
            }
            ControlError::Stale { current } => {
                let mut failure = plain(ProblemKind::PreconditionFailed);
                failure.problem.current_etag = Some(crate::respond::etag(*current));
                failure
            }
            ControlError::NoRoom(_) => plain(ProblemKind::NoRoom),
            ControlError::ImportTooLarge { .. } => plain(ProblemKind::BodyTooLarge),
            ControlError::NoDatapath(_) => plain(ProblemKind::DatapathUnavailable).retry_after(10),
            ControlError::NoHardware(_) => plain(ProblemKind::HardwareUnavailable).retry_after(10),
            ControlError::ImportRead(_) => plain(ProblemKind::InterruptedBody),
            ControlError::ShuttingDown => plain(ProblemKind::ShuttingDown).retry_after(5),
            ControlError::PolicyRefused { refusals } => Self::refused(&error, refusals),
            ControlError::WouldLockOut { by } => {
                let mut failure = plain(ProblemKind::WouldLockOut);
                failure.problem.detail += "; confirm_within_seconds lets the change through for a time";
                failure.problem.blocked_by = origin_id(by).into_iter().collect();
                failure
            }
            ControlError::WouldTakeAddress { .. } => {
                let mut failure = plain(ProblemKind::WouldLockOut);
                failure.problem.detail += "; confirm_within_seconds lets the change through for a time";
                failure
            }
            ControlError::AwaitsConfirmation { .. } => plain(ProblemKind::AwaitsConfirmation),
            ControlError::NothingToAcknowledge => plain(ProblemKind::NothingToAcknowledge),
            ControlError::NotKept(_) => plain(ProblemKind::NotKept).retry_after(60),
            ControlError::NothingToConfirm(_) => plain(ProblemKind::NothingToConfirm),
            ControlError::CannotSimulate(_) => plain(ProblemKind::CannotSimulate),
            ControlError::CommitFailed { step, source } => {
                let mut failure = match source.as_ref() {
                    ControlError::NoRoom(_) => plain(ProblemKind::NoRoom),
                    ControlError::NoDatapath(_) => plain(ProblemKind::DatapathUnavailable).retry_after(10),
                    // What driver and kernel say is all there is to say.
                    ControlError::Hardware { .. } | ControlError::Network(_) => {
                        Self::new(ProblemKind::CommitFailed, format!("{error}: {source}"))
                    }
                    _ => Self::internal(&error).of_kind(ProblemKind::CommitFailed),
                };
                failure.problem.failed_step = Some(step.name().to_owned());
                failure
            }
            ControlError::Nftables(_)
            | ControlError::Hardware { .. }
            | ControlError::Network(_)
            | ControlError::ReadBack { .. }
            | ControlError::Datapath(_)
            | ControlError::Store(_) => Self::internal(&error),
        }
    }
}
