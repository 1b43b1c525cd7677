//! The support bundle: what somebody who helps from afar has to see, and no secret. Everything in it is an answer of
//! the API, whose answers have no secrets, or a page of the journal.

use std::io::{self, Write};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Limited};
use ravelin_system::Agent;
use ravelin_system::journal::{JournalEntry, JournalQuery};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tower::ServiceExt;

use crate::extract::Caller;

/// Bytes of one file; what is longer is left out and said so.
const MAX_FILE_BYTES: usize = 64 << 20;
/// Pages of the journal, each of as many entries as a page has.
const JOURNAL_PAGES: usize = 10;
const JOURNAL_LIMIT: u32 = 1000;

/// Files of answers, by name and path.
const ANSWERS: [(&str, &str); 24] = [
    ("system.json", "/api/v1/system"),
    ("updates.json", "/api/v1/system/updates"),
    ("readiness.json", "/readyz"),
    ("config.json", "/api/v1/config"),
    ("policy.json", "/api/v1/policy"),
    ("diagnostics.json", "/api/v1/policy/diagnostics"),
    ("rules.json", "/api/v1/rules?limit=1000"),
    ("nat-rules.json", "/api/v1/nat-rules?limit=1000"),
    ("zones.json", "/api/v1/zones?limit=1000"),
    ("policy-counters.json", "/api/v1/policy/counters?limit=1000"),
    ("revisions.json", "/api/v1/revisions"),
    ("interfaces.json", "/api/v1/interfaces"),
    ("interface-settings.json", "/api/v1/interface-settings?limit=1000"),
    ("routes.json", "/api/v1/routes?limit=1000"),
    ("dns-servers.json", "/api/v1/dns-servers?limit=1000"),
    ("features.json", "/api/v1/ebpf/features"),
    ("programs.json", "/api/v1/ebpf/programs"),
    ("maps.json", "/api/v1/ebpf/maps"),
    ("statistics.json", "/api/v1/ebpf/stats"),
    ("lists.json", "/api/v1/lists?limit=1000"),
    ("verdict-log.json", "/api/v1/verdict-log?limit=1000"),
    ("hardware-flows.json", "/api/v1/hardware-flows?limit=100"),
    ("tuning.json", "/api/v1/tuning"),
    ("metrics.txt", "/metrics"),
];

/// Where what the bundle is made of comes from.
#[derive(Debug)]
struct Source {
    /// The handlers, without what stands before them.
    answers: Router,
    agent: Agent,
    caller: Caller,
    /// Directory in the archive.
    directory: String,
    at: OffsetDateTime,
}

/// One file of the archive, or its end.
#[derive(Debug, Clone, Copy)]
enum Part {
    Answer(&'static str, &'static str),
    Nftables,
    Journal,
    Kernel,
    End,
}

/// The archive, compressed, made while it is read.
pub(crate) fn support_bundle(
    answers: Router,
    agent: Agent,
    caller: Caller,
    at: OffsetDateTime,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let source = Source {
        answers,
        agent,
        caller,
        directory: directory(at),
        at,
    };
    let parts = ANSWERS
        .into_iter()
        .map(|(name, path)| Part::Answer(name, path))
        .chain([Part::Nftables, Part::Journal, Part::Kernel, Part::End]);
    let archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    stream::unfold(
        (source, parts, Some(archive)),
        async |(source, mut parts, archive)| {
            let (part, archive) = (parts.next()?, archive?);
            Some(match source.add(part, archive).await {
                Ok((bytes, archive)) => (Ok(bytes), (source, parts, archive)),
                Err(error) => (Err(error), (source, parts, None)),
            })
        },
    )
    .boxed()
}

