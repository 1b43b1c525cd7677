//! Handlers of api/server -> openapi/.

use std::path::Path;

use anyhow::{Context, ensure};

pub fn run(check: bool) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("workspace root")?;
    for (name, fresh) in ravelin_api_server::openapi_files()? {
        let path = root.join("openapi").join(name);
        if check {
            let committed = std::fs::read_to_string(&path).with_context(|| format!("read openapi/{name}"))?;
            ensure!(
                committed == fresh,
                "openapi/{name} is stale: run `cargo xtask openapi` and commit the result"
            );
        } else {
            std::fs::write(&path, fresh).with_context(|| format!("write openapi/{name}"))?;
        }
    }
    Ok(())
}
