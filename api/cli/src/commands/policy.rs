//! What commands about the policy have in common: collections of objects, and how a change is committed.

pub mod changes;
pub mod diagnostics;
pub mod dns_servers;
pub mod interface_settings;
pub mod log;
pub mod nat;
pub mod policy_routes;
pub mod published;
pub mod revisions;
pub mod routes;
pub mod rules;
pub mod services;
pub mod simulate;
pub mod zone_pairs;
pub mod zones;

mod report;
mod text;

use clap::{Args, Subcommand};
use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::{Map, Value, json};

use crate::api::{Api, Call};
use crate::commands::features::assignment;
use crate::commands::live_flows;
use crate::error::CliError;
use crate::output::Output;
use crate::table::Table;

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How to commit.
#[derive(Debug, Clone, Args)]
pub struct Commit {
    /// Only say what would become of it.
    #[arg(long)]
    dry_run: bool,
    /// The old policy returns by itself after so many seconds (5 to 3600), unless `ravelin revisions confirm` comes first.
    #[arg(long, value_name = "SECONDS")]
    confirm_within: Option<u64>,
}

impl Commit {
    fn apply(&self, call: Call) -> Call {
        let call = match self.confirm_within {
            Some(seconds) => call.query("confirm_within_seconds", seconds),
            None => call,
        };
        if self.dry_run {
            call.header(PREFER, "dry-run")
        } else {
            call
        }
    }
}

/// What to do with objects of any kind.
#[derive(Debug, Subcommand)]
pub enum Common {
    /// Show one.
    Show {
        /// Its id or name.
        which: String,
    },
    /// Change what one says.
    Set {
        /// Its id or name.
        which: String,
        /// Change one value; JSON, or text as it is: log=true, comment=hello, source.negate=true. null has it take its
        /// default.
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = assignment)]
        set: Vec<(String, Value)>,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// Delete one nobody uses.
    Delete {
        /// Its id or name.
        which: String,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
}

/// A collection of objects.
#[derive(Debug, Clone, Copy)]
pub struct Collection {
    /// Its path under `/api/v1`.
    pub path: &'static str,
    /// What ids start with.
    pub prefix: &'static str,
    /// What one is, for people.
    pub one: &'static str,
    /// A table of some of them, as the API gives them.
    pub table: fn(&Api, Vec<Value>) -> Result<Table, CliError>,
    /// Whether one is called so.
    pub is_called: fn(&Value, &str) -> bool,
}

/// Whether an object has this name.
pub fn has_name(object: &Value, name: &str) -> bool {
    object.get("name").and_then(Value::as_str) == Some(name)
}

