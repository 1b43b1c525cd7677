//! The token of `--token-file`.

use std::path::Path;

use reqwest::header::HeaderValue;

use crate::error::CliError;

/// How the admin token starts, which buys access tokens; everything else is an access token itself.
const ADMIN_PREFIX: &str = "rva_";

/// `Authorization` headers; never shown, their `Debug` says `Sensitive`.
#[derive(Debug)]
pub enum Credential {
    /// With the admin token.
    Admin(HeaderValue),
    /// With an access token (JWT).
    Access(HeaderValue),
}

impl Credential {
    /// Reads a file that holds a token and nothing else but white space around it.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let text = std::fs::read_to_string(path).map_err(|source| CliError::ReadFile {
            path: path.to_owned(),
            source,
        })?;
        let bad = |problem: &str| CliError::BadFile {
            path: path.to_owned(),
            problem: problem.to_owned(),
        };
        let token = text.trim();
        if token.is_empty() {
            return Err(bad("it holds no token"));
        }
        if token.contains(|c: char| c.is_whitespace()) {
            return Err(bad("it holds more than a token"));
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| bad("it holds characters no token has"))?;
        value.set_sensitive(true);
        if token.starts_with(ADMIN_PREFIX) {
            Ok(Self::Admin(value))
        } else {
            Ok(Self::Access(value))
        }
    }
}
