//! Block lists as text, one line at a time.
//!
//! | line | in an address list | in a domain list |
//! | --- | --- | --- |
//! | `192.0.2.1`, `2001:db8::/32` | the prefix; bits after its length are cleared | invalid |
//! | `192.0.2.1-192.0.2.9` | invalid | invalid |
//! | `example.com`, `.example.com` | invalid | the name and all below it |
//! | `*.example.com` | invalid | all below the name |
//! | `=example.com` | invalid | the name only |
//! | `0.0.0.0 a.example b.example` (hosts) | invalid | these names only, as in a hosts file |
//! | `\|\|example.com^` (adblock) | invalid | the name and all below it |
//! | `address=/example.com/`, `local=/example.com/` (dnsmasq) | invalid | the name and all below it |
//!
//! A line that starts with `#`, `;`, `!` or `[` is a comment, and so is the rest of a line after `#` or `;`. A byte
//! order mark before and white space around a line do not matter, so LF and CRLF are alike. Nothing is guessed: a
//! line is taken as a whole or not at all.

mod address;
mod domain;
#[cfg(test)]
mod tests;

use ravelin_model::{EntryValue, InvalidName, ListKind};
use thiserror::Error;

/// Longest line that is read, in bytes, without its end.
pub const MAX_LINE_BYTES: usize = 4096;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListLine {
    /// Entries, at least one; none expires.
    Entries(Vec<EntryValue>),
    /// Nothing to add.
    Ignored(Ignored),
    /// Not understood, or not allowed here.
    Invalid(Invalid),
}

/// Why a well-formed line adds nothing; follows the words "the line".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Ignored {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// `#`, `;`, `!` or `[Adblock …]`.
    #[error("is a comment")]
    Comment,
    /// A hosts line for names of the machine itself.
    #[error("only has names of the machine itself")]
    LocalName,
    /// `example.com##.banner` and its relatives.
    #[error("is a cosmetic rule, which only a browser can follow")]
    Cosmetic,
    /// `@@…`.
    #[error("is an allow rule, and these are not supported")]
    AllowRule,
    /// `/…/`.
    #[error("is a regular expression, and these are not supported")]
    Regex,
    /// `||example.com^$…`.
    #[error("has options after '$', and these are not supported")]
    Options,
}

impl Ignored {
    /// Whether the line asked for something that is not done, so that whoever imports should hear of it.
    pub fn is_loss(self) -> bool {
        match self {
            Self::Empty | Self::Comment | Self::LocalName => false,
            Self::Cosmetic | Self::AllowRule | Self::Regex | Self::Options => true,
        }
    }
}

/// Why a line is not taken; follows the words "the line".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Invalid {
    /// Over [`MAX_LINE_BYTES`].
    #[error("is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// Bytes that are no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// Neither an address nor a prefix, nor anything else that is known.
    #[error("is not an IPv4 or IPv6 address or prefix")]
    NotAnAddress,
    /// `192.0.2.1-192.0.2.9`.
    #[error("is a range of addresses; write it as prefixes")]
    AddressRange,
    /// A name in an address list.
    #[error("is a domain name, and the list holds addresses")]
    NameInAddressList,
    /// An address in a domain list.
    #[error("is an address, and the list holds domain names")]
    AddressInDomainList,
    /// Something after the value that is no comment.
    #[error("has more after the value")]
    TrailingText,
    /// What should be a name is none.
    #[error("has a name that {0}")]
    Name(InvalidName),
    /// No top-level domain is a number (RFC 3696 section 2), so this is a mistyped address.
    #[error("has a name that ends in a number")]
    EndsInNumber,
    /// A hosts or dnsmasq line that leads the name somewhere instead of nowhere.
    #[error("gives the name an address other than 0.0.0.0, 127.0.0.0/8, :: and ::1")]
    Redirect,
    /// A URL or a filter that does not cover a whole domain.
    #[error("is not about a whole domain")]
    NotAWholeDomain,
}

/// Reads one line, with or without its end, of a list of that kind. Any bytes will do; of a line that is longer
/// than [`MAX_LINE_BYTES`] one byte too many is enough.
pub fn parse_line(kind: ListKind, line: &[u8]) -> ListLine {
    match parse(kind, line) {
        Ok(entries) => ListLine::Entries(entries),
        Err(Refused::Ignored(reason)) => ListLine::Ignored(reason),
        Err(Refused::Invalid(reason)) => ListLine::Invalid(reason),
    }
}

/// A line without entries; lets `?` end the reading.
enum Refused {
    Ignored(Ignored),
    Invalid(Invalid),
}

impl From<Ignored> for Refused {
    fn from(reason: Ignored) -> Self {
        Self::Ignored(reason)
    }
}

impl From<Invalid> for Refused {
    fn from(reason: Invalid) -> Self {
        Self::Invalid(reason)
    }
}

impl From<InvalidName> for Refused {
    fn from(reason: InvalidName) -> Self {
        Self::Invalid(Invalid::Name(reason))
    }
}

fn parse(kind: ListKind, line: &[u8]) -> Result<Vec<EntryValue>, Refused> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > MAX_LINE_BYTES {
        return Err(Invalid::TooLong.into());
    }
    let text = str::from_utf8(line).map_err(|_| Invalid::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    match text.bytes().next() {
        None => return Err(Ignored::Empty.into()),
        Some(b'#' | b';' | b'!' | b'[') => return Err(Ignored::Comment.into()),
        Some(_) => {}
    }
    match kind {
        ListKind::Address => address::parse(without_comment(text)).map(|entry| vec![entry]),
        ListKind::Domain => domain::parse(text),
    }
}

/// The text before a trailing comment. The text does not start with one, so something is left.
fn without_comment(text: &str) -> &str {
    text.split(['#', ';']).next().unwrap_or(text).trim_end()
}
