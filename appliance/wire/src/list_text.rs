//! Block lists as text, one line at a time.

use ravelin_model::{EntryValue, InvalidName, ListKind};
use thiserror::Error;

/// Longest line that is read, without its end.
pub const MAX_LINE_BYTES: usize = 4096;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListLine {
    /// Entries, at least one; none expires.
    Entries(Vec<EntryValue>),
    /// Nothing to add.
    Ignored(Ignored),
    /// Not understood.
    Invalid(Invalid),
}

/// Why a well-formed line adds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Ignored {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// `#`, `;`, `!` or `[Adblock …]`.
    #[error("is a comment")]
    Comment,
    /// A hosts line for names of this machine only.
    #[error("names only this machine")]
    LocalName,
    /// `##`, `#@#`, `#?#` and the like: what a browser hides.
    #[error("is a cosmetic rule, which only a browser can follow")]
    Cosmetic,
    /// `@@…`.
    #[error("is an allow rule; allow rules are not supported")]
    AllowRule,
    /// `/…/`.
    #[error("is a regular expression; regular expressions are not supported")]
    Regex,
    /// `||name^$…`.
    #[error("has options after '$', which are not supported")]
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

/// Why a line is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Invalid {
    /// Over [`MAX_LINE_BYTES`].
    #[error("is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// Bytes that are no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// An address list got something else.
    #[error("is not an IPv4 or IPv6 address or prefix")]
    NotAnAddress,
    /// `a-b`.
    #[error("is a range of addresses; write it as prefixes")]
    AddressRange,
    /// An address list got a name.
    #[error("is a domain name, and the list holds addresses")]
    NameInAddressList,
    /// A domain list got an address.
    #[error("is an address, and the list holds domain names")]
    AddressInDomainList,
    /// The name is not one.
    #[error("the name {0}")]
    Name(#[from] InvalidName),
    /// More than one value where one belongs.
    #[error("has text after the value")]
    TrailingText,
    /// A filter of a browser that does not name a domain.
    #[error("is not a rule about a whole domain")]
    NotADomainRule,
}

/// Reads one line of a list of that kind.
pub fn parse_line(kind: ListKind, line: &[u8]) -> ListLine {
    let _ = (kind, line);
    ListLine::Ignored(Ignored::Empty)
}