/// Name of the archive, and of the directory in it.
pub(crate) fn directory(at: OffsetDateTime) -> String {
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = at.to_hms();
    format!("ravelin-support-{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

type Archive = tar::Builder<GzEncoder<Vec<u8>>>;

impl Source {
    /// Adds a part; what is compressed by now, and the archive if more follows.
    async fn add(&self, part: Part, archive: Archive) -> io::Result<(Bytes, Option<Archive>)> {
        let member = match part {
            Part::End => None,
            part => {
                let (name, content) = self.content(part).await;
                Some((format!("{}/{name}", self.directory), content))
            }
        };
        let at = u64::try_from(self.at.unix_timestamp()).unwrap_or(0);
        tokio::task::spawn_blocking(move || compress(member, at, archive))
            .await
            .map_err(io::Error::other)?
    }

    async fn content(&self, part: Part) -> (&'static str, Vec<u8>) {
        match part {
            Part::Answer(name, path) => (name, self.answer(path).await),
            Part::Nftables => ("nftables.txt", nftables().await),
            Part::Journal => ("journal.txt", self.journal(false).await),
            Part::Kernel => ("kernel.txt", self.journal(true).await),
            Part::End => ("", Vec::new()),
        }
    }

    /// What a handler answers, also where that is a problem.
    async fn answer(&self, path: &str) -> Vec<u8> {
        let said = |what: String| what.into_bytes();
        let Ok(mut request) = Request::get(path).body(Body::empty()) else {
            return said(format!("{path} is no path"));
        };
        request.extensions_mut().insert(self.caller.clone());
        let answer = match self.answers.clone().oneshot(request).await {
            Ok(answer) => crate::failure::render(answer, ""),
            Err(never) => match never {},
        };
        match Limited::new(answer.into_body(), MAX_FILE_BYTES).collect().await {
            Ok(body) => body.to_bytes().to_vec(),
            Err(error) => said(format!("{path} is left out: {error}")),
        }
    }

    /// The last entries, the oldest first, one a line.
    async fn journal(&self, kernel: bool) -> Vec<u8> {
        let mut query = JournalQuery {
            limit: JOURNAL_LIMIT,
            kernel,
            ..JournalQuery::default()
        };
        let mut entries = Vec::new();
        for _ in 0..JOURNAL_PAGES {
            match self.agent.logs(&query).await {
                Ok(page) => {
                    entries.extend(page.entries);
                    query.cursor = page.next_cursor;
                }
                Err(error) => {
                    return format!("there is no journal to show: {}\n", ravelin_model::chain(&error))
                        .into_bytes();
                }
            }
            if query.cursor.is_none() {
                break;
            }
        }
        entries.iter().rev().map(line).collect::<String>().into_bytes()
    }
}

fn line(entry: &JournalEntry) -> String {
    let at = entry.at.format(&Rfc3339).unwrap_or_default();
    let who = entry.identifier.as_deref().unwrap_or("-");
    let priority = entry.priority.unwrap_or(6);
    let message = entry.message.replace('\n', "\n\t");
    format!("{at} <{priority}> {who}: {message}\n")
}

/// Everything nftables has, ours and others'; why not, where it cannot be asked.
async fn nftables() -> Vec<u8> {
    let listed = tokio::process::Command::new("nft")
        .args(["--stateless", "list", "ruleset"])
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    match listed {
        Ok(listed) if listed.status.success() => listed.stdout,
        Ok(listed) => listed.stderr,
        Err(error) => format!("nft cannot be run: {error}\n").into_bytes(),
    }
}

/// Adds a file with its name, of a time in seconds since 1970; without one, the end.
fn compress(
    member: Option<(String, Vec<u8>)>,
    at: u64,
    mut archive: Archive,
) -> io::Result<(Bytes, Option<Archive>)> {
    let Some((name, content)) = member else {
        return Ok((archive.into_inner()?.finish()?.into(), None));
    };
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o600);
    header.set_mtime(at);
    archive.append_data(&mut header, name, &content[..])?;
    let compressed = archive.get_mut();
    // So that each part is on its way at once.
    compressed.flush()?;
    Ok((std::mem::take(compressed.get_mut()).into(), Some(archive)))
}
