//! Crates that are linked into the binaries of the image, by what cargo resolves for the target.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::purl::purl;

/// Packages with the binaries, and the features they are built with.
const BINARIES: &[(&str, &[&str])] = &[
    ("ravelin-daemon", &["--features", "kernel"]),
    ("ravelin-agent", &[]),
    ("ravelin-gateway", &[]),
    ("ravelin-cli", &[]),
];

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What is linked.
#[derive(Debug, Default, PartialEq)]
pub struct Linked {
    /// References of the binaries.
    pub binaries: BTreeSet<String>,
    /// By reference.
    pub components: BTreeMap<String, Value>,
    /// What each is linked with.
    pub dependencies: BTreeMap<String, BTreeSet<String>>,
}

pub fn linked() -> anyhow::Result<Linked> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("workspace root")?;
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("read Cargo.lock")?;
    let checksums = checksums(&lock);
    let mut linked = Linked::default();
    for (package, features) in BINARIES {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--offline", "--edges", "normal,no-proc-macro"])
            .args([
                "--target",
                TARGET,
                "--prefix",
                "depth",
                "--format",
                "|{p}|{l}|{r}",
            ])
            .args(["--package", package])
            .args(*features)
            .current_dir(root)
            .output()
            .context("run cargo tree")?;
        ensure!(
            output.status.success(),
            "cargo tree of {package}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        linked.add(&String::from_utf8(output.stdout)?, &checksums)?;
    }
    Ok(linked)
}

impl Linked {
    /// The tree of a binary: lines "DEPTH|NAME vVERSION (PATH)|LICENCE|REPOSITORY (*)", path only of ours, the star
    /// where what is below was shown before.
    fn add(&mut self, tree: &str, checksums: &BTreeMap<(&str, &str), &str>) -> anyhow::Result<()> {
        let mut above: Vec<String> = Vec::new();
        for line in tree.lines().filter(|line| !line.is_empty()) {
            let fields: Vec<&str> = line.trim_end_matches(" (*)").split('|').collect();
            let [depth, package, licence, repository] = fields[..] else {
                anyhow::bail!("cargo tree says {line:?}");
            };
            let depth: usize = depth.parse().with_context(|| format!("depth in {line:?}"))?;
            let mut words = package.split(' ');
            let name = words.next().context("name")?;
            let version = words.next().context("version")?.trim_start_matches('v');
            let reference = match checksums.get(&(name, version)) {
                Some(_) => purl("cargo", name, version, &[]),
                None => format!("{name}@{version}"),
            };
            above.truncate(depth);
            match above.last() {
                Some(parent) => {
                    self.dependencies
                        .entry(parent.clone())
                        .or_default()
                        .insert(reference.clone());
                }
                None => {
                    self.binaries.insert(reference.clone());
                }
            }
            let checksum = checksums.get(&(name, version)).copied();
            let component = component(&reference, name, version, licence, repository, checksum, depth);
            self.components.entry(reference.clone()).or_insert(component);
            above.push(reference);
        }
        Ok(())
    }
}

/// A crate without a checksum is one of ours.
fn component(
    reference: &str,
    name: &str,
    version: &str,
    licence: &str,
    repository: &str,
    checksum: Option<&str>,
    depth: usize,
) -> Value {
    let mut component = json!({
        "type": if depth == 0 { "application" } else { "library" },
        "bom-ref": reference,
        "name": name,
        "version": version,
    });
    if let Some(checksum) = checksum {
        component["purl"] = json!(reference);
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    if !licence.is_empty() {
        // The form before SPDX expressions.
        component["licenses"] = json!([{"expression": licence.replace('/', " OR ")}]);
    }
    if !repository.is_empty() {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    component
}

/// Of the crates in a lock file that come from a registry, by name and version.
fn checksums(lock: &str) -> BTreeMap<(&str, &str), &str> {
    lock.split("[[package]]")
        .filter_map(|package| {
            let field = |key: &str| {
                package
                    .lines()
                    .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
            };
            Some(((field("name")?, field("version")?), field("checksum")?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"libc\"\nversion = \"0.2.1\"\nchecksum = \"abcd\"\n\n\
        [[package]]\nname = \"caps\"\nversion = \"0.5.6\"\nchecksum = \"ef01\"\n\n[[package]]\nname = \"ours\"\n\
        version = \"0.1.0\"\n";

    const TREE: &str = "0|ours v0.1.0 (/src/ours)|Apache-2.0 OR MIT|\n1|caps v0.5.6|MIT/Apache-2.0|https://caps.example\n\
        2|libc v0.2.1|MIT|\n1|libc v0.2.1|MIT| (*)\n";

    fn linked() -> Linked {
        let mut linked = Linked::default();
        linked.add(TREE, &checksums(LOCK)).expect("tree");
        linked
    }

    #[test]
    fn a_crate_has_its_checksum_and_licence() {
        let caps = &linked().components["pkg:cargo/caps@0.5.6"];
        assert_eq!(caps["hashes"][0]["content"], "ef01");
        assert_eq!(caps["licenses"], json!([{"expression": "MIT OR Apache-2.0"}]));
        assert_eq!(caps["externalReferences"][0]["url"], "https://caps.example");
    }

    #[test]
    fn ours_have_no_package_url() {
        let linked = linked();
        assert_eq!(linked.binaries, ["ours@0.1.0".to_owned()].into());
        let ours = &linked.components["ours@0.1.0"];
        assert_eq!((&ours["type"], ours.get("purl")), (&json!("application"), None));
    }

    #[test]
    fn who_is_linked_with_whom_follows_the_depths() {
        let libc = "pkg:cargo/libc@0.2.1".to_owned();
        let caps = "pkg:cargo/caps@0.5.6".to_owned();
        let expected = BTreeMap::from([
            (
                "ours@0.1.0".to_owned(),
                BTreeSet::from([caps.clone(), libc.clone()]),
            ),
            (caps, BTreeSet::from([libc])),
        ]);
        assert_eq!(linked().dependencies, expected);
    }

    #[test]
    fn the_binaries_are_linked_with_what_the_kernel_needs_and_no_macros() {
        let linked = super::linked().expect("cargo tree");
        let has = |name: &str| linked.components.keys().any(|reference| reference.contains(name));
        assert!(has("cargo/aya@") && has("cargo/rustls@") && has("ravelin-kernel@"));
        assert!(!has("clap_derive") && !has("proptest"));
    }
}
