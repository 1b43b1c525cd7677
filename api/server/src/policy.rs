//! What the resources of the policy have in common: how they are read, shown and committed.

mod answers;
mod boot;
mod changes;
mod commit;
mod document;
mod draft;
mod ids;
mod page;
mod resource;
mod write;

pub(crate) use answers::{change, diagnostic, hits, live, references, report, shown, simulation};
pub use boot::put_policy;
pub(crate) use changes::{find_named, operations, placement};
pub(crate) use commit::{afterwards, commit, create, delete, object_id, patch, placed, replace, show};
pub(crate) use document::{document, import};
pub(crate) use page::{index, page_of};
pub(crate) use resource::{Placed, Resource};
pub(crate) use write::{CommitQuery, DRY_RUN, Write};

use ravelin_api_types::Names;
use ravelin_model::Policy;

use crate::failure::Failure;
use crate::state::AppState;

/// What names in requests stand for at the moment.
pub(crate) async fn names(state: &AppState, policy: &Policy) -> Result<Names, Failure> {
    Ok(Names::new(policy, &state.control().lists().await?))
}