impl Collection {
    /// Shows those that fit.
    pub async fn list(
        &self,
        filters: &[(&'static str, String)],
        api: &Api,
        output: &mut Output,
    ) -> Result<(), CliError> {
        let page = api.collect(&[self.path], filters, None).await?;
        if output.is_json() {
            return output.json(&page);
        }
        output.table(&(self.table)(api, items(&page))?)
    }

    /// Makes one.
    pub async fn add(
        &self,
        spec: &Value,
        commit: &Commit,
        api: &Api,
        output: &mut Output,
    ) -> Result<(), CliError> {
        let call = Call::new(Method::POST, &[self.path]).json(spec);
        self.commit(call, commit, api, output).await
    }

    /// Puts one elsewhere among its kind.
    pub async fn relocate(
        &self,
        which: &str,
        place: &Place,
        commit: &Commit,
        api: &Api,
        output: &mut Output,
    ) -> Result<(), CliError> {
        let id = self.id(which, api).await?;
        let call = Call::new(Method::POST, &[self.path, &id, "move"]).json(&place.body()?);
        self.commit(call, commit, api, output).await
    }

    /// Carries out what is the same for every kind.
    pub async fn run(&self, command: &Common, api: &Api, output: &mut Output) -> Result<(), CliError> {
        match command {
            Common::Show { which } => {
                let id = self.id(which, api).await?;
                let object = api.get(&[self.path, &id]).await?.body;
                self.one(object, api, output)
            }
            Common::Set { which, set, commit } => {
                let id = self.id(which, api).await?;
                // If somebody else changes it in between, it is refused.
                let etag = api.get(&[self.path, &id]).await?.etag;
                let call = Call::new(Method::PATCH, &[self.path, &id])
                    .if_match(etag.as_deref().unwrap_or("*"))
                    .json(&nested(set));
                self.commit(call, commit, api, output).await
            }
            Common::Delete { which, commit } => {
                let id = self.id(which, api).await?;
                // The user has named the object, not a state of it.
                let call = Call::new(Method::DELETE, &[self.path, &id]).if_match("*");
                let answer = api.json(commit.apply(call)).await?;
                live_flows::remark_on(&answer, api)?;
                match answer.body {
                    Value::Null if output.is_json() => Ok(()),
                    Value::Null => output.line(&format!("{} {id} is gone", self.one)),
                    preview => report::show(preview, api, output),
                }
            }
        }
    }

    /// Shows who uses one.
    pub async fn references(&self, which: &str, api: &Api, output: &mut Output) -> Result<(), CliError> {
        let id = self.id(which, api).await?;
        let users = api.get(&[self.path, &id, "references"]).await?.body;
        if output.is_json() {
            return output.json(&users);
        }
        let mut table = Table::new(&["KIND", "ID", "NAME"]);
        let users: ravelin_api_types::References = api.read(users)?;
        for user in users.items {
            table.row([user.kind, user.id, user.name]);
        }
        output.table(&table)
    }

    async fn commit(
        &self,
        call: Call,
        commit: &Commit,
        api: &Api,
        output: &mut Output,
    ) -> Result<(), CliError> {
        let answer = api.json(commit.apply(call)).await?;
        if commit.dry_run {
            report::show(answer.body, api, output)
        } else {
            live_flows::remark_on(&answer, api)?;
            self.one(answer.body, api, output)
        }
    }

    fn one(&self, object: Value, api: &Api, output: &mut Output) -> Result<(), CliError> {
        if output.is_json() {
            return output.json(&object);
        }
        output.table(&(self.table)(api, vec![object])?)
    }

    /// The id of the object with this id or name.
    async fn id(&self, which: &str, api: &Api) -> Result<String, CliError> {
        if which.starts_with(self.prefix) {
            return Ok(which.to_owned());
        }
        let all = api.collect(&[self.path], &[], None).await?;
        let found = items(&all)
            .into_iter()
            .find(|object| (self.is_called)(object, which));
        let id = found.as_ref().and_then(|object| object.get("id")?.as_str());
        id.map(str::to_owned).ok_or_else(|| CliError::NoSuchObject {
            kind: self.one,
            name: which.to_owned(),
        })
    }
}

/// An object of what keys say; a dot leads into a member that is an object.
pub fn nested(set: &[(String, Value)]) -> Map<String, Value> {
    let mut whole = Map::new();
    for (key, value) in set {
        put(&mut whole, key, value);
    }
    whole
}

fn put(members: &mut Map<String, Value>, key: &str, value: &Value) {
    let Some((first, rest)) = key.split_once('.') else {
        members.insert(key.to_owned(), value.clone());
        return;
    };
    let member = members.entry(first).or_insert(Value::Null);
    if !member.is_object() {
        *member = Value::Object(Map::new());
    }
    if let Value::Object(members) = member {
        put(members, rest, value);
    }
}

fn items(page: &Value) -> Vec<Value> {
    page.get("items")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// Where something goes among its kind.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Place {
    /// In front of all.
    #[arg(long)]
    first: bool,
    /// Behind all.
    #[arg(long)]
    last: bool,
    /// Right before this one, by id or name.
    #[arg(long, value_name = "WHICH")]
    before: Option<String>,
    /// Right after this one, by id or name.
    #[arg(long, value_name = "WHICH")]
    after: Option<String>,
}

impl Place {
    fn body(&self) -> Result<Value, CliError> {
        match (self.first, self.last, &self.before, &self.after) {
            (true, ..) => Ok(json!({ "to": "first" })),
            (_, true, ..) => Ok(json!({ "to": "last" })),
            (_, _, Some(rule), _) => Ok(json!({ "to": "before", "rule": rule })),
            (_, _, _, Some(rule)) => Ok(json!({ "to": "after", "rule": rule })),
            // The command line asks for one of them.
            _ => Err(CliError::Usage("say where to".to_owned())),
        }
    }
}
