//! What we are measured against.

mod ipset;
mod linear;
mod lpm;
mod nft;
mod nft_rules;
mod null;

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

pub use ipset::Ipset;
pub use linear::Linear;
pub use lpm::LpmTrie;
pub use nft::{NftIngress, nft};
pub use nft_rules::NftRules;
pub use null::{NullDrop, null_programs};

/// Something that drops what arrives at the receiver from the sources of a list. Made once for a list; in each round
/// it has the interface to itself.
pub trait Dropper {
    fn name(&self) -> &'static str;

    fn attach(&mut self) -> anyhow::Result<()>;

    /// Packets dropped since it was attached; None: it does not count.
    fn dropped(&self) -> anyhow::Result<Option<u64>>;

    fn detach(&mut self) -> anyhow::Result<()>;
}

/// Runs a program with this on its standard input; answers what it says.
fn run(program: &str, arguments: &[&str], input: &str) -> anyhow::Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("run {program}: is its package installed?"))?;
    let mut stdin = child.stdin.take().context("standard input")?;
    // One that refuses stops reading; what it says about that comes below.
    let written = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program}: {}",
        said.lines().next().unwrap_or_default()
    );
    written.with_context(|| format!("write to {program}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
