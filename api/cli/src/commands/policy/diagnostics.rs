//! `ravelin diagnostics`.

use ravelin_api_types::{Diagnostic, Page};

use super::report;
use crate::api::Api;
use crate::error::CliError;
use crate::output::Output;

/// Shows what is odd about the policy.
pub async fn run(api: &Api, output: &mut Output) -> Result<(), CliError> {
    let page = api.collect(&["diagnostics"], &[], None).await?;
    if output.is_json() {
        return output.json(&page);
    }
    let page: Page<Diagnostic> = api.read(page)?;
    output.table(&report::diagnostics(&page.items))
}
