//! Errors as text.

use std::error::Error;
use std::iter::successors;

/// The error and what it came from, in one line, for a log or a reason shown to people.
pub fn chain(error: &dyn Error) -> String {
    successors(error.source(), |source| (*source).source())
        .fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
