//! HTTP/1.1 over a Unix socket, with the peer's credentials as the kernel gives them.

mod peer;

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

pub(crate) use peer::Connection;
pub use peer::{SocketTrust, group_id};

/// Connections of one socket at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 1024;
/// Time to send the header, and to stay idle between requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// What hyper itself takes; the router's own limit is lower and answers with a problem.
const MAX_HEADER_BYTES: usize = 64 << 10;
const MAX_HEADER_FIELDS: usize = 256;
/// Time requests have to end when the engine stops. Event streams end by themselves.
const GRACE: Duration = Duration::from_secs(5);
/// Pause after the kernel refused a connection, e.g. for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `app` until `shutdown` ends and the requests under way are answered, at most five seconds more.
/// Connections are kept alive; no change of configuration ever closes one.
pub async fn serve(
    listener: UnixListener,
    trust: SocketTrust,
    app: Router,
    shutdown: impl Future<Output = ()> + Send,
) {
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    let connection = Connection::new(&stream, &trust);
                    connections.spawn(talk(stream, connection, app.clone(), stopping.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    stop.send_replace(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, drained).await.is_err() {
        tracing::info!(
            connections = connections.len(),
            "closing connections that did not end in time"
        );
    }
    connections.shutdown().await;
}

async fn talk(stream: UnixStream, connection: Connection, app: Router, mut stopping: watch::Receiver<bool>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        let app = app.clone();
        async move { Ok::<_, Infallible>(app.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_header_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADER_FIELDS);
    let mut exchange = pin!(http.serve_connection(TokioIo::new(stream), service));
    // Ends with the signal, or with its sender, which is gone only when everything is.
    let stop = async { drop(stopping.wait_for(|stop| *stop).await) };
    let ended = tokio::select! {
        ended = exchange.as_mut() => ended,
        () = stop => {
            exchange.as_mut().graceful_shutdown();
            exchange.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
