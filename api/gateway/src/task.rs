//! Everything that runs by itself.
//!
//! ```text
//!   listener ──► accept loop ──► one task per connection ──► engine
//!   SIGHUP, timer ─► new certificate ─watch─► TLS handshakes
//!   SIGTERM, SIGINT ─watch(stop)─► connections finish their requests
//! ```

use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tracing::{debug, error, info, warn};

use crate::admission::Admission;
use crate::certificate::{Source, fingerprint};
use crate::config::{Config, seconds};
use crate::connection::Gateway;
use crate::engine;
use crate::error::GatewayError;
use crate::forward::Forwarder;
use crate::listener;
use crate::tls;

/// How often the certificate is looked at. The clock may jump at any time after boot.
const CERTIFICATE_CHECK: Duration = Duration::from_secs(600);

/// How long a client that was answered early may go on sending.
const DISCARD: Duration = Duration::from_secs(5);

/// Pause after a failed accept: out of descriptors is not over at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// At most one line about refused connections in so long.
const REFUSED_EVERY: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT.
pub async fn run(config: Config, listener: StdListener) -> Result<(), GatewayError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificates = Certificates::load(Source::new(&config), Arc::clone(&provider))?;
    let gateway = Arc::new(Gateway {
        acceptor: tls::acceptor(provider, certificates.current.subscribe())?,
        forwarder: Forwarder::new(engine::client(&config.engine_socket), config.limits.clone()),
        limits: config.limits.clone(),
    });
    let listener = TcpListener::from_std(listener).map_err(GatewayError::Runtime)?;
    let address = listener.local_addr().map_err(GatewayError::Runtime)?;
    // Before anybody is told that there is somebody to signal: without a handler a signal kills.
    let signals = Signals::listen().map_err(GatewayError::Runtime)?;
    info!(%address, engine = %config.engine_socket.display(), "listening");
    tell_service_manager(sd_notify::NotifyState::Ready);

    let (stop, stopping) = watch::channel(false);
    let connections = accept(&listener, &gateway, certificates, signals, &stopping).await;
    drop(listener);
    tell_service_manager(sd_notify::NotifyState::Stopping);
    let _ = stop.send(true);
    finish(connections, seconds(config.limits.shutdown_timeout_seconds)).await;
    Ok(())
}

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Accepts connections until a signal says stop, and returns those still open.
async fn accept(
    listener: &TcpListener,
    gateway: &Arc<Gateway>,
    mut certificates: Certificates,
    mut signals: Signals,
    stopping: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut check = interval_at(Instant::now() + CERTIFICATE_CHECK, CERTIFICATE_CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let admission = Admission::new(&gateway.limits);
    let mut refusals = Refusals::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match admission.admit(peer.ip()) {
                    Ok(permit) => {
                        if let Err(error) = listener::prepare(&stream) {
                            debug!(%peer, %error, "connection was gone at once");
                            continue;
                        }
                        let served = Arc::clone(gateway).serve(stream, peer, stopping.clone());
                        connections.spawn(async move {
                            let _permit = permit;
                            Box::pin(served).await;
                        });
                    }
                    Err(refusal) => refusals.count(refusal, peer),
                },
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = check.tick() => certificates.check(),
            _ = signals.hangup.recv() => certificates.check(),
            _ = signals.terminate.recv() => return connections,
            _ = signals.interrupt.recv() => return connections,
        }
    }
}

async fn finish(mut connections: JoinSet<()>, within: Duration) {
    info!(connections = connections.len(), "stopping");
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(within, all).await.is_err() {
        info!(
            connections = connections.len(),
            "cutting off what is still running"
        );
        connections.shutdown().await;
    }
}

/// Reads what is left of a body and throws it away, for a moment.
#[allow(
    clippy::disallowed_methods,
    reason = "outlives its request by seconds and holds nothing but the body"
)]
pub fn discard(mut rest: Incoming) {
    tokio::spawn(timeout(DISCARD, async move {
        while let Some(Ok(_)) = rest.frame().await {}
    }));
}

fn tell_service_manager(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        debug!(%error, "the service manager does not listen");
    }
}

/// The certificate in use and where the next one comes from.
#[derive(Debug)]
struct Certificates {
    source: Source,
    provider: Arc<CryptoProvider>,
    current: watch::Sender<Arc<CertifiedKey>>,
}

impl Certificates {
    fn load(source: Source, provider: Arc<CryptoProvider>) -> Result<Self, GatewayError> {
        let first = Arc::new(source.load(&provider, OffsetDateTime::now_utc())?);
        info!(sha256 = fingerprint(&first), "certificate in use");
        let current = watch::Sender::new(first);
        Ok(Self {
            source,
            provider,
            current,
        })
    }

    /// Uses the newest certificate from now on; keeps the old one when the new one cannot be had.
    fn check(&mut self) {
        match self.source.load(&self.provider, OffsetDateTime::now_utc()) {
            Ok(next) if next.cert == self.current.borrow().cert => {}
            Ok(next) => {
                let next = Arc::new(next);
                info!(sha256 = fingerprint(&next), "new certificate in use");
                self.current.send_replace(next);
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                error!(error, "cannot load the certificate; keeping the old one");
            }
        }
    }
}

/// Logs refused connections without letting a flood of them flood the log.
#[derive(Debug, Default)]
struct Refusals {
    unsaid: u64,
    said_at: Option<Instant>,
}

impl Refusals {
    fn count(&mut self, refusal: crate::admission::Refusal, peer: std::net::SocketAddr) {
        self.unsaid += 1;
        if self.said_at.is_none_or(|at| at.elapsed() >= REFUSED_EVERY) {
            warn!(%peer, reason = %refusal, refused = self.unsaid, "refused connections");
            *self = Self {
                unsaid: 0,
                said_at: Some(Instant::now()),
            };
        }
    }
}
