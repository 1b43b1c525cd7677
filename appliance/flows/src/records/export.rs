//! Sending records to a collector of IPFIX over UDP. Nobody waits for it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ravelin_model::{FlowRecord, FlowSettings};
use ravelin_wire::ipfix::{Message, Session};
use time::OffsetDateTime;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::RecordCounters;

/// Between two sendings of the templates: a collector that was started anew can read nothing before (RFC 7011 section
/// 8.1).
const TEMPLATES: Duration = Duration::from_secs(300);

/// How long a batch of records may take to be sent.
const PATIENCE: Duration = Duration::from_secs(1);

/// Collector and observation domain.
type Target = (SocketAddr, u32);

/// Sends batches until there are no more.
pub(super) async fn run(
    mut batches: mpsc::Receiver<Arc<[FlowRecord]>>,
    settings: watch::Receiver<FlowSettings>,
    counters: Arc<RecordCounters>,
) {
    let mut exporter = Exporter {
        counters,
        open: None,
        failing: false,
    };
    while let Some(records) = batches.recv().await {
        let target = settings.borrow().records.as_ref().and_then(|records| {
            let domain = records.observation_domain;
            records.collector.map(|collector| (collector, domain))
        });
        match target {
            Some(target) => exporter.export(target, &records).await,
            None => exporter.open = None,
        }
    }
}

#[derive(Debug)]
struct Exporter {
    counters: Arc<RecordCounters>,
    open: Option<Open>,
    failing: bool,
}

/// A transport session: its port, and how far it is.
#[derive(Debug)]
struct Open {
    target: Target,
    socket: UdpSocket,
    session: Session,
    /// When the templates are due; None: now.
    templates_at: Option<Instant>,
}

impl Exporter {
    async fn export(&mut self, target: Target, records: &[FlowRecord]) {
        let sent = self.try_export(target, records).await;
        match &sent {
            Err(error) if !self.failing => {
                tracing::warn!(%error, collector = %target.0, "flow records cannot be sent");
            }
            Ok(()) if self.failing => tracing::info!(collector = %target.0, "flow records are sent again"),
            _ => {}
        }
        self.failing = sent.is_err();
    }

    async fn try_export(&mut self, target: Target, records: &[FlowRecord]) -> io::Result<()> {
        let mut open = match self.open.take() {
            Some(open) if open.target == target => open,
            _ => Open::new(target).await?,
        };
        let sent = open.send(records, &self.counters).await;
        // After an error of the socket, such as that its address is gone, the next batch begins a session of its own.
        if sent.is_ok() {
            self.open = Some(open);
        }
        sent
    }
}

impl Open {
    async fn new(target: Target) -> io::Result<Self> {
        let any: SocketAddr = match target.0 {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(target.0).await?;
        Ok(Self {
            target,
            socket,
            session: Session::new(target.1),
            templates_at: None,
        })
    }

    async fn send(&mut self, records: &[FlowRecord], counters: &RecordCounters) -> io::Result<()> {
        let now = OffsetDateTime::now_utc();
        let end = Instant::now() + PATIENCE;
        if self.templates_at.is_none_or(|due| due <= Instant::now()) {
            let templates = self.session.templates(now);
            self.templates_at = Some(Instant::now() + TEMPLATES);
            self.send_message(&templates, end).await?;
        }
        for message in self.session.messages(records, now) {
            self.send_message(&message, end).await?;
            counters.add_exported(message.records.into());
        }
        Ok(())
    }

    async fn send_message(&mut self, message: &Message, end: Instant) -> io::Result<()> {
        match self.try_send(message, end).await {
            // An earlier message came back, and this one was not sent. A collector that listens again later has
            // forgotten the templates.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.templates_at = None;
                self.try_send(message, end).await
            }
            sent => sent,
        }
    }

    async fn try_send(&self, message: &Message, end: Instant) -> io::Result<()> {
        let sent = timeout_at(end, self.socket.send(&message.bytes)).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
            .map(drop)
    }
}
