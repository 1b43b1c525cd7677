//! Compiles C to BPF with clang, for build scripts. Warnings are errors.

// Cargo reads what a build script says on standard output.
#![allow(clippy::print_stdout)]

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The oldest clang whose BPF back end this code is built with.
const OLDEST_CLANG: u32 = 15;

const HOW_TO_INSTALL: &str = "apt-get install clang-19 llvm-19 libbpf-dev";

/// Why an object could not be made; its text says what to do.
pub type Failure = Box<dyn Error>;

/// A clang that can compile to BPF.
#[derive(Debug)]
pub struct Clang {
    program: OsString,
    system_includes: Vec<String>,
}

impl Clang {
    /// The one `RAVELIN_CLANG` names, else the first that is there and new enough.
    ///
    /// # Errors
    /// There is none.
    pub fn find() -> Result<Self, Failure> {
        println!("cargo::rerun-if-env-changed=RAVELIN_CLANG");
        let program = find_clang()?;
        let system_includes = system_includes(&program)?;
        Ok(Self {
            program,
            system_includes,
        })
    }

    /// Compiles `source` to `object`, with BTF and without DWARF.
    ///
    /// # Errors
    /// The source does not compile, or warns.
    pub fn compile(&self, source: &Path, includes: &[PathBuf], object: &Path) -> Result<(), Failure> {
        let mut command = Command::new(&self.program);
        command
            .args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-std=gnu11"])
            .args(["-Wall", "-Wextra", "-Werror", "-c", "-o"])
            .arg(object);
        for folder in includes {
            command.arg("-I").arg(folder);
        }
        for folder in &self.system_includes {
            command.args(["-idirafter", folder]);
        }
        run(command.arg(source)).map_err(|failure| {
            let source = source.display();
            format!("{source} does not compile (headers missing? `{HOW_TO_INSTALL}`):\n{failure}")
        })?;
        strip_debug(&self.program, object)
    }
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
