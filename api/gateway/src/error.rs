//! Why the gateway does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// Why the gateway does not start, or keeps its old certificate.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// A file of the configuration or the state cannot be read.
    #[error("cannot read {}", path.display())]
    ReadFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the state cannot be written.
    #[error("cannot write {}", path.display())]
    WriteFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration is not TOML of the expected shape.
    #[error("the configuration is invalid: {0}")]
    ParseConfig(#[source] toml::de::Error),
    /// The configuration has a value out of range.
    #[error("the configuration is invalid: {0}")]
    InvalidConfig(String),
    /// The address cannot be bound.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The kernel refused to take privileges away.
    #[error("cannot drop privileges")]
    DropPrivileges(#[source] io::Error),
    /// The thread pool or a signal handler could not be made.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// A PEM file holds no usable certificate or key.
    #[error("cannot use {}", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate and the key cannot serve TLS.
    #[error("the certificate and its key cannot be used")]
    Tls(#[from] rustls::Error),
    /// A certificate could not be made.
    #[error("cannot make a certificate")]
    MakeCertificate(#[from] rcgen::Error),
    /// The kernel gave no random numbers.
    #[error("the kernel gave no random numbers")]
    Random(#[from] getrandom::Error),
}
