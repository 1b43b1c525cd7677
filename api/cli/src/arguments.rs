//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::policy::{
    changes, dns_servers, interface_settings, log, nat, policy_routes, published, revisions, routes, rules,
    services, simulate, zone_pairs, zones,
};
use crate::commands::{
    console, events, features, flow_records, flows, hardware_flows, interfaces, lists, system, top, tuning,
};
use crate::error::EXIT_STATUSES;

/// Talks to the Ravelin engine on this machine or, with --url, on another.
#[derive(Debug, Parser)]
#[command(name = "ravelin", version, after_help = EXIT_STATUSES)]
pub struct Arguments {
    /// Where the engine is.
    #[command(flatten)]
    pub target: Target,
    /// Print the API's JSON instead of tables: one object on one line, of events one line each.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where the engine is and who asks.
#[derive(Debug, Args)]
pub struct Target {
    /// The engine's socket.
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "RAVELIN_SOCKET",
        default_value = "/run/ravelin/raveld.sock"
    )]
    pub socket: PathBuf,
    /// The gateway, as https://HOST:PORT, instead of the socket.
    #[arg(long, global = true, value_name = "URL", env = "RAVELIN_URL")]
    pub url: Option<reqwest::Url>,
    /// The gateway's certificate or its authority's, PEM; nothing else is trusted then.
    #[arg(long, global = true, value_name = "FILE", env = "RAVELIN_CA_CERT")]
    pub ca_cert: Option<PathBuf>,
    /// File with the admin token or an access token. Root and members of the group ravelin need none on the socket.
    #[arg(long, global = true, value_name = "FILE", env = "RAVELIN_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Whether the engine works, and everything enabled with it.
    Status,
    /// What the data plane does.
    #[command(subcommand)]
    Features(features::Command),
    /// Lists of addresses and domains, and their entries.
    #[command(subcommand)]
    Lists(lists::Command),
    /// What the policy calls the networks behind interfaces.
    #[command(subcommand)]
    Zones(zones::Command),
    /// What happens between two zones where no rule says.
    #[command(subcommand)]
    ZonePairs(zone_pairs::Command),
    /// Which new connections may be; the first rule that matches decides.
    #[command(subcommand)]
    Rules(rules::Command),
    /// Protocols and ports by name.
    #[command(subcommand)]
    Services(services::Command),
    /// Address translation.
    #[command(subcommand)]
    Nat(nat::Command),
    /// Services of internal servers, seen from outside.
    #[command(subcommand)]
    Published(published::Command),
    /// What this box does to its interfaces.
    #[command(subcommand)]
    InterfaceSettings(interface_settings::Command),
    /// Static routes.
    #[command(subcommand)]
    Routes(routes::Command),
    /// Which table of routes judges a packet.
    #[command(subcommand)]
    PolicyRoutes(policy_routes::Command),
    /// Servers this box asks for names.
    #[command(subcommand)]
    DnsServers(dns_servers::Command),
    /// Addresses clients of LANs were given.
    DhcpLeases,
    /// Several changes to the policy at once.
    #[command(subcommand)]
    Changes(changes::Command),
    /// Revisions of the configuration.
    #[command(subcommand)]
    Revisions(revisions::Command),
    /// What is odd about the policy.
    Diagnostics,
    /// What would become of a packet, and why.
    Simulate(simulate::Arguments),
    /// What rules and zone pairs that are logged did.
    Log(log::Arguments),
    /// What is left of connections that ended.
    FlowRecords(flow_records::Arguments),
    /// Live connections.
    Flows(Box<flows::Arguments>),
    /// Connections in network cards.
    HardwareFlows(hardware_flows::Arguments),
    /// The liveliest connections, anew every two seconds.
    Top(Box<top::Arguments>),
    /// Network interfaces.
    #[command(subcommand)]
    Interfaces(interfaces::Command),
    /// Programs in the kernel.
    Programs,
    /// Maps in the kernel.
    Maps,
    /// Packets and bytes by interface, protocol and outcome.
    Stats,
    /// What the engine sets itself by what it measures.
    Tuning(tuning::Arguments),
    /// The machine: versions, updates, power, logs.
    System(system::Arguments),
    /// What a screen and a keyboard at the appliance show and do.
    Console(console::Arguments),
    /// What happens, as it happens.
    Events(events::Arguments),
}
