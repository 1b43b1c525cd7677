//! The directories of the daemon, and the lock that keeps a second one out.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the directories are no use.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// It cannot be made or its mode not be set.
    #[error("make the directory {}", path.display())]
    Make {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The lock file cannot be opened or locked.
    #[error("lock {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody holds the lock.
    #[error("another raveld is running with the state directory {}", path.display())]
    Running {
        /// The state directory.
        path: PathBuf,
    },
}

/// The state directory, held against other processes until dropped. A crash lets go of it too.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    _lock: File,
}

impl StateDirectory {
    /// Makes the directory readable by its owner only, and locks it.
    pub fn lock(path: &Path) -> Result<Self, DirectoryError> {
        make(path, 0o700)?;
        let lock_path = path.join("lock");
        let failed = |source| DirectoryError::Lock {
            path: lock_path.clone(),
            source,
        };
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DirectoryError::Running {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.path.join("ravelin.db")
    }
}

/// Makes the directory of the sockets, which everybody may enter: the sockets have modes of their own.
pub fn make_run_dir(path: &Path) -> Result<(), DirectoryError> {
    make(path, 0o755)
}

/// Makes a directory and its parents, or sets the mode of the one that is there.
fn make(path: &Path, mode: u32) -> Result<(), DirectoryError> {
    let make = || {
        DirBuilder::new().recursive(true).mode(0o755).create(path)?;
        fs::set_permissions(path, Permissions::from_mode(mode))
    };
    make().map_err(|source| DirectoryError::Make {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_told_that_one_runs() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("state/raveld");
        let first = StateDirectory::lock(&path).expect("first");
        let second = StateDirectory::lock(&path).expect_err("second");
        assert!(
            matches!(&second, DirectoryError::Running { path: p } if *p == path),
            "{second}"
        );
        drop(first);
        StateDirectory::lock(&path).expect("free again");
    }

    #[test]
    fn directories_have_their_modes_even_if_they_were_there() {
        let directory = tempfile::tempdir().expect("directory");
        let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        let (state, run) = (directory.path().join("state"), directory.path().join("run"));
        fs::create_dir(&state).expect("state");
        fs::set_permissions(&state, Permissions::from_mode(0o777)).expect("mode");
        let held = StateDirectory::lock(&state).expect("lock");
        make_run_dir(&run).expect("run");
        assert_eq!((mode(&state), mode(&run)), (0o700, 0o755));
        assert_eq!(mode(&held.path().join("lock")), 0o600);
    }
}
