//! Links now and their changes.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{KernelError, Link};

/// Follows the links of the network namespace of the thread that opened it. Cheap to clone; the task behind it
/// ends with the last clone and receiver.
#[derive(Debug, Clone)]
pub struct Links {
    current: watch::Receiver<Arc<Vec<Link>>>,
}

impl Links {
    /// Subscribes, then reads all there is: no change after the return is missed. Needs a tokio runtime.
    pub async fn open() -> Result<Self, KernelError> {
        Err(KernelError::Ended)
    }

    /// Every link as it is now, by index, counters read now.
    pub async fn snapshot(&self) -> Result<Vec<Link>, KernelError> {
        Ok(self.current.borrow().to_vec())
    }

    /// Every link by index, published anew whenever one comes, goes or changes: a level, so a slow reader sees
    /// the last state and never a backlog. Counters are those of the moment of publishing and cause none.
    /// The channel closes when the kernel can no longer be followed.
    pub fn watch(&self) -> watch::Receiver<Arc<Vec<Link>>> {
        self.current.clone()
    }
}
