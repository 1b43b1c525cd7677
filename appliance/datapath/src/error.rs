//! What can go wrong with the data plane.

use ravelin_compile::ImageTooLarge;
use thiserror::Error;

/// An operation on the data plane failed; what was there before is still there.
#[derive(Debug, Error)]
pub enum DatapathError {
    /// More entries than a map holds.
    #[error("the list does not fit")]
    TooLarge(#[from] ImageTooLarge),
}
