//! Lists and their entries.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model as model;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::{Errors, Fields, FromJson, Node, Text, Timestamp};

/// What a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// IPv4 and IPv6 addresses and prefixes.
    Address,
    /// Domain names: `example.com` with all below, `=example.com` alone, `*.example.com` only below.
    Domain,
}

impl From<model::ListKind> for ListKind {
    fn from(kind: model::ListKind) -> Self {
        match kind {
            model::ListKind::Address => Self::Address,
            model::ListKind::Domain => Self::Domain,
        }
    }
}

impl From<ListKind> for model::ListKind {
    fn from(kind: ListKind) -> Self {
        match kind {
            ListKind::Address => Self::Address,
            ListKind::Domain => Self::Domain,
        }
    }
}

impl FromJson for ListKind {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        node.word(&[("address", Self::Address), ("domain", Self::Domain)], errors)
    }
}

/// A list without its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct List {
    /// Never changes.
    #[schema(value_type = String, example = "blocklist")]
    pub id: Text<model::ListId>,
    /// Unique; can be changed.
    #[schema(value_type = String, max_length = 63)]
    pub name: Text<model::ListName>,
    /// Never changes.
    pub kind: ListKind,
    /// Exists from the start and cannot be deleted.
    pub built_in: bool,
    /// Entries, expired ones not counted.
    pub entries_count: u64,
    /// Last change of the list or its entries.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag.
    pub revision: u64,
}

impl From<model::List> for List {
    fn from(list: model::List) -> Self {
        let model::List {
            id,
            // The data plane's business.
            number: _,
            name,
            kind,
            entries_count,
            updated_at,
            revision,
        } = list;
        Self {
            built_in: id.is_built_in(),
            id: Text(id),
            name: Text(name),
            kind: kind.into(),
            entries_count,
            updated_at: Timestamp(updated_at),
            revision: revision.0,
        }
    }
}

/// A list to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewList {
    /// Unique: 1 to 63 characters of a-z, 0-9 and '-'.
    #[schema(value_type = String, min_length = 1, max_length = 63, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
    pub name: Text<model::ListName>,
    /// What it will hold.
    pub kind: ListKind,
}

impl FromJson for NewList {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let name = fields.required("name", errors);
        let kind = fields.required("kind", errors);
        fields.finish(errors);
        Some(Self {
            name: name?,
            kind: kind?,
        })
    }
}

/// A change to a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListPatch {
    /// The new name.
    #[schema(value_type = String, min_length = 1, max_length = 63, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
    pub name: Text<model::ListName>,
}

impl FromJson for ListPatch {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let name = fields.required("name", errors);
        fields.finish(errors);
        Some(Self { name: name? })
    }
}

/// What an entry caught since it came, or since the maps were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hits {
    /// Packets.
    pub packets: u64,
    /// Bytes, Ethernet header included.
    pub bytes: u64,
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Stays with the value through replacements of the list.
    #[schema(value_type = String, example = "ent_1f")]
    pub id: Text<model::EntryId>,
    /// The address, prefix or domain in canonical form.
    #[schema(example = "203.0.113.0/24")]
    pub value: String,
    /// It stops matching then; missing: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub expires_at: Option<Timestamp>,
    /// When it came into the list.
    #[schema(value_type = String, format = DateTime)]
    pub added_at: Timestamp,
    /// Missing where entries have no counter of their own (domains).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hits: Option<Hits>,
}

impl From<model::ListEntry> for Entry {
    fn from(entry: model::ListEntry) -> Self {
        let model::ListEntry { id, value, added_at } = entry;
        let text = value.text();
        let expires_at = match value {
            model::EntryValue::Address(model::AddressEntry {
                network: _,
                expires_at,
            }) => expires_at,
            model::EntryValue::Domain(model::DomainEntry { pattern: _ }) => None,
        };
        Self {
            id: Text(id),
            value: text,
            expires_at: expires_at.map(Timestamp),
            added_at: Timestamp(added_at),
            hits: None,
        }
    }
}

/// An entry to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    /// Address lists: an address or prefix. Domain lists: `example.com` with all below, `=example.com` alone,
    /// `*.example.com` only below.
    #[schema(max_length = 255, example = "203.0.113.0/24")]
    pub value: String,
    /// Address lists only: it stops matching then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub expires_at: Option<Timestamp>,
}

