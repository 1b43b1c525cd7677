//! `ravelin stats`.

use ravelin_api_types::Statistics;

use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, remark, word};
use crate::table::Table;

/// Prints what the data plane counted.
pub async fn run(api: &Api, output: &mut Output) -> Result<(), CliError> {
    let answer = api.get(&["ebpf", "stats"]).await?;
    if output.is_json() {
        return output.json(&answer.body);
    }
    let statistics: Statistics = api.read(answer.body)?;
    let mut table = Table::new(&[
        "INTERFACE",
        "DIRECTION",
        "PROTOCOL",
        "VERDICT",
        "REASON",
        "PACKETS",
        "BYTES",
    ]);
    for interface in &statistics.interfaces {
        for cell in &interface.cells {
            table.row([
                interface.interface.clone(),
                word(&cell.direction),
                word(&cell.protocol),
                word(&cell.verdict),
                word(&cell.reason),
                cell.packets.to_string(),
                cell.bytes.to_string(),
            ]);
        }
    }
    output.table(&table)?;
    let losses = statistics.event_losses;
    if losses.suppressed + losses.lost > 0 {
        remark(&format!(
            "{} events were over the budget and {} were lost; the packets are counted all the same",
            losses.suppressed, losses.lost
        ));
    }
    Ok(())
}
