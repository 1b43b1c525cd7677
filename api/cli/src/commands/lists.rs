//! `ravelin lists`: the lists themselves.

use clap::{Subcommand, ValueEnum};
use ravelin_api_types::{List, Page};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, Call};
use crate::commands::entries;
use crate::error::CliError;
use crate::output::{Output, word, yes_no};
use crate::table::Table;

/// What to do with lists.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every list.
    List,
    /// One list.
    Show {
        /// Its id.
        id: String,
    },
    /// Make a list.
    Create {
        /// Its name: a-z, 0-9 and '-'.
        name: String,
        /// What it holds.
        #[arg(long)]
        kind: Kind,
    },
    /// Delete a list nobody uses, with its entries.
    Delete {
        /// Its id.
        id: String,
    },
    /// What to do with the entries.
    #[command(flatten)]
    Entries(entries::Command),
}

/// What a list holds.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// Addresses and prefixes.
    Address,
    /// Domain names.
    Domain,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Domain => "domain",
        }
    }
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List => {
            let lists = api.collect(&["lists"], &[], None).await?;
            if output.is_json() {
                return output.json(&lists);
            }
            let page: Page<List> = api.read(lists)?;
            output.table(&table(&page.items))
        }
        Command::Show { id } => one(api.get(&["lists", id]).await?.body, api, output),
        Command::Create { name, kind } => {
            let call =
                Call::new(Method::POST, &["lists"]).json(&json!({ "name": name, "kind": kind.name() }));
            one(api.json(call).await?.body, api, output)
        }
        Command::Delete { id } => {
            // The user has named the list, not a state of it.
            api.json(Call::new(Method::DELETE, &["lists", id]).if_match("*"))
                .await?;
            if output.is_json() {
                Ok(())
            } else {
                output.line(&format!("list {id} is gone"))
            }
        }
        Command::Entries(command) => entries::run(command, api, output).await,
    }
}

fn one(body: Value, api: &Api, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(&body);
    }
    output.table(&table(&[api.read(body)?]))
}

fn table(lists: &[List]) -> Table {
    let mut table = Table::new(&["ID", "NAME", "KIND", "BUILT-IN", "ENTRIES", "UPDATED"]);
    for list in lists {
        table.row([
            list.id.to_string(),
            list.name.to_string(),
            word(&list.kind),
            yes_no(list.built_in),
            list.entries_count.to_string(),
            list.updated_at.to_string(),
        ]);
    }
    table
}