/// Entries to add: either `entries`, or one as `value` and `expires_at`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntries {
    /// The entries; all are added or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub entries: Vec<NewEntry>,
    /// The one entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 255)]
    pub value: Option<String>,
    /// When the one entry stops matching.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub expires_at: Option<Timestamp>,
}

impl NewEntries {
    /// Reads entries for a list of this kind; none may have expired by `now`.
    pub fn read(
        node: Node<'_>,
        kind: model::ListKind,
        now: OffsetDateTime,
        errors: &mut Errors,
    ) -> Option<Vec<model::EntryValue>> {
        if node.has("value") {
            return Some(vec![read_entry(node, kind, now, errors)?]);
        }
        let mut fields = Fields::of(node, errors)?;
        let entries = fields.required_with("entries", errors, |node, errors| {
            node.items(errors, |item, errors| read_entry(item, kind, now, errors))
        });
        fields.finish(errors);
        entries
    }
}

fn read_entry(
    node: Node<'_>,
    kind: model::ListKind,
    now: OffsetDateTime,
    errors: &mut Errors,
) -> Option<model::EntryValue> {
    let mut fields = Fields::of(node, errors)?;
    let value = fields.required_with("value", errors, |node, errors| read_value(&node, kind, errors));
    let expires_at = fields.optional_with("expires_at", errors, |node, errors| {
        read_expiry(node, kind, now, errors)
    });
    fields.finish(errors);
    let (mut value, expiry) = (value?, expires_at?);
    if let model::EntryValue::Address(model::AddressEntry {
        network: _,
        expires_at,
    }) = &mut value
    {
        *expires_at = expiry;
    }
    Some(value)
}

fn read_value(node: &Node<'_>, kind: model::ListKind, errors: &mut Errors) -> Option<model::EntryValue> {
    let text = node.string(errors)?;
    let read = match kind {
        model::ListKind::Address => network(text)
            .map(|network| {
                model::EntryValue::Address(model::AddressEntry {
                    network,
                    expires_at: None,
                })
            })
            .ok_or_else(|| "is not an address or prefix such as 203.0.113.0/24 or 2001:db8::/32".to_owned()),
        model::ListKind::Domain => text
            .parse()
            .map(|pattern| model::EntryValue::Domain(model::DomainEntry { pattern }))
            .map_err(|error: model::InvalidName| error.to_string()),
    };
    read.map_err(|detail| errors.add(node, "format", detail)).ok()
}

/// An address, or a prefix whose host bits are cleared.
fn network(text: &str) -> Option<IpNet> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some(address.into()),
        Err(_) => text.parse::<IpNet>().ok().map(|network| network.trunc()),
    }
}

fn read_expiry(
    node: Node<'_>,
    kind: model::ListKind,
    now: OffsetDateTime,
    errors: &mut Errors,
) -> Option<OffsetDateTime> {
    if kind == model::ListKind::Domain {
        errors.add(&node, "not_applicable", "only entries of address lists expire");
        return None;
    }
    let Timestamp(at) = Timestamp::from_json(node.clone(), errors)?;
    if at <= now {
        errors.add(&node, "range", "lies in the past");
        return None;
    }
    Some(at)
}

/// What was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddedEntries {
    /// In the order of the request; an entry that was there before keeps its id and has the new expiry.
    pub entries: Vec<Entry>,
    /// The list afterwards.
    pub list: List,
    /// Revision of the change.
    pub revision: u64,
}

/// A line of an import that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportProblem {
    /// From 1.
    pub line: u64,
    /// Why.
    pub detail: String,
}

/// What became of the lines of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// The list afterwards.
    pub list: List,
    /// Entries now in the list.
    pub accepted: u64,
    /// Values that came more than once.
    pub duplicates: u64,
    /// Empty lines, comments, cosmetic filters, localhost lines of hosts files.
    pub ignored: u64,
    /// Lines that could not be read.
    pub invalid: u64,
    /// The first 1000 lines that were not taken though they look meant.
    pub problems: Vec<ImportProblem>,
    /// Revision of the change.
    pub revision: u64,
}

#[cfg(test)]
mod tests;
