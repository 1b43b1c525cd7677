//! Files that must survive the power switch: each step is on disk before the next begins.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::macros::format_description;

/// Stores that were of no use and are kept for people to look at.
const KEPT_BAD: usize = 3;

/// What SQLite keeps beside a file: what was committed and is not in it yet, and an index into that.
const WAL: &str = "-wal";
const SHM: &str = "-shm";

/// A file beside another, whose name goes on like this.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Makes a directory for its owner only, and its entry in its parent.
pub fn make_directory(path: &Path) -> io::Result<()> {
    step();
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => {
            made?;
            sync_parent(path)
        }
    }
}

/// Replaces a small file: it holds the old text or the new one.
pub fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    step();
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    rename(&new, path)
}

/// Reads a small file, if there is one.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file, if it is there.
pub fn remove(path: &Path) -> io::Result<()> {
    step();
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives a file another name, in the place of what has it.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step();
    fs::rename(from, to)?;
    sync_parent(to)
}

/// Copies a store nobody has open, with what is committed and not in its file yet.
pub fn copy_store(from: &Path, to: &Path) -> io::Result<()> {
    clear_store(to)?;
    for suffix in ["", WAL] {
        let source = beside(from, suffix);
        if suffix.is_empty() || source.is_file() {
            copy(&source, &beside(to, suffix))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    step();
    let mut source = File::open(from)?;
    let mut target = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(to)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()?;
    sync_parent(to)
}

/// Removes a store nobody has open.
pub fn clear_store(path: &Path) -> io::Result<()> {
    // Its log last: alone it is nothing, but beside another file it would be taken for that one's.
    for suffix in ["", SHM, WAL] {
        remove(&beside(path, suffix))?;
    }
    Ok(())
}

/// Puts a store that was closed, and so is one file, in the place of another nobody needs any more.
pub fn install_store(from: &Path, to: &Path) -> io::Result<()> {
    // The log of the old one would be read into the new one.
    clear_store(to)?;
    rename(from, to)
}

/// Gives a store that is of no use another name, `ravelin.db.bad-<UTC time>`, and forgets the oldest of those.
pub fn set_aside(path: &Path, now: OffsetDateTime) -> io::Result<()> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let time = now
        .format(format)
        .unwrap_or_else(|_| now.unix_timestamp().to_string());
    let taken = |name: &PathBuf| name.exists() || beside(name, WAL).exists();
    let names = (0..).map(|number: u32| match number {
        0 => beside(path, &format!(".bad-{time}")),
        _ => beside(path, &format!(".bad-{time}-{number}")),
    });
    let Some(aside) = names.take(1000).find(|name| !taken(name)) else {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists));
    };
    for suffix in ["", WAL] {
        let old = beside(path, suffix);
        if old.exists() {
            rename(&old, &beside(&aside, suffix))?;
        }
    }
    remove(&beside(path, SHM))?;
    forget_oldest(path)
}

fn forget_oldest(path: &Path) -> io::Result<()> {
    let mut bad: Vec<PathBuf> = siblings(path, ".bad-")?
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| !path.as_os_str().to_string_lossy().ends_with(WAL))
        .collect();
    // By when they were set aside, which is the order of their names unless the clock was wrong.
    bad.sort();
    let surplus = bad.len().saturating_sub(KEPT_BAD);
    for path in bad.drain(..surplus) {
        clear_store(&path)?;
    }
    Ok(())
}

/// Files beside another whose names go on like this, and how they go on.
pub fn siblings(path: &Path, suffix: &str) -> io::Result<Vec<(PathBuf, String)>> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let prefix = format!("{}{suffix}", name.to_string_lossy());
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(rest) = entry.file_name().to_string_lossy().strip_prefix(&prefix) {
            found.push((entry.path(), rest.to_owned()));
        }
    }
    Ok(found)
}

/// SHA-256 of a file, in hexadecimal digits.
pub fn checksum(path: &Path) -> io::Result<String> {
    use sha2::{Digest, Sha256};
    let mut file = File::open(path)?;
    let mut sha = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            let digits = sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok(digits);
        }
        sha.update(&buffer[..count]);
    }
}

/// Has the directory a file is in on disk.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Where the power may go. Nothing, but in tests that have it go.
fn step() {
    #[cfg(test)]
    super::power::step();
}
