//! Ids for objects of which later operations of the same request may speak.

use ravelin_model::{Id, Kind};

/// An id nobody has; None if the machine has no randomness.
pub(super) fn new_id<S: Kind>() -> Option<Id<S>> {
    let number = getrandom::u64().ok()?;
    format!("{}{number:016x}", S::PREFIX).parse().ok()
}
