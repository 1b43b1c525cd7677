//! What can go wrong with live connections.

use thiserror::Error;

/// Something about live connections could not be done.
#[derive(Debug, Error)]
pub enum FlowsError {
    /// The data plane is simulated: no kernel is asked.
    #[error("connections are not followed: the data plane is simulated")]
    NoConntrack,
    /// The thread that keeps the cache in step is gone; so is the engine soon.
    #[error("connections are not followed any more")]
    Ended,
    /// Too many ask at once.
    #[error("too many ask for the connections at once")]
    Busy,
    /// The connections could not be read.
    #[error("read the connections")]
    Read(#[source] ravelin_kernel::DumpError),
    /// Flow records could not be read.
    #[error(transparent)]
    Records(#[from] ravelin_store::StoreError),
    /// The kernel could not be asked or did not do it.
    #[error(transparent)]
    Kernel(#[from] ravelin_kernel::KernelError),
}
