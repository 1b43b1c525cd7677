//! `ravelin maps`.

use ravelin_api_types::{Map, Page};

use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, or_empty};
use crate::table::Table;

/// Prints the maps in the kernel.
pub async fn run(api: &Api, output: &mut Output) -> Result<(), CliError> {
    let maps = api.collect(&["ebpf", "maps"], &[], None).await?;
    if output.is_json() {
        return output.json(&maps);
    }
    let page: Page<Map> = api.read(maps)?;
    let mut table = Table::new(&["ID", "NAME", "TYPE", "KEY", "VALUE", "ENTRIES", "USED", "MEMORY"]);
    for map in &page.items {
        table.row([
            map.id.to_string(),
            map.name.clone(),
            map.type_.clone(),
            map.key_bytes.to_string(),
            map.value_bytes.to_string(),
            map.max_entries.to_string(),
            or_empty(map.occupancy),
            map.memory_bytes.to_string(),
        ]);
    }
    output.table(&table)
}
