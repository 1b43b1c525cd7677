//! Where bundles are made: keys and the real `rauc bundle`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Bytes of the root in every bundle.
pub const ROOT_BYTES: usize = 1 << 20;
/// Bytes of the part with kernel and initrd.
pub const BOOT_BYTES: usize = 256 << 10;

/// Keys, and a place for bundles.
#[derive(Debug)]
pub struct Workshop {
    dir: TempDir,
}

/// What is in a bundle.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    pub version: &'static str,
    pub compatible: &'static str,
    pub format: &'static str,
    /// Whose key signs it.
    pub key: &'static str,
}

impl Recipe {
    /// What the machine of the test takes.
    pub const fn version(version: &'static str) -> Self {
        Self {
            version,
            compatible: "ravelin-x86_64",
            format: "plain",
            key: "ours",
        }
    }

    /// The same in the format of the image.
    pub const fn verity(version: &'static str) -> Self {
        Self {
            format: "verity",
            ..Self::version(version)
        }
    }
}

impl Workshop {
    /// With the keys `ours` and `theirs`.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("directory");
        let workshop = Self { dir };
        for name in ["ours", "theirs"] {
            let (key, certificate) = (workshop.path(name, "key"), workshop.certificate(name));
            run(Command::new("openssl")
                .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"])
                .args(["-subj", &format!("/CN={name}")])
                .arg("-keyout")
                .arg(key)
                .arg("-out")
                .arg(certificate));
        }
        workshop
    }

    /// The certificate of a key.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.path(name, "pem")
    }

    /// Makes a bundle.
    pub fn bundle(&self, recipe: Recipe) -> PathBuf {
        let Recipe {
            version,
            compatible,
            format,
            key,
        } = recipe;
        let content = self.dir.path().join("content");
        fs::create_dir_all(&content).expect("directory");
        fs::write(content.join("root.img"), pattern(ROOT_BYTES, version)).expect("root");
        fs::write(content.join("boot.img"), pattern(BOOT_BYTES, version)).expect("boot");
        let manifest = format!(
            "[update]\ncompatible={compatible}\nversion={version}\n\n[bundle]\nformat={format}\n\n\
             [image.rootfs]\nfilename=root.img\n\n[image.boot]\nfilename=boot.img\n"
        );
        fs::write(content.join("manifest.raucm"), manifest).expect("manifest");
        let bundle = self
            .dir
            .path()
            .join(format!("{version}-{format}-{key}-{compatible}.raucb"));
        run(Command::new("rauc")
            .arg("--cert")
            .arg(self.certificate(key))
            .arg("--key")
            .arg(self.path(key, "key"))
            .arg("bundle")
            .arg(&content)
            .arg(&bundle));
        bundle
    }

    fn path(&self, name: &str, kind: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.{kind}"))
    }
}

/// Bytes that tell versions apart and do not compress to nothing.
pub fn pattern(length: usize, version: &str) -> Vec<u8> {
    let seed = version.bytes().fold(17_u32, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let mut state = seed | 1;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

fn run(command: &mut Command) {
    let ran = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        ran.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

/// Content of a file.
pub fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("read")
}
