//! Directories and pins on the BPF file system.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::links;
use super::schema::Schema;
use crate::DatapathError;

/// Everything of ours lies below it.
const ROOT: &str = "ravelin";
const LINKS: &str = "links";

/// Where things are pinned.
#[derive(Debug, Clone)]
pub(super) struct Pins {
    root: PathBuf,
    /// Pins of the links.
    pub(super) links: PathBuf,
    /// Pins of the maps in use.
    pub(super) maps: PathBuf,
}

impl Pins {
    /// Makes the directories. A set of maps is used whole or not at all: where one pin is missing or differs, all
    /// of the set go.
    pub(super) fn prepare(bpffs: &Path, schema: &Schema) -> Result<Self, DatapathError> {
        let root = bpffs.join(ROOT);
        let pins = Self {
            links: root.join(LINKS),
            maps: root.join(schema.directory_name()),
            root,
        };
        for directory in [&pins.root, &pins.links] {
            make(directory)?;
        }
        if pins.maps.exists()
            && let Err(mismatch) = schema.check_pins(&pins.maps)
        {
            tracing::warn!(
                directory = %pins.maps.display(),
                %mismatch,
                "the pinned maps cannot be used, all of them are made anew"
            );
            let mut failures = Vec::new();
            remove_directory(&pins.maps, &mut failures);
            if let Some((path, source)) = failures.into_iter().next() {
                return Err(DatapathError::Pin {
                    action: "remove",
                    path,
                    source,
                });
            }
        }
        make(&pins.maps)?;
        Ok(pins)
    }

    /// Directories of maps made by other versions or with other capacities.
    pub(super) fn stale(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| *path != self.links && *path != self.maps)
            .collect()
    }
}

fn make(directory: &Path) -> Result<(), DatapathError> {
    // What hangs here decides over packets: not for others to look at or touch.
    match fs::DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(DatapathError::Pin {
            action: "make directory",
            path: directory.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

/// Removes a directory of pins; what fails is noted and passed over.
pub(super) fn remove_directory(directory: &Path, failures: &mut Vec<(PathBuf, io::Error)>) {
    match fs::read_dir(directory) {
        Ok(entries) => {
            for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
                note(fs::remove_file(&path), &path, failures);
            }
            note(fs::remove_dir(directory), directory, failures);
        }
        Err(error) => note(Err(error), directory, failures),
    }
}

fn note(result: io::Result<()>, path: &Path, failures: &mut Vec<(PathBuf, io::Error)>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::NotFound
    {
        failures.push((path.to_owned(), error));
    }
}

/// Removes every link and map of ours: the programs leave the interfaces, counters and flows are lost.
///
/// # Errors
/// [`DatapathError::RemoveAll`] with what could not be removed, after trying everything.
pub fn remove_all(bpffs: &Path) -> Result<(), DatapathError> {
    let root = bpffs.join(ROOT);
    let mut failures = Vec::new();
    // Links first: programs without their tables would pass everything.
    let links = root.join(LINKS);
    for pin in fs::read_dir(&links).into_iter().flatten().flatten() {
        if let Err(DatapathError::Pin { path, source, .. }) = links::remove(&pin.path()) {
            failures.push((path, source));
        }
    }
    for directory in fs::read_dir(&root).into_iter().flatten().flatten() {
        remove_directory(&directory.path(), &mut failures);
    }
    note(fs::remove_dir(&root), &root, &mut failures);
    if failures.is_empty() {
        Ok(())
    } else {
        Err(DatapathError::RemoveAll(failures))
    }
}
