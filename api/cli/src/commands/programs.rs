//! `ravelin programs`.

use ravelin_api_types::{Page, Program};

use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, or_empty, word};
use crate::table::Table;

/// Prints the programs in the kernel.
pub async fn run(api: &Api, output: &mut Output) -> Result<(), CliError> {
    let programs = api.collect(&["ebpf", "programs"], &[], None).await?;
    if output.is_json() {
        return output.json(&programs);
    }
    let page: Page<Program> = api.read(programs)?;
    let mut table = Table::new(&[
        "ID",
        "NAME",
        "TAG",
        "ATTACHED",
        "VERIFIED",
        "MEMORY",
        "RUNS",
        "NS-PER-RUN",
    ]);
    for program in &page.items {
        let attached = program.attachments.iter().map(|attachment| {
            let mode = attachment.mode.as_ref().map(|mode| format!("({})", word(mode)));
            format!(
                "{}:{}{}",
                attachment.interface,
                word(&attachment.hook),
                or_empty(mode)
            )
        });
        let per_run = program
            .run_time
            .and_then(|time| time.total_ns.checked_div(time.runs));
        table.row([
            program.id.to_string(),
            program.name.clone(),
            program.tag.clone(),
            attached.collect::<Vec<_>>().join(","),
            program.verified_instructions.to_string(),
            program.memory_bytes.to_string(),
            or_empty(program.run_time.map(|time| time.runs)),
            or_empty(per_run),
        ]);
    }
    output.table(&table)
}
