//! A set of nftables on netdev ingress.

use anyhow::Context;
use ipnet::IpNet;

use super::{Dropper, run};
use crate::lab::RECEIVER;

/// A set in a table of its own; removed when dropped. The chain that uses it comes and goes with the rounds.
pub struct NftIngress {
    table: &'static str,
    name: &'static str,
    field: &'static str,
}

impl NftIngress {
    /// A set that can hold prefixes.
    pub fn interval(entries: &[IpNet]) -> anyhow::Result<Self> {
        Self::load(
            entries,
            "bench_interval",
            "nft netdev ingress, interval set",
            "flags interval;",
        )
    }

    /// A set of single addresses.
    pub fn hash(entries: &[IpNet]) -> anyhow::Result<Self> {
        Self::load(entries, "bench_hash", "nft netdev ingress, hash set", "")
    }

    fn load(entries: &[IpNet], table: &'static str, name: &'static str, flags: &str) -> anyhow::Result<Self> {
        let (kind, field) = match entries.first() {
            Some(IpNet::V6(_)) => ("ipv6_addr", "ip6"),
            _ => ("ipv4_addr", "ip"),
        };
        let elements: Vec<String> = entries.iter().map(|entry| element(*entry)).collect();
        nft(&format!(
            "table netdev {table} {{ set listed {{ type {kind}; {flags} elements = {{ {} }}; }}; }}\n",
            elements.join(", ")
        ))?;
        Ok(Self { table, name, field })
    }
}

impl Dropper for NftIngress {
    fn name(&self) -> &'static str {
        self.name
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        let Self { table, field, .. } = self;
        nft(&format!(
            "table netdev {table} {{ chain ingress {{ type filter hook ingress device \"{RECEIVER}\" priority 0; \
             {field} saddr @listed counter drop; }}; }}\n"
        ))
    }

    fn dropped(&self) -> anyhow::Result<Option<u64>> {
        let text = run("nft", &["list", "chain", "netdev", self.table, "ingress"], "")?;
        let after = text.split("counter packets ").nth(1).context("nft counter")?;
        Ok(Some(after.split(' ').next().unwrap_or_default().parse()?))
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        nft(&format!("delete chain netdev {} ingress\n", self.table))
    }
}

impl Drop for NftIngress {
    fn drop(&mut self) {
        if let Err(error) = nft(&format!("delete table netdev {}\n", self.table)) {
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

pub fn nft(script: &str) -> anyhow::Result<()> {
    run("nft", &["-f", "-"], script).map(drop)
}
