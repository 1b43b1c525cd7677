//! Makes the daemons do what the engine asks for: their files are written, and those whose files changed are told.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::networkd::PREFIX;
use super::{NetworkServices, ServiceFiles, render};

/// Daemons run as users of their own and read the files themselves.
const MODE: u32 = 0o644;

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Of systemd-networkd; others may have files there too.
    pub networkd: PathBuf,
    /// The drop-in of systemd-resolved.
    pub resolved: PathBuf,
    /// The file of the dnsmasq for DHCP.
    pub dhcp: PathBuf,
    /// The file of the dnsmasq for names.
    pub dns: PathBuf,
}

impl Default for Places {
    /// Those of the appliance.
    fn default() -> Self {
        Self {
            networkd: "/run/systemd/network".into(),
            resolved: "/run/systemd/resolved.conf.d/10-ravelin.conf".into(),
            dhcp: "/run/ravelin-agent/dhcp.conf".into(),
            dns: "/run/ravelin-agent/dns.conf".into(),
        }
    }
}

/// A daemon that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Daemon {
    /// systemd-networkd.
    Networkd,
    /// systemd-resolved.
    Resolved,
    /// The dnsmasq for DHCP, `ravelin-dhcp.service`.
    Dhcp,
    /// The dnsmasq for names, `ravelin-dns.service`.
    Dns,
}

/// Who tells daemons.
pub trait Daemons: fmt::Debug {
    /// Has a daemon take over what changed, starting it if it does not run.
    fn reload(&self, daemon: Daemon) -> Result<(), String>;
    /// Has a daemon run that may run already.
    fn start(&self, daemon: Daemon) -> Result<(), String>;
    /// Has a daemon that has nothing to do end.
    fn stop(&self, daemon: Daemon) -> Result<(), String>;
    /// Whether dnsmasq would take the file; if not, what it says.
    fn accepts(&self, file: &Path) -> Result<(), String>;
}

/// Makes the daemons of this machine serve exactly this; what is so already is left alone. Blocks: for a thread of its
/// own. The text says everything that failed; the rest is done.
pub fn apply(services: &NetworkServices) -> Result<(), String> {
    apply_with(services, &Places::default(), &SystemDaemons)
}

/// The same with files elsewhere and daemons told by somebody else.
pub fn apply_with(services: &NetworkServices, places: &Places, daemons: &dyn Daemons) -> Result<(), String> {
    let ServiceFiles {
        networkd,
        resolved,
        dhcp,
        dns,
    } = render(services).map_err(|error| error.to_string())?;
    let failures: Vec<String> = [
        apply_networkd(&places.networkd, &networkd, daemons),
        apply_resolved(&places.resolved, resolved.as_deref(), daemons),
        apply_dnsmasq(&places.dns, dns.as_deref(), Daemon::Dns, daemons),
        apply_dnsmasq(&places.dhcp, dhcp.as_deref(), Daemon::Dhcp, daemons),
    ]
    .into_iter()
    .filter_map(Result::err)
    .collect();
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("; "))
    }
}

fn apply_networkd(
    directory: &Path,
    wanted: &BTreeMap<String, String>,
    daemons: &dyn Daemons,
) -> Result<(), String> {
    let failed = |error: io::Error| format!("files of networkd in {}: {error}", directory.display());
    fs::create_dir_all(directory).map_err(failed)?;
    let mut changed = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name.starts_with(PREFIX) && !wanted.contains_key(name) {
            fs::remove_file(&path).map_err(failed)?;
            changed.push(path);
        }
    }
    for (name, text) in wanted {
        let path = directory.join(name);
        if write(&path, text).map_err(failed)? {
            changed.push(path);
        }
    }
    // It runs once there is anything for it.
    let started = if wanted.is_empty() {
        Ok(())
    } else {
        daemons.start(Daemon::Networkd)
    };
    let told = if changed.is_empty() {
        started
    } else {
        // Each link whose file came, went or changed is set up anew; the others are left alone.
        started.and_then(|()| daemons.reload(Daemon::Networkd))
    };
    told.map_err(|reason| {
        forget(&changed);
        format!("systemd-networkd: {reason}")
    })
}

