//! `ravelin lists`: the entries of a list.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use ipnet::IpNet;
use ravelin_api_types::{AddedEntries, Entry, ImportReport, Page, Timestamp};
use reqwest::{Body, Method};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio_util::io::ReaderStream;

use crate::api::{Api, Call};
use crate::commands::live_flows;
use crate::duration::Length;
use crate::error::CliError;
use crate::output::{Output, or_empty, remark};
use crate::table::Table;

/// What to do with the entries of a list.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The entries of a list.
    Entries {
        /// The list's id.
        id: String,
        /// Only those whose text contains this.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// At most so many; 0: all.
        #[arg(long, default_value_t = 1000)]
        limit: u64,
    },
    /// Add entries, all or none. An entry that is there already takes the new expiry.
    Add {
        /// The list's id.
        id: String,
        /// Addresses and prefixes; or domains: example.com with all below, =example.com alone, *.example.com below.
        #[arg(required = true, value_name = "VALUE")]
        values: Vec<String>,
        /// They stop matching at this time, such as 2026-01-31T12:00:00Z.
        #[arg(long, value_name = "TIME", conflicts_with = "expires_in")]
        expires_at: Option<Timestamp>,
        /// They stop matching after this time, such as 90s, 15m, 12h, 7d.
        #[arg(long, value_name = "TIME")]
        expires_in: Option<Length>,
    },
    /// Remove an entry.
    Remove {
        /// The list's id.
        id: String,
        /// The entry's id, or its value.
        #[arg(value_name = "ENTRY|VALUE")]
        entry: String,
    },
    /// Replace all entries by those in a file, at once.
    Import {
        /// The list's id.
        id: String,
        /// A list of addresses, a hosts file, or a filter list; - is standard input.
        file: PathBuf,
    },
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::Entries { id, search, limit } => list(id, search.as_deref(), *limit, api, output).await,
        Command::Add {
            id,
            values,
            expires_at,
            expires_in,
        } => {
            let after = expires_in.map(|length| Timestamp(OffsetDateTime::now_utc() + length.0));
            add(id, values, expires_at.or(after), api, output).await
        }
        Command::Remove { id, entry } => remove(id, entry, api, output).await,
        Command::Import { id, file } => import(id, file, api, output).await,
    }
}

async fn list(
    id: &str,
    search: Option<&str>,
    limit: u64,
    api: &Api,
    output: &mut Output,
) -> Result<(), CliError> {
    let filters: Vec<_> = search
        .map(|text| ("search", text.to_owned()))
        .into_iter()
        .collect();
    let limit = (limit > 0).then_some(limit);
    let entries = api.collect(&["lists", id, "entries"], &filters, limit).await?;
    if output.is_json() {
        return output.json(&entries);
    }
    let page: Page<Entry> = api.read(entries)?;
    output.table(&table(&page.items))?;
    if page.next_cursor.is_some() {
        remark("there are more entries; --limit 0 shows all");
    }
    Ok(())
}

async fn add(
    id: &str,
    values: &[String],
    expires_at: Option<Timestamp>,
    api: &Api,
    output: &mut Output,
) -> Result<(), CliError> {
    let entry = |value: &String| match expires_at {
        Some(at) => json!({ "value": value, "expires_at": at }),
        None => json!({ "value": value }),
    };
    let entries: Vec<Value> = values.iter().map(entry).collect();
    let call = Call::new(Method::POST, &["lists", id, "entries"]).json(&json!({ "entries": entries }));
    let answer = api.json(call).await?;
    live_flows::remark_on(&answer, api)?;
    if output.is_json() {
        return output.json(&answer.body);
    }
    let added: AddedEntries = api.read(answer.body)?;
    output.table(&table(&added.entries))
}

async fn remove(id: &str, entry: &str, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let entry = if entry.starts_with("ent_") {
        entry.to_owned()
    } else {
        find(id, entry, api).await?
    };
    let call = Call::new(Method::DELETE, &["lists", id, "entries", &entry]);
    live_flows::remark_on(&api.json(call).await?, api)?;
    if output.is_json() {
        Ok(())
    } else {
        output.line(&format!("entry {entry} is gone"))
    }
}

/// The id of the entry with this value.
async fn find(id: &str, value: &str, api: &Api) -> Result<String, CliError> {
    let wanted = canonical(value);
    let filters = [("search", wanted.clone())];
    let page: Page<Entry> = api.read(api.collect(&["lists", id, "entries"], &filters, None).await?)?;
    let found = page.items.iter().find(|entry| entry.value == wanted);
    let missing = || CliError::NoSuchEntry {
        list: id.to_owned(),
        value: wanted.clone(),
    };
    let found = found.ok_or_else(missing)?;
    Ok(found.id.to_string())
}

/// The form the engine shows a value in: a single address as a prefix of full length, a name in lower case.
fn canonical(value: &str) -> String {
    if let Ok(address) = value.parse::<IpAddr>() {
        return IpNet::from(address).to_string();
    }
    match value.parse::<IpNet>() {
        Ok(network) => network.trunc().to_string(),
        Err(_) => value.trim_end_matches('.').to_ascii_lowercase(),
    }
}

async fn import(id: &str, file: &Path, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let body = if file == Path::new("-") {
        Body::wrap_stream(ReaderStream::new(tokio::io::stdin()))
    } else {
        let opened = tokio::fs::File::open(file).await;
        Body::wrap_stream(ReaderStream::new(opened.map_err(|source| {
            CliError::ReadFile {
                path: file.to_owned(),
                source,
            }
        })?))
    };
    // Everything is replaced, whatever is there.
    let call = Call::new(Method::PUT, &["lists", id, "entries"])
        .if_match("*")
        .text(body);
    let answer = api.json(call).await?;
    live_flows::remark_on(&answer, api)?;
    if output.is_json() {
        return output.json(&answer.body);
    }
    report(&api.read(answer.body)?, output)
}

fn report(report: &ImportReport, output: &mut Output) -> Result<(), CliError> {
    let mut table = Table::new(&["LIST", "ACCEPTED", "DUPLICATES", "IGNORED", "INVALID", "REVISION"]);
    table.row([
        report.list.id.to_string(),
        report.accepted.to_string(),
        report.duplicates.to_string(),
        report.ignored.to_string(),
        report.invalid.to_string(),
        report.revision.to_string(),
    ]);
    output.table(&table)?;
    if !report.problems.is_empty() {
        let mut lines = Table::new(&["LINE", "PROBLEM"]);
        for problem in &report.problems {
            lines.row([problem.line.to_string(), problem.detail.clone()]);
        }
        output.line("")?;
        output.table(&lines)?;
    }
    Ok(())
}

fn table(entries: &[Entry]) -> Table {
    let mut table = Table::new(&["ENTRY", "VALUE", "EXPIRES", "PACKETS", "BYTES"]);
    for entry in entries {
        table.row([
            entry.id.to_string(),
            entry.value.clone(),
            or_empty(entry.expires_at),
            or_empty(entry.hits.map(|hits| hits.packets)),
            or_empty(entry.hits.map(|hits| hits.bytes)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, shown: &str) {
        assert_eq!(canonical(typed), shown);
    }

    #[test]
    fn values_are_looked_for_as_the_engine_shows_them() {
        check("203.0.113.7", "203.0.113.7/32");
        check("203.0.113.7/24", "203.0.113.0/24");
        check("2001:DB8:0:0::1", "2001:db8::1/128");
        check("Example.COM.", "example.com");
        check("*.Example.com", "*.example.com");
        check("=example.com", "=example.com");
    }
}
