//! Names of interfaces that mean nothing else in the files of any daemon.

use std::fmt;
use std::str::FromStr;

use ravelin_model::is_plain_interface_name;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why an interface cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "'{0}' cannot be served by daemons: the name of such an interface is 1 to 15 letters, digits, '.', '-' and '_', \
     begins with a letter, and is not 'lo'"
)]
pub struct InvalidInterfaceName(String);

/// A name no daemon takes for more than it is, see [`is_plain_interface_name`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InterfaceName {
    type Err = InvalidInterfaceName;

    fn from_str(text: &str) -> Result<Self, InvalidInterfaceName> {
        if is_plain_interface_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidInterfaceName(text.escape_debug().to_string()))
        }
    }
}

impl TryFrom<String> for InterfaceName {
    type Error = InvalidInterfaceName;

    fn try_from(text: String) -> Result<Self, InvalidInterfaceName> {
        text.parse()
    }
}

impl From<InterfaceName> for String {
    fn from(name: InterfaceName) -> Self {
        name.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_nothing_but_itself() {
        for good in [
            "lan0",
            "enp1s0f0np0",
            "br-lan",
            "wan0.100",
            "a",
            "abcdefghijklmno",
        ] {
            assert_eq!(good.parse::<InterfaceName>().expect(good).as_str(), good);
        }
        let bad = [
            "",
            "lo",
            "0lan",
            "abcdefghijklmnop",
            "lan*",
            "lan?",
            "[a]",
            "!lan",
            "a,b",
            "a b",
            "a\nb",
            "a%b",
            "a#b",
            "a;b",
            "ä",
            ".",
            "..",
            "-a",
            "a=b",
            "a/b",
            "a'b",
        ];
        for bad in bad {
            assert!(bad.parse::<InterfaceName>().is_err(), "{bad:?}");
            assert!(serde_json::from_value::<InterfaceName>(serde_json::json!(bad)).is_err());
        }
    }
}
