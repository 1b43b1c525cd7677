//! `ravelin status`.

use ravelin_api_types::{Feature, Interface, Page, Problem, Readiness};
use serde_json::json;

use crate::api::Api;
use crate::commands::{features, interfaces};
use crate::error::CliError;
use crate::output::Output;
use crate::table::Table;

/// Prints readiness with reasons, features and interfaces. Fails with [`CliError::NotReady`] after printing when not
/// everything enabled is at work.
pub async fn run(api: &Api, output: &mut Output) -> Result<(), CliError> {
    let readiness = api.readiness().await?;
    let features = api.collect(features::PATH, &[], None).await?;
    let interfaces = api.collect(interfaces::PATH, &[], None).await?;
    let ready = readiness.is_ok();
    if output.is_json() {
        let readiness = match readiness {
            Ok(ready) => ready,
            Err(problem) => serde_json::to_value(problem).unwrap_or_default(),
        };
        output.json(&json!({ "readiness": readiness, "features": features, "interfaces": interfaces }))?;
    } else {
        let features: Page<Feature> = api.read(features)?;
        let interfaces: Page<Interface> = api.read(interfaces)?;
        match readiness {
            Ok(body) => {
                let Readiness { status: _, revision } = api.read(body)?;
                output.line(&format!("ready, at revision {revision}"))?;
            }
            Err(problem) => not_ready(&problem, output)?,
        }
        output.line("")?;
        output.table(&features::table(&features.items))?;
        output.line("")?;
        output.table(&summary(&interfaces.items))?;
    }
    if ready { Ok(()) } else { Err(CliError::NotReady) }
}

fn not_ready(problem: &Problem, output: &mut Output) -> Result<(), CliError> {
    output.line(&format!("NOT READY: {}", problem.detail))?;
    for error in &problem.errors {
        output.line(&format!("  {}", error.detail))?;
    }
    Ok(())
}

fn summary(interfaces: &[Interface]) -> Table {
    let mut table = Table::new(&["INTERFACE", "LINK", "EXTERNAL", "ATTACHED", "PROBLEM"]);
    for interface in interfaces.iter().filter(|interface| !interface.loopback) {
        table.row([
            interface.name.clone(),
            crate::output::word(&interface.link_state),
            crate::output::yes_no(interface.external),
            interfaces::hooks(interface),
            crate::output::or_empty(interface.attach_error.as_ref()),
        ]);
    }
    table
}
