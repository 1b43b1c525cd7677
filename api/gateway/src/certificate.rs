//! The certificate clients see: the configured one, or one the gateway makes and renews itself.

mod files;
mod generate;
mod inspect;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tracing::info;

use crate::config::Config;
use crate::error::GatewayError;

/// Where certificates come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// PEM files of the configuration.
    Files {
        /// Chain, leaf first.
        certificate: PathBuf,
        /// Key of the leaf.
        key: PathBuf,
    },
    /// Made here and kept in `state_dir`.
    SelfSigned {
        /// Where `certificate.pem` and `key.pem` are kept.
        state_dir: PathBuf,
        /// Names and addresses it is valid for.
        names: Vec<String>,
    },
}

impl Source {
    /// What the configuration says.
    pub fn new(config: &Config) -> Self {
        match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => Self::Files {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            _ => Self::SelfSigned {
                state_dir: config.state_dir.clone(),
                names: all_names(&config.names),
            },
        }
    }

    /// The certificate to use now. A self-signed one is made when there is none, and made anew, for the same key,
    /// when it is not valid for another 30 days or not for these names.
    pub fn load(&self, provider: &CryptoProvider, now: OffsetDateTime) -> Result<CertifiedKey, GatewayError> {
        let (chain, key) = match self {
            Self::Files { certificate, key } => (read_chain(certificate)?, read_key(key)?),
            Self::SelfSigned { state_dir, names } => self_signed(state_dir, names, now)?,
        };
        Ok(CertifiedKey::from_der(chain, key, provider)?)
    }
}

type ChainAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn self_signed(state_dir: &Path, names: &[String], now: OffsetDateTime) -> Result<ChainAndKey, GatewayError> {
    let files = files::StateFiles::open(state_dir)?;
    let key = files.key_pair()?;
    let kept = files.certificate();
    let certificate = match inspect::why_renew(kept.as_deref(), key.public_key_raw(), names, now) {
        None => kept.unwrap_or_default(),
        Some(reason) => {
            let made = generate::certificate(&key, names, now)?;
            files.write_certificate(&made.pem())?;
            info!(path = %files.certificate_path().display(), %reason, "made a self-signed certificate");
            made.der().to_vec()
        }
    };
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok((vec![CertificateDer::from(certificate)], key))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, GatewayError> {
    let pem_error = |source| GatewayError::Pem {
        path: path.to_owned(),
        source,
    };
    CertificateDer::pem_file_iter(path)
        .map_err(pem_error)?
        .collect::<Result<_, _>>()
        .map_err(pem_error)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, GatewayError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| GatewayError::Pem {
        path: path.to_owned(),
        source,
    })
}

/// The configured names, the host's name, and the names of the loopback; each once, in a stable order.
fn all_names(configured: &[String]) -> Vec<String> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let own = [
        host,
        "localhost".to_owned(),
        IpAddr::V4(Ipv4Addr::LOCALHOST).to_string(),
        IpAddr::V6(Ipv6Addr::LOCALHOST).to_string(),
    ];
    let mut names: Vec<String> = configured.iter().cloned().chain(own).map(canonical).collect();
    names.retain(|name| !name.is_empty() && name.is_ascii());
    names.sort();
    names.dedup();
    names
}

fn canonical(name: String) -> String {
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => name.to_ascii_lowercase(),
    }
}

/// SHA-256 of the leaf as browsers and `openssl x509 -fingerprint -sha256` show it.
pub fn fingerprint(certified: &Arc<CertifiedKey>) -> String {
    let leaf = certified.cert.first().map_or(&[][..], |leaf| leaf.as_ref());
    let bytes: Vec<String> = Sha256::digest(leaf).iter().map(|b| format!("{b:02X}")).collect();
    bytes.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_canonical_and_come_once() {
        let names = all_names(&["FW.example".into(), "2001:DB8:0::1".into(), "localhost".into()]);
        let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
        for wanted in ["fw.example", "2001:db8::1", "localhost", "127.0.0.1", "::1"] {
            assert_eq!(count(wanted), 1, "{wanted} in {names:?}");
        }
    }
}
