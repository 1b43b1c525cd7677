//! `ravelin interface-settings`.

use clap::Subcommand;
use ravelin_api_types::{InterfaceSettings, InterfaceSettingsSpec, InterfaceSettingsState};
use serde_json::{Value, json};

use super::{Collection, Commit, Common, nested};
use crate::api::Api;
use crate::commands::features::assignment;
use crate::error::CliError;
use crate::output::{Output, or_empty};
use crate::table::Table;

const INTERFACE_SETTINGS: Collection = Collection {
    path: "interface-settings",
    prefix: "ifs_",
    one: "interface settings",
    table,
    is_called: |object, name| object.get("interface").and_then(Value::as_str) == Some(name),
};

const EXAMPLES: &str = "\
Examples:
  ravelin interface-settings add wan0 hardware.large_receive_offload=false hardware.rx_ring_descriptors=4096
  ravelin interface-settings set wan0 hardware.rx_ring_descriptors=null --confirm-within 60
  ravelin interface-settings add lan0 addresses='[\"192.168.77.1/24\"]' identity.mac=52:54:00:12:34:56
  ravelin interface-settings add wan0 dhcp_client.ipv4=true dhcp_client.ipv6=true
  ravelin interface-settings add lan0.7 vlan.parent=lan0 vlan.id=7";

/// What to do with the settings of interfaces.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Of every interface that has any.
    List,
    /// Make settings for an interface, which may not be there yet.
    #[command(after_help = EXAMPLES)]
    Add {
        /// Kernel name of the interface.
        interface: String,
        /// What it says: mtu_bytes=1400, dhcp_client.ipv4=true, hardware.combined_channels=4.
        #[arg(value_name = "KEY=VALUE", value_parser = assignment)]
        set: Vec<(String, Value)>,
        /// Free text.
        #[arg(long, default_value = "")]
        description: String,
        /// How to commit.
        #[command(flatten)]
        commit: Commit,
    },
    /// The rest; an interface stands for its settings.
    #[command(flatten)]
    Common(Common),
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List => INTERFACE_SETTINGS.list(&[], api, output).await,
        Command::Add {
            interface,
            set,
            description,
            commit,
        } => {
            let mut spec = nested(set);
            spec.insert("interface".to_owned(), json!(interface));
            spec.insert("description".to_owned(), json!(description));
            INTERFACE_SETTINGS
                .add(&Value::Object(spec), commit, api, output)
                .await
        }
        Command::Common(command) => INTERFACE_SETTINGS.run(command, api, output).await,
    }
}

fn table(api: &Api, all: Vec<Value>) -> Result<Table, CliError> {
    let mut table = Table::new(&[
        "ID",
        "INTERFACE",
        "STATE",
        "NETWORK",
        "HARDWARE",
        "DESCRIPTION",
        "REASON",
    ]);
    for settings in all {
        let hardware = settings.pointer("/hardware").and_then(Value::as_object);
        let said: Vec<String> = hardware
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let settings: InterfaceSettings = api.read(settings)?;
        let network = network(&settings.spec);
        table.row([
            settings.id.to_string(),
            settings.spec.interface,
            state(settings.state).to_owned(),
            network,
            said.join(" "),
            settings.spec.description,
            or_empty(settings.state_reason),
        ]);
    }
    Ok(table)
}

/// What is said of the network, in short.
fn network(spec: &InterfaceSettingsSpec) -> String {
    let mut said: Vec<String> = spec.addresses.iter().map(ToString::to_string).collect();
    let mut say = |what: String| said.push(what);
    match spec.enabled {
        Some(true) => say("up".to_owned()),
        Some(false) => say("down".to_owned()),
        None => {}
    }
    if let Some(mtu) = spec.mtu_bytes {
        say(format!("mtu={mtu}"));
    }
    if spec.dhcp_client.ipv4 {
        say("dhcp4".to_owned());
    }
    if spec.dhcp_client.ipv6 {
        say("dhcp6".to_owned());
    }
    if let Some(range) = &spec.lan_services.dhcp_range {
        say(format!("serves={}-{}", range.first, range.last));
    }
    if spec.lan_services.router_advertisements {
        say("advertises".to_owned());
    }
    if spec.lan_services.dns {
        say("dns".to_owned());
    }
    if let Some(vlan) = &spec.vlan {
        say(format!("vlan={}.{}", vlan.parent, vlan.id));
    }
    if let Some(bridge) = &spec.bridge {
        say(format!("bridge={}", bridge.ports.join("+")));
    }
    if let Some(bond) = &spec.bond {
        say(format!("bond={}", bond.ports.join("+")));
    }
    if let Some(mac) = &spec.identity.mac {
        say(format!("mac={mac}"));
    }
    if let Some(path) = &spec.identity.path {
        say(format!("path={path}"));
    }
    said.join(" ")
}

fn state(state: InterfaceSettingsState) -> &'static str {
    match state {
        InterfaceSettingsState::Starting => "starting",
        InterfaceSettingsState::Applied => "applied",
        InterfaceSettingsState::Absent => "absent",
        InterfaceSettingsState::Waiting => "waiting",
        InterfaceSettingsState::Failed => "failed",
    }
}
