//! What happens to every request before and after its handler, one layer a file.

mod audit;
mod credential;
mod idempotency;
mod limits;
mod observe;
mod on_trial;
mod panics;
mod query;
mod rate;
mod request_id;

pub(crate) use audit::audit;
pub(crate) use credential::credential;
pub(crate) use idempotency::{Replies, idempotency};
pub(crate) use limits::limits;
pub(crate) use observe::observe;
pub(crate) use on_trial::on_trial;
pub(crate) use panics::panics;
pub(crate) use query::{KnownQueries, known_query};
pub(crate) use rate::{Rates, rate};
pub(crate) use request_id::{RequestId, request_id};
