//! Live connections, whoever follows them: what a commit asks to judge them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use ravelin_compile::Judge;
use ravelin_model::LiveFlows;

/// A judgement under way; the text says why there is none.
pub type Judging<'a> = Pin<Box<dyn Future<Output = Result<LiveFlows, String>> + Send + 'a>>;

/// What a commit means for live connections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LiveReport {
    /// Nobody was asked: nothing was changed of what is enforced, or nobody follows connections.
    #[default]
    NotJudged,
    /// Every one was judged.
    Judged(LiveFlows),
    /// They could not be judged, and why; the commit holds all the same.
    Failed(String),
}

/// A change that is made, and what it meant for live connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied<T> {
    /// What is asked for.
    pub value: T,
    /// Of the connections there were.
    pub live_flows: LiveReport,
}

/// Who knows every live connection.
pub trait LiveConnections: Send + Sync + fmt::Debug {
    /// Runs a policy over every connection; `cut`: ends those it does not allow, in conntrack and in the flow cache.
    /// None: no policy is enforced, so every connection stays; they are counted all the same.
    fn judge(&self, judge: Option<Arc<Judge>>, cut: bool) -> Judging<'_>;

    /// Has XDP learn the way of every connection again: what keeps it from forwarding a packet may say something
    /// else now.
    fn forget_paths(&self);
}
