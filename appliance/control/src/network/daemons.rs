//! Daemons of others, kept at what the network wants of them. Commits do not wait for them.

use std::sync::Arc;
use std::time::Duration;

use ravelin_model::NetworkServices;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::NetworkDaemons;

/// Wait before what failed is tried again; doubled each time it fails again.
const RETRY: Duration = Duration::from_secs(1);

/// Longest such wait.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// Why nobody serves anything where no agent is configured.
const NOBODY: &str = "no agent is configured that runs DHCP clients, services for LANs and DNS";

/// How the daemons are doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DaemonStatus {
    /// Why they do not do what they were last told.
    pub(crate) problem: Option<String>,
}

/// Tells the daemons of every change, until nobody tells of any more.
pub(crate) async fn tell(
    daemons: Option<Arc<dyn NetworkDaemons>>,
    mut wanted: watch::Receiver<Option<Arc<NetworkServices>>>,
    status: watch::Sender<DaemonStatus>,
) {
    loop {
        let services = wanted.borrow_and_update().clone();
        if let Some(services) = services
            && told(daemons.as_ref(), &services, &mut wanted, &status)
                .await
                .is_err()
        {
            continue;
        }
        if wanted.changed().await.is_err() {
            return;
        }
    }
}

/// Something else is wanted by now.
struct Outdated;

async fn told(
    daemons: Option<&Arc<dyn NetworkDaemons>>,
    services: &Arc<NetworkServices>,
    wanted: &mut watch::Receiver<Option<Arc<NetworkServices>>>,
    status: &watch::Sender<DaemonStatus>,
) -> Result<(), Outdated> {
    let Some(daemons) = daemons else {
        let asked = **services != NetworkServices::default();
        show(status, asked.then(|| NOBODY.to_owned()));
        return Ok(());
    };
    let mut wait = RETRY;
    loop {
        let (daemons, services) = (Arc::clone(daemons), Arc::clone(services));
        let outcome = match tokio::task::spawn_blocking(move || daemons.apply(&services)).await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let problem = outcome.err();
        let done = problem.is_none();
        show(status, problem);
        if done {
            return Ok(());
        }
        match timeout(wait, wanted.changed()).await {
            Err(_) => wait = (wait * 2).min(LONGEST_RETRY),
            Ok(Ok(())) => return Err(Outdated),
            // Nobody tells of changes any more: the engine ends.
            Ok(Err(_)) => return Ok(()),
        }
    }
}

fn show(status: &watch::Sender<DaemonStatus>, problem: Option<String>) {
    status.send_if_modified(|status| {
        if status.problem == problem {
            return false;
        }
        match &problem {
            Some(problem) => tracing::warn!(problem, "daemons of the network do not do what they shall"),
            None => tracing::info!("daemons of the network do what they shall"),
        }
        status.problem = problem;
        true
    });
}
