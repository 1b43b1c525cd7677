//! Handlers of api/server -> openapi/. A program of its own makes them, so that the other tasks run while the
//! engine does not compile.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

pub fn run(check: bool) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("workspace root")?;
    let committed = root.join("openapi");
    if !check {
        return generate(root, &committed);
    }
    let fresh = tempfile::tempdir().context("make a directory to compare with")?;
    generate(root, fresh.path())?;
    for entry in fresh.path().read_dir()? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let old = std::fs::read(committed.join(entry.file_name()))
            .with_context(|| format!("read openapi/{name}"))?;
        ensure!(
            old == std::fs::read(entry.path())?,
            "openapi/{name} is stale: run `cargo xtask openapi` and commit the result"
        );
    }
    Ok(())
}

fn generate(root: &Path, directory: &Path) -> anyhow::Result<()> {
    let status = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "ravelin-api-server",
            "--example",
            "openapi",
            "--",
        ])
        .arg(directory)
        .current_dir(root)
        .status()
        .context("run cargo")?;
    ensure!(status.success(), "the specification could not be made");
    Ok(())
}
