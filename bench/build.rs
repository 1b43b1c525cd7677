//! Compiles the benchmark's own programs.

use std::path::{Path, PathBuf};

use ravelin_clang::{Clang, Failure};

fn main() -> Result<(), Failure> {
    println!("cargo::rerun-if-changed=bpf");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let clang = Clang::find()?;
    for name in ["forward", "generate", "linear", "lpm", "null", "replay"] {
        let source = Path::new("bpf").join(format!("{name}.bpf.c"));
        clang.compile(&source, &[], &out.join(format!("{name}.bpf.o")))?;
    }
    Ok(())
}
