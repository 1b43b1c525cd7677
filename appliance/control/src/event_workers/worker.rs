//! One of the tasks.

use std::sync::Arc;
use std::time::Instant;

use ravelin_datapath::EventBatches;
use tokio::sync::watch;

use super::{Shared, Sinks};

pub(super) struct Worker<S> {
    pub(super) number: u32,
    pub(super) events: Arc<EventBatches>,
    pub(super) sinks: Arc<S>,
    pub(super) shared: Arc<Shared>,
    pub(super) wanted: watch::Receiver<u32>,
}

impl<S: Sinks> Worker<S> {
    /// Works until it is one too many; its number.
    pub(super) async fn run(mut self) -> u32 {
        let number = self.number;
        loop {
            let batch = tokio::select! {
                biased;
                _ = self.wanted.wait_for(|wanted| *wanted <= number) => return number,
                batch = self.events.next() => batch,
            };
            let Some(batch) = batch else {
                // Whoever asks how many there are is still told the truth.
                drop(self.wanted.wait_for(|wanted| *wanted <= number).await);
                return number;
            };
            let began = Instant::now();
            let sequence = batch.sequence();
            let events = self.sinks.in_words(&batch);
            // The reader has its buffer back before the events are published.
            drop(batch);
            let converted = began.elapsed();
            let mut turn = self.shared.turn.subscribe();
            // An error: nobody holds the sender, which `self` does.
            drop(turn.wait_for(|turn| *turn == sequence).await);
            let began = Instant::now();
            self.sinks.publish(events);
            self.shared.worked(number, converted + began.elapsed());
            self.shared.turn.send_replace(sequence + 1);
        }
    }
}
