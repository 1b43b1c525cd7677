//! `ravelin`: the command line of the appliance. It speaks the REST API by the engine's Unix socket or by HTTPS through
//! the gateway, and knows nothing the API does not say.

mod api;
mod arguments;
mod commands;
mod connect;
mod credential;
mod duration;
mod error;
mod escape;
mod output;
mod recovery_text;
mod sse;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::api::Api;
use crate::arguments::{Arguments, Command};
use crate::commands::policy;
use crate::error::CliError;
use crate::output::Output;

fn main() -> ExitCode {
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        // Only a second call can fail.
        return ExitCode::FAILURE;
    }
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = error.exit_status();
            if status != 0 {
                output::failure(&error, arguments.json);
            }
            ExitCode::from(status)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(Box::pin(dispatch(arguments)));
    // A read of standard input that nobody needs any more would be waited for otherwise.
    runtime.shutdown_background();
    done
}

async fn dispatch(arguments: &Arguments) -> Result<(), CliError> {
    let mut api = Api::new(&arguments.target).await?;
    let mut output = Output::new(arguments.json);
    match &arguments.command {
        Command::Status => commands::status::run(&api, &mut output).await,
        Command::Features(command) => commands::features::run(command, &api, &mut output).await,
        Command::Lists(command) => commands::lists::run(command, &api, &mut output).await,
        Command::Zones(command) => policy::zones::run(command, &api, &mut output).await,
        Command::ZonePairs(command) => policy::zone_pairs::run(command, &api, &mut output).await,
        Command::Rules(command) => policy::rules::run(command, &api, &mut output).await,
        Command::Services(command) => policy::services::run(command, &api, &mut output).await,
        Command::Nat(command) => policy::nat::run(command, &api, &mut output).await,
        Command::Published(command) => policy::published::run(command, &api, &mut output).await,
        Command::InterfaceSettings(command) => {
            policy::interface_settings::run(command, &api, &mut output).await
        }
        Command::Routes(command) => policy::routes::run(command, &api, &mut output).await,
        Command::PolicyRoutes(command) => policy::policy_routes::run(command, &api, &mut output).await,
        Command::DnsServers(command) => policy::dns_servers::run(command, &api, &mut output).await,
        Command::DhcpLeases => commands::dhcp_leases::run(&api, &mut output).await,
        Command::Changes(command) => policy::changes::run(command, &api, &mut output).await,
        Command::Revisions(command) => policy::revisions::run(command, &api, &mut output).await,
        Command::Diagnostics => policy::diagnostics::run(&api, &mut output).await,
        Command::Simulate(arguments) => policy::simulate::run(arguments, &api, &mut output).await,
        Command::Log(arguments) => policy::log::run(arguments, &mut api, &mut output).await,
        Command::FlowRecords(arguments) => commands::flow_records::run(arguments, &api, &mut output).await,
        Command::Flows(arguments) => commands::flows::run(arguments, &api, &mut output).await,
        Command::HardwareFlows(arguments) => {
            commands::hardware_flows::run(arguments, &api, &mut output).await
        }
        Command::Top(arguments) => commands::top::run(arguments, &mut api, &mut output).await,
        Command::Interfaces(command) => commands::interfaces::run(command, &api, &mut output).await,
        Command::Programs => commands::programs::run(&api, &mut output).await,
        Command::Maps => commands::maps::run(&api, &mut output).await,
        Command::Stats => commands::stats::run(&api, &mut output).await,
        Command::Tuning(arguments) => commands::tuning::run(arguments, &api, &mut output).await,
        Command::System(arguments) => commands::system::run(arguments, &mut api, &mut output).await,
        Command::Console(arguments) => commands::console::run(arguments, &api, &mut output).await,
        Command::Events(arguments) => commands::events::run(arguments, &mut api, &mut output).await,
    }
}
