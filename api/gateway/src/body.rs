//! Bodies on their way through: never gathered, only passed on as fast as the other side takes them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

use crate::activity::Active;
use crate::task;

/// Why the rest of a request's body does not come.
#[derive(Debug, Error)]
pub enum BodyError {
    /// `limits.body_idle_timeout_seconds`.
    #[error("the client sent nothing for too long")]
    Idle,
    /// The client broke off.
    #[error("the client broke off")]
    Broken(#[source] hyper::Error),
}

/// A request's body. Ends with an error when the client lets it stand still. What is left of it when it is dropped,
/// because the engine answered early, is read and thrown away for a moment, so that closing the connection does not
/// destroy the answer before the client has read it (RFC 9112 section 9.6).
#[derive(Debug)]
pub struct RequestBody {
    incoming: Option<Incoming>,
    idle_timeout: Duration,
    idle: Pin<Box<Sleep>>,
    waiting: bool,
    /// Dropped with the body, which tells the receiver.
    _done: oneshot::Sender<Infallible>,
}

impl RequestBody {
    /// The receiver fails when the body is done with: passed on to its end, or given up.
    pub fn new(incoming: Incoming, idle_timeout: Duration) -> (Self, oneshot::Receiver<Infallible>) {
        let (done, is_done) = oneshot::channel();
        let body = Self {
            incoming: Some(incoming),
            idle_timeout,
            idle: Box::pin(sleep(idle_timeout)),
            waiting: false,
            _done: done,
        };
        (body, is_done)
    }

    /// Counts only while the client is waited for, not while the engine is.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.waiting {
            self.waiting = true;
            self.idle.as_mut().reset(Instant::now() + self.idle_timeout);
        }
        self.idle.as_mut().poll(cx)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(incoming) = self.incoming.as_mut() else {
            return Poll::Ready(None);
        };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.waiting = false;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.incoming = None;
                Poll::Ready(Some(Err(BodyError::Broken(error))))
            }
            Poll::Ready(None) => {
                self.incoming = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.poll_idle(cx));
                self.incoming = None;
                Poll::Ready(Some(Err(BodyError::Idle)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(rest) = self.incoming.take()
            && !rest.is_end_stream()
        {
            task::discard(rest);
        }
    }
}

/// An answer's body: the engine's, or a problem of the gateway's own. The request counts as running while it lives.
#[derive(Debug)]
pub struct ResponseBody {
    body: Either<Incoming, Full<Bytes>>,
    _active: Active,
}

impl ResponseBody {
    /// Passes on the engine's body.
    pub fn engine(body: Incoming, active: Active) -> Self {
        Self {
            body: Either::Left(body),
            _active: active,
        }
    }

    /// A body of the gateway's own.
    pub fn own(text: Bytes, active: Active) -> Self {
        Self {
            body: Either::Right(Full::new(text)),
            _active: active,
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
