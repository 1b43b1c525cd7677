//! The task that owns the flow table. It sweeps with whatever the time-outs are at the time, also while flows are not
//! counted, so that entries from before go.
//!
//! ```text
//! control ── watch FlowTimeouts ──► task ── watch FlowSummary ──► control, metrics
//!                                    │ ▲
//!                        table, once a second, to a blocking thread and back
//! ```
//! Both channels hold the newest value only, so neither can fill up.

use std::time::{Duration, Instant};

use ravelin_datapath::{DatapathError, FlowSummary, FlowSweep, FlowTable, FlowTimeouts};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

/// Between the starts of two sweeps; a sweep that takes longer delays the next.
const PERIOD: Duration = Duration::from_secs(1);

/// Sweeps until the sender of `timeouts` is dropped.
pub(crate) async fn run(
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
