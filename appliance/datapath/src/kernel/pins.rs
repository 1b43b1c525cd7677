//! Directories and pins on the BPF file system.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::schema::{self, Mismatch, Schema};
use super::{links, sys};
use crate::DatapathError;

/// Everything of ours lies below it.
const ROOT: &str = "ravelin";
const LINKS: &str = "links";
/// Starts the name of an empty directory that says which network namespace the links are of.
const NAMESPACE: &str = "netns-";
/// Starts the name of a directory of maps.
const MAPS: &str = "v";
/// Below that one: the maps of the flow cache.
const CACHE: &str = "cache";
/// Below that one: the maps of a flow cache no process has to find.
const STAGED: &str = "staged";

/// Where things are pinned.
#[derive(Debug, Clone)]
pub(super) struct Pins {
    root: PathBuf,
    /// Pins of the links.
    pub(super) links: PathBuf,
    /// Pins of the maps in use.
    pub(super) maps: PathBuf,
    /// Pins of the maps of the flow cache in use.
    pub(super) cache: PathBuf,
    /// Pins of those of another that may take its place, or that it took the place of. Never of use to the next
    /// process.
    staged: PathBuf,
}

impl Pins {
    /// Makes the directories. A set of maps is used whole or not at all: where one pin is missing or differs, all
    /// of the set go.
    pub(super) fn prepare(bpffs: &Path, schema: &Schema) -> Result<Self, DatapathError> {
        let root = bpffs.join(ROOT);
        let maps = root.join(schema.directory_name());
        let pins = Self {
            links: root.join(LINKS),
            cache: maps.join(CACHE),
            staged: maps.join(STAGED),
            maps,
            root,
        };
        for directory in [&pins.root, &pins.links] {
            make(directory)?;
        }
        pins.claim_namespace()?;
        if pins.maps.exists()
            && let Err(mismatch) = schema.main.check_pins(&pins.maps)
        {
            make_anew(&pins.maps, &mismatch)?;
        }
        make(&pins.maps)?;
        Ok(pins)
    }

    /// Where a map is pinned.
    pub(super) fn of(&self, map: &str) -> &Path {
        if schema::is_of_cache(map) {
            &self.cache
        } else {
            &self.maps
        }
    }

    /// Connections of each family that fit into the flow cache an earlier process left; None: there is none, or it is
    /// not whole. Makes its directory.
    pub(super) fn prepare_cache(&self, schema: &Schema) -> Result<Option<u32>, DatapathError> {
        self.remove_staged()?;
        let mut there = None;
        if self.cache.exists() {
            match schema::cache_connections(schema, &self.cache) {
                Ok(connections) => there = Some(connections),
                Err(mismatch) => make_anew(&self.cache, &mismatch)?,
            }
        }
        make(&self.cache)?;
        Ok(there)
    }

    /// Makes the directory for another flow cache.
    pub(super) fn prepare_staged(&self) -> Result<&Path, DatapathError> {
        self.remove_staged()?;
        make(&self.staged)?;
        Ok(&self.staged)
    }

    /// Has the staged flow cache be the one the next process finds, and the other the staged one: at once, whatever
    /// happens meanwhile.
    pub(super) fn exchange_caches(&self) -> Result<(), DatapathError> {
        sys::exchange(&self.staged, &self.cache).map_err(|source| DatapathError::Pin {
            action: "exchange",
            path: self.cache.clone(),
            source,
        })
    }

    /// Removes the pins of the staged flow cache. Its maps go when nobody uses them any more.
    pub(super) fn remove_staged(&self) -> Result<(), DatapathError> {
        let mut failures = Vec::new();
        remove_directory(&self.staged, &mut failures);
        first(failures)
    }

    /// Directories of maps made by other versions or with other capacities.
    pub(super) fn stale(&self) -> Vec<PathBuf> {
        let mut maps = named(&self.root, MAPS);
        maps.retain(|path| *path != self.maps);
        maps
    }

    /// Removes links of another network namespace: an interface there may have the index of one here, and the
    /// kernel does not tell whose a link is.
    fn claim_namespace(&self) -> Result<(), DatapathError> {
        let this = PathBuf::from("/proc/thread-self/ns/net");
        let inode = fs::metadata(&this).map_err(|source| DatapathError::Pin {
            action: "look at",
            path: this,
            source,
        })?;
        let ours = self.root.join(format!("{NAMESPACE}{}", inode.ino()));
        if ours.exists() {
            return Ok(());
        }
        let mut failures = Vec::new();
        remove_links(&self.links, &mut failures);
        for other in named(&self.root, NAMESPACE) {
            remove_directory(&other, &mut failures);
        }
        first(failures)?;
        make(&ours)
    }
}

/// Entries of a directory whose names start so.
fn named(directory: &Path, start: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(start.as_bytes()))
        .map(|entry| entry.path())
        .collect()
}

fn first(failures: Vec<(PathBuf, io::Error)>) -> Result<(), DatapathError> {
    match failures.into_iter().next() {
        None => Ok(()),
        Some((path, source)) => Err(DatapathError::Pin {
            action: "remove",
            path,
            source,
        }),
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

fn make_anew(directory: &Path, mismatch: &Mismatch) -> Result<(), DatapathError> {
    tracing::warn!(
        directory = %directory.display(),
        %mismatch,
        "the pinned maps cannot be used, all of them are made anew"
    );
    let mut failures = Vec::new();
    remove_directory(directory, &mut failures);
    first(failures)
}

/// Takes every program off whose link is pinned in a directory; what fails is noted and passed over.
fn remove_links(links: &Path, failures: &mut Vec<(PathBuf, io::Error)>) {
    for pin in named(links, "") {
        if let Err(DatapathError::Pin { path, source, .. }) = links::remove(&pin) {
            failures.push((path, source));
        }
    }
}

/// Removes a directory of pins, and those in it; what fails is noted and passed over.
pub(super) fn remove_directory(directory: &Path, failures: &mut Vec<(PathBuf, io::Error)>) {
    match fs::read_dir(directory) {
        Ok(entries) => {
            for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
                if path.is_dir() {
                    remove_directory(&path, failures);
                } else {
                    note(fs::remove_file(&path), &path, failures);
                }
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
    remove_links(&root.join(LINKS), &mut failures);
    for directory in named(&root, "") {
        remove_directory(&directory, &mut failures);
    }
    note(fs::remove_dir(&root), &root, &mut failures);
    if failures.is_empty() {
        Ok(())
    } else {
        Err(DatapathError::RemoveAll(failures))
    }
}
