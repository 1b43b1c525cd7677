//! Connections to the engine's socket.

mod stream;

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::UnixStream;
use tower::Service;
use tracing::{info, warn};

use crate::body::RequestBody;
use stream::EngineStream;

/// Idle connections are closed well before the engine would, so that a request never meets a closing one.
const IDLE: Duration = Duration::from_secs(5);

/// Keeps connections to the engine and uses them again.
pub type EngineClient = Client<EngineConnector, RequestBody>;

/// Makes a client for `socket`. Nothing is connected before the first request.
pub fn client(socket: &Path) -> EngineClient {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(EngineConnector {
            engine: Arc::new(Engine {
                socket: socket.to_owned(),
                down: AtomicBool::new(false),
            }),
        })
}

#[derive(Debug)]
struct Engine {
    socket: PathBuf,
    down: AtomicBool,
}

impl Engine {
    /// Logs when the engine goes away and when it comes back, not every request in between.
    async fn connect(&self) -> io::Result<UnixStream> {
        let connected = UnixStream::connect(&self.socket).await;
        let was_down = self.down.swap(connected.is_err(), Ordering::Relaxed);
        let socket = self.socket.display();
        match &connected {
            Err(error) if !was_down => warn!(%socket, %error, "cannot reach the engine; is raveld running?"),
            Ok(_) if was_down => info!(%socket, "the engine is back"),
            _ => {}
        }
        connected
    }
}

/// Connects to the engine, whatever the URI.
#[derive(Debug, Clone)]
pub struct EngineConnector {
    engine: Arc<Engine>,
}

impl Service<Uri> for EngineConnector {
    type Response = TokioIo<EngineStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let engine = Arc::clone(&self.engine);
        Box::pin(async move {
            let socket = engine.connect().await?;
            Ok(TokioIo::new(EngineStream::new(socket)))
        })
    }
}
