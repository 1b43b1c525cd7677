//! The journal: `journalctl` reads it, page by page, the newest first.

use std::process::Stdio;

use ravelin_system::journal::{JournalEntry, JournalPage, JournalQuery};
use ravelin_system::{Refusal, RefusalCode};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::config::Config;

/// Longest line of JSON that is read; journald keeps fields shorter.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// Of a message; the rest is cut off.
const MAX_MESSAGE_BYTES: usize = 8 << 10;
/// Entries of a page.
const MAX_ENTRIES: u32 = 1000;

/// One page.
pub async fn page(config: &Config, query: &JournalQuery) -> Result<JournalPage, Refusal> {
    check(query)?;
    let failed = |detail: String| Refusal::new(RefusalCode::Internal, detail);
    let mut child = command(config, query)
        .spawn()
        .map_err(|error| failed(format!("journalctl cannot be run: {error}")))?;
    let (Some(output), Some(mut errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed("journalctl has no output".to_owned()));
    };
    let mut output = BufReader::new(output);
    let mut entries = Vec::new();
    loop {
        let mut line = Vec::new();
        let read = (&mut output)
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .await;
        match read {
            Ok(0) => break,
            Ok(_) => entries.extend(entry(&line)),
            Err(error) => return Err(failed(format!("the journal cannot be read: {error}"))),
        }
    }
    let mut said = String::new();
    drop((&mut errors).take(MAX_LINE_BYTES).read_to_string(&mut said).await);
    match child.wait().await {
        Ok(status) if status.success() => {}
        // An older journalctl fails where nothing matches.
        Ok(_) if entries.is_empty() && (said.trim().is_empty() || said.contains("No journal files")) => {}
        Ok(_) => {
            let detail = format!("the journal cannot be read: {}", said.trim());
            let code = if query.cursor.is_some() {
                RefusalCode::BadRequest
            } else {
                RefusalCode::Internal
            };
            return Err(Refusal::new(code, detail));
        }
        Err(error) => return Err(failed(format!("journalctl was lost: {error}"))),
    }
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next_cursor = entries.last().filter(|_| more).map(|entry| entry.cursor.clone());
    Ok(JournalPage { entries, next_cursor })
}

fn command(config: &Config, query: &JournalQuery) -> Command {
    let mut command = Command::new(&config.programs.journalctl);
    command
        .args(["--output=json", "--no-pager", "--quiet", "--utc", "--reverse"])
        .arg(format!("--lines={}", query.limit + 1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if query.kernel {
        command.arg("--dmesg");
    }
    if let Some(cursor) = &query.cursor {
        command.arg(format!("--after-cursor={cursor}"));
    }
    if let Some(unit) = &query.unit {
        command.arg(format!("--unit={unit}"));
    }
    if let Some(priority) = query.priority {
        command.arg(format!("--priority={priority}"));
    }
    if let Some(since) = query.since {
        command.arg(format!("--since=@{}", since.unix_timestamp()));
    }
    command
}

/// Nothing of a caller becomes anything but the value of one option.
fn check(query: &JournalQuery) -> Result<(), Refusal> {
    let refused = |detail: &str| Err(Refusal::new(RefusalCode::BadRequest, detail));
    if query.limit == 0 || query.limit > MAX_ENTRIES {
        return refused("limit is not within 1 to 1000");
    }
    if query.priority.is_some_and(|priority| priority > 7) {
        return refused("priority is not within 0 to 7");
    }
    let proper = |text: &str, more: &str| {
        (1..=256).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || more.as_bytes().contains(&byte))
    };
    if query.unit.as_deref().is_some_and(|unit| !proper(unit, "@._:-\\")) {
        return refused("unit is no name of a unit");
    }
    if query
        .cursor
        .as_deref()
        .is_some_and(|cursor| !proper(cursor, "=;-"))
    {
        return refused("cursor is none of those that were told");
    }
    Ok(())
}

/// An entry of a line of JSON; None where it is not whole.
fn entry(line: &[u8]) -> Option<JournalEntry> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let text = |name: &str| field(&value[name]);
    let microseconds: i128 = text("__REALTIME_TIMESTAMP")?.parse().ok()?;
    let mut message = text("MESSAGE").unwrap_or_default();
    if message.len() > MAX_MESSAGE_BYTES {
        let end = (0..=MAX_MESSAGE_BYTES)
            .rev()
            .find(|end| message.is_char_boundary(*end));
        message.truncate(end.unwrap_or(0));
    }
    Some(JournalEntry {
        cursor: text("__CURSOR")?,
        at: OffsetDateTime::from_unix_timestamp_nanos(microseconds.checked_mul(1000)?).ok()?,
        unit: text("_SYSTEMD_UNIT").or_else(|| text("UNIT")),
        identifier: text("SYSLOG_IDENTIFIER").or_else(|| text("_COMM")),
        pid: text("_PID").and_then(|pid| pid.parse().ok()),
        priority: text("PRIORITY").and_then(|priority| priority.parse().ok()),
        boot_id: text("_BOOT_ID"),
        message,
    })
}

/// Text of a field; bytes that are none come as a list of numbers, fields that were given twice as a list.
fn field(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let bytes: Option<Vec<u8>> = items
                .iter()
                .map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok()))
                .collect();
            match bytes {
                Some(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
                None => items.iter().find_map(field),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_with_what_is_no_text() {
        let line = br#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1700000000123456","PRIORITY":"4",
            "_SYSTEMD_UNIT":"raveld.service","SYSLOG_IDENTIFIER":"raveld","_PID":"42","_BOOT_ID":"b",
            "MESSAGE":[104,105,255]}"#;
        let entry = entry(line).expect("an entry");
        assert_eq!(entry.message, "hi\u{fffd}");
        assert_eq!((entry.priority, entry.pid), (Some(4), Some(42)));
        assert_eq!(entry.at.unix_timestamp_nanos(), 1_700_000_000_123_456_000);
        assert_eq!(super::entry(b"{}"), None);
        assert_eq!(super::entry(b"half of {"), None);
    }

    #[test]
    fn a_query_cannot_become_an_option() {
        let refused = |query: JournalQuery| check(&query).expect_err("refused").detail;
        let query = JournalQuery::default;
        assert!(check(&query()).is_ok());
        assert!(
            refused(JournalQuery {
                limit: 1001,
                ..query()
            })
            .contains("limit")
        );
        assert!(
            refused(JournalQuery {
                unit: Some("a b".to_owned()),
                ..query()
            })
            .contains("unit")
        );
        assert!(
            refused(JournalQuery {
                cursor: Some("x\n--vacuum".to_owned()),
                ..query()
            })
            .contains("cursor")
        );
        assert!(
            refused(JournalQuery {
                priority: Some(8),
                ..query()
            })
            .contains("priority")
        );
    }
}
