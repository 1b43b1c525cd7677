//! How many requests run on a connection.

use std::time::Duration;

use tokio::sync::watch;

/// Counts the requests of one connection. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Activity(watch::Sender<usize>);

/// Counts as a running request while it lives.
#[derive(Debug)]
pub struct Active(watch::Sender<usize>);

impl Activity {
    /// With no request running.
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// A request starts.
    pub fn enter(&self) -> Active {
        self.0.send_modify(|running| *running += 1);
        Active(self.0.clone())
    }

    /// Returns when no request has run or started for `period`.
    pub async fn idle_for(&self, period: Duration) {
        let mut running = self.0.subscribe();
        loop {
            let idle = *running.borrow_and_update() == 0;
            if !idle {
                // Cannot fail: self holds the sender.
                let _ = running.changed().await;
            } else if tokio::time::timeout(period, running.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_running_request_keeps_the_connection() {
        let activity = Activity::new();
        let request = activity.enter();
        let started = tokio::time::Instant::now();
        let end = async {
            tokio::time::sleep(PERIOD * 3).await;
            drop(request);
        };
        tokio::join!(activity.idle_for(PERIOD), end);
        assert_eq!(started.elapsed(), PERIOD * 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_idle() {
        let started = tokio::time::Instant::now();
        Activity::new().idle_for(PERIOD).await;
        assert_eq!(started.elapsed(), PERIOD);
    }
}
