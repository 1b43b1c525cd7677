//! The admin token and the key that signs access tokens: made at first start, kept in files of mode 0600.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::token::TokenKey;

const ADMIN_TOKEN_FILE: &str = "admin-token";
const KEY_FILE: &str = "jwt-key.pk8";
const ADMIN_TOKEN_PREFIX: &str = "rva_";
/// No secret file is larger.
const MAX_FILE_BYTES: u64 = 4096;

/// A secret cannot be made or read.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// The file cannot be read or written.
    #[error("cannot open the secret {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others than its owner may read or write the file.
    #[error("{} has mode {mode:03o}; others may use it: set 600 and change the secret", path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold what it should.
    #[error("{} does not hold a secret of Ravelin", path.display())]
    Content {
        /// Which.
        path: PathBuf,
    },
    /// The kernel gave no random bytes.
    #[error("no random bytes")]
    Random,
}

/// The admin token, in the one moment it is known: to be shown once, never stored or logged again.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(String);

impl AdminToken {
    /// The token as text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}

/// What credentials are checked against. Holds the admin token's hash only.
#[derive(Debug)]
pub struct Secrets {
    admin_token_hash: [u8; 32],
    key: TokenKey,
    new_admin_token: Option<AdminToken>,
}

impl Secrets {
    /// Opens the secrets of a state directory; makes those that are missing.
    pub fn load_or_create(state_dir: &Path) -> Result<Self, SecretsError> {
        let path = state_dir.join(ADMIN_TOKEN_FILE);
        let (text, made) = load_or_create(&path, || Ok(format!("{}\n", new_admin_token()?).into_bytes()))?;
        let token = String::from_utf8(text)
            .ok()
            .map(|text| text.trim_end().to_owned());
        let Some(token) = token.filter(|token| token.starts_with(ADMIN_TOKEN_PREFIX) && token.len() >= 40)
        else {
            return Err(SecretsError::Content { path });
        };
        let admin_token_hash = Sha256::digest(token.as_bytes()).into();

        let path = state_dir.join(KEY_FILE);
        let (pkcs8, _) = load_or_create(&path, new_key)?;
        let pair = KeyPair::try_from(pkcs8.as_slice()).ok();
        let Some(pair) = pair.filter(|pair| pair.algorithm() == &PKCS_ED25519) else {
            return Err(SecretsError::Content { path });
        };
        Ok(Self {
            admin_token_hash,
            key: TokenKey::new(&pkcs8, pair.der_bytes()),
            new_admin_token: made.then_some(AdminToken(token)),
        })
    }

    /// The admin token, if it was made by this call of [`Self::load_or_create`].
    pub fn new_admin_token(&self) -> Option<&AdminToken> {
        self.new_admin_token.as_ref()
    }

    /// Whether this is the admin token. Takes the same time for every wrong one.
    pub(crate) fn is_admin_token(&self, token: &str) -> bool {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        hash.ct_eq(&self.admin_token_hash).into()
    }

    pub(crate) fn key(&self) -> &TokenKey {
        &self.key
    }
}

/// Bytes from the kernel's generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SecretsError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SecretsError::Random)?;
    Ok(bytes)
}

fn new_admin_token() -> Result<String, SecretsError> {
    let bytes: [u8; 32] = random()?;
    Ok(format!(
        "{ADMIN_TOKEN_PREFIX}{}",
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    ))
}

fn new_key() -> Result<Vec<u8>, SecretsError> {
    let pair = KeyPair::generate_for(&PKCS_ED25519).map_err(|_| SecretsError::Random)?;
    Ok(pair.serialize_der())
}

/// The content of a secret file, and whether it was made now.
fn load_or_create(
    path: &Path,
    make: impl FnOnce() -> Result<Vec<u8>, SecretsError>,
) -> Result<(Vec<u8>, bool), SecretsError> {
    let failed = |source| SecretsError::File {
        path: path.to_owned(),
        source,
    };
    match open(path) {
        Ok(file) => Ok((read(file, path)?, false)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let content = make()?;
            create(path, &content).map_err(failed)?;
            Ok((content, true))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Never follows a symbolic link: whoever may place one could have us trust a file of theirs.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

fn read(file: File, path: &Path) -> Result<Vec<u8>, SecretsError> {
    let failed = |source| SecretsError::File {
        path: path.to_owned(),
        source,
    };
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretsError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let mut content = Vec::new();
    file.take(MAX_FILE_BYTES)
        .read_to_end(&mut content)
        .map_err(failed)?;
    Ok(content)
}

/// The file appears whole or not at all, also over a power cut.
fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn secrets_are_made_once_and_kept_private() {
        let dir = tempfile::tempdir().expect("directory");
        let first = Secrets::load_or_create(dir.path()).expect("first start");
        let token = first.new_admin_token().expect("made now").reveal().to_owned();
        for name in [ADMIN_TOKEN_FILE, KEY_FILE] {
            let mode = fs::metadata(dir.path().join(name)).expect("metadata").mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        let second = Secrets::load_or_create(dir.path()).expect("second start");
        assert_eq!(second.new_admin_token(), None);
        assert!(second.is_admin_token(&token));
        assert!(!second.is_admin_token(&token[1..]));
        assert!(!format!("{first:?}").contains(&token));
        let jwt = first.key().issue("admin").expect("issue");
        assert!(second.key().verify(&jwt).is_some());
    }

    #[test]
    fn secrets_others_could_have_read_or_placed_are_refused() {
        for name in [ADMIN_TOKEN_FILE, KEY_FILE] {
            let dir = tempfile::tempdir().expect("directory");
            Secrets::load_or_create(dir.path()).expect("first start");
            let path = dir.path().join(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("chmod");
            let error = Secrets::load_or_create(dir.path()).expect_err("exposed");
            assert!(
                matches!(error, SecretsError::Exposed { mode: 0o640, .. }),
                "{error}"
            );

            fs::rename(&path, dir.path().join("elsewhere")).expect("rename");
            symlink(dir.path().join("elsewhere"), &path).expect("symlink");
            let error = Secrets::load_or_create(dir.path()).expect_err("symbolic link");
            assert!(matches!(error, SecretsError::File { .. }), "{error}");

            fs::remove_file(&path).expect("remove");
            create(&path, b"nonsense").expect("create");
            let error = Secrets::load_or_create(dir.path()).expect_err("nonsense");
            assert!(matches!(error, SecretsError::Content { .. }), "{error}");
        }
    }
}
