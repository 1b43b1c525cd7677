//! Live connections, whoever follows them: what a commit asks to judge them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use ravelin_compile::Judge;
use ravelin_model::LiveFlows;

/// A judgement under way; the text says why there is none.
pub type Judging<'a> = Pin<Box<dyn Future<Output = Result<LiveFlows, String>> + Send + 'a>>;

/// Who knows every live connection.
pub trait LiveConnections: Send + Sync + fmt::Debug {
    /// Runs a policy over every connection; `cut`: ends those it does not allow, in conntrack and in the flow cache.
    fn judge(&self, judge: Arc<Judge>, cut: bool) -> Judging<'_>;
}
