//! Makes the daemons do what the engine asks for.

use thiserror::Error;

use super::NetworkServices;

/// Why it is not done, or not all of it.
#[derive(Debug, Error)]
pub enum ApplyError {}

/// Writes the configuration of the daemons and has them take it over. What is asked for already is left alone.
/// Blocks: for a thread of its own.
pub fn apply(_services: &NetworkServices) -> Result<(), ApplyError> {
    Ok(())
}
