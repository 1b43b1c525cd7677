//! The disk of a machine: an image that is never written, what the machine wrote over it, and a write cache that
//! loses its content when the power goes.
//!
//! `kill -9` of an emulator loses nothing its guest has written, because the pages stay with the host. So the disk
//! is ours: the emulator reaches it over NBD, a write stays in the cache until the guest flushes, and a power cut
//! keeps some of what was not flushed, down to single sectors and in any order, as disks do.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ravelin_compile::generate::Random;

/// Unit in which writes are kept.
const BLOCK_BYTES: usize = 4096;
/// What a disk writes as a whole.
pub const SECTOR_BYTES: usize = 512;

type Block = [u8; BLOCK_BYTES];

/// A disk, shared by the test and the server that shows it to the machine.
#[derive(Debug, Clone)]
pub struct Disk {
    image: Arc<File>,
    image_bytes: u64,
    bytes: u64,
    content: Arc<Mutex<Content>>,
}

#[derive(Debug, Clone, Default)]
struct Content {
    /// What the machine reads.
    now: HashMap<u64, Arc<Block>>,
    /// What was flushed.
    stable: HashMap<u64, Arc<Block>>,
    /// Written since the last flush, in order.
    unflushed: Vec<Write>,
    flushes: u64,
}

#[derive(Debug, Clone)]
struct Write {
    offset: u64,
    data: Vec<u8>,
}

/// What a power cut did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Sectors in the cache.
    pub unflushed: usize,
    /// Those of them that got lost.
    pub lost: usize,
}

impl Disk {
    /// A disk with the content of a raw image, followed by zeros up to `bytes`. The image is not written.
    pub fn of_image(image: &Path, bytes: u64) -> io::Result<Self> {
        let file = File::open(image)?;
        let image_bytes = file.metadata()?.len();
        Ok(Self {
            image: Arc::new(file),
            image_bytes,
            bytes: bytes.max(image_bytes),
            content: Arc::default(),
        })
    }

    /// Another disk with the content this one has now.
    pub fn copy(&self) -> Self {
        Self {
            content: Arc::new(Mutex::new(self.content().clone())),
            ..self.clone()
        }
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Times the machine flushed the cache.
    pub fn flushes(&self) -> u64 {
        self.content().flushes
    }

    /// Reads what the machine would read. Beyond the end is an error.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.check_range(offset, buffer.len())?;
        let content = self.content();
        for piece in pieces(offset, buffer.len()) {
            let part = &mut buffer[piece.at..piece.at + piece.length];
            match content.now.get(&piece.block) {
                Some(block) => part.copy_from_slice(&block[piece.within..piece.within + piece.length]),
                None => self.read_image(piece.block * BLOCK_BYTES as u64 + piece.within as u64, part)?,
            }
        }
        Ok(())
    }

    /// Writes into the cache. Beyond the end is an error.
    pub fn write(&self, offset: u64, data: Vec<u8>) -> io::Result<()> {
        self.check_range(offset, data.len())?;
        let mut content = self.content();
        self.overlay(&mut content.now, offset, &data)?;
        content.unflushed.push(Write { offset, data });
        Ok(())
    }

    /// What was written is safe from now on.
    pub fn flush(&self) {
        let mut content = self.content();
        content.flushes += 1;
        let Content {
            now,
            stable,
            unflushed,
            ..
        } = &mut *content;
        for write in unflushed.drain(..) {
            for piece in pieces(write.offset, write.data.len()) {
                if let Some(block) = now.get(&piece.block) {
                    stable.insert(piece.block, Arc::clone(block));
                }
            }
        }
    }

    /// The power goes: of what was not flushed a random part remains. In one of four cuts everything is lost, in
    /// one nothing, in one all from a moment on, in one single sectors of single writes.
    pub fn cut_power(&self, random: &mut Random) -> io::Result<Cut> {
        let mut content = self.content();
        let writes = std::mem::take(&mut content.unflushed);
        let sectors = |writes: &[Write]| {
            writes
                .iter()
                .map(|write| write.data.len().div_ceil(SECTOR_BYTES))
                .sum::<usize>()
        };
        let unflushed = sectors(&writes);
        let manner = random.below(4);
        let until = random.below(writes.len() + 1);
        let mut kept = 0;
        let mut stable = std::mem::take(&mut content.stable);
        for (number, write) in writes.iter().enumerate() {
            let whole = match manner {
                0 => false,
                1 => true,
                2 => number < until,
                _ => random.once_in(2),
            };
            for (index, sector) in write.data.chunks(SECTOR_BYTES).enumerate() {
                // Of a write that is neither safe nor lost as a whole, each sector has its own fate.
                let torn = manner == 3 && random.once_in(8);
                if whole != torn {
                    self.overlay(&mut stable, write.offset + (index * SECTOR_BYTES) as u64, sector)?;
                    kept += 1;
                }
            }
        }
        content.now.clone_from(&stable);
        content.stable = stable;
        Ok(Cut {
            unflushed,
            lost: unflushed - kept,
        })
    }

