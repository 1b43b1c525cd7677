//! Reads what tuning goes by.

use std::time::Instant;

use ravelin_datapath::{Datapath, DatapathError};
use ravelin_model::{SyncStatus, Told, chain};
use tokio::sync::watch;

use crate::event_workers::EventWorkers;
use crate::measure::{Measured, Sources};
use crate::plane::Plane;
use crate::{CacheReading, ControlError, Reading};

/// Where readings come from. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    pub(crate) plane: Plane,
    pub(crate) workers: EventWorkers,
    pub(crate) sources: Sources,
    pub(crate) sync: watch::Receiver<SyncStatus>,
}

impl Meter {
    /// Reads everything.
    pub(crate) async fn read(&self) -> Reading {
        let cache = self.plane.call(|datapath| cache(datapath)).await;
        let events = self.plane.call(|datapath| datapath.event_figures()).await;
        let Measured {
            softnet,
            process,
            queues,
            verdict_batches,
            flow_record_batches,
        } = self.sources.read().await;
        Reading {
            at: Instant::now(),
            cache: told(cache),
            sync: self.sync.borrow().clone(),
            events: told(events),
            workers: self.workers.figures(),
            softnet,
            process,
            queues,
            verdict_batches,
            flow_record_batches,
        }
    }
}

fn cache(datapath: &mut dyn Datapath) -> Result<CacheReading, DatapathError> {
    let capacity = datapath.cache_capacity();
    Ok(CacheReading {
        lookups: datapath.cache_lookups()?,
        capacity,
        bytes: datapath.cache_bytes(capacity),
    })
}

fn told<T>(read: Result<T, ControlError>) -> Told<T> {
    match read {
        Ok(value) => Told::Known(value),
        Err(ControlError::NoDatapath(_)) => Told::Unsupported,
        Err(error) => Told::Failed(chain(&error)),
    }
}
