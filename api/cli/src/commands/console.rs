//! `ravelin console`: what a screen and a keyboard at the appliance show and do. Plain lines, so that a serial line is
//! as good. It asks the engine for everything and says what to do where that does not answer.

mod actions;
mod page;
mod reader;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::api::Api;
use crate::error::CliError;
use crate::output::Output;

use self::page::Page;
use self::reader::Lines;

/// Between two looks at the engine.
const PERIOD: Duration = Duration::from_secs(2);

/// Where the appliance keeps what the engine does not tell.
#[derive(Debug, Args)]
pub struct Arguments {
    /// File with the admin token, which is shown on request only.
    #[arg(long, value_name = "FILE", default_value = "/state/ravelin/admin-token")]
    admin_token: PathBuf,
    /// The gateway's certificate (PEM), whose fingerprint is shown.
    #[arg(long, value_name = "FILE", default_value = "/state/gateway/certificate.pem")]
    certificate: PathBuf,
    /// Where the gateway listens: without it nobody manages the appliance over the network.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:443")]
    gateway: SocketAddr,
    /// What the item "shell" runs.
    #[arg(long, value_name = "PROGRAM", default_value = "/bin/bash")]
    shell: PathBuf,
}

/// Shows the state whenever it changes, and does what the menu is asked for, until standard input ends.
pub async fn run(arguments: &Arguments, api: &Api, output: &mut Output) -> Result<(), CliError> {
    let _kept = Keys::held()?;
    let mut lines = Lines::start();
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shown: Option<Page> = None;
    let mut told_ready = false;
    lines.ask();
    loop {
        tokio::select! {
            _ = period.tick() => {}
            line = lines.next() => {
                let Some(line) = line else { return Ok(()) };
                actions::run(line.trim(), arguments, api, &mut lines, output).await?;
                shown = None;
                lines.ask();
            }
        }
        let page = Page::read(api, arguments).await;
        if shown.as_ref() == Some(&page) {
            continue;
        }
        for line in page.lines() {
            output.line(&line)?;
        }
        if let Some(url) = page.ready_at().filter(|_| !told_ready) {
            told_ready = true;
            output.line(&format!("Ravelin is ready: {url}"))?;
        }
        output.prompt("> ")?;
        shown = Some(page);
    }
}

/// Keys that would end or stop the program, e.g. control-C, do nothing while this is held.
struct Keys {
    _signals: Vec<Signal>,
}

impl Keys {
    fn held() -> Result<Self, CliError> {
        // SIGTSTP has no name in tokio; 20 on every architecture Linux runs on but MIPS, SPARC and Alpha.
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::quit(),
            SignalKind::from_raw(20),
        ];
        let signals = kinds.into_iter().map(signal).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { _signals: signals })
    }
}
