//! What can go wrong with the store.

use thiserror::Error;

/// An operation on the store failed; nothing was written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file is there but not ours, or newer than this program.
    #[error("open the store")]
    Open(#[source] sqlx::Error),
}
