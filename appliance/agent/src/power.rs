//! Restarting the machine and switching it off: the service manager does it.

use std::process::Stdio;

use ravelin_system::{Refusal, RefusalCode};
use tokio::process::Command;

use crate::config::Config;

/// Restarts the machine, after the services have ended.
pub async fn reboot(config: &Config) -> Result<(), Refusal> {
    tracing::warn!("the machine restarts");
    start(config, "reboot.target").await
}

/// Switches the machine off, after the services have ended.
pub async fn power_off(config: &Config) -> Result<(), Refusal> {
    tracing::warn!("the machine is switched off");
    start(config, "poweroff.target").await
}

/// What `systemctl reboot` does where no login manager is.
async fn start(config: &Config, target: &'static str) -> Result<(), Refusal> {
    let program = &config.programs.systemctl;
    let failed = |detail: String| Refusal::new(RefusalCode::Internal, detail);
    let ended = Command::new(program)
        .args([
            "--no-ask-password",
            "--no-block",
            "--job-mode=replace-irreversibly",
        ])
        .args(["start", target])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| failed(format!("{} cannot be run: {error}", program.display())))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(failed(format!(
        "systemctl start {target} failed: {}",
        said.trim()
    )))
}
