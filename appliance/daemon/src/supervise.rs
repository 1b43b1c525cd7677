//! Tasks that must not end. One that does takes the process with it: a fresh one starts from what is stored, while
//! packets go on being judged by the programs that stay attached.

use std::future::Future;

use tokio::task::{JoinError, JoinHandle, JoinSet};

/// Tasks by name.
#[derive(Debug, Default)]
pub struct Supervisor {
    tasks: JoinSet<(&'static str, Result<(), JoinError>)>,
}

impl Supervisor {
    /// Starts a task.
    #[allow(clippy::disallowed_methods, reason = "this is the place that spawns")]
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.adopt(name, tokio::spawn(task));
    }

    /// Watches a task that runs already.
    pub fn adopt(&mut self, name: &'static str, task: JoinHandle<()>) {
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Returns the name of the next task that ends, after logging how.
    pub async fn ended(&mut self) -> &'static str {
        match self.tasks.join_next().await {
            Some(Ok((name, Ok(())))) => {
                tracing::info!(task = name, "task has ended");
                name
            }
            Some(Ok((name, Err(error)))) => {
                tracing::error!(task = name, %error, "task has failed");
                name
            }
            // The watchers do nothing that can fail, and without tasks nothing ends.
            Some(Err(_)) | None => std::future::pending().await,
        }
    }

    /// Waits until the named tasks have ended.
    pub async fn all_ended(&mut self, names: &[&'static str]) {
        let mut left = names.to_vec();
        while !left.is_empty() {
            let name = self.ended().await;
            left.retain(|wanted| *wanted != name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_told_like_one_that_ends() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("stays", std::future::pending());
        supervisor.spawn("panics", async { panic!("on purpose") });
        assert_eq!(supervisor.ended().await, "panics");
        supervisor.spawn("ends", async {});
        supervisor.all_ended(&["ends"]).await;
    }
}
