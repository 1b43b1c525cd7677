//! Compiles `ebpf/programs/*.bpf.c` and writes the sources of the constants in `src/lib.rs`.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The oldest clang whose BPF back end this code is built with.
const OLDEST_CLANG: u32 = 15;

const HOW_TO_INSTALL: &str = "apt-get install clang-19 llvm-19 libbpf-dev";

/// Object files: program source without `.bpf.c`.
const PROGRAMS: [&str; 3] = ["xdp", "tc_ingress", "tc_egress"];

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let ebpf = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-env-changed=RAVELIN_CLANG");
    for folder in ["include", "lib", "maps", "programs"] {
        println!("cargo::rerun-if-changed={}", ebpf.join(folder).display());
    }
    let clang = find_clang()?;
    let system = system_includes(&clang)?;
    for program in PROGRAMS {
        let object = out.join(format!("{program}.o"));
        compile(&clang, &system, &ebpf, program, &object)?;
        strip_debug(&clang, &object)?;
    }
    println!("cargo::rustc-env=RAVELIN_ABI_HASH={:016x}", abi_hash(&ebpf)?);
    Ok(())
}

fn find_clang() -> Result<OsString, Failure> {
    if let Some(named) = env::var_os("RAVELIN_CLANG") {
        return Ok(named);
    }
    for name in ["clang-19", "clang"] {
        if let Some(version) = major_version(name)
            && version >= OLDEST_CLANG
        {
            return Ok(name.into());
        }
    }
    Err(format!("no clang {OLDEST_CLANG} or later: run `{HOW_TO_INSTALL}`, or set RAVELIN_CLANG").into())
}

fn major_version(clang: &str) -> Option<u32> {
    let output = Command::new(clang).arg("-dumpversion").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().split('.').next()?.parse().ok()
}

/// Where the host's clang finds `<asm/types.h>`: the BPF target does not look there by itself.
fn system_includes(clang: &OsString) -> Result<Vec<String>, Failure> {
    let output = run(Command::new(clang).args(["-v", "-E", "-x", "c", "/dev/null"]))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(text
        .lines()
        .skip_while(|line| !line.starts_with("#include <"))
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .map(|line| line.trim().to_owned())
        .collect())
}

fn compile(
    clang: &OsString,
    system: &[String],
    ebpf: &Path,
    program: &str,
    object: &Path,
) -> Result<(), Failure> {
    let mut command = Command::new(clang);
    command
        .args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-std=gnu11"])
        .args(["-Wall", "-Wextra", "-Werror", "-c", "-o"])
        .arg(object)
        .arg("-I")
        .arg(ebpf)
        .arg("-I")
        .arg(ebpf.join("include"));
    for folder in system {
        command.args(["-idirafter", folder]);
    }
    command.arg(ebpf.join("programs").join(format!("{program}.bpf.c")));
    run(&mut command).map_err(|failure| {
        format!("{program}.bpf.c does not compile (headers missing? `{HOW_TO_INSTALL}`):\n{failure}")
    })?;
    Ok(())
}

/// Drops DWARF; BTF stays. Without llvm-strip the object is larger and works all the same.
fn strip_debug(clang: &OsString, object: &Path) -> Result<(), Failure> {
    let suffix = clang.to_str().and_then(|name| name.strip_prefix("clang"));
    let strip = format!("llvm-strip{}", suffix.unwrap_or_default());
    match Command::new(&strip).arg("-g").arg(object).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{strip}: {}", String::from_utf8_lossy(&output.stderr)).into()),
        Err(_) => {
            println!("cargo::warning={strip} not found, the eBPF objects keep their debug sections");
            Ok(())
        }
    }
}

fn run(command: &mut Command) -> Result<Output, Failure> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}: run `{HOW_TO_INSTALL}`"))?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
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
