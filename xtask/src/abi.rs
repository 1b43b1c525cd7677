//! ebpf/include -> ebpf/abi/src/generated.rs.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use bindgen::callbacks::{DeriveInfo, ParseCallbacks, TypeKind};

const OUTPUT: &str = "ebpf/abi/src/generated.rs";

pub fn run(check: bool) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("workspace root")?;
    let fresh = generate(root)?;
    let path = root.join(OUTPUT);
    if check {
        let committed = std::fs::read_to_string(&path).with_context(|| format!("read {OUTPUT}"))?;
        ensure!(
            committed == fresh,
            "{OUTPUT} is stale: run `cargo xtask abi` and commit the result"
        );
        return Ok(());
    }
    std::fs::write(&path, fresh).with_context(|| format!("write {OUTPUT}"))
}

fn generate(root: &Path) -> anyhow::Result<String> {
    let include = root.join("ebpf/include");
    let bindings = bindgen::Builder::default()
        .header(include.join("ravelin/abi.h").display().to_string())
        .clang_arg(format!("-I{}", include.display()))
        .allowlist_type("rv_.*")
        .derive_default(true)
        .derive_eq(true)
        .derive_hash(true)
        .explicit_padding(true)
        .layout_tests(true)
        .use_core()
        .default_enum_style(bindgen::EnumVariation::ModuleConsts)
        .raw_line("// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause")
        .disable_header_comment()
        .parse_callbacks(Box::new(PlainData))
        .generate();
    match bindings {
        Ok(bindings) => Ok(bindings.to_string()),
        Err(error) => bail!("bindgen over ebpf/include/ravelin/abi.h: {error}"),
    }
}

/// Has every struct say that it is nothing but its bytes; one with hidden padding would not compile.
#[derive(Debug)]
struct PlainData;

impl ParseCallbacks for PlainData {
    fn add_derives(&self, info: &DeriveInfo<'_>) -> Vec<String> {
        match info.kind {
            TypeKind::Struct => vec!["::bytemuck::Pod".to_owned(), "::bytemuck::Zeroable".to_owned()],
            TypeKind::Enum | TypeKind::Union => Vec::new(),
        }
    }
}
