//! `ravelin changes`.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Commit, report};
use crate::api::{Api, Call};
use crate::error::CliError;
use crate::output::Output;

const EXAMPLES: &str = r#"A file holds operations, or an object with them:
  [{"op": "create", "kind": "zone", "value": {"name": "dmz", "interfaces": ["eth2"]}},
   {"op": "create", "kind": "rule", "value": {"name": "to dmz", "to_zone": "dmz", "action": "accept"}},
   {"op": "delete", "kind": "rule", "id": "rul_1f"}]"#;

/// What to do with several changes.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the changes in a file, all or none.
    #[command(after_help = EXAMPLES)]
    Apply {
        /// JSON; - is standard input.
        file: PathBuf,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let Command::Apply { file, commit } = command;
    let text = read(file).map_err(|source| CliError::ReadFile {
        path: file.clone(),
        source,
    })?;
    let changes: Value = serde_json::from_str(&text).map_err(|error| CliError::BadFile {
        path: file.clone(),
        problem: error.to_string(),
    })?;
    let body = if changes.is_array() {
        json!({ "operations": changes })
    } else {
        changes
    };
    let call = commit.apply(Call::new(Method::POST, &["changes"]).json(&body));
    report::show(api.json(call).await?.body, api, output)
}

fn read(file: &Path) -> std::io::Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
