//! The data plane on a thread of its own: its calls block, so they are queued there and awaited here.

use std::fmt;
use std::sync::Arc;
use std::thread;

use ravelin_datapath::{Datapath, DatapathError};
use tokio::sync::{mpsc, oneshot};

use crate::ControlError;
use crate::error::loaded;

type Job = Box<dyn FnOnce(&mut dyn Datapath) + Send>;

/// A call to queue, and where its answer comes.
fn job<T: Send + 'static>(
    call: impl FnOnce(&mut dyn Datapath) -> Result<T, DatapathError> + Send + 'static,
) -> (Job, oneshot::Receiver<Result<T, DatapathError>>) {
    let (reply, answer) = oneshot::channel();
    let job: Job = Box::new(move |datapath| {
        // Whoever asked may have gone away; the call itself still had to be made.
        drop(reply.send(call(datapath)));
    });
    (job, answer)
}

fn gone() -> ControlError {
    ControlError::NoDatapath("its thread has ended".to_owned())
}

/// Calls waiting for the thread. Senders wait when it is full, so a burst of readers slows itself down.
const QUEUE: usize = 64;

/// Asks the data plane, or says why there is none. Cheap to clone; the thread ends with the last clone.
#[derive(Clone)]
pub(crate) struct Plane {
    jobs: Result<mpsc::Sender<Job>, Arc<str>>,
    address_capacity: usize,
    name_bucket_capacity: usize,
    policy_counter_capacity: usize,
}

impl fmt::Debug for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plane")
            .field("missing", &self.missing())
            .field("address_capacity", &self.address_capacity)
            .field("name_bucket_capacity", &self.name_bucket_capacity)
            .finish_non_exhaustive()
    }
}

impl Plane {
    /// Moves the data plane to its thread; the text says why there is none.
    pub(crate) fn start(datapath: Result<Box<dyn Datapath>, String>) -> Self {
        let started = datapath.and_then(|mut datapath| {
            let capacities = (
                datapath.address_capacity(),
                datapath.name_bucket_capacity(),
                datapath.policy_counter_capacity(),
            );
            let (sender, mut jobs) = mpsc::channel::<Job>(QUEUE);
            thread::Builder::new()
                .name("datapath".to_owned())
                .spawn(move || {
                    while let Some(job) = jobs.blocking_recv() {
                        job(datapath.as_mut());
                    }
                })
                .map_err(|error| format!("its thread could not be started: {error}"))?;
            Ok((sender, capacities))
        });
        match started {
            Ok((sender, (address_capacity, name_bucket_capacity, policy_counter_capacity))) => Self {
                jobs: Ok(sender),
                address_capacity,
                name_bucket_capacity,
                policy_counter_capacity,
            },
            Err(reason) => Self {
                jobs: Err(reason.into()),
                address_capacity: 0,
                name_bucket_capacity: 0,
                policy_counter_capacity: 0,
            },
        }
    }

    /// Why there is no data plane; None where there is one.
    pub(crate) fn missing(&self) -> Option<&str> {
        self.jobs.as_ref().err().map(|reason| &**reason)
    }

    /// Most entries of an address image; 0 without a data plane.
    pub(crate) fn address_capacity(&self) -> usize {
        self.address_capacity
    }

    /// Most buckets of a name image; 0 without a data plane.
    pub(crate) fn name_bucket_capacity(&self) -> usize {
        self.name_bucket_capacity
    }

    /// Hit counters the policy may use; 0 without a data plane.
    pub(crate) fn policy_counter_capacity(&self) -> usize {
        self.policy_counter_capacity
    }

    /// Returns when the thread has ended, which it does only by a panic; never without a data plane. Keeps the
    /// thread running as long as it waits.
    pub(crate) async fn ended(self) {
        match &self.jobs {
            Ok(jobs) => jobs.closed().await,
            Err(_) => std::future::pending().await,
        }
    }

    /// The same for a thread that may block, and is none of the runtime's.
    pub(crate) fn call_blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut dyn Datapath) -> Result<T, DatapathError> + Send + 'static,
    ) -> Result<T, ControlError> {
        let jobs = self.jobs()?;
        let (job, answer) = job(call);
        jobs.blocking_send(job).map_err(|_| gone())?;
        answer.blocking_recv().map_err(|_| gone())?.map_err(loaded)
    }

    /// Runs `call` on the thread, after the calls that came before.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut dyn Datapath) -> Result<T, DatapathError> + Send + 'static,
    ) -> Result<T, ControlError> {
        let jobs = self.jobs()?;
        let (job, answer) = job(call);
        jobs.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?.map_err(loaded)
    }

    fn jobs(&self) -> Result<&mpsc::Sender<Job>, ControlError> {
        self.jobs
            .as_ref()
            .map_err(|reason| ControlError::NoDatapath(reason.to_string()))
    }
}
