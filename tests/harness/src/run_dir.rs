//! A directory for one daemon of one test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

/// What names of directories and namespaces start with; the process id follows.
pub(crate) const PREFIX: &str = "ravelin-test-";

/// A temporary directory that may hold mounts; unmounted and removed when dropped.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Makes one. Others may look into it, because the gateway runs as another user.
    pub fn new() -> Self {
        remove_leftovers();
        let path = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .tempdir()
            .expect("temporary directory")
            .keep();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode of the directory");
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Mounts a BPF file system of its own at `bpf` and says where that is.
    pub fn mount_bpffs(&self) -> PathBuf {
        let path = self.join("bpf");
        fs::create_dir_all(&path).expect("mount point");
        let status = Command::new("mount")
            .args(["-t", "bpf", "bpf"])
            .arg(&path)
            .status()
            .expect("mount");
        assert!(status.success(), "mount bpffs at {}", path.display());
        path
    }
}

impl Default for RunDir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        remove_directory(&self.path);
    }
}

fn remove_directory(path: &Path) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for mount_point in mounts.lines().filter_map(|line| line.split(' ').nth(1)) {
        if Path::new(mount_point).starts_with(path) {
            let _ = Command::new("umount").args(["--lazy", mount_point]).status();
        }
    }
    let _ = fs::remove_dir_all(path);
}

/// Removes, once per process, what runs that were killed left behind: namespaces, mounts, directories.
pub(crate) fn remove_leftovers() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for name in orphans(Path::new("/run/netns")) {
            let _ = Command::new("ip").args(["netns", "delete", &name]).status();
        }
        let temporary = std::env::temp_dir();
        for name in orphans(&temporary) {
            remove_directory(&temporary.join(name));
        }
    });
}

fn orphans(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| owner(name).is_some_and(|pid| !Path::new("/proc").join(pid).exists()))
        .collect()
}

/// Process id in the name of a directory or namespace of ours.
fn owner(name: &str) -> Option<&str> {
    let (pid, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    (!pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit())).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn the_owner_is_read_from_names_of_ours_only() {
        for (name, expected) in [
            ("ravelin-test-123-lan", Some("123")),
            ("ravelin-test-123-0-lan", Some("123")),
            ("ravelin-test-123", None),
            ("ravelin-test--lan", None),
            ("ravelin-test-1a-lan", None),
            ("ravelin-router", None),
        ] {
            assert_eq!(owner(name), expected, "{name}");
        }
    }
}
