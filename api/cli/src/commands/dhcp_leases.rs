//! `ravelin dhcp-leases`.

use ravelin_api_types::{DhcpLease, Page};

use crate::api::Api;
use crate::error::CliError;
use crate::output::{Output, or_empty};
use crate::table::Table;

/// Prints the addresses clients of LANs were given.
pub async fn run(api: &Api, output: &mut Output) -> Result<(), CliError> {
    let leases = api.collect(&["dhcp-leases"], &[], None).await?;
    if output.is_json() {
        return output.json(&leases);
    }
    let page: Page<DhcpLease> = api.read(leases)?;
    let mut table = Table::new(&["ADDRESS", "MAC", "NAME", "EXPIRES"]);
    for lease in &page.items {
        table.row([
            lease.address.to_string(),
            lease.mac.clone(),
            or_empty(lease.hostname.as_ref()),
            lease.expires_at.to_string(),
        ]);
    }
    output.table(&table)
}
