//! The REST router: authenticates, parses, asks `ravelin_control`, answers. Owns no state of the data plane and
//! never binds a socket: the daemon does and calls [`serve`].
//!
//! A request passes, from the outside in: request id and rendering of problems, metrics, audit, panics, limits,
//! credential, rate, query names, idempotency, handler. See [`middleware`].

mod extract;
mod failure;
mod flows;
mod interface_offload;
mod metrics;
mod middleware;
mod openapi;
mod paging;
mod policy;
mod respond;
mod router;
mod routes;
mod secrets;
mod serve;
mod state;
mod system;
mod task;
mod token;

pub use openapi::{openapi, openapi_files};
pub use policy::put_policy;
pub use router::router;
pub use secrets::{AdminToken, Secrets, SecretsError};
pub use serve::{SocketTrust, group_id, serve};
pub use state::{AppState, Limits};
pub use system::{Machine, follow_trial, follow_updates};
