//! `ravelin interfaces`.

use clap::{ArgAction, Subcommand};
use ravelin_api_types::{Interface, InterfaceOffload, Page};
use reqwest::Method;
use serde_json::json;

use crate::api::{Api, Call};
use crate::error::CliError;
use crate::output::{Output, or_empty, word, yes_no};
use crate::table::Table;

/// Where the interfaces are.
pub const PATH: &[&str] = &["interfaces"];

/// What to do with interfaces.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every interface.
    List,
    /// What the network card of an interface is and can do, and who says so.
    Offload {
        /// Name of the interface.
        name: String,
    },
    /// Say what an interface is for.
    Set {
        /// Its name.
        name: String,
        /// Whether it faces the outside.
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        external: bool,
    },
}

/// Carries out a command.
pub async fn run(command: &Command, api: &Api, output: &mut Output) -> Result<(), CliError> {
    match command {
        Command::List => {
            let interfaces = api.collect(PATH, &[], None).await?;
            if output.is_json() {
                return output.json(&interfaces);
            }
            let page: Page<Interface> = api.read(interfaces)?;
            output.table(&table(&page.items))
        }
        Command::Offload { name } => {
            let answer = api
                .json(Call::new(Method::GET, &["interfaces", name, "offload"]))
                .await?;
            if output.is_json() {
                return output.json(&answer.body);
            }
            show_offload(&api.read(answer.body)?, output)
        }
        Command::Set { name, external } => {
            let call = Call::new(Method::PATCH, &["interfaces", name]).json(&json!({ "external": external }));
            let answer = api.json(call).await?;
            if output.is_json() {
                return output.json(&answer.body);
            }
            output.table(&table(&[api.read(answer.body)?]))
        }
    }
}

/// The hooks programs sit on, with the mode where there is one: `xdp(native),tc_ingress`.
pub fn hooks(interface: &Interface) -> String {
    let hooks = interface
        .attachments
        .iter()
        .map(|attachment| match &attachment.mode {
            Some(mode) => format!("{}({})", word(&attachment.hook), word(mode)),
            None => word(&attachment.hook),
        });
    hooks.collect::<Vec<_>>().join(",")
}

fn table(interfaces: &[Interface]) -> Table {
    let mut table = Table::new(&[
        "INTERFACE",
        "INDEX",
        "LINK",
        "EXTERNAL",
        "MTU",
        "MAC",
        "DRIVER",
        "ATTACHED",
        "ADDRESSES",
        "PROBLEM",
    ]);
    for interface in interfaces {
        let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
        table.row([
            interface.name.clone(),
            interface.index.to_string(),
            word(&interface.link_state),
            yes_no(interface.external),
            interface.mtu_bytes.to_string(),
            or_empty(interface.mac.as_ref()),
            or_empty(interface.driver.as_ref()),
            hooks(interface),
            addresses.join(","),
            problems(interface),
        ]);
    }
    table
}

/// Why programs do not sit on it, and what of its network is not in force.
fn problems(interface: &Interface) -> String {
    let faults = interface.faults.iter().map(|fault| match &fault.address {
        Some(address) => format!("{address}: {}", fault.reason),
        None => fault.reason.clone(),
    });
    let all: Vec<String> = interface.attach_error.clone().into_iter().chain(faults).collect();
    all.join("; ")
}

fn show_offload(card: &InterfaceOffload, output: &mut Output) -> Result<(), CliError> {
    let supported = if card.supported {
        "supported"
    } else {
        "not supported"
    };
    output.line(&format!("flow offload is {supported}: {}", card.reason))?;
    output.line("")?;
    output.table(&identity(card))?;
    output.line("")?;
    output.table(&capabilities(card))
}

fn identity(card: &InterfaceOffload) -> Table {
    let mut table = Table::new(&[
        "INTERFACE",
        "DRIVER",
        "PCI",
        "MODEL",
        "FIRMWARE",
        "MAX-FLOWS",
        "SOURCE",
    ]);
    table.row([
        card.interface.clone(),
        or_empty(card.driver.as_ref()),
        or_empty(card.pci.as_ref()),
        or_empty(card.model.as_ref().or(card.family.as_ref())),
        or_empty(card.firmware.as_ref()),
        or_empty(card.max_flows.value),
        word(&card.max_flows.source),
    ]);
    table
}

fn capabilities(card: &InterfaceOffload) -> Table {
    let mut table = Table::new(&["CAPABILITY", "VALUE", "ACTIVE", "SOURCE", "REASON"]);
    for capability in &card.capabilities {
        table.row([
            capability.name.clone(),
            word(&capability.value),
            capability.active.map(yes_no).unwrap_or_default(),
            word(&capability.source),
            capability.reason.clone(),
        ]);
    }
    table
}
