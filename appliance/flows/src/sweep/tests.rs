use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;

use super::*;

/// Answers sweeps from a script, then with the default, and keeps the time-outs it was given.
#[derive(Debug, Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<Result<FlowSweep, DatapathError>>>>,
    asked: Arc<Mutex<Vec<FlowTimeouts>>>,
}

impl FlowTable for Scripted {
    fn sweep(&mut self, timeouts: &FlowTimeouts) -> Result<FlowSweep, DatapathError> {
        self.asked.lock().expect("asked").push(*timeouts);
        let next = self.answers.lock().expect("answers").pop_front();
        next.unwrap_or(Ok(FlowSweep::default()))
    }
}

#[allow(clippy::disallowed_methods, reason = "the task under test")]
fn sweeping(
    table: Scripted,
    timeouts: watch::Receiver<FlowTimeouts>,
) -> (watch::Receiver<FlowSummary>, JoinHandle<()>) {
    let (sender, summary) = watch::channel(FlowSummary::default());
    (summary, tokio::spawn(run(Box::new(table), timeouts, sender)))
}

fn timeouts(seconds: u64) -> FlowTimeouts {
    let timeout = Duration::from_secs(seconds);
    FlowTimeouts {
        tcp_established: timeout,
        tcp_transitory: timeout,
        udp: timeout,
        other: timeout,
    }
}

fn swept(entries4: u64, expired: u64) -> Result<FlowSweep, DatapathError> {
    Ok(FlowSweep {
        entries4,
        expired,
        ..FlowSweep::default()
    })
}

async fn after_attempts(summary: &watch::Receiver<FlowSummary>, attempts: u64) -> FlowSummary {
    let mut watch = summary.clone();
    let summary = watch
        .wait_for(|summary| summary.sweeps + summary.failures >= attempts)
        .await;
    *summary.expect("the task is at work")
}

#[tokio::test(start_paused = true)]
async fn expired_entries_add_up_and_the_rest_is_of_the_last_sweep() {
    let table = Scripted::default();
    table
        .answers
        .lock()
        .expect("answers")
        .extend([swept(10, 1), swept(7, 3)]);
    let (_sender, receiver) = watch::channel(timeouts(60));
    let (summary, _task) = sweeping(table, receiver);
    let seen = after_attempts(&summary, 2).await;
    assert_eq!(
        (seen.last.entries4, seen.expired, seen.sweeps, seen.failures),
        (7, 4, 2, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_sweep_is_counted_and_the_next_one_made() {
    let table = Scripted::default();
    let failure = Err(DatapathError::UnknownCounter {
        counter: 0,
        capacity: 0,
    });
    table
        .answers
        .lock()
        .expect("answers")
        .extend([swept(10, 1), failure, swept(9, 1)]);
    let (_sender, receiver) = watch::channel(timeouts(60));
    let (summary, _task) = sweeping(table, receiver);
    let failed = after_attempts(&summary, 2).await;
    assert_eq!((failed.failures, failed.last.entries4), (1, 10));
    let seen = after_attempts(&summary, 3).await;
    assert_eq!((seen.failures, seen.last.entries4, seen.expired), (1, 9, 2));
}

#[tokio::test(start_paused = true)]
async fn new_timeouts_hold_from_the_next_sweep_on() {
    let table = Scripted::default();
    let asked = Arc::clone(&table.asked);
    let (sender, receiver) = watch::channel(timeouts(60));
    let (summary, _task) = sweeping(table, receiver);
    let before = after_attempts(&summary, 1).await.sweeps;
    sender.send(timeouts(5)).expect("the task is at work");
    let after = after_attempts(&summary, before + 2).await.sweeps;
    let asked = asked.lock().expect("asked");
    assert_eq!(asked[0], timeouts(60));
    assert_eq!(asked[usize::try_from(after).expect("few") - 1], timeouts(5));
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_sender_of_the_timeouts() {
    let (sender, receiver) = watch::channel(timeouts(60));
    let (summary, task) = sweeping(Scripted::default(), receiver);
    after_attempts(&summary, 1).await;
    drop(sender);
    task.await.expect("it ends in peace");
    let mut watch = summary;
    watch.mark_unchanged();
    assert!(watch.changed().await.is_err());
}
