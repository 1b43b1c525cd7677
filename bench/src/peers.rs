//! What we are measured against: the null program and nftables on netdev ingress.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use aya::Ebpf;
use aya::programs::{Program, Xdp, XdpMode};
use ipnet::IpNet;

use crate::lab::RECEIVER;

/// `return XDP_DROP` on the receiver; detached when dropped.
pub struct NullDrop {
    _programs: Ebpf,
}

impl NullDrop {
    pub fn attach() -> anyhow::Result<Self> {
        let mut programs = null_programs()?;
        let xdp: &mut Xdp = programs
            .program_mut("bench_drop")
            .context("program bench_drop")?
            .try_into()?;
        xdp.attach(RECEIVER, XdpMode::Driver)?;
        Ok(Self { _programs: programs })
    }
}

/// The programs that do nothing, loaded.
pub fn null_programs() -> anyhow::Result<Ebpf> {
    let object = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/null.bpf.o"));
    let mut programs = Ebpf::load(object).context("load the null programs")?;
    for (name, program) in programs.programs_mut() {
        match program {
            Program::Xdp(xdp) => xdp.load()?,
            Program::SchedClassifier(classifier) => classifier.load()?,
            _ => bail!("program {name} is of another type"),
        }
    }
    Ok(programs)
}

/// A set of addresses dropped on netdev ingress of the receiver; removed when dropped.
pub struct NftIngress;

impl NftIngress {
    /// `interval` is the kind of set that can hold prefixes.
    pub fn install(entries: &[IpNet], interval: bool) -> anyhow::Result<Self> {
        let (kind, field) = match entries.first() {
            Some(IpNet::V6(_)) => ("ipv6_addr", "ip6"),
            _ => ("ipv4_addr", "ip"),
        };
        let flags = if interval { "flags interval;" } else { "" };
        let elements: Vec<String> = entries.iter().map(|entry| element(*entry)).collect();
        let mut script = String::new();
        writeln!(script, "table netdev bench {{")?;
        writeln!(
            script,
            " set listed {{ type {kind}; {flags} elements = {{ {} }} }}",
            elements.join(", ")
        )?;
        writeln!(
            script,
            " chain ingress {{ type filter hook ingress device \"{RECEIVER}\" priority 0;"
        )?;
        writeln!(script, "  {field} saddr @listed counter drop\n }}\n}}")?;
        nft(&script)?;
        Ok(Self)
    }

    /// Packets the drop rule counted.
    pub fn dropped(&self) -> anyhow::Result<u64> {
        let output = Command::new("nft")
            .args(["list", "chain", "netdev", "bench", "ingress"])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let after = text.split("counter packets ").nth(1).context("nft counter")?;
        Ok(after.split(' ').next().unwrap_or_default().parse()?)
    }
}

impl Drop for NftIngress {
    fn drop(&mut self) {
        if let Err(error) = nft("delete table netdev bench\n") {
            eprintln!("{error:#}");
        }
    }
}

/// A set without intervals takes no prefix length, not even the full one.
fn element(entry: IpNet) -> String {
    if entry.prefix_len() == entry.max_prefix_len() {
        entry.addr().to_string()
    } else {
        entry.to_string()
    }
}

fn nft(script: &str) -> anyhow::Result<()> {
    let mut child = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .context("run nft")?;
    child
        .stdin
        .take()
        .context("stdin of nft")?
        .write_all(script.as_bytes())?;
    ensure!(child.wait()?.success(), "nft refused the ruleset");
    Ok(())
}
