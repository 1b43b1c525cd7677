//! What the kernel and the store tell of this box and this process.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use ravelin_kernel::{Queues, process_usage, softnet_cpus};
use ravelin_model::{BatchFigures, ProcessUsage, QueuePackets, SoftnetCpu, Told};
use ravelin_store::Store;
use tokio::sync::watch;

use crate::snapshot::Snapshot;

/// Where it is read. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    store: Store,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    queues: Arc<Mutex<Queues>>,
}

/// Part of a [`super::Reading`].
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) softnet: Told<Vec<SoftnetCpu>>,
    pub(crate) process: Told<ProcessUsage>,
    pub(crate) queues: BTreeMap<String, Told<Vec<QueuePackets>>>,
    pub(crate) verdict_batches: BatchFigures,
    pub(crate) flow_record_batches: BatchFigures,
}

impl Sources {
    /// Interfaces are those the data plane is attached to.
    pub(crate) fn new(store: Store, snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        Self {
            store,
            snapshots,
            queues: Arc::default(),
        }
    }

    /// Reads everything, on a thread that may block.
    pub(crate) async fn read(&self) -> Measured {
        let ports: Vec<(u32, String)> = self
            .snapshots
            .borrow()
            .ports
            .iter()
            .map(|(index, port)| (*index, port.target.name.clone()))
            .collect();
        let queues = Arc::clone(&self.queues);
        let read = tokio::task::spawn_blocking(move || {
            // A socket is whole after every question: one that failed is closed.
            let mut queues = queues.lock().unwrap_or_else(PoisonError::into_inner);
            let of = |(index, name)| (name, queues.packets(index));
            (
                told(softnet_cpus()),
                told(process_usage()),
                ports.into_iter().map(of).collect(),
            )
        });
        let (softnet, process, queues) = read.await.unwrap_or_else(|error| {
            let failed = error.to_string();
            (
                Told::Failed(failed.clone()),
                Told::Failed(failed),
                BTreeMap::new(),
            )
        });
        Measured {
            softnet,
            process,
            queues,
            verdict_batches: self.store.verdict_batches(),
            flow_record_batches: self.store.flow_record_batches(),
        }
    }
}

fn told<T>(read: io::Result<T>) -> Told<T> {
    match read {
        Ok(value) => Told::Known(value),
        Err(error) => Told::Failed(error.to_string()),
    }
}
