//! Compiles `ebpf/programs/*.bpf.c` and writes the sources of the constants in `src/lib.rs`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use ravelin_clang::{Clang, Failure};

/// Object files: program source without `.bpf.c`.
const PROGRAMS: [&str; 3] = ["xdp", "tc_ingress", "tc_egress"];

fn main() -> Result<(), Failure> {
    let ebpf = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for folder in ["include", "lib", "maps", "programs"] {
        println!("cargo::rerun-if-changed={}", ebpf.join(folder).display());
    }
    let clang = Clang::find()?;
    let includes = [ebpf.clone(), ebpf.join("include")];
    for program in PROGRAMS {
        let source = ebpf.join("programs").join(format!("{program}.bpf.c"));
        clang.compile(&source, &includes, &out.join(format!("{program}.o")))?;
    }
    println!("cargo::rustc-env=RAVELIN_ABI_HASH={:016x}", abi_hash(&ebpf)?);
    Ok(())
}

/// FNV-1a over the names and contents of the headers that say how maps look.
fn abi_hash(ebpf: &Path) -> Result<u64, Failure> {
    let mut files = Vec::new();
    for folder in ["include/ravelin", "maps"] {
        for entry in fs::read_dir(ebpf.join(folder))? {
            let path = entry?.path();
            let name = format!("{folder}/{}", path.file_name().unwrap_or_default().display());
            files.push((name, fs::read(path)?));
        }
    }
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (name, content) in files {
        for byte in name.bytes().chain([0]).chain(content).chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    Ok(hash)
}
