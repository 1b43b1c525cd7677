//! RAUC, the program: what a bundle says, and writing it to the slot that does not run.

use std::path::Path;
use std::process::Stdio;

use ravelin_system::{Refusal, RefusalCode};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::config::Config;

/// Of what a program says in case of trouble.
const MAX_SAID_BYTES: u64 = 64 << 10;

/// What a bundle says of itself, its signature verified.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BundleInfo {
    /// What it is for.
    pub compatible: String,
    /// Its version.
    pub version: String,
}

/// Verifies the signature of a bundle and reads what it says.
pub async fn info(config: &Config, bundle: &Path) -> Result<BundleInfo, Refusal> {
    let mut command = Command::new(&config.programs.rauc);
    command
        .arg("--conf")
        .arg(&config.rauc_config)
        .args(["info", "--output-format=json", "--"])
        .arg(bundle);
    let ended = run(&mut command).output().await.map_err(not_run)?;
    if !ended.status.success() {
        let said = complaint(&String::from_utf8_lossy(&ended.stderr));
        let detail = format!("RAUC does not trust it: {said}");
        return Err(Refusal::new(RefusalCode::UpdateUntrusted, detail));
    }
    // Some versions say more than the JSON on standard output.
    let text = String::from_utf8_lossy(&ended.stdout);
    let json = text.find('{').map_or("", |start| &text[start..]);
    serde_json::from_str(json).map_err(|error| {
        let detail = format!("RAUC does not say what it is for and its version: {error}");
        Refusal::new(RefusalCode::UpdateNotABundle, detail)
    })
}

/// Writes a bundle to the slot that does not run, and has that booted next. `progress` hears percents.
pub async fn install(config: &Config, bundle: &Path, progress: impl Fn(u8)) -> Result<(), Refusal> {
    let failed = |detail: String| Refusal::new(RefusalCode::UpdateWrite, detail);
    let mut command = Command::new(&config.programs.rauc);
    command.args(["install", "--"]).arg(bundle);
    let mut child = run(&mut command).spawn().map_err(not_run)?;
    let (Some(output), Some(mut errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed("RAUC has no output".to_owned()));
    };
    let mut said = String::new();
    let listen = async {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(percent) = percent(&line) {
                progress(percent);
            } else if said.len() < 4096 {
                said.push_str(&line);
                said.push('\n');
            }
        }
    };
    let mut complaints = Vec::new();
    let hear = async {
        // What cannot be read is missing from a message.
        drop(
            (&mut errors)
                .take(MAX_SAID_BYTES)
                .read_to_end(&mut complaints)
                .await,
        );
        drop(tokio::io::copy(&mut errors, &mut tokio::io::sink()).await);
    };
    let ((), (), ended) = tokio::join!(listen, hear, child.wait());
    let ended = ended.map_err(|error| failed(format!("RAUC was lost: {error}")))?;
    if ended.success() {
        return Ok(());
    }
    said.push_str(&String::from_utf8_lossy(&complaints));
    Err(failed(format!("RAUC could not write it: {}", complaint(&said))))
}

fn run(command: &mut Command) -> &mut Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
}

fn not_run(error: std::io::Error) -> Refusal {
    Refusal::new(RefusalCode::Internal, format!("RAUC cannot be run: {error}"))
}

/// Percents of a line like ` 40% Checking slot rootfs.1`.
fn percent(line: &str) -> Option<u8> {
    let (percent, _) = line.trim_start().split_once('%')?;
    percent.parse().ok().filter(|percent| *percent <= 100)
}

/// The line that says why, of all it says.
fn complaint(said: &str) -> String {
    // Messages of its log tell what it does, and also of failures that are none: a status file that is not there yet.
    let lines = || {
        let lines = said.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with("rauc-Message: "))
    };
    let telling = lines()
        .find_map(|line| line.strip_prefix("LastError:"))
        .or_else(|| lines().find(|line| line.to_lowercase().contains("fail")))
        .or_else(|| lines().next_back());
    telling
        .unwrap_or("it does not say why")
        .trim()
        .chars()
        .take(400)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_of_its_lines() {
        assert_eq!(percent("  0% Installing"), Some(0));
        assert_eq!(percent("100% Installing done."), Some(100));
        assert_eq!(percent("LastError: 99 bottles"), None);
        assert_eq!(percent("101% of it"), None);
    }

    #[test]
    fn the_line_that_says_why_is_found() {
        let said = "installing\nLastError: Installation error: no target\nInstalling `x` failed\n";
        assert_eq!(complaint(said), "Installation error: no target");
        assert_eq!(
            complaint("a\nsignature verification failed: b\nc"),
            "signature verification failed: b"
        );
        let noisy = "rauc-Message: 08:20:14.622: Failed to load system status: No such file or directory\n\
            rauc-Message: 08:20:14.630: Verifying bundle signature... \n\
            signature verification failed: Verify error: self-signed certificate\n";
        assert_eq!(
            complaint(noisy),
            "signature verification failed: Verify error: self-signed certificate"
        );
        assert_eq!(complaint(""), "it does not say why");
    }
}
