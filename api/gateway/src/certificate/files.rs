//! `certificate.pem` and `key.pem` in the state directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tracing::warn;

use super::generate;
use crate::error::GatewayError;

const KEY_MODE: u32 = 0o600;
const CERTIFICATE_MODE: u32 = 0o644;

/// The two files. Each is replaced by renaming a complete one over it, so a power cut leaves the old or the new.
#[derive(Debug)]
pub struct StateFiles {
    directory: PathBuf,
}

impl StateFiles {
    /// Makes the directory if there is none. Everyone may look into it: the certificate is for clients.
    pub fn open(directory: &Path) -> Result<Self, GatewayError> {
        let made = DirBuilder::new().recursive(true).mode(0o755).create(directory);
        made.map_err(|source| write_error(directory, source))?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// Path of the certificate.
    pub fn certificate_path(&self) -> PathBuf {
        self.directory.join("certificate.pem")
    }

    /// The key; a new one when there is none or the file is damaged.
    pub fn key_pair(&self) -> Result<KeyPair, GatewayError> {
        let path = self.directory.join("key.pem");
        match fs::read_to_string(&path) {
            Ok(text) => {
                if let Ok(pair) = KeyPair::from_pem(&text) {
                    close_to_others(&path)?;
                    return Ok(pair);
                }
                warn!(path = %path.display(), "the key is damaged; making a new one");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(GatewayError::ReadFile { path, source }),
        }
        let pair = generate::key_pair()?;
        self.replace(&path, &pair.serialize_pem(), KEY_MODE)?;
        Ok(pair)
    }

    /// DER of the certificate; None when there is none or the file is damaged.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        let read = CertificateDer::from_pem_file(self.certificate_path());
        read.ok().map(|certificate| certificate.to_vec())
    }

    /// Replaces the certificate.
    pub fn write_certificate(&self, pem: &str) -> Result<(), GatewayError> {
        self.replace(&self.certificate_path(), pem, CERTIFICATE_MODE)
    }

    fn replace(&self, path: &Path, text: &str, mode: u32) -> Result<(), GatewayError> {
        let new = path.with_extension("pem.new");
        let write = || -> io::Result<()> {
            match fs::remove_file(&new) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(&new)?;
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, path)?;
            File::open(&self.directory)?.sync_all()
        };
        write().map_err(|source| write_error(path, source))
    }
}

fn close_to_others(key: &Path) -> Result<(), GatewayError> {
    let fix = || -> io::Result<()> {
        let mode = fs::metadata(key)?.permissions().mode() & 0o777;
        if mode & !KEY_MODE != 0 {
            warn!(path = %key.display(), mode = %format_args!("{mode:o}"), "others could read the key; closing it");
            fs::set_permissions(key, fs::Permissions::from_mode(KEY_MODE))?;
        }
        Ok(())
    };
    fix().map_err(|source| write_error(key, source))
}

fn write_error(path: &Path, source: io::Error) -> GatewayError {
    GatewayError::WriteFile {
        path: path.to_owned(),
        source,
    }
}
