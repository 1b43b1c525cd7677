//! `ravelin system update`, `updates` and `boot`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ravelin_api_types::{Page, SystemUpdate, UpdateState};
use reqwest::{Body, Method};
use serde_json::{Value, json};
use tokio_util::io::ReaderStream;

use crate::api::{Api, Call};
use crate::error::CliError;
use crate::output::{Output, or_empty, remark, word};
use crate::table::Table;

const PATH: &[&str] = &["system", "updates"];

/// Between two looks at an update.
const LOOK: Duration = Duration::from_secs(1);

/// What to install.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A bundle: a file, - for standard input, or a URL the machine fetches it from.
    #[arg(value_name = "FILE|URL")]
    bundle: String,
    /// SHA-256 the bundle has to have.
    #[arg(long, value_name = "DIGITS")]
    sha256: Option<String>,
    /// Take a version that is not newer than the one that runs.
    #[arg(long)]
    allow_downgrade: bool,
    /// Restart the machine into it once it is written.
    #[arg(long)]
    reboot: bool,
    /// Do not wait until it is written.
    #[arg(long)]
    no_wait: bool,
}

/// Which slot to boot.
#[derive(Debug, clap::Args)]
pub struct BootArguments {
    /// a or b.
    slot: String,
    /// Boot a version that is not newer than the one that runs.
    #[arg(long)]
    allow_downgrade: bool,
    /// Restart the machine at once.
    #[arg(long)]
    reboot: bool,
}

/// Every update.
pub async fn list(api: &Api, output: &mut Output) -> Result<(), CliError> {
    let updates = api.collect(PATH, &[], None).await?;
    if output.is_json() {
        return output.json(&updates);
    }
    let page: Page<SystemUpdate> = api.read(updates)?;
    output.table(&table(&page.items))
}

/// Sends a bundle, or has it fetched, and waits until it is written.
pub async fn install(arguments: &Arguments, api: &mut Api, output: &mut Output) -> Result<(), CliError> {
    let Arguments {
        bundle,
        sha256,
        allow_downgrade,
        reboot,
        no_wait,
    } = arguments;
    let mut call = Call::new(Method::POST, PATH);
    if bundle.starts_with("http://") || bundle.starts_with("https://") {
        let mut body = json!({
            "url": bundle,
            "allow_downgrade": allow_downgrade,
            "reboot": reboot,
        });
        if let Some(digest) = sha256 {
            body["sha256"] = json!(digest);
        }
        call = call.json(&body);
    } else {
        for (name, wanted) in [("allow_downgrade", allow_downgrade), ("reboot", reboot)] {
            if *wanted {
                call = call.query(name, true);
            }
        }
        if let Some(digest) = sha256 {
            call = call.query("sha256", digest);
        }
        call = read_into(call, bundle).await?;
    }
    let answer = api.json(call).await?.body;
    if *no_wait {
        return show(answer, api, output);
    }
    let mut update: SystemUpdate = api.read(answer.clone())?;
    let mut latest = answer;
    while matches!(
        update.state,
        UpdateState::Receiving | UpdateState::Verifying | UpdateState::Writing
    ) {
        tokio::time::sleep(LOOK).await;
        // A machine that restarts into the update answers no more.
        latest = match api.get(&[PATH, &[&update.id]].concat()).await {
            Ok(answer) => answer.body,
            Err(CliError::Unreachable { .. } | CliError::BrokeOff { .. }) if *reboot => {
                remark("the machine does not answer any more: it restarts");
                break;
            }
            Err(CliError::NotAuthorised(_)) => {
                // The token was only good for some minutes.
                api.authorize().await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        update = api.read(latest.clone())?;
    }
    show(latest, api, output)?;
    match update.state {
        UpdateState::Failed => Err(CliError::UpdateFailed(
            update.problem.map(|problem| problem.detail).unwrap_or_default(),
        )),
        _ => Ok(()),
    }
}

/// Boots a slot.
pub async fn boot(arguments: &BootArguments, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let BootArguments {
        slot,
        allow_downgrade,
        reboot,
    } = arguments;
    let body = json!({ "allow_downgrade": allow_downgrade, "reboot": reboot });
    let call = Call::new(Method::POST, &["system", "slots", slot, "boot"]).json(&body);
    let answer = api.json(call).await?.body;
    show(answer, api, output)
}

async fn read_into(call: Call, bundle: &str) -> Result<Call, CliError> {
    if bundle == "-" {
        return Ok(call.bundle(Body::wrap_stream(ReaderStream::new(tokio::io::stdin())), None));
    }
    let path = PathBuf::from(bundle);
    let failed = |source| CliError::ReadFile {
        path: path.clone(),
        source,
    };
    let file = tokio::fs::File::open(Path::new(bundle)).await.map_err(failed)?;
    let length = file.metadata().await.map_err(failed)?.len();
    Ok(call.bundle(Body::wrap_stream(ReaderStream::new(file)), Some(length)))
}

fn show(answer: Value, api: &Api, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(&answer);
    }
    let update: SystemUpdate = api.read(answer)?;
    output.table(&table(&[update]))
}

fn table(updates: &[SystemUpdate]) -> Table {
    let mut table = Table::new(&[
        "UPDATE", "STATE", "VERSION", "SLOT", "RECEIVED", "WRITTEN", "CREATED", "REASON",
    ]);
    for update in updates {
        let reason = update
            .problem
            .as_ref()
            .map(|problem| problem.detail.clone())
            .or_else(|| update.reason.clone());
        table.row([
            update.id.clone(),
            word(&update.state),
            or_empty(update.version.as_ref()),
            or_empty(update.slot.map(|slot| word(&slot))),
            update.received_bytes.to_string(),
            or_empty(update.written_percent.map(|percent| format!("{percent} %"))),
            update.created_at.to_string(),
            or_empty(reason),
        ]);
    }
    table
}