    fn overlay(&self, blocks: &mut HashMap<u64, Arc<Block>>, offset: u64, data: &[u8]) -> io::Result<()> {
        for piece in pieces(offset, data.len()) {
            let mut block = match blocks.get(&piece.block) {
                Some(block) => **block,
                None => {
                    let mut block = [0; BLOCK_BYTES];
                    if piece.length < BLOCK_BYTES {
                        self.read_image(piece.block * BLOCK_BYTES as u64, &mut block)?;
                    }
                    block
                }
            };
            block[piece.within..piece.within + piece.length]
                .copy_from_slice(&data[piece.at..piece.at + piece.length]);
            blocks.insert(piece.block, Arc::new(block));
        }
        Ok(())
    }

    /// From the image; zeros behind its end.
    fn read_image(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let left = usize::try_from(self.image_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (stored, zeros) = buffer.split_at_mut(left.min(buffer.len()));
        zeros.fill(0);
        self.image.read_exact_at(stored, offset)
    }

    fn check_range(&self, offset: u64, length: usize) -> io::Result<()> {
        let end = offset.checked_add(length as u64);
        if end.is_some_and(|end| end <= self.bytes) {
            Ok(())
        } else {
            Err(io::Error::from(io::ErrorKind::InvalidInput))
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a range within one block.
struct Piece {
    block: u64,
    /// Where it begins in the block.
    within: usize,
    /// Where it begins in the range.
    at: usize,
    length: usize,
}

fn pieces(offset: u64, length: usize) -> impl Iterator<Item = Piece> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let position = offset + at as u64;
        let within = usize::try_from(position % BLOCK_BYTES as u64).ok()?;
        let piece = Piece {
            block: position / BLOCK_BYTES as u64,
            within,
            at,
            length: (BLOCK_BYTES - within).min(length - at),
        };
        at += piece.length;
        (piece.length > 0).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> (tempfile::NamedTempFile, Disk) {
        let image = tempfile::NamedTempFile::new().expect("image");
        std::fs::write(image.path(), vec![7; 10_000]).expect("write");
        let disk = Disk::of_image(image.path(), 20_480).expect("disk");
        (image, disk)
    }

    fn read(disk: &Disk, offset: u64, length: usize) -> Vec<u8> {
        let mut buffer = vec![0xee; length];
        disk.read(offset, &mut buffer).expect("read");
        buffer
    }

    #[test]
    fn what_is_written_is_read_over_the_image_and_behind_its_end() {
        let (image, disk) = disk();
        disk.write(4000, vec![1; 200]).expect("write");
        assert_eq!(read(&disk, 3999, 202), [vec![7], vec![1; 200], vec![7]].concat());
        assert_eq!(read(&disk, 9_999, 3), [7, 0, 0]);
        assert!(disk.write(20_479, vec![1; 2]).is_err());
        assert_eq!(std::fs::read(image.path()).expect("image"), vec![7; 10_000]);
    }

    #[test]
    fn a_power_cut_keeps_what_was_flushed_and_not_always_the_rest() {
        let mut random = Random::seeded();
        let (mut whole, mut gone) = (0, 0);
        for _ in 0..64 {
            let (_image, disk) = disk();
            disk.write(0, vec![1; 1024]).expect("write");
            disk.flush();
            disk.write(512, vec![2; 1024]).expect("write");
            assert_eq!(read(&disk, 512, 1024), vec![2; 1024]);
            let cut = disk.cut_power(&mut random).expect("cut");
            assert_eq!(cut.unflushed, 2);
            assert_eq!(read(&disk, 0, 512), vec![1; 512]);
            let second = read(&disk, 512, 512);
            assert!(
                second == vec![1; 512] || second == vec![2; 512],
                "a sector is torn"
            );
            whole += u32::from(cut.lost == 0);
            gone += u32::from(cut.lost == 2);
            // What is left is as safe as if it had been flushed.
            let left = read(&disk, 0, 4096);
            disk.cut_power(&mut random).expect("cut");
            assert_eq!(read(&disk, 0, 4096), left);
        }
        assert!(whole > 0 && gone > 0, "{whole} whole, {gone} gone of 64");
    }
}
