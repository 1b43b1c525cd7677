//! Who may import whom: docs/ARCHITECTURE.md, held by `cargo metadata`. Dev-dependencies are free.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Every crate of the product with the crates of ours it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    // L0: pure.
    ("ravelin-abi", &[]),
    ("ravelin-model", &[]),
    ("ravelin-wire", &["ravelin-model"]),
    ("ravelin-nic", &["ravelin-model"]),
    ("ravelin-compile", &["ravelin-model", "ravelin-abi"]),
    // L1: kernel and disk, never each other.
    ("ravelin-clang", &[]),
    ("ravelin-objects", &["ravelin-clang"]),
    ("ravelin-kernel", L0),
    (
        "ravelin-datapath",
        &[
            "ravelin-model",
            "ravelin-wire",
            "ravelin-compile",
            "ravelin-abi",
            "ravelin-objects",
        ],
    ),
    ("ravelin-store", L0),
    ("ravelin-system", L0),
    ("ravelin-logging", &[]),
    // L2: features, never each other.
    ("ravelin-control", L0_L1),
    ("ravelin-flows", L0_L1),
    // L3: the API.
    ("ravelin-api-types", &["ravelin-model"]),
    (
        "ravelin-api-server",
        &[
            "ravelin-api-types",
            "ravelin-control",
            "ravelin-flows",
            "ravelin-model",
            "ravelin-nic",
            "ravelin-system",
        ],
    ),
    // L4: binaries.
    ("ravelin-daemon", EVERYTHING_BELOW_L4),
    (
        "ravelin-agent",
        &["ravelin-logging", "ravelin-model", "ravelin-system"],
    ),
    ("ravelin-gateway", &["ravelin-api-types", "ravelin-logging"]),
    ("ravelin-cli", &["ravelin-api-types"]),
];

const L0: &[&str] = &[
    "ravelin-model",
    "ravelin-wire",
    "ravelin-nic",
    "ravelin-compile",
    "ravelin-abi",
];

const L0_L1: &[&str] = &[
    "ravelin-model",
    "ravelin-wire",
    "ravelin-nic",
    "ravelin-compile",
    "ravelin-abi",
    "ravelin-kernel",
    "ravelin-datapath",
    "ravelin-store",
    "ravelin-system",
];

const EVERYTHING_BELOW_L4: &[&str] = &[
    "ravelin-logging",
    "ravelin-model",
    "ravelin-wire",
    "ravelin-nic",
    "ravelin-compile",
    "ravelin-abi",
    "ravelin-kernel",
    "ravelin-datapath",
    "ravelin-store",
    "ravelin-system",
    "ravelin-control",
    "ravelin-flows",
    "ravelin-api-types",
    "ravelin-api-server",
];

/// Folders whose crates test or build the product and may depend on all of it.
const FREE: &[&str] = &["tests/", "bench/", "xtask/"];

/// Crates with one user each: whoever opens that door keeps it.
const ONE_USER: &[(&str, &str)] = &[
    ("aya", "ravelin-datapath"),
    ("aya-obj", "ravelin-datapath"),
    ("sqlx", "ravelin-store"),
    ("rtnetlink", "ravelin-kernel"),
    ("netlink-sys", "ravelin-kernel"),
    ("ethtool", "ravelin-kernel"),
];

/// Crates that must not be in the tree at all; deny.toml says why.
const BANNED: &[&str] = &["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"];

/// Fails with every violation at once.
pub fn run() -> anyhow::Result<()> {
    let metadata = MetadataCommand::new()
        .other_options(vec!["--locked".to_owned(), "--all-features".to_owned()])
        .exec()
        .context("cargo metadata")?;
    let ours = metadata.workspace_packages();
    let mut violations = Vec::new();
    for package in &ours {
        violations.extend(check(&metadata, package)?);
    }
    violations.extend(banned(&metadata)?);
    ensure!(violations.is_empty(), "layering:\n  {}", violations.join("\n  "));
    Ok(())
}

fn check(metadata: &Metadata, package: &Package) -> anyhow::Result<Vec<String>> {
    let folder = package
        .manifest_path
        .strip_prefix(&metadata.workspace_root)
        .context("a member outside the workspace")?;
    let free = FREE.iter().any(|prefix| folder.as_str().starts_with(prefix));
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let name = package.name.as_str();
    let Some(allowed) = allowed.get(name).copied().or(free.then_some(&[][..])) else {
        return Ok(vec![format!(
            "{name} is not in the table of xtask/src/layering.rs"
        )]);
    };
    let dependencies: BTreeSet<&str> = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect();
    Ok(dependencies
        .into_iter()
        .filter_map(|dependency| violation(name, dependency, allowed, free))
        .collect())
}

fn violation(name: &str, dependency: &str, allowed: &[&str], free: bool) -> Option<String> {
    if free {
        return None;
    }
    if dependency.starts_with("ravelin-") && !allowed.contains(&dependency) {
        return Some(format!("{name} may not depend on {dependency}"));
    }
    let (_, user) = ONE_USER.iter().find(|(owned, _)| *owned == dependency)?;
    (*user != name).then(|| format!("{name} may not depend on {dependency}, only {user} does"))
}

/// Banned crates that somebody in the workspace builds. The lock file alone may name more: optional
/// dependencies nobody turns on.
fn banned(metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo metadata without a graph")?;
    let built: BTreeSet<_> = resolve.nodes.iter().map(|node| &node.id).collect();
    Ok(metadata
        .packages
        .iter()
        .filter(|package| built.contains(&package.id) && BANNED.contains(&package.name.as_str()))
        .map(|package| format!("{} is in the tree, see deny.toml", package.name))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, dependency: &str, expected: bool) {
        let allowed = ALLOWED
            .iter()
            .find(|(listed, _)| *listed == name)
            .map_or(&[][..], |(_, allowed)| allowed);
        let violation = violation(name, dependency, allowed, false);
        assert_eq!(
            violation.is_none(),
            expected,
            "{name} -> {dependency}: {violation:?}"
        );
    }

    #[test]
    fn the_layers_are_kept() {
        check("ravelin-control", "ravelin-store", true);
        check("ravelin-control", "ravelin-flows", false);
        check("ravelin-control", "ravelin-api-types", false);
        check("ravelin-model", "ravelin-wire", false);
        check("ravelin-store", "ravelin-kernel", false);
        check("ravelin-gateway", "ravelin-model", false);
        check("ravelin-datapath", "aya", true);
        check("ravelin-control", "aya", false);
        check("ravelin-daemon", "sqlx", false);
        check("ravelin-daemon", "tokio", true);
    }

    #[test]
    fn the_workspace_keeps_them() {
        run().expect("layering");
    }
}
