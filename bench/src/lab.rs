//! A network namespace and a mount namespace of our own, with a veth pair: frames put into one end arrive at the
//! other on the same CPU. Everything is gone when the process ends, however it ends.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::frames;

/// Where frames are put in.
pub const SENDER: &str = "bench0";
/// Where they arrive.
pub const RECEIVER: &str = "bench1";

pub struct Lab {
    pub sender_index: u32,
    pub receiver_index: u32,
    pub bpffs: PathBuf,
}

impl Lab {
    /// Must be called before the process has a second thread.
    pub fn enter() -> anyhow::Result<Self> {
        pin_to_cpu(0)?;
        // SAFETY: unshare takes no pointers.
        let unshared = unsafe { libc::unshare(libc::CLONE_NEWNET | libc::CLONE_NEWNS) };
        ensure!(
            unshared == 0,
            "make namespaces (are you root?): {}",
            io::Error::last_os_error()
        );
        let bpffs = PathBuf::from("/sys/fs/bpf");
        run("mount", &["--make-rprivate", "/"])?;
        run("mount", &["-t", "sysfs", "sysfs", "/sys"])?;
        run("mount", &["-t", "bpf", "bpf", "/sys/fs/bpf"])?;
        run(
            "ip",
            &["link", "add", SENDER, "type", "veth", "peer", "name", RECEIVER],
        )?;
        // Frames for another are dropped before iptables sees them.
        run("ip", &["link", "set", RECEIVER, "address", frames::RECEIVER_MAC])?;
        for name in ["lo", SENDER, RECEIVER] {
            run("ip", &["link", "set", name, "up"])?;
        }
        // With GRO on, the receiver polls with NAPI whether or not it has an XDP program.
        run("ethtool", &["-K", RECEIVER, "gro", "on"])?;
        Ok(Self {
            sender_index: index_of(SENDER)?,
            receiver_index: index_of(RECEIVER)?,
            bpffs,
        })
    }

    /// Has the namespace forward.
    #[allow(clippy::unused_self, reason = "without a lab it would be the host")]
    pub fn forward(&self) -> anyhow::Result<()> {
        for family in ["ipv4", "ipv6"] {
            let forwarding = format!("/proc/sys/net/{family}/conf/all/forwarding");
            std::fs::write(&forwarding, "1").with_context(|| forwarding)?;
        }
        Ok(())
    }

    /// Has the namespace forward, and what the rules are about leave by the sender.
    pub fn route_back(&self) -> anyhow::Result<()> {
        self.forward()?;
        for network in ["20.0.0.0/8", "fd00::/8"] {
            run("ip", &["route", "replace", network, "dev", SENDER])?;
        }
        Ok(())
    }
}

fn pin_to_cpu(cpu: usize) -> anyhow::Result<()> {
    // SAFETY: an all-zero cpu_set_t is a valid empty set; CPU_SET and the call stay within it.
    let result = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
    };
    ensure!(result == 0, "pin to CPU {cpu}: {}", io::Error::last_os_error());
    Ok(())
}

pub fn index_of(name: &str) -> anyhow::Result<u32> {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex"))?;
    text.trim().parse().with_context(|| format!("index of {name}"))
}

pub fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("run {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program} {}: {}",
        arguments.join(" "),
        said.trim()
    );
    Ok(())
}
