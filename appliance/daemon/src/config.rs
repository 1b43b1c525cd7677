//! The configuration file.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use ravelin_logging::LogFormat;
use serde::Deserialize;
use thiserror::Error;

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
    /// A value outside its bounds.
    #[error("{key} is {value}, not within {} to {}", bounds.start(), bounds.end())]
    OutOfBounds {
        /// The key.
        key: &'static str,
        /// What it says.
        value: u64,
        /// What it may say.
        bounds: RangeInclusive<u64>,
    },
    /// The name table is addressed by a mask.
    #[error("capacity.name_buckets is {0}, not a power of two")]
    NotPowerOfTwo(u32),
    /// Relative paths would depend on where the daemon is started.
    #[error("{key} is {}, not an absolute path", path.display())]
    RelativePath {
        /// The key.
        key: &'static str,
        /// What it says.
        path: PathBuf,
    },
}

/// Which data plane to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatapathKind {
    /// eBPF programs in the kernel.
    #[default]
    Kernel,
    /// In memory; touches no packet.
    Sim,
}

/// When the policy is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforce {
    /// As soon as a zone other than `local` has an interface.
    #[default]
    Zoned,
    /// From the start: without a zone, nothing passes.
    Always,
}

/// How the policy is enforced.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// When.
    pub enforce: Enforce,
    /// TCP ports of this box that answer to management zones whatever the rules say.
    pub management_ports: Vec<u16>,
    /// Verdicts kept in the store.
    pub verdict_log_rows: u64,
    /// Verdicts nftables logs in a second at most.
    pub verdict_log_rate: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enforce: Enforce::default(),
            // ssh, and the gateway.
            management_ports: vec![22, 8443],
            verdict_log_rows: 100_000,
            verdict_log_rate: 1000,
        }
    }
}

/// Sizes of the kernel's maps.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capacity {
    /// Entries of the address lists in use.
    pub addresses: u32,
    /// Buckets of the name table, a power of two.
    pub name_buckets: u32,
    /// Flows per address family.
    pub flows: u32,
    /// Connections of a new flow cache per address family; tuning changes its size.
    pub cached_connections: u32,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            addresses: 131_072,
            name_buckets: 131_072,
            flows: 262_144,
            cached_connections: 16_384,
        }
    }
}

/// How connections are followed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flows {
    /// Bytes of news of connections the kernel keeps until they are read.
    pub event_buffer_bytes: u32,
}

impl Default for Flows {
    fn default() -> Self {
        Self {
            event_buffer_bytes: 64 << 20,
        }
    }
}

/// The network of the box.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// The box forwards from when the policy is in force; else that is others' business.
    pub forwarding: bool,
    /// Socket of the agent that runs daemons of others; empty: there is none.
    pub agent_socket: PathBuf,
}

/// What the file says. Checked: every value of a `Config` got from [`Config::load`] is within its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Store and secrets.
    pub state_dir: PathBuf,
    /// Sockets.
    pub run_dir: PathBuf,
    /// There until the first policy is stored; empty: there is no first boot.
    pub first_boot_marker: PathBuf,
    /// Where the kernel lists network devices (sysfs).
    pub network_devices: PathBuf,
    /// A policy to begin with instead of that for the cards found; empty: none.
    pub first_config: PathBuf,
    /// Mount point of a BPF file system.
    pub bpffs: PathBuf,
    /// Which data plane.
    pub datapath: DatapathKind,
    /// Administrators on raveld.sock.
    pub group: String,
    /// Owner of gateway.sock.
    pub gateway_user: String,
    /// Longest import, in bytes.
    pub import_limit_bytes: u64,
    /// How logs look.
    pub log: LogFormat,
    /// Sizes of the maps.
    pub capacity: Capacity,
    /// How connections are followed.
    pub flows: Flows,
    /// The network of the box.
    pub network: Network,
    /// How the policy is enforced.
    pub policy: Policy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state_dir: "/var/lib/ravelin".into(),
            run_dir: "/run/ravelin".into(),
            first_boot_marker: PathBuf::new(),
            network_devices: "/sys/class/net".into(),
            first_config: PathBuf::new(),
            bpffs: "/sys/fs/bpf".into(),
            datapath: DatapathKind::default(),
            group: "ravelin".to_owned(),
            gateway_user: "ravelin-gateway".to_owned(),
            import_limit_bytes: 256 << 20,
            log: LogFormat::default(),
            capacity: Capacity::default(),
            flows: Flows::default(),
            network: Network::default(),
            policy: Policy::default(),
        }
    }
}

