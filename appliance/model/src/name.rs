//! Domain names and the patterns of domain lists.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Why a text is not a domain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidName {
    /// Nothing, or only the root dot.
    #[error("is empty")]
    Empty,
    /// RFC 1035 section 3.1: 255 octets on the wire, that is 253 characters.
    #[error("is longer than 253 characters")]
    TooLong,
    /// RFC 1035 section 2.3.4: 63 octets a label.
    #[error("has a label that is empty or longer than 63 characters")]
    Label,
    /// Letters, digits, hyphen and underscore only; other scripts in their `xn--` form.
    #[error("has a character other than a-z, 0-9, '-' and '_' (write other scripts as xn--…)")]
    Character,
}

/// A domain name in lower case, without the root dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Box<str>);

impl DomainName {
    /// The name as text, lower case, no final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Labels from left to right.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }
}

impl FromStr for DomainName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(InvalidName::Empty);
        }
        if name.len() > 253 {
            return Err(InvalidName::TooLong);
        }
        for label in name.split('.') {
            if label.is_empty() || label.len() > 63 {
                return Err(InvalidName::Label);
            }
            if !label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            {
                return Err(InvalidName::Character);
            }
        }
        Ok(Self(name.to_ascii_lowercase().into_boxed_str()))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which names a pattern covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DomainScope {
    /// The name itself only.
    Exact,
    /// The name and everything below it.
    Suffix,
    /// Everything below the name, not the name itself.
    Below,
}

/// An entry of a domain list: `=example.com` exact, `example.com` suffix, `*.example.com` below.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainPattern {
    /// The listed name.
    pub name: DomainName,
    /// What the pattern covers.
    pub scope: DomainScope,
}

impl DomainPattern {
    /// Whether `name` is covered.
    pub fn covers(&self, name: &DomainName) -> bool {
        let below = name
            .as_str()
            .strip_suffix(self.name.as_str())
            .is_some_and(|rest| rest.ends_with('.'));
        match self.scope {
            DomainScope::Exact => *name == self.name,
            DomainScope::Suffix => below || *name == self.name,
            DomainScope::Below => below,
        }
    }
}

impl FromStr for DomainPattern {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (scope, name) = if let Some(rest) = text.strip_prefix("*.") {
            (DomainScope::Below, rest)
        } else if let Some(rest) = text.strip_prefix('=') {
            (DomainScope::Exact, rest)
        } else {
            (DomainScope::Suffix, text)
        };
        Ok(Self {
            name: name.parse()?,
            scope,
        })
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            DomainScope::Exact => write!(f, "={}", self.name),
            DomainScope::Suffix => write!(f, "{}", self.name),
            DomainScope::Below => write!(f, "*.{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, name: &str, expected: bool) {
        let pattern: DomainPattern = pattern.parse().expect("pattern");
        let name: DomainName = name.parse().expect("name");
        assert_eq!(pattern.covers(&name), expected, "{pattern} ~ {name}");
    }

    #[test]
    fn scopes_cover_whole_labels_only() {
        check("example.com", "example.com", true);
        check("example.com", "A.Example.com.", true);
        check("example.com", "notexample.com", false);
        check("=example.com", "example.com", true);
        check("=example.com", "a.example.com", false);
        check("*.example.com", "example.com", false);
        check("*.example.com", "a.b.example.com", true);
    }

    #[test]
    fn bad_names_are_refused_with_the_reason() {
        let long_label = "a".repeat(64);
        let long_name = "a.".repeat(128);
        for (text, why) in [
            ("", InvalidName::Empty),
            (".", InvalidName::Empty),
            ("a..b", InvalidName::Label),
            (long_label.as_str(), InvalidName::Label),
            (long_name.as_str(), InvalidName::TooLong),
            ("a b", InvalidName::Character),
            ("*.*.a", InvalidName::Character),
            ("münchen.de", InvalidName::Character),
        ] {
            assert_eq!(text.parse::<DomainPattern>().err(), Some(why), "{text}");
        }
    }
}
