//! One client connection: handshake, then HTTP until one side has enough.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use crate::activity::Activity;
use crate::config::{Limits, seconds};
use crate::forward::Forwarder;
use crate::headers::Ends;
use crate::tls;

/// What every connection needs.
#[derive(Clone)]
pub struct Gateway {
    /// Makes TLS of TCP.
    pub acceptor: TlsAcceptor,
    /// Takes the requests.
    pub forwarder: Forwarder,
    /// What a client may use up.
    pub limits: Limits,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Serves one client until it goes, breaks a limit, or `stop` turns true and its requests are done.
    pub async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, stop: watch::Receiver<bool>) {
        let ends = Ends {
            peer: peer.ip(),
            local: stream.local_addr().ok(),
        };
        let handshake = self.acceptor.accept(stream);
        let tls = match timeout(seconds(self.limits.handshake_timeout_seconds), handshake).await {
            Ok(Ok(tls)) => tls,
            Ok(Err(error)) => return debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => return debug!(%peer, "TLS handshake timed out"),
        };
        // ALPN decides, so nothing is read to guess the protocol: a guess could be waited for without end.
        let http = if tls.get_ref().1.alpn_protocol() == Some(tls::HTTP2) {
            self.http().http2_only()
        } else {
            self.http().http1_only()
        };
        if let Err(error) = self.exchange(&http, TokioIo::new(tls), ends, stop).await {
            debug!(%peer, error, "connection failed");
        }
    }

    async fn exchange<I>(
        &self,
        http: &auto::Builder<TokioExecutor>,
        io: I,
        ends: Ends,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Box<dyn Error + Send + Sync>>
    where
        I: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
    {
        let activity = Activity::new();
        let service = service_fn(|request| {
            let (forwarder, activity) = (self.forwarder.clone(), activity.clone());
            async move { Ok::<_, Infallible>(Box::pin(forwarder.forward(ends, &activity, request)).await) }
        });
        let mut connection = pin!(http.serve_connection(io, service));
        tokio::select! {
            done = connection.as_mut() => return done,
            () = activity.idle_for(seconds(self.limits.idle_timeout_seconds)) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        connection.as_mut().graceful_shutdown();
        let unfinished_head = async {
            activity
                .idle_for(seconds(self.limits.header_timeout_seconds))
                .await;
        };
        tokio::select! {
            done = connection => done,
            () = unfinished_head => Ok(()),
        }
    }

    fn http(&self) -> auto::Builder<TokioExecutor> {
        // What is a little too large is read, to be refused with a problem; what is far too large is cut off.
        let header_bytes = self.limits.header_bytes.saturating_mul(2).max(8192);
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(seconds(self.limits.header_timeout_seconds))
            .max_buf_size(header_bytes as usize);
        http.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(header_bytes)
            .max_concurrent_streams(self.limits.requests_per_connection)
            .keep_alive_interval(seconds(self.limits.idle_timeout_seconds))
            .keep_alive_timeout(seconds(self.limits.header_timeout_seconds));
        http
    }
}
