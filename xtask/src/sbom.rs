//! The bill of materials of an image, as CycloneDX 1.6: every Debian package of which something is in it, and every
//! crate that is linked into its binaries. The same inputs give the same bytes: nothing random, no time but
//! `SOURCE_DATE_EPOCH`.

mod crates;
mod debian;
mod licences;
mod purl;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use debian::{Package, Source};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Version of the image.
    #[arg(long)]
    version: String,
    /// A root packages are installed in, and a tree: those count of which a file is in the tree.
    #[arg(long, num_args = 2, value_names = ["ROOT", "TREE"])]
    installed: Vec<PathBuf>,
    /// What dpkg says of packages that were unpacked only, and the root they were unpacked to; all count.
    #[arg(long, num_args = 2, value_names = ["PACKAGES", "ROOT"])]
    unpacked: Vec<PathBuf>,
    /// A root packages are installed in, and the names, by commas, of those that count though none of their files is
    /// in the image as it is.
    #[arg(long, num_args = 2, value_names = ["ROOT", "NAMES"])]
    parts_of: Vec<PathBuf>,
    /// Where the document goes.
    #[arg(long)]
    output: PathBuf,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut packages = BTreeMap::new();
    for source in sources(arguments) {
        for package in source.packages()? {
            packages.insert(package.purl(), package);
        }
    }
    let document = document(
        &arguments.version,
        built_at()?.as_deref(),
        &packages,
        &crates::linked()?,
    );
    let text = format!("{document:#}\n");
    std::fs::write(&arguments.output, text).with_context(|| format!("write {}", arguments.output.display()))
}

fn sources(arguments: &Arguments) -> Vec<Source> {
    let pairs = |paths: &[PathBuf], make: fn(PathBuf, PathBuf) -> Source| -> Vec<Source> {
        paths
            .chunks_exact(2)
            .map(|pair| make(pair[0].clone(), pair[1].clone()))
            .collect()
    };
    let installed = pairs(&arguments.installed, |root, tree| Source::Installed {
        root,
        tree,
    });
    let unpacked = pairs(&arguments.unpacked, |packages, root| Source::Unpacked {
        packages,
        root,
    });
    let parts = pairs(&arguments.parts_of, |root, names| Source::Parts {
        root,
        names: names.to_string_lossy().split(',').map(str::to_owned).collect(),
    });
    [installed, unpacked, parts].concat()
}

/// `SOURCE_DATE_EPOCH` as RFC 3339 has it; nothing where it is not set.
fn built_at() -> anyhow::Result<Option<String>> {
    let Ok(seconds) = std::env::var("SOURCE_DATE_EPOCH") else {
        return Ok(None);
    };
    let seconds = seconds.parse().context("SOURCE_DATE_EPOCH")?;
    let time = OffsetDateTime::from_unix_timestamp(seconds).context("SOURCE_DATE_EPOCH")?;
    Ok(Some(time.format(&Rfc3339)?))
}

fn document(
    version: &str,
    built_at: Option<&str>,
    packages: &BTreeMap<String, Package>,
    crates: &crates::Linked,
) -> Value {
    let image = format!("ravelin-image@{version}");
    let mut metadata = json!({
        "component": {
            "type": "operating-system",
            "bom-ref": image,
            "name": "ravelin",
            "version": version,
            "description": "The image of the appliance.",
        },
    });
    if let Some(time) = built_at {
        metadata["timestamp"] = json!(time);
    }
    let mut parts: Vec<&str> = packages.keys().map(String::as_str).collect();
    parts.extend(crates.binaries.iter().map(String::as_str));
    let mut dependencies = vec![json!({"ref": image, "dependsOn": parts})];
    dependencies.extend(
        crates
            .dependencies
            .iter()
            .map(|(from, to)| json!({"ref": from, "dependsOn": to})),
    );
    let components: Vec<Value> = packages
        .values()
        .map(Package::component)
        .chain(crates.components.values().cloned())
        .collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": components,
        "dependencies": dependencies,
    })
}
