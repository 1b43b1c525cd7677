//! Pure parts of a commit: what a policy becomes by operations, what may be said of it, and what changed.

mod check;
mod collection;
mod difference;
mod draft;
mod numbers;
mod past;
mod positions;
mod references;

pub(crate) use difference::differences;
pub(crate) use draft::{Draft, Ground, apply_operations, find};
pub(crate) use past::restored;
pub(crate) use positions::{Positions, writes};
pub(crate) use references::{lists_of, users};
