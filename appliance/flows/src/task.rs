//! The task that owns the flow table.
//!
//! ```text
//! control ── watch FlowTimeouts ──► task ── watch FlowSummary ──► control, metrics
//!                                    │ ▲
//!                        table, once a second, to a blocking thread and back
//! ```
//! Both channels hold the newest value only, so neither can fill up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_datapath::{DatapathError, FlowSummary, FlowSweep, FlowTable, FlowTimeouts};
use ravelin_model::SyncStatus;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use crate::records::{self, RecordParts};
use crate::{FlowsHandle, Parts};

/// Between the starts of two sweeps; a sweep that takes longer delays the next.
const PERIOD: Duration = Duration::from_secs(1);

/// Tasks that run behind a handle, by name. None of them ends before the sender of the time-outs or of the settings
/// is dropped; a panic ends one.
pub type Tasks = Vec<(&'static str, JoinHandle<()>)>;

/// Starts following flows: sweeps with whatever `timeouts` says at the time, also while flows are not counted, so that
/// entries from before go, and keeps the cache in step with conntrack as `settings` say.
#[allow(
    clippy::disallowed_methods,
    reason = "the tasks of this crate are spawned here"
)]
pub fn spawn(parts: Parts) -> (FlowsHandle, Tasks) {
    let Parts {
        table,
        timeouts,
        cache,
        links,
        settings,
        judge,
        store,
        conntrack,
    } = parts;
    let (summary_sender, summary) = watch::channel(FlowSummary::default());
    let (sync_sender, sync) = watch::channel(SyncStatus::default());
    let mut tasks: Tasks = Vec::new();
    if let Some(table) = table {
        tasks.push(("flows", tokio::spawn(run(table, timeouts, summary_sender))));
    }
    let (records, task) = records::spawn(RecordParts {
        store: store.clone(),
        settings: settings.clone(),
        judge: judge.clone(),
    });
    tasks.push(("flow records", task));
    let handle = FlowsHandle {
        summary,
        sync,
        cache: cache.as_ref().map(|cache| cache.reader()),
        links,
        judge,
        store,
        conntrack,
        settings: settings.clone(),
        desk: Arc::default(),
    };
    tasks.push((
        "conntrack",
        tokio::spawn(async move {
            let mut settings = settings;
            while settings.changed().await.is_ok() {}
            drop((cache, sync_sender, records));
        }),
    ));
    (handle, tasks)
}

async fn run(
    mut table: Box<dyn FlowTable>,
    mut timeouts: watch::Receiver<FlowTimeouts>,
    summary: watch::Sender<FlowSummary>,
) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // A new value is taken up by the next sweep.
            changed = timeouts.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        }
        let now = *timeouts.borrow();
        let swept = spawn_blocking(move || {
            let start = Instant::now();
            let result = table.sweep(&now);
            (table, result, start.elapsed())
        });
        let result;
        let duration;
        (table, result, duration) = match swept.await {
            Ok(swept) => swept,
            Err(error) => {
                tracing::error!(%error, "flows are no longer swept: the sweep panicked");
                return;
            }
        };
        log_turns(&result, &mut failing);
        summary.send_modify(|summary| count(summary, &result, duration));
    }
}

fn count(summary: &mut FlowSummary, result: &Result<FlowSweep, DatapathError>, duration: Duration) {
    match result {
        Ok(sweep) => {
            summary.last = *sweep;
            summary.expired += sweep.expired;
            summary.sweeps += 1;
            summary.duration = duration;
        }
        Err(_) => summary.failures += 1,
    }
}

/// A failure that lasts is logged when it begins and when it ends, not every second.
fn log_turns(result: &Result<FlowSweep, DatapathError>, failing: &mut bool) {
    match result {
        Err(error) if !*failing => {
            tracing::warn!(error = error as &dyn std::error::Error, "flows cannot be swept");
        }
        Ok(_) if *failing => tracing::info!("flows are swept again"),
        _ => {}
    }
    *failing = result.is_err();
}

#[cfg(test)]
mod tests;