impl Config {
    /// Reads a file; without one, the defaults.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a file; `path` is for the error.
    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        config.checked()
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let Capacity {
            addresses,
            name_buckets,
            flows,
            cached_connections,
        } = self.capacity;
        let bounds = [
            ("import_limit_bytes", self.import_limit_bytes, 1..=1 << 40),
            ("capacity.addresses", addresses.into(), 1..=1 << 24),
            ("capacity.name_buckets", name_buckets.into(), 2..=1 << 24),
            ("capacity.flows", flows.into(), 1..=1 << 26),
            (
                "capacity.cached_connections",
                cached_connections.into(),
                1..=2_000_000,
            ),
            (
                "flows.event_buffer_bytes",
                self.flows.event_buffer_bytes.into(),
                4096..=1 << 30,
            ),
            (
                "policy.verdict_log_rows",
                self.policy.verdict_log_rows,
                1..=10_000_000,
            ),
            (
                "policy.verdict_log_rate",
                self.policy.verdict_log_rate.into(),
                1..=1_000_000,
            ),
        ];
        let ports = self.policy.management_ports.iter().copied().map(u64::from);
        let bounds = (bounds.into_iter())
            .chain(ports.map(|port| ("policy.management_ports", port, 1..=u64::from(u16::MAX))));
        for (key, value, bounds) in bounds {
            if !bounds.contains(&value) {
                return Err(ConfigError::OutOfBounds { key, value, bounds });
            }
        }
        if !name_buckets.is_power_of_two() {
            return Err(ConfigError::NotPowerOfTwo(name_buckets));
        }
        let paths = [
            ("state_dir", &self.state_dir),
            ("run_dir", &self.run_dir),
            ("bpffs", &self.bpffs),
            ("network_devices", &self.network_devices),
            ("first_boot_marker", &self.first_boot_marker),
            ("first_config", &self.first_config),
        ];
        for (key, path) in paths {
            let none = key.starts_with("first_") && path.as_os_str().is_empty();
            if !path.is_absolute() && !none {
                return Err(ConfigError::RelativePath {
                    key,
                    path: path.clone(),
                });
            }
        }
        let agent = &self.network.agent_socket;
        if !agent.as_os_str().is_empty() && !agent.is_absolute() {
            return Err(ConfigError::RelativePath {
                key: "network.agent_socket",
                path: agent.clone(),
            });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../raveld.toml");

    fn check(text: &str, expected: Result<Config, &str>) {
        let found = Config::parse(text, Path::new("raveld.toml")).map_err(|error| {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", source.unwrap_or_default())
        });
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{text}: {found}"),
            (found, expected) => panic!("{text}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn the_example_file_shows_every_key_with_its_default() {
        check(EXAMPLE, Ok(Config::default()));
        let shown: String = EXAMPLE
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(key) if !key.starts_with(' ') => format!("{key}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        check(&shown, Ok(Config::default()));
        // `raveld.toml` has a line for each field, or removing its default would go unseen.
        let table: toml::Table = shown.parse().expect("TOML");
        let Config {
            state_dir: _,
            run_dir: _,
            first_boot_marker: _,
            network_devices: _,
            first_config: _,
            bpffs: _,
            datapath: _,
            group: _,
            gateway_user: _,
            import_limit_bytes: _,
            log: _,
            capacity:
                Capacity {
                    addresses: _,
                    name_buckets: _,
                    flows: _,
                    cached_connections: _,
                },
            flows: Flows {
                event_buffer_bytes: _,
            },
            network: Network {
                forwarding: _,
                agent_socket: _,
            },
            policy:
                Policy {
                    enforce: _,
                    management_ports: _,
                    verdict_log_rows: _,
                    verdict_log_rate: _,
                },
        } = Config::default();
        assert_eq!(table.len(), 15);
        assert_eq!(table["policy"].as_table().map(toml::Table::len), Some(4));
        assert_eq!(table["network"].as_table().map(toml::Table::len), Some(2));
        assert_eq!(table["flows"].as_table().map(toml::Table::len), Some(1));
        assert_eq!(table["capacity"].as_table().map(toml::Table::len), Some(4));
    }

    #[test]
    fn values_are_read() {
        check(
            "datapath = \"sim\"\nlog = \"json\"\n[capacity]\nflows = 7\n[network]\nforwarding = true",
            Ok(Config {
                network: Network {
                    forwarding: true,
                    ..Network::default()
                },
                datapath: DatapathKind::Sim,
                log: LogFormat::Json,
                capacity: Capacity {
                    flows: 7,
                    ..Capacity::default()
                },
                ..Config::default()
            }),
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_reason() {
        check("stat_dir = \"/x\"", Err("unknown field `stat_dir`"));
        check("[capacity]\nflow = 1", Err("unknown field `flow`"));
        check("datapath = \"dpdk\"", Err("unknown variant `dpdk`"));
        check("state_dir = 1", Err("invalid type"));
        check("run_dir = \"run\"", Err("run_dir is run, not an absolute path"));
        check(
            "import_limit_bytes = 0",
            Err("import_limit_bytes is 0, not within 1 to"),
        );
        check(
            "[capacity]\naddresses = 0",
            Err("capacity.addresses is 0, not within 1 to 16777216"),
        );
        check(
            "[capacity]\nname_buckets = 3",
            Err("capacity.name_buckets is 3, not a power of two"),
        );
        check(
            "[policy]\nmanagement_ports = [22, 0]",
            Err("policy.management_ports is 0, not within 1 to 65535"),
        );
        check(
            "[network]\nagent_socket = \"agent.sock\"",
            Err("network.agent_socket is agent.sock, not an absolute path"),
        );
        check("[policy]\nenforce = \"never\"", Err("unknown variant `never`"));
        check("=", Err("parse raveld.toml"));
    }
}
