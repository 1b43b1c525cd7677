//! What a move to another flow cache came to.

use std::time::Duration;

use ravelin_datapath::DatapathError;
use thiserror::Error;

/// What a move to another flow cache came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MovedCache {
    /// Connections that came along, with their counts.
    pub moved: u64,
    /// Connections there was no room for; the kernel forwards them, and their counts are kept.
    pub refused: u64,
    /// How long XDP forwarded nothing.
    pub pause: Duration,
}

/// Why the old flow cache stays in use.
#[derive(Debug, Error)]
pub enum MoveError {
    /// The thread that keeps it is gone; so is the engine soon.
    #[error("nobody keeps the flow cache any more")]
    Ended,
    /// Without a data plane there is none.
    #[error("there is no flow cache")]
    NoCache,
    /// What it counted last is not known.
    #[error("leave the flow cache in use")]
    Leave(#[source] DatapathError),
    /// The new one cannot be told the interfaces.
    #[error("ready the new flow cache")]
    Ready(#[source] DatapathError),
    /// The programs do not use the new one.
    #[error("the programs do not use the new flow cache: {0}")]
    Unused(String),
}
