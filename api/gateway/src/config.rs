//! The configuration file.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ravelin_logging::LogFormat;
use serde::Deserialize;

use crate::error::GatewayError;

/// Everything that can be configured. `gateway.toml` beside this crate explains each key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The engine's socket.
    pub engine_socket: PathBuf,
    /// Where the self-signed certificate and its key are kept.
    pub state_dir: PathBuf,
    /// More names of the self-signed certificate.
    pub names: Vec<String>,
    /// PEM chain to use instead of the self-signed certificate.
    pub certificate: Option<PathBuf>,
    /// PEM key of `certificate`.
    pub key: Option<PathBuf>,
    /// How the log is written.
    pub log: LogFormat,
    /// What a client may use up.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 8443),
            engine_socket: "/run/ravelin/gateway.sock".into(),
            state_dir: "/var/lib/ravelin-gateway".into(),
            names: Vec::new(),
            certificate: None,
            key: None,
            log: LogFormat::default(),
            limits: Limits::default(),
        }
    }
}

/// What a client may use up. None may be 0.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a request's line and headers.
    pub header_bytes: u32,
    /// Seconds for the headers of a request.
    pub header_timeout_seconds: u32,
    /// Seconds a request's body may stand still.
    pub body_idle_timeout_seconds: u32,
    /// Largest declared Content-Length.
    pub content_length_bytes: u64,
    /// Seconds for the engine's answer once it has the whole request.
    pub engine_timeout_seconds: u32,
    /// Seconds for the TLS handshake.
    pub handshake_timeout_seconds: u32,
    /// Seconds an HTTP/2 connection may stay open without a request.
    pub idle_timeout_seconds: u32,
    /// Connections at once.
    pub connections: u32,
    /// Connections at once from one IPv4 address or IPv6 /64.
    pub connections_per_peer: u32,
    /// Requests at once on one HTTP/2 connection.
    pub requests_per_connection: u32,
    /// Seconds that running requests get on SIGTERM.
    pub shutdown_timeout_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 16 * 1024,
            header_timeout_seconds: 15,
            body_idle_timeout_seconds: 60,
            content_length_bytes: 1 << 30,
            engine_timeout_seconds: 120,
            handshake_timeout_seconds: 10,
            idle_timeout_seconds: 60,
            connections: 1024,
            connections_per_peer: 64,
            requests_per_connection: 64,
            shutdown_timeout_seconds: 5,
        }
    }
}

/// Seconds of a limit as a duration.
pub fn seconds(limit: u32) -> Duration {
    Duration::from_secs(limit.into())
}

impl Config {
    /// Largest `header_bytes`, so that a connection's buffers stay small.
    const HEADER_BYTES_MAX: u32 = 1 << 20;

    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, GatewayError> {
        let text = std::fs::read_to_string(path).map_err(|source| GatewayError::ReadFile {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Parses and checks the text of a file.
    pub fn parse(text: &str) -> Result<Self, GatewayError> {
        let config: Self = toml::from_str(text).map_err(GatewayError::ParseConfig)?;
        match config.problem() {
            None => Ok(config),
            Some(problem) => Err(GatewayError::InvalidConfig(problem)),
        }
    }

    fn problem(&self) -> Option<String> {
        if self.certificate.is_some() != self.key.is_some() {
            return Some("certificate and key go together".to_owned());
        }
        if let Some(name) = self.names.iter().find(|name| !is_certificate_name(name)) {
            return Some(format!("names: '{name}' is neither a DNS name nor an address"));
        }
        self.limits.problem()
    }
}

impl Limits {
    fn problem(&self) -> Option<String> {
        let Self {
            header_bytes,
            header_timeout_seconds,
            body_idle_timeout_seconds,
            content_length_bytes,
            engine_timeout_seconds,
            handshake_timeout_seconds,
            idle_timeout_seconds,
            connections,
            connections_per_peer,
            requests_per_connection,
            shutdown_timeout_seconds,
        } = *self;
        if !(1024..=Config::HEADER_BYTES_MAX).contains(&header_bytes) {
            return Some(format!(
                "limits.header_bytes is not within 1024 to {}",
                Config::HEADER_BYTES_MAX
            ));
        }
        [
            ("header_timeout_seconds", header_timeout_seconds.into()),
            ("body_idle_timeout_seconds", body_idle_timeout_seconds.into()),
            ("content_length_bytes", content_length_bytes),
            ("engine_timeout_seconds", engine_timeout_seconds.into()),
            ("handshake_timeout_seconds", handshake_timeout_seconds.into()),
            ("idle_timeout_seconds", idle_timeout_seconds.into()),
            ("connections", connections.into()),
            ("connections_per_peer", connections_per_peer.into()),
            ("requests_per_connection", requests_per_connection.into()),
            ("shutdown_timeout_seconds", shutdown_timeout_seconds.into()),
        ]
        .into_iter()
        .find(|(_, value)| *value == 0)
        .map(|(name, _)| format!("limits.{name} is 0"))
    }
}

/// A host name (RFC 1123 section 2.1), with `*` allowed as the first label (RFC 9525 section 6.3), or an address.
fn is_certificate_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let host = name.strip_prefix("*.").unwrap_or(name);
    name.parse::<IpAddr>().is_ok() || (name.len() <= 253 && host.split('.').all(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Config, &str>) {
        match (Config::parse(text), expected) {
            (Ok(config), Ok(wanted)) => assert_eq!(config, wanted),
            (Err(error), Err(wanted)) => {
                let said = error.to_string();
                assert!(said.contains(wanted), "{said}");
            }
            (got, wanted) => panic!("{text:?} gave {got:?}, wanted {wanted:?}"),
        }
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        check("", Ok(Config::default()));
    }

    #[test]
    fn the_example_file_is_the_defaults() {
        check(include_str!("../gateway.toml"), Ok(Config::default()));
    }

    #[test]
    fn the_example_file_names_every_key() {
        let text = include_str!("../gateway.toml");
        let uncommented = text
            .replace("# certificate =", "certificate =")
            .replace("# key =", "key =");
        let config = Config::parse(&uncommented).unwrap();
        assert!(config.certificate.is_some() && config.key.is_some());
        let keys = uncommented
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains(" = "))
            .count();
        // 7 of Config beside the table, 11 of Limits.
        assert_eq!(keys, 18);
    }

    #[test]
    fn unknown_keys_are_refused() {
        check("listenn = '[::]:1'", Err("listenn"));
        check("[limits]\nconnection = 1", Err("connection"));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        check("listen = 'localhost'", Err("listen"));
        check("key = '/k'", Err("go together"));
        check("names = ['a b']", Err("'a b'"));
        check("names = ['-a.example']", Err("-a.example"));
        check("[limits]\nheader_bytes = 100", Err("header_bytes"));
        check(
            "[limits]\nconnections_per_peer = 0",
            Err("connections_per_peer is 0"),
        );
    }

    #[test]
    fn names_and_addresses_are_taken() {
        let names = ["fw.example", "*.fw.example", "192.0.2.1", "2001:db8::1"];
        let wanted = Config {
            names: names.map(str::to_owned).into(),
            ..Config::default()
        };
        check(&format!("names = {names:?}"), Ok(wanted));
    }
}
