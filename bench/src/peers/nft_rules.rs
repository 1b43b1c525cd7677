//! Rules of nftables on netdev ingress.

use anyhow::Context;
use ipnet::IpNet;

use super::{Dropper, nft::nft, run};
use crate::lab::RECEIVER;
use crate::rules::Rule;

/// A table with a chain `rules`, which the chain of the hook goes to; removed when dropped.
pub struct NftRules {
    table: &'static str,
    name: &'static str,
}

impl NftRules {
    /// One rule of nftables for each.
    pub fn linear(rules: &[Rule]) -> anyhow::Result<Self> {
        let lines: Vec<String> = rules
            .iter()
            .map(|rule| {
                format!(
                    "{} {} tcp dport {}-{} goto dropped",
                    of("saddr", rule.source),
                    of("daddr", rule.destination),
                    rule.ports.0,
                    rule.ports.1
                )
            })
            .collect();
        Self::load(
            "bench_linear",
            "nft netdev ingress, rule by rule",
            &lines.join("\n"),
        )
    }

    /// One element of a verdict map for each, which can only be the first address and port of the rule.
    pub fn vmap(rules: &[Rule]) -> anyhow::Result<Self> {
        let family = rules.first().map_or("ip", |rule| family(rule.source));
        let mut elements: Vec<String> = rules
            .iter()
            .map(|rule| {
                format!(
                    "{} . {} . {} : goto dropped",
                    rule.source.addr(),
                    rule.destination.addr(),
                    rule.ports.0
                )
            })
            .collect();
        elements.sort();
        elements.dedup();
        let vmap = format!(
            "{family} saddr . {family} daddr . tcp dport vmap {{ {} }}",
            elements.join(", ")
        );
        Self::load("bench_vmap", "nft netdev ingress, vmap of exact values", &vmap)
    }

    fn load(table: &'static str, name: &'static str, rules: &str) -> anyhow::Result<Self> {
        nft(&format!(
            "table netdev {table} {{
                chain dropped {{ }}
                chain rules {{
                    {rules}
                    goto dropped
                }}
            }}\n"
        ))?;
        Ok(Self { table, name })
    }
}

fn family(net: IpNet) -> &'static str {
    match net {
        IpNet::V4(_) => "ip",
        IpNet::V6(_) => "ip6",
    }
}

fn of(field: &str, net: IpNet) -> String {
    if net.prefix_len() == 0 {
        return String::new();
    }
    format!("{} {field} {net}", family(net))
}

impl Dropper for NftRules {
    fn name(&self) -> &'static str {
        self.name
    }

    fn attach(&mut self) -> anyhow::Result<()> {
        let table = self.table;
        nft(&format!(
            "flush chain netdev {table} dropped\nadd rule netdev {table} dropped meta l4proto tcp counter drop\n\
             table netdev {table} {{ chain ingress {{ type filter hook ingress device \"{RECEIVER}\" priority 0; \
             goto rules; }}; }}\n"
        ))
    }

    fn dropped(&self) -> anyhow::Result<Option<u64>> {
        let text = run("nft", &["list", "chain", "netdev", self.table, "dropped"], "")?;
        let after = text.split("counter packets ").nth(1).context("nft counter")?;
        Ok(Some(after.split(' ').next().unwrap_or_default().parse()?))
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        nft(&format!("delete chain netdev {} ingress\n", self.table))
    }
}

impl Drop for NftRules {
    fn drop(&mut self) {
        if let Err(error) = nft(&format!("delete table netdev {}\n", self.table)) {
            eprintln!("{error:#}");
        }
    }
}
