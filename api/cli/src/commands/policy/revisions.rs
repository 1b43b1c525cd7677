//! `ravelin revisions`.

use clap::Subcommand;
use ravelin_api_types::{Page, PolicyState, Revision, RevisionDiff};
use reqwest::Method;

use super::{Commit, report};
use crate::api::{Api, Call};
use crate::error::CliError;
use crate::output::{Output, or_empty, word, yes_no};
use crate::table::Table;

/// What to do with revisions.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Revisions, newest first.
    List {
        /// At most so many; 0: all.
        #[arg(long, default_value_t = 100)]
        limit: u64,
    },
    /// What a revision changed of the policy.
    Diff {
        /// Its number.
        revision: u64,
        /// What to compare with; the one right before if nothing is said.
        #[arg(long, value_name = "REVISION")]
        against: Option<u64>,
    },
    /// Have the policy be what it was, as a new revision.
    Restore {
        /// The number of the revision.
        revision: u64,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// Keep a change that waits to be confirmed.
    Confirm {
        /// The number of its revision.
        revision: u64,
    },
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List { limit } => list((*limit > 0).then_some(*limit), api, output).await,
        Command::Diff { revision, against } => diff(*revision, *against, api, output).await,
        Command::Restore { revision, commit } => {
            let path = ["revisions", &revision.to_string(), "restore"];
            let call = commit.apply(Call::new(Method::POST, &path));
            report::show(api.json(call).await?.body, api, output)
        }
        Command::Confirm { revision } => {
            let path = ["revisions", &revision.to_string(), "confirm"];
            let answer = api.json(Call::new(Method::POST, &path)).await?.body;
            if output.is_json() {
                return output.json(&answer);
            }
            let state: PolicyState = api.read(answer)?;
            output.line(&format!("the policy stays at revision {}", state.revision))
        }
    }
}

async fn list(limit: Option<u64>, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let page = api.collect(&["revisions"], &[], limit).await?;
    if output.is_json() {
        return output.json(&page);
    }
    let page: Page<Revision> = api.read(page)?;
    let mut table = Table::new(&["REVISION", "TIME", "BY", "FROM", "POLICY", "SUMMARY"]);
    for revision in page.items {
        table.row([
            revision.revision.to_string(),
            revision.at.to_string(),
            revision.actor,
            revision.origin,
            yes_no(revision.policy),
            revision.summary,
        ]);
    }
    output.table(&table)
}

async fn diff(revision: u64, against: Option<u64>, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let mut call = Call::new(Method::GET, &["revisions", &revision.to_string(), "diff"]);
    if let Some(against) = against {
        call = call.query("against", against);
    }
    let answer = api.json(call).await?.body;
    if output.is_json() {
        return output.json(&answer);
    }
    let diff: RevisionDiff = api.read(answer)?;
    let mut table = Table::new(&["CHANGE", "KIND", "ID", "BEFORE", "AFTER"]);
    for change in diff.diff {
        table.row([
            word(&change.change),
            change.kind,
            change.id,
            or_empty(change.before),
            or_empty(change.after),
        ]);
    }
    output.table(&table)
}
