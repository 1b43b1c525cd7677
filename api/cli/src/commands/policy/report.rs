//! What became of a commit, or would.

use ravelin_api_types::{CommitReport, Diagnostic};
use serde_json::Value;

use crate::api::Api;
use crate::commands::live_flows;
use crate::error::CliError;
use crate::output::{Output, or_empty, word};
use crate::table::Table;

/// Prints a report.
pub fn show(body: Value, api: &Api, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(&body);
    }
    let report: CommitReport = api.read(body)?;
    let mut changes = Table::new(&["CHANGE", "KIND", "ID", "NAME", "POSITION"]);
    for change in &report.diff {
        changes.row([
            word(&change.change),
            change.kind.clone(),
            change.id.clone(),
            or_empty(change.name.as_ref()),
            or_empty(change.position_after.or(change.position_before)),
        ]);
    }
    output.table(&changes)?;
    if !report.diagnostics.is_empty() {
        output.line("")?;
        output.table(&diagnostics(&report.diagnostics))?;
    }
    if let Some(flows) = &report.live_flows {
        live_flows::show(flows, report.dry_run, output)?;
    }
    if let Some(problem) = &report.live_flows_problem {
        output.line(&live_flows::not_judged(problem))?;
    }
    output.line(&if report.dry_run {
        format!(
            "nothing was changed; the policy is at revision {}",
            report.revision
        )
    } else {
        format!("the policy is at revision {}", report.revision)
    })
}

/// What is odd about a policy.
pub fn diagnostics(diagnostics: &[Diagnostic]) -> Table {
    let mut table = Table::new(&["SEVERITY", "CODE", "KIND", "ID", "NAME", "DETAIL"]);
    for diagnostic in diagnostics {
        table.row([
            diagnostic.severity.clone(),
            diagnostic.code.clone(),
            diagnostic.object.kind.clone(),
            diagnostic.object.id.clone(),
            diagnostic.object.name.clone(),
            diagnostic.detail.clone(),
        ]);
    }
    table
}
