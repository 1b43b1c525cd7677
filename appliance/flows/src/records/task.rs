//! The task that writes records.

use std::sync::Arc;
use std::time::Duration;

use ravelin_compile::Judge;
use ravelin_model::{FlowRecord, FlowRecordsConfig, FlowSettings, RecordRetention, chain};
use ravelin_store::{FlowRecordRetention, Store};
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::lines::Lines;
use super::{Ended, RecordCounters, RecordSink, export, make};

/// Records written in one transaction at most.
const BATCH: usize = 5_000;

/// How long a record waits for others.
const GATHERING: Duration = Duration::from_millis(500);

/// Between looks at what is too old, while nothing ends.
const TRIMMING: Duration = Duration::from_secs(60);

/// Batches that wait for the collector. What does not fit is not sent.
const EXPORT_QUEUE: usize = 16;

/// What records are made of and where they go.
#[derive(Debug)]
pub struct RecordParts {
    /// Where they are kept.
    pub store: Store,
    /// Whether they are written, how many are kept, and who else gets them; followed as it changes.
    pub settings: watch::Receiver<FlowSettings>,
    /// The policy in force, which tells whose line a connection counted on; None before the first.
    pub judge: watch::Receiver<Option<Arc<Judge>>>,
}

/// Starts writing records. The task writes what is left and ends when the last sink is dropped.
#[allow(
    clippy::disallowed_methods,
    reason = "the task of this module is spawned here"
)]
pub fn spawn(parts: RecordParts) -> (RecordSink, JoinHandle<()>) {
    let (sink, ended) = RecordSink::new(parts.settings.clone());
    let counters = Arc::clone(sink.counters());
    let (batches, to_export) = mpsc::channel(EXPORT_QUEUE);
    let export = export::run(to_export, parts.settings.clone(), Arc::clone(&counters));
    let writer = Writer {
        parts,
        counters,
        batches,
        lines: Lines::default(),
        failing: false,
    };
    let task = tokio::spawn(async move {
        tokio::join!(writer.run(ended), export);
    });
    (sink, task)
}

#[derive(Debug)]
struct Writer {
    parts: RecordParts,
    counters: Arc<RecordCounters>,
    batches: mpsc::Sender<Arc<[FlowRecord]>>,
    lines: Lines,
    failing: bool,
}

impl Writer {
    async fn run(mut self, mut ended: mpsc::Receiver<Ended>) {
        let mut trimming = interval(TRIMMING);
        trimming.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                received = ended.recv_many(&mut batch, BATCH) => match received {
                    0 => return,
                    _ => gather(&mut ended, &mut batch).await,
                },
                _ = trimming.tick() => {}
            }
            let (config, retention) = {
                let settings = self.parts.settings.borrow();
                (settings.records.clone(), settings.retention)
            };
            match config {
                Some(config) => self.write(std::mem::take(&mut batch), &config).await,
                None => {
                    batch.clear();
                    self.trim(retention).await;
                }
            }
        }
    }

    /// Writes records, and throws out what is not to be kept any more.
    async fn write(&mut self, batch: Vec<Ended>, config: &FlowRecordsConfig) {
        let now = OffsetDateTime::now_utc();
        self.lines.set(self.parts.judge.borrow().clone());
        let records = batch
            .into_iter()
            .map(|ended| make::record(ended, &self.lines, now));
        let records: Arc<[FlowRecord]> = records.collect();
        if !records.is_empty() && config.collector.is_some() {
            // The store does not wait for the collector.
            drop(self.batches.try_send(Arc::clone(&records)));
        }
        self.append(&records, config.retention(), now).await;
    }

    /// Throws out what is not to be kept any more, while nothing is written.
    async fn trim(&mut self, retention: Option<RecordRetention>) {
        if let Some(retention) = retention {
            self.append(&[], retention, OffsetDateTime::now_utc()).await;
        }
    }

    async fn append(&mut self, records: &[FlowRecord], retention: RecordRetention, now: OffsetDateTime) {
        let retention = FlowRecordRetention {
            keep: retention.records.into(),
            not_before: now - Duration::from_secs(u64::from(retention.hours) * 3600),
        };
        let written = self.parts.store.append_flow_records(records, &retention).await;
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        match &written {
            Ok(()) => self.counters.add_stored(count),
            Err(error) => {
                self.counters.add_lost(count);
                if !self.failing {
                    tracing::warn!(error = chain(error), "flow records cannot be stored");
                }
            }
        }
        if written.is_ok() && self.failing {
            tracing::info!("flow records are stored again");
        }
        self.failing = written.is_err();
    }
}

/// Takes what comes until the time is over, the batch is full, or nothing can come any more.
async fn gather(ended: &mut mpsc::Receiver<Ended>, batch: &mut Vec<Ended>) {
    let end = Instant::now() + GATHERING;
    while batch.len() < BATCH {
        let room = BATCH - batch.len();
        match timeout_at(end, ended.recv_many(batch, room)).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
