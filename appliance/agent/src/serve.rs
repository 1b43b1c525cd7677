//! HTTP over the socket.

use std::future::{Future, IntoFuture};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use crate::socket::may_ask;

/// Time requests have to end when the agent stops: that for a restart is answered while the restart begins.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `shutdown` ends and the requests under way are answered, at most five seconds more: whoever asks asks
/// again.
pub async fn serve(listener: UnixListener, app: Router, shutdown: impl Future<Output = ()> + Send) {
    let (stop, stopping) = oneshot::channel::<()>();
    let served = axum::serve(Permitted(listener), app)
        .with_graceful_shutdown(async { drop(stopping.await) })
        .into_future();
    tokio::pin!(served);
    // It ends by itself only when it is told to stop.
    tokio::select! {
        _ = &mut served => return,
        () = shutdown => drop(stop),
    }
    if tokio::time::timeout(GRACE, served).await.is_err() {
        tracing::info!("closing connections that did not end in time");
    }
}

/// Accepts who may ask, and sends others away.
struct Permitted(UnixListener);

impl Listener for Permitted {
    type Io = UnixStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (UnixStream, SocketAddr) {
        loop {
            let accepted = Listener::accept(&mut self.0).await;
            if may_ask(&accepted.0) {
                return accepted;
            }
            tracing::warn!("somebody other than root was sent away");
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}
