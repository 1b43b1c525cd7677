//! The configuration file.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ravelin_logging::LogFormat;
use ravelin_system::boot_choice::{BootLoader, environment_of};
use serde::Deserialize;
use thiserror::Error;

/// Where it is unless told otherwise.
const DEFAULT_PATH: &str = "/etc/ravelin/agent.toml";
/// Shortest time a trial may have: the checks alone need some.
const SHORTEST_TRIAL_SECONDS: u64 = 30;

/// Why a configuration is refused.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("parse {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Relative paths would depend on where the agent is started.
    #[error("{key} is {}, not an absolute path", path.display())]
    RelativePath {
        /// The key.
        key: &'static str,
        /// What it says.
        path: PathBuf,
    },
    /// No slot could show within it that it works.
    #[error("trial_seconds is {0}, less than {SHORTEST_TRIAL_SECONDS}")]
    ShortTrial(u64),
}

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the agent is asked.
    pub socket: PathBuf,
    /// What of the agent must survive: records of updates.
    pub state_dir: PathBuf,
    /// Where bundles are kept while they are installed.
    pub updates_dir: PathBuf,
    /// The state partition.
    pub state_mount: PathBuf,
    /// The partition of the boot loader.
    pub esp: PathBuf,
    /// What the initrd tells of this boot.
    pub boot_environment: PathBuf,
    /// `os-release(5)` of the image.
    pub os_release: PathBuf,
    /// A file as old as the image.
    pub clock_epoch: PathBuf,
    /// The engine's socket for this machine's administrators.
    pub engine_socket: PathBuf,
    /// Where the gateway listens, as seen from this machine.
    pub gateway: SocketAddr,
    /// The certificate the gateway has to show, in PEM.
    pub gateway_certificate: PathBuf,
    /// Time a slot on trial has from its boot to show that it works; `ravelin.trial_seconds=` on the command line of
    /// the kernel is stronger.
    pub trial_seconds: u64,
    /// Longest bundle that is taken.
    pub bundle_limit_bytes: u64,
    /// What bundles have to be for.
    pub compatible: String,
    /// Configuration of RAUC, which names whose signatures are trusted.
    pub rauc_config: PathBuf,
    /// Fetches bundles also from this machine itself and by link-local addresses: for tests and labs.
    pub fetch_own: bool,
    /// Programs that are run.
    pub programs: Programs,
    /// How logs look.
    pub log: LogFormat,
}

/// Programs that are run, with arguments that are fixed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Programs {
    /// Verifies and writes bundles.
    pub rauc: PathBuf,
    /// Restarts the machine and tells whether it has booted.
    pub systemctl: PathBuf,
    /// Reads the journal.
    pub journalctl: PathBuf,
}

impl Default for Programs {
    fn default() -> Self {
        Self {
            rauc: "/usr/bin/rauc".into(),
            systemctl: "/usr/bin/systemctl".into(),
            journalctl: "/usr/bin/journalctl".into(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            socket: "/run/ravelin-agent/agent.sock".into(),
            state_dir: "/state/agent".into(),
            updates_dir: "/state/updates".into(),
            state_mount: "/state".into(),
            esp: "/efi".into(),
            boot_environment: "/run/ravelin-boot/env".into(),
            os_release: "/usr/lib/os-release".into(),
            clock_epoch: "/usr/lib/clock-epoch".into(),
            engine_socket: "/run/ravelin/raveld.sock".into(),
            gateway: SocketAddr::from(([127, 0, 0, 1], 443)),
            gateway_certificate: "/state/gateway/certificate.pem".into(),
            trial_seconds: 300,
            bundle_limit_bytes: 1 << 30,
            compatible: "ravelin-x86_64".to_owned(),
            rauc_config: "/etc/rauc/system.conf".into(),
            fetch_own: false,
            programs: Programs::default(),
            log: LogFormat::default(),
        }
    }
}

impl Config {
    /// Reads the file; without one, the one at its usual place, and without that the defaults.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let usual = Path::new(DEFAULT_PATH);
        let path = match path {
            Some(path) => path,
            None if usual.exists() => usual,
            None => return Ok(Self::default()),
        };
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// The boot loader of this machine.
    pub fn boot_loader(&self) -> BootLoader {
        let lock = self.socket.with_file_name("boot-loader.lock");
        BootLoader::new(environment_of(&self.esp), lock)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        for (key, path) in config.paths() {
            if !path.is_absolute() {
                let path = path.clone();
                return Err(ConfigError::RelativePath { key, path });
            }
        }
        if config.trial_seconds < SHORTEST_TRIAL_SECONDS {
            return Err(ConfigError::ShortTrial(config.trial_seconds));
        }
        Ok(config)
    }

    fn paths(&self) -> [(&'static str, &PathBuf); 14] {
        [
            ("socket", &self.socket),
            ("state_dir", &self.state_dir),
            ("updates_dir", &self.updates_dir),
            ("state_mount", &self.state_mount),
            ("esp", &self.esp),
            ("boot_environment", &self.boot_environment),
            ("os_release", &self.os_release),
            ("clock_epoch", &self.clock_epoch),
            ("engine_socket", &self.engine_socket),
            ("gateway_certificate", &self.gateway_certificate),
            ("rauc_config", &self.rauc_config),
            ("programs.rauc", &self.programs.rauc),
            ("programs.systemctl", &self.programs.systemctl),
            ("programs.journalctl", &self.programs.journalctl),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str) -> String {
        let error = Config::parse(text, Path::new("agent.toml")).expect_err("refused");
        ravelin_model::chain(&error)
    }

    #[test]
    fn the_file_of_the_repository_says_the_defaults() {
        let text = include_str!("../agent.toml");
        let config = Config::parse(text, Path::new("agent.toml")).expect("valid");
        assert_eq!(config, Config::default());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(refused("sockets = \"/run/x\"").contains("unknown field"));
        assert!(refused("esp = \"efi\"").contains("esp is efi, not an absolute path"));
        assert!(refused("programs.rauc = \"rauc\"").contains("programs.rauc"));
        assert!(refused("trial_seconds = 29").contains("29"));
    }
}
