//! A set of ipset in the raw table of iptables.

use std::fmt::Write as _;

use anyhow::Context;
use ipnet::IpNet;

use super::{Dropper, run};
use crate::lab::RECEIVER;

const SET: &str = "bench";

/// The set; removed when dropped. The rule that uses it comes and goes with the rounds.
pub struct Ipset {
    iptables: &'static str,
}

impl Ipset {
    /// Why this kernel has none; None: it has.
    pub fn missing() -> Option<String> {
        let probe = ["create", "bench_probe", "hash:net"];
        let made = run("ipset", &probe, "").and_then(|_| run("ipset", &["destroy", "bench_probe"], ""));
        let listed = made.and_then(|_| run("iptables-legacy", &["-w", "-t", "raw", "-S"], ""));
        listed.err().map(|error| format!("{error:#}"))
    }

    pub fn load(entries: &[IpNet]) -> anyhow::Result<Self> {
        let (family, iptables) = match entries.first() {
            Some(IpNet::V6(_)) => ("inet6", "ip6tables-legacy"),
            _ => ("inet", "iptables-legacy"),
        };
        let prefixes = entries
            .iter()
            .any(|entry| entry.prefix_len() != entry.max_prefix_len());
        let kind = if prefixes { "hash:net" } else { "hash:ip" };
        let size = entries.len();
        let mut script = format!("create {SET} {kind} family {family} hashsize {size} maxelem {size}\n");
        for entry in entries {
            writeln!(script, "add {SET} {entry}")?;
        }
        run("ipset", &["restore"], &script)?;
        Ok(Self { iptables })
    }

    fn rule(&self, action: &str) -> anyhow::Result<()> {
        let set = ["-m", "set", "--match-set", SET, "src", "-j", "DROP"];
        let arguments = [
            &["-w", "-t", "raw", action, "PREROUTING", "-i", RECEIVER][..],
            &set,
        ]
        .concat();
        run(self.iptables, &arguments, "").map(drop)
    }
}

impl Dropper for Ipset {
    fn name(&self) -> &'static str {
        "iptables raw, ipset"
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        self.rule("-A")
    }

    fn dropped(&self) -> anyhow::Result<Option<u64>> {
        let arguments = ["-w", "-t", "raw", "-L", "PREROUTING", "-v", "-x", "-n"];
        let text = run(self.iptables, &arguments, "")?;
        let rule = text.lines().nth(2).context("iptables counter")?;
        Ok(Some(rule.split_whitespace().next().unwrap_or_default().parse()?))
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        self.rule("-D")
    }
}

impl Drop for Ipset {
    fn drop(&mut self) {
        if let Err(error) = run("ipset", &["destroy", SET], "") {
            eprintln!("{error:#}");
        }
    }
}
