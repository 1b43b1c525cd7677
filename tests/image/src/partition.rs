//! A partition of a disk that is off: its bytes, and files of the file system in it.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ravelin_test_harness::RunDir;

use crate::disk::{Disk, SECTOR_BYTES};

/// Read and written at once.
const CHUNK_BYTES: usize = 1 << 20;

/// A partition with an ext4 file system, taken out to be changed.
#[derive(Debug)]
pub struct Partition<'a> {
    disk: &'a Disk,
    offset: u64,
    directory: RunDir,
}

impl<'a> Partition<'a> {
    /// Takes the partition of this name out of a disk no machine uses. What its journal holds is done.
    pub fn take(disk: &'a Disk, name: &str) -> Self {
        let (offset, bytes) = find(disk, name);
        let partition = Self {
            disk,
            offset,
            directory: RunDir::new(),
        };
        let file = fs::File::create(partition.image()).expect("image of the partition");
        file.set_len(bytes).expect("length");
        each_chunk(bytes, |at, chunk| {
            disk.read(offset + at, chunk).expect("read the disk");
            if chunk.iter().any(|byte| *byte != 0) {
                file.write_all_at(chunk, at).expect("write the image");
            }
        });
        partition.check();
        partition
    }

    /// Puts it back, changed as it is.
    pub fn put_back(self) {
        self.check();
        let file = fs::File::open(self.image()).expect("image of the partition");
        let bytes = file.metadata().expect("length").len();
        let mut before = vec![0; CHUNK_BYTES];
        each_chunk(bytes, |at, chunk| {
            file.read_exact_at(chunk, at).expect("read the image");
            let before = &mut before[..chunk.len()];
            self.disk.read(self.offset + at, before).expect("read the disk");
            if before != chunk {
                self.disk
                    .write(self.offset + at, chunk.to_vec())
                    .expect("write the disk");
            }
        });
        self.disk.flush();
    }

    /// Names in a directory.
    pub fn names(&self, directory: &str) -> Vec<String> {
        let text = self.debugfs(&format!("ls -p {directory}"));
        // /inode/mode/uid/gid/name/size/
        let names = text.lines().filter_map(|line| line.split('/').nth(5));
        names
            .filter(|name| !matches!(*name, "" | "." | ".."))
            .map(str::to_owned)
            .collect()
    }

    /// Content of a file, copied to one of the host, which can be changed and written back.
    pub fn read(&self, file: &str) -> PathBuf {
        let copy = self.directory.join("file");
        let _ = fs::remove_file(&copy);
        self.debugfs(&format!("dump {file} {}", copy.display()));
        assert!(copy.exists(), "no file {file}");
        copy
    }

    /// Puts a file of the host in the place of one that is there; it belongs to root alone.
    pub fn write(&self, file: &str, from: &Path) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(from, fs::Permissions::from_mode(0o600)).expect("mode");
        self.remove(file);
        self.debugfs(&format!("write {} {file}", from.display()));
    }

    /// Removes a file.
    pub fn remove(&self, file: &str) {
        self.debugfs(&format!("rm {file}"));
    }

    fn image(&self) -> PathBuf {
        self.directory.join("partition")
    }

    fn debugfs(&self, request: &str) -> String {
        let output = Command::new("debugfs")
            .args(["-w", "-R", request])
            .arg(self.image())
            .output()
            .expect("debugfs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        // Its first line is its version; it ends well whatever happens.
        let error = errors.lines().find(|line| !line.starts_with("debugfs "));
        assert!(
            output.status.success() && error.is_none(),
            "debugfs {request}: {errors}"
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn check(&self) {
        let output = Command::new("e2fsck")
            .args(["-f", "-y"])
            .arg(self.image())
            .output()
            .expect("e2fsck");
        // 1: errors were corrected.
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

fn each_chunk(bytes: u64, mut work: impl FnMut(u64, &mut [u8])) {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = 0;
    while at < bytes {
        let length = usize::try_from(bytes - at).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        work(at, &mut chunk[..length]);
        at += length as u64;
    }
}

/// Offset and length of a partition in bytes, by its name in the GPT (UEFI specification, section 5.3).
fn find(disk: &Disk, name: &str) -> (u64, u64) {
    let mut header = [0; SECTOR_BYTES];
    disk.read(SECTOR_BYTES as u64, &mut header)
        .expect("the partition table");
    assert!(header.starts_with(b"EFI PART"), "no partition table");
    let number =
        |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    let short = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let (first, count, size) = (number(&header, 72), short(80), short(84));
    let mut entry = vec![0; usize::try_from(size).expect("a size")];
    for index in 0..u64::from(count) {
        let at = first * SECTOR_BYTES as u64 + index * u64::from(size);
        disk.read(at, &mut entry).expect("the partition table");
        let units = entry[56..128]
            .chunks(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        if String::from_utf16_lossy(&units) == name {
            let (from, to) = (number(&entry, 32), number(&entry, 40));
            return (from * SECTOR_BYTES as u64, (to + 1 - from) * SECTOR_BYTES as u64);
        }
    }
    panic!("no partition {name}")
}
