//! A whole policy that does not come by a request.

use ravelin_api_types::{BadBody, parse_with};
use ravelin_control::{Actor, CommitOptions, ControlHandle};

use super::import;

/// Has the policy be what a document says, as `PUT /api/v1/config` would; Err: what is wrong with it, for people, and
/// nothing changed.
pub async fn put_policy(control: &ControlHandle, document: &str, actor: &Actor) -> Result<(), String> {
    let view = control.policy();
    let lists = control.lists().await.map_err(|error| error.to_string())?;
    let read = parse_with(document.as_bytes(), |node, errors| {
        import(node, &view, &lists, errors)
    });
    let import = read.map_err(|bad| match bad {
        BadBody::Malformed(detail) => detail,
        BadBody::Invalid(errors) => {
            let errors = errors
                .iter()
                .map(|error| format!("{}: {}", error.pointer, error.detail));
            errors.collect::<Vec<_>>().join("; ")
        }
    })?;
    let committed = control
        .commit_policy(import.operations, CommitOptions::default(), actor)
        .await;
    committed
        .map(|_| ())
        .map_err(|error| ravelin_model::chain(&error))
}
