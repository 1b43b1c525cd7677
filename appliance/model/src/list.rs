//! Lists of addresses and of domain names.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use thiserror::Error;
use time::OffsetDateTime;

use crate::{DomainPattern, Revision};

/// Why a list or one of its parts is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidList {
    /// Names are 1 to 63 characters of `a-z 0-9 -`, starting and ending alphanumeric.
    #[error("is not 1 to 63 characters of a-z, 0-9 and '-', starting and ending with a letter or digit")]
    Name,
    /// An id Ravelin did not make.
    #[error("is not an id of this kind")]
    Id,
    /// An address list takes addresses and a domain list takes names.
    #[error("does not fit the kind of the list")]
    Kind,
}

/// Immutable id of a list: `lst_…`, or the name of a built-in list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(Box<str>);

impl ListId {
    /// The address list `ddos_protection` uses from the start.
    pub const BLOCKLIST: &str = "blocklist";
    /// The domain list `dns_blocklist` uses from the start.
    pub const DNS_BLOCKLIST: &str = "dns-blocklist";

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the list exists from the start and cannot be deleted.
    pub fn is_built_in(&self) -> bool {
        matches!(self.as_str(), Self::BLOCKLIST | Self::DNS_BLOCKLIST)
    }
}

impl FromStr for ListId {
    type Err = InvalidList;

    fn from_str(text: &str) -> Result<Self, InvalidList> {
        let made = text.strip_prefix("lst_").is_some_and(|rest| {
            !rest.is_empty() && rest.len() <= 32 && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if made || matches!(text, Self::BLOCKLIST | Self::DNS_BLOCKLIST) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidList::Id)
        }
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Name of a list: unique, editable, shown to people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListName(Box<str>);

impl ListName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ListName {
    type Err = InvalidList;

    fn from_str(text: &str) -> Result<Self, InvalidList> {
        let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = text.as_bytes();
        let inside = bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
        if (1..=63).contains(&bytes.len()) && inside && edge(bytes.first()) && edge(bytes.last()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidList::Name)
        }
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// IPv4 and IPv6 addresses and prefixes.
    Address,
    /// Domain patterns.
    Domain,
}

/// A list without its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Never changes.
    pub id: ListId,
    /// Number the data plane knows the list by; never reused.
    pub number: u32,
    /// Unique name.
    pub name: ListName,
    /// Never changes.
    pub kind: ListKind,
    /// Entries, expired ones not counted.
    pub entries_count: u64,
    /// Last change of the list or its entries.
    pub updated_at: OffsetDateTime,
    /// Revision of the last change; the ETag.
    pub revision: Revision,
}

/// Id of an entry; stays with the value through replacements of the list, so its counters survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub i64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ent_{:x}", self.0)
    }
}

impl FromStr for EntryId {
    type Err = InvalidList;

    fn from_str(text: &str) -> Result<Self, InvalidList> {
        let digits = text.strip_prefix("ent_").ok_or(InvalidList::Id)?;
        match i64::from_str_radix(digits, 16) {
            Ok(id) if id > 0 && Self(id).to_string() == text => Ok(Self(id)),
            _ => Err(InvalidList::Id),
        }
    }
}

/// A prefix of an address list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressEntry {
    /// Host bits are zero.
    pub network: IpNet,
    /// The entry stops matching then.
    pub expires_at: Option<OffsetDateTime>,
}

/// A pattern of a domain list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainEntry {
    /// What it covers.
    pub pattern: DomainPattern,
}

/// Value of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryValue {
    /// Of an address list.
    Address(AddressEntry),
    /// Of a domain list.
    Domain(DomainEntry),
}

impl EntryValue {
    /// The kind of list it belongs to.
    pub fn kind(&self) -> ListKind {
        match self {
            Self::Address(_) => ListKind::Address,
            Self::Domain(_) => ListKind::Domain,
        }
    }

    /// Canonical text without the expiry: what makes two entries of a list the same.
    pub fn text(&self) -> String {
        match self {
            Self::Address(entry) => entry.network.to_string(),
            Self::Domain(entry) => entry.pattern.to_string(),
        }
    }
}

/// A stored entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// Its id.
    pub id: EntryId,
    /// Its value.
    pub value: EntryValue,
    /// When it came into the list.
    pub added_at: OffsetDateTime,
}