fn apply_resolved(path: &Path, wanted: Option<&str>, daemons: &dyn Daemons) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let changed = match wanted {
        Some(text) => {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory).map_err(failed)?;
            }
            write(path, text).map_err(failed)?
        }
        None => remove(path).map_err(failed)?,
    };
    if !changed {
        return Ok(());
    }
    daemons.reload(Daemon::Resolved).map_err(|reason| {
        forget(&[path.to_owned()]);
        format!("systemd-resolved: {reason}")
    })
}

fn apply_dnsmasq(
    path: &Path,
    wanted: Option<&str>,
    daemon: Daemon,
    daemons: &dyn Daemons,
) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let Some(text) = wanted else {
        daemons.stop(daemon)?;
        remove(path).map_err(failed)?;
        return Ok(());
    };
    if fs::read_to_string(path).is_ok_and(|present| present == text) {
        return daemons.start(daemon);
    }
    let new = beside(path);
    write_new(&new, text).map_err(failed)?;
    daemons
        .accepts(&new)
        .map_err(|reason| format!("dnsmasq does not take {}: {reason}", new.display()))?;
    fs::rename(&new, path).map_err(failed)?;
    daemons.reload(daemon).inspect_err(|_| forget(&[path.to_owned()]))
}

/// So that the next attempt tells the daemon again.
fn forget(paths: &[PathBuf]) {
    for path in paths {
        if let Err(error) = remove(path) {
            tracing::warn!(path = %path.display(), %error, "cannot take back a file a daemon was not told of");
        }
    }
}

/// Whether there was one.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Has the file say this at once or not at all; whether it said something else.
fn write(path: &Path, text: &str) -> io::Result<bool> {
    if fs::read_to_string(path).is_ok_and(|present| present == text) {
        return Ok(false);
    }
    let new = beside(path);
    write_new(&new, text)?;
    fs::rename(&new, path)?;
    Ok(true)
}

fn write_new(new: &Path, text: &str) -> io::Result<()> {
    fs::write(new, text)?;
    fs::set_permissions(new, Permissions::from_mode(MODE))
}

/// Where a file is written before it takes its place; no daemon reads a name like this.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// The daemons of this machine, by the commands of systemd.
#[derive(Debug)]
pub struct SystemDaemons;

impl Daemons for SystemDaemons {
    fn reload(&self, daemon: Daemon) -> Result<(), String> {
        match daemon {
            Daemon::Networkd => run("networkctl", &["reload"]),
            _ => run("systemctl", &["restart", unit(daemon)]),
        }
    }

    fn start(&self, daemon: Daemon) -> Result<(), String> {
        run("systemctl", &["start", unit(daemon)])
    }

    fn stop(&self, daemon: Daemon) -> Result<(), String> {
        run("systemctl", &["stop", unit(daemon)])
    }

    fn accepts(&self, file: &Path) -> Result<(), String> {
        let file = format!("--conf-file={}", file.display());
        run("/usr/sbin/dnsmasq", &["--test", &file])
    }
}

fn unit(daemon: Daemon) -> &'static str {
    match daemon {
        Daemon::Networkd => "systemd-networkd.service",
        Daemon::Resolved => "systemd-resolved.service",
        Daemon::Dhcp => "ravelin-dhcp.service",
        Daemon::Dns => "ravelin-dns.service",
    }
}

/// Runs a program to its end; the text is what it said.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).env("LC_ALL", "C");
    let done = command.output().map_err(|error| format!("{program}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr)
        .trim()
        .escape_debug()
        .to_string();
    Err(format!(
        "{program} {}: {}: {said}",
        arguments.join(" "),
        done.status
    ))
}

#[cfg(test)]
mod tests;
