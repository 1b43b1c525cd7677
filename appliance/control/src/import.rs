//! Reading the text of an import: bounded, line by line, in the task of whoever sends it.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io;

use ravelin_model::{AddressEntry, DomainEntry, EntryValue, ListKind};
use ravelin_wire::list_text::{Invalid, ListLine, MAX_LINE_BYTES, parse_line};
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use crate::{ControlError, ImportProblem};

/// Most problems a report names; the counts go on.
const PROBLEMS_MAX: usize = 1000;

/// Lines after which other tasks get their turn.
const LINES_A_TURN: u64 = 4096;

/// What a text says.
#[derive(Debug, Default)]
pub(crate) struct Import {
    /// Each value once, in the order of their first line.
    pub(crate) values: Vec<EntryValue>,
    pub(crate) duplicates: u64,
    pub(crate) ignored: u64,
    pub(crate) invalid: u64,
    pub(crate) problems: Vec<ImportProblem>,
}

/// Reads `text` to its end.
pub(crate) async fn read<R>(mut text: R, kind: ListKind, limit_bytes: u64) -> Result<Import, ControlError>
where
    R: AsyncBufRead + Unpin + Send,
{
    let mut import = Import::default();
    let mut seen = Seen::default();
    let mut lines = Lines {
        left_bytes: limit_bytes,
        buffer: Vec::new(),
    };
    for number in 1.. {
        match lines.next(&mut text).await {
            Ok(true) => import.take(number, kind, &lines.buffer, &mut seen),
            Ok(false) => break,
            Err(LineError::TooLarge) => return Err(ControlError::ImportTooLarge { limit_bytes }),
            Err(LineError::Read(error)) => return Err(ControlError::ImportRead(error)),
        }
        if number % LINES_A_TURN == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(import)
}

impl Import {
    fn take(&mut self, number: u64, kind: ListKind, line: &[u8], seen: &mut Seen) {
        let parsed = if line.len() > MAX_LINE_BYTES {
            ListLine::Invalid(Invalid::TooLong)
        } else {
            parse_line(kind, line)
        };
        match parsed {
            ListLine::Entries(values) => {
                for value in values {
                    if seen.insert(&value) {
                        self.values.push(value);
                    } else {
                        self.duplicates += 1;
                    }
                }
            }
            ListLine::Ignored(why) => {
                self.ignored += 1;
                if why.is_loss() {
                    self.problem(number, why.to_string());
                }
            }
            ListLine::Invalid(why) => {
                self.invalid += 1;
                self.problem(number, why.to_string());
            }
        }
    }

    fn problem(&mut self, line: u64, detail: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(ImportProblem { line, detail });
        }
    }
}

/// Values that came already: 128 bits of a keyed hash of each instead of a second copy. Two of a million values
/// collide with a probability of 2⁻⁸⁹, and nobody who does not know the keys can make them.
#[derive(Default)]
struct Seen {
    hashes: HashSet<(u64, u64)>,
    keys: (RandomState, RandomState),
}

impl Seen {
    /// False: it came already.
    fn insert(&mut self, value: &EntryValue) -> bool {
        let text = match value {
            EntryValue::Address(AddressEntry { network, .. }) => network.to_string(),
            EntryValue::Domain(DomainEntry { pattern }) => pattern.to_string(),
        };
        let (first, second) = &self.keys;
        self.hashes
            .insert((first.hash_one(&text), second.hash_one(&text)))
    }
}

enum LineError {
    TooLarge,
    Read(io::Error),
}

struct Lines {
    left_bytes: u64,
    /// The last line without its end; of a line over the limit, one byte more than the limit.
    buffer: Vec<u8>,
}

impl Lines {
    /// Reads a line into the buffer; false at the end of the text.
    async fn next<R: AsyncBufRead + Unpin>(&mut self, text: &mut R) -> Result<bool, LineError> {
        self.buffer.clear();
        let mut any = false;
        loop {
            let chunk = text.fill_buf().await.map_err(LineError::Read)?;
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let line = &chunk[..end.unwrap_or(chunk.len())];
            let room = (MAX_LINE_BYTES + 1).saturating_sub(self.buffer.len());
            self.buffer.extend_from_slice(&line[..line.len().min(room)]);
            let used = line.len() + usize::from(end.is_some());
            text.consume(used);
            self.left_bytes = self
                .left_bytes
                .checked_sub(used as u64)
                .ok_or(LineError::TooLarge)?;
            if end.is_some() {
                break;
            }
        }
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        Ok(any)
    }
}
