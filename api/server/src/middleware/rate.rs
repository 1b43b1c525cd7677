//! Token buckets: one for the requests of each principal, one for the wrong credentials of each peer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ravelin_api_types::ProblemKind;

use crate::extract::Caller;
use crate::failure::Failure;
use crate::state::{AppState, Limits};

/// Buckets that are kept; beyond that the ones longest untouched are forgotten.
const MAX_BUCKETS: usize = 4096;

/// What each principal and each peer has left.
#[derive(Debug)]
pub(crate) struct Rates {
    requests: Buckets,
    failed_attempts: Buckets,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            requests: Buckets::new(limits.requests_per_second.into(), limits.requests_burst.into()),
            failed_attempts: Buckets::new(
                f64::from(limits.failed_attempts_per_minute) / 60.0,
                limits.failed_attempts_per_minute.into(),
            ),
        }
    }

    /// Takes one request of whoever asks.
    pub(crate) fn ask(&self, who: &str) -> Result<(), Failure> {
        self.requests.take(who, Instant::now()).map_err(|seconds| {
            Failure::new(ProblemKind::TooManyRequests, "this principal asks too often").retry_after(seconds)
        })
    }

    /// Whether a peer may present another credential.
    pub(crate) fn may_attempt(&self, peer: &str) -> Result<(), Failure> {
        self.failed_attempts
            .peek(peer, Instant::now())
            .map_err(|seconds| {
                Failure::new(
                    ProblemKind::TooManyFailedAttempts,
                    "this peer presented too many wrong credentials",
                )
                .retry_after(seconds)
            })
    }

    /// Notes a wrong credential.
    pub(crate) fn attempt_failed(&self, peer: &str) {
        // A bucket that is empty already stays empty.
        let _ = self.failed_attempts.take(peer, Instant::now());
    }
}

pub(crate) async fn rate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if let Some(Caller(actor)) = request.extensions().get::<Caller>() {
        let who = format!("{} {}", actor.name, actor.origin);
        if let Err(failure) = state.rates().ask(&who) {
            return failure.into_response();
        }
    }
    next.run(request).await
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

#[derive(Debug)]
struct Buckets {
    per_second: f64,
    burst: f64,
    by_key: Mutex<HashMap<String, Bucket>>,
}

impl Buckets {
    fn new(per_second: f64, burst: f64) -> Self {
        Self {
            per_second,
            burst,
            by_key: Mutex::new(HashMap::new()),
        }
    }

    fn filled(&self, bucket: Option<&Bucket>, now: Instant) -> f64 {
        bucket.map_or(self.burst, |bucket| {
            let since = now.saturating_duration_since(bucket.at).as_secs_f64();
            self.burst.min(bucket.tokens + since * self.per_second)
        })
    }

    /// Whole seconds until there is a token again.
    fn wait(&self, tokens: f64) -> u64 {
        let seconds = ((1.0 - tokens) / self.per_second).ceil();
        // Rates are configured per second or minute: a wait is far below an hour.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let seconds = seconds.clamp(1.0, 3600.0) as u64;
        seconds
    }

    /// Whether there is a token, or the seconds until there is.
    fn peek(&self, key: &str, now: Instant) -> Result<(), u64> {
        let by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = self.filled(by_key.get(key), now);
        if tokens >= 1.0 {
            Ok(())
        } else {
            Err(self.wait(tokens))
        }
    }

    /// Takes a token, or says the seconds until there is one.
    fn take(&self, key: &str, now: Instant) -> Result<(), u64> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if by_key.len() >= MAX_BUCKETS && !by_key.contains_key(key) {
            let mut ages: Vec<Instant> = by_key.values().map(|bucket| bucket.at).collect();
            ages.sort_unstable();
            let cut = ages[ages.len() / 2];
            by_key.retain(|_, bucket| bucket.at > cut);
        }
        let tokens = self.filled(by_key.get(key), now);
        let (left, outcome) = if tokens >= 1.0 {
            (tokens - 1.0, Ok(()))
        } else {
            (tokens, Err(self.wait(tokens)))
        };
        by_key.insert(
            key.to_owned(),
            Bucket {
                tokens: left,
                at: now,
            },
        );
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_refills_and_leaves_others_alone() {
        let buckets = Buckets::new(0.5, 3.0);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..3 {
            assert_eq!(buckets.take("a", at(0)), Ok(()));
        }
        assert_eq!(buckets.take("a", at(0)), Err(2));
        assert_eq!(buckets.peek("a", at(1)), Err(1));
        assert_eq!(buckets.take("b", at(0)), Ok(()));
        assert_eq!(buckets.take("a", at(2)), Ok(()));
        assert_eq!(buckets.take("a", at(2)), Err(2));
    }

    #[test]
    fn memory_is_bounded_whatever_keys_come() {
        let buckets = Buckets::new(1.0, 1.0);
        let start = Instant::now();
        for n in 0..3 * MAX_BUCKETS as u64 {
            let _ = buckets.take(&n.to_string(), start + Duration::from_nanos(n));
        }
        let kept = buckets.by_key.lock().expect("lock").len();
        assert!(kept <= MAX_BUCKETS, "{kept}");
    }
}
