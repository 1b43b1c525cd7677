//! Changes to one object: read, commit, show what came of it.

use ravelin_api_types::{BadBody, RuleHits, merge_patch, parse_value, parse_with};
use ravelin_control::{Committed, ControlError, Operation, PolicyOperation, Precondition};
use ravelin_model::{Id, Kind, Policy};
use serde_json::Value;

use super::{Placed, Resource, Write, names, report, shown};
use crate::extract::{JsonBody, named};
use crate::failure::Failure;
use crate::respond::{Changed, Tagged, Written};
use crate::state::AppState;

/// The id a path names.
pub(crate) fn object_id<R: Resource>(text: &str) -> Result<Id<R::Model>, Failure> {
    named(text, &format!("such {}", R::Model::NAME))
}

/// Shows an object.
pub(crate) async fn show<R: Resource>(state: &AppState, id: &str) -> Result<Tagged<R::Shown>, Failure> {
    let (id, view) = (object_id::<R>(id)?, state.control().policy());
    let placed = placed::<R>(&view.policy, &id)?;
    let revision = placed.1.revision;
    Ok(Tagged(one::<R>(state, &view.policy, placed).await?, revision))
}

/// Commits operations that are about one object.
pub(crate) async fn commit(
    state: &AppState,
    write: Write,
    operations: Vec<PolicyOperation>,
) -> Result<Committed, ControlError> {
    let Write { actor, options } = write;
    state.control().commit_policy(operations, options, &actor).await
}

/// Makes an object.
pub(crate) async fn create<R: Resource>(
    state: &AppState,
    write: Write,
    body: &JsonBody,
) -> Result<Written<R::Shown>, Failure> {
    let names = names(state, &state.control().policy().policy).await?;
    let spec = parse_with(&body.0, |node, errors| R::read(node, &names, errors))?;
    let dry_run = write.options.dry_run;
    let operation = R::operation(Operation::Create { id: None, spec });
    let committed = commit(state, write, vec![operation]).await?;
    if dry_run {
        return Ok(Written::Preview(report(committed, true)));
    }
    let id = committed.results.first().map(|result| result.id.as_str());
    let id = object_id::<R>(id.unwrap_or_default())?;
    let location = format!("/api/v1/{}/{id}", R::Model::COLLECTION);
    let policy = &committed.policy.policy;
    let (place, object) = placed::<R>(policy, &id)?;
    // What is new has caught nothing yet.
    let mut body = R::show(place, &object, policy, RuleHits::default());
    R::observe(&mut body, &id, &committed.policy);
    Ok(Written::Done(
        Changed::updated(body, committed.revision)
            .at(location)
            .judged(committed.live_flows),
    ))
}

/// Has an object say something else.
pub(crate) async fn replace<R: Resource>(
    state: &AppState,
    write: Write,
    id: &str,
    precondition: Precondition,
    body: &JsonBody,
) -> Result<Written<R::Shown>, Failure> {
    let (id, view) = (object_id::<R>(id)?, state.control().policy());
    placed::<R>(&view.policy, &id)?;
    let names = names(state, &view.policy).await?;
    let spec = parse_with(&body.0, |node, errors| R::read(node, &names, errors))?;
    put::<R>(state, write, id, spec, precondition).await
}

/// Merges a patch (RFC 7396) into what an object says, and reads the result like a whole one.
pub(crate) async fn patch<R: Resource>(
    state: &AppState,
    write: Write,
    id: &str,
    precondition: Precondition,
    body: &JsonBody,
) -> Result<Written<R::Shown>, Failure> {
    let id = object_id::<R>(id)?;
    let patch: Value = parse_with(&body.0, |node, _| Some(node.value().clone()))?;
    loop {
        let view = state.control().policy();
        let (_, object) = placed::<R>(&view.policy, &id)?;
        let current = object.revision;
        if matches!(precondition, Precondition::Revision(named) if named != current) {
            return Err(ControlError::Stale { current }.into());
        }
        let names = names(state, &view.policy).await?;
        let mut spec = serde_json::to_value(R::of(&object.spec))
            .map_err(|error| BadBody::Malformed(error.to_string()))?;
        merge_patch(&mut spec, &patch);
        let spec = parse_value(&spec, |node, errors| R::read(node, &names, errors))?;
        // Merged into this revision: none may slip in between. Whoever takes any revision takes the next one, too.
        let merged = Write {
            actor: write.actor.clone(),
            options: write.options.clone(),
        };
        match put::<R>(state, merged, id.clone(), spec, Precondition::Revision(current)).await {
            Err(failure) if failure.is_stale() && precondition == Precondition::Exists => {}
            done => return done,
        }
    }
}

/// Deletes an object nobody uses.
pub(crate) async fn delete<R: Resource>(
    state: &AppState,
    write: Write,
    id: &str,
    precondition: Precondition,
) -> Result<Written<()>, Failure> {
    let id = object_id::<R>(id)?;
    let dry_run = write.options.dry_run;
    let operation = R::operation(Operation::Delete { id, precondition });
    let committed = commit(state, write, vec![operation]).await?;
    if dry_run {
        return Ok(Written::Preview(report(committed, true)));
    }
    let deleted = Changed::deleted(committed.revision);
    Ok(Written::Done(deleted.judged(committed.live_flows)))
}

async fn put<R: Resource>(
    state: &AppState,
    write: Write,
    id: Id<R::Model>,
    spec: R::Model,
    precondition: Precondition,
) -> Result<Written<R::Shown>, Failure> {
    let dry_run = write.options.dry_run;
    let operation = R::operation(Operation::Replace {
        id: id.clone(),
        spec,
        precondition,
    });
    let committed = commit(state, write, vec![operation]).await?;
    if dry_run {
        return Ok(Written::Preview(report(committed, true)));
    }
    Ok(Written::Done(afterwards::<R>(state, &committed, &id).await?))
}

/// An object after the commit that changed it.
pub(crate) async fn afterwards<R: Resource>(
    state: &AppState,
    committed: &Committed,
    id: &Id<R::Model>,
) -> Result<Changed<R::Shown>, Failure> {
    let policy = &committed.policy.policy;
    let placed = placed::<R>(policy, id)?;
    let etag = placed.1.revision;
    let body = one::<R>(state, policy, placed).await?;
    Ok(Changed::updated(body, committed.revision)
        .tagged(etag)
        .judged(committed.live_flows.clone()))
}

async fn one<R: Resource>(state: &AppState, policy: &Policy, placed: Placed<R>) -> Result<R::Shown, Failure> {
    let shown = shown::<R>(state, policy, &[placed]).await?.pop();
    shown.ok_or_else(|| Failure::not_found(&format!("such {}", R::Model::NAME)))
}

/// The object with this id, or 404.
pub(crate) fn placed<R: Resource>(policy: &Policy, id: &Id<R::Model>) -> Result<Placed<R>, Failure> {
    R::find(policy, id).ok_or_else(|| Failure::not_found(&format!("{} '{id}'", R::Model::NAME)))
}
