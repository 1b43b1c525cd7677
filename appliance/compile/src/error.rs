//! What can go wrong with an image.

use thiserror::Error;

/// More than a map holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("needs {needed} {what}, the map holds {capacity}")]
pub struct ImageTooLarge {
    /// What there is too much of.
    pub what: &'static str,
    /// How many are needed.
    pub needed: usize,
    /// How many fit.
    pub capacity: usize,
}
