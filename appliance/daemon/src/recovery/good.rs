//! Last-known-good copies: files whose names say in which order they were made, of which store, of which revision,
//! and what their bytes must come to.

use std::io;
use std::path::{Path, PathBuf};

use ravelin_model::Revision;

use super::files;

/// Copies that are kept.
const KEPT: usize = 2;

/// How their names go on after that of the store.
const SUFFIX: &str = ".good-";

/// A copy of a store that was at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    /// The file.
    pub path: PathBuf,
    /// Grows with every copy.
    pub sequence: u64,
    /// Of which store.
    pub identity: u32,
    /// What it holds.
    pub revision: Revision,
    /// SHA-256 of the file, in hexadecimal digits.
    pub checksum: String,
}

impl Good {
    /// The copies of a store, newest first. A directory that is missing has none.
    pub fn all(store: &Path) -> io::Result<Vec<Self>> {
        let found = match files::siblings(store, SUFFIX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            found => found?,
        };
        let mut all: Vec<Self> = found
            .into_iter()
            .filter_map(|(path, rest)| Self::parse(path, &rest))
            .collect();
        all.sort_by_key(|good| std::cmp::Reverse(good.sequence));
        Ok(all)
    }

    fn parse(path: PathBuf, rest: &str) -> Option<Self> {
        let mut parts = rest.split('-');
        let good = Self {
            path,
            sequence: parts.next()?.parse().ok()?,
            identity: u32::from_str_radix(parts.next()?, 16).ok()?,
            revision: Revision(parts.next()?.parse().ok()?),
            checksum: parts.next()?.to_owned(),
        };
        (parts.next().is_none() && good.checksum.len() == 64).then_some(good)
    }

    /// Whether its bytes are what was written.
    pub fn is_sound(&self) -> io::Result<bool> {
        Ok(files::checksum(&self.path)? == self.checksum)
    }

    /// Takes a file that is on disk in as the newest copy of a store, and forgets the oldest.
    pub fn keep(file: &Path, store: &Path, identity: u32, revision: Revision) -> io::Result<()> {
        let all = Self::all(store)?;
        let sequence = all.first().map_or(1, |newest| newest.sequence + 1);
        let checksum = files::checksum(file)?;
        let name = format!("{SUFFIX}{sequence}-{identity:08x}-{}-{checksum}", revision.0);
        files::rename(file, &files::beside(store, &name))?;
        // Those of one revision twice would leave nothing to go back to.
        let older = all
            .iter()
            .filter(|good| (good.identity, good.revision) != (identity, revision));
        let kept: Vec<&Self> = older.take(KEPT - 1).collect();
        for good in all.iter().filter(|good| !kept.contains(good)) {
            files::remove(&good.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn shown(store: &Path) -> Vec<(u64, u32, u64)> {
        let all = Good::all(store).expect("read");
        all.iter()
            .map(|good| (good.sequence, good.identity, good.revision.0))
            .collect()
    }

    #[test]
    fn two_revisions_are_kept_and_one_is_kept_once() {
        let directory = tempfile::tempdir().expect("directory");
        let store = directory.path().join("ravelin.db");
        let keep = |identity, revision| {
            let file = directory.path().join("copy");
            fs::write(&file, format!("{identity} {revision}")).expect("write");
            Good::keep(&file, &store, identity, Revision(revision)).expect("keep");
        };
        assert_eq!(shown(&store), []);
        keep(7, 4);
        keep(7, 5);
        assert_eq!(shown(&store), [(2, 7, 5), (1, 7, 4)]);
        keep(7, 5);
        assert_eq!(shown(&store), [(3, 7, 5), (1, 7, 4)]);
        keep(8, 1);
        assert_eq!(shown(&store), [(4, 8, 1), (3, 7, 5)]);
        let newest = &Good::all(&store).expect("read")[0];
        assert!(newest.is_sound().expect("read"));
        fs::write(&newest.path, "other").expect("write");
        assert!(!newest.is_sound().expect("read"));
        fs::write(directory.path().join("ravelin.db.good-9-x-1-0"), "").expect("write");
        assert_eq!(
            shown(&store),
            [(4, 8, 1), (3, 7, 5)],
            "a foreign name is passed over"
        );
    }
}
