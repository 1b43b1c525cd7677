//! What every object of the policy has: an id that never changes, a name for people, a revision.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use thiserror::Error;
use time::OffsetDateTime;

use crate::Revision;

/// What an object of the policy says; decides which ids are its.
pub trait Kind {
    /// What ids start with, underscore included.
    const PREFIX: &'static str;
    /// Its name in the API, singular: `rule`, `zone_pair`.
    const NAME: &'static str;
    /// Name of the collection in paths: `rules`, `zone-pairs`.
    const COLLECTION: &'static str;
}

/// An id Ravelin did not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not an id of this kind")]
pub struct InvalidId;

/// Immutable id of an object: the prefix of its kind and 1 to 32 letters or digits.
pub struct Id<K>(Box<str>, PhantomData<fn() -> K>);

impl<K> Id<K> {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let rest = text.strip_prefix(K::PREFIX).ok_or(InvalidId)?;
        if (1..=32).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(text.into(), PhantomData))
        } else {
            Err(InvalidId)
        }
    }
}

/// Why a text cannot be the name of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not 1 to 128 characters without control characters and without blanks at its ends")]
pub struct InvalidObjectName;

/// Name of an object: unique among those of its kind, editable, shown to people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(Box<str>);

impl ObjectName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectName {
    type Err = InvalidObjectName;

    fn from_str(text: &str) -> Result<Self, InvalidObjectName> {
        let fits = (1..=128).contains(&text.chars().count());
        if fits && text.trim() == text && !text.chars().any(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidObjectName)
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A stored object of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<S: Kind> {
    /// Never changes.
    pub id: Id<S>,
    /// What the data plane knows it by, for as long as it lives: the [`crate::ZoneNumber`] of a zone; the hit
    /// counter of a rule, a zone pair, a published service. 0: the data plane does not know such objects.
    pub number: u32,
    /// What the user says of it.
    pub spec: S,
    /// Last change.
    pub updated_at: OffsetDateTime,
    /// Revision of the last change; the `ETag`.
    pub revision: Revision,
}

#[cfg(test)]
mod tests {
    use crate::{RuleId, ZoneId};

    use super::*;

    #[test]
    fn an_id_has_the_prefix_of_its_kind() {
        assert_eq!("rul_1f".parse::<RuleId>().expect("an id").as_str(), "rul_1f");
        for text in [
            "zon_1",
            "rul_",
            "rul_a b",
            "rul_ä",
            "",
            &format!("rul_{}", "a".repeat(33)),
        ] {
            assert_eq!(text.parse::<RuleId>(), Err(InvalidId), "{text}");
        }
        assert!("zon_local".parse::<ZoneId>().is_ok());
    }

    #[test]
    fn names_are_one_trimmed_line() {
        for text in ["Web → DMZ", "a"] {
            assert_eq!(text.parse::<ObjectName>().expect(text).as_str(), text);
        }
        for text in ["", " a", "a ", "a\nb", &"a".repeat(129)] {
            assert_eq!(text.parse::<ObjectName>(), Err(InvalidObjectName), "{text}");
        }
    }
}
