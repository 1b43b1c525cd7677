//! What the bytes of a bundle tell before anybody looks at its signature: squashfs, then whatever its format adds, the
//! signature, and the length of the signature in eight bytes (RAUC 1.8 and later, "Bundle formats").

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::refusal::{Refusal, RefusalCode};

const SUPERBLOCK_BYTES: usize = 96;
const MAGIC: &[u8; 4] = b"hsqs";
/// Where the superblock says how long the file system is.
const BYTES_USED: std::ops::Range<usize> = 40..48;
/// To what the file system is filled up.
const PADDING: u64 = 4096;
/// Longest signature RAUC takes.
const MAX_SIGNATURE_BYTES: u64 = 64 << 10;

/// Refuses what is no bundle, not all of one, or one without a signature. Whether the signature is right, RAUC says.
pub fn check_shape(bundle: &File) -> io::Result<Result<(), Refusal>> {
    let length = bundle.metadata()?.len();
    let refused = |code, detail: &str| Ok(Err(Refusal::new(code, detail)));
    if length < SUPERBLOCK_BYTES as u64 {
        return refused(RefusalCode::UpdateNotABundle, "it is too short for a bundle");
    }
    let mut superblock = [0; SUPERBLOCK_BYTES];
    bundle.read_exact_at(&mut superblock, 0)?;
    if !superblock.starts_with(MAGIC) {
        return refused(
            RefusalCode::UpdateNotABundle,
            "it does not begin like a bundle of RAUC",
        );
    }
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&superblock[BYTES_USED]);
    let used = u64::from_le_bytes(bytes);
    if length < used {
        let detail = format!("it has {length} bytes, and its content alone {used}");
        return refused(RefusalCode::UpdateTruncated, &detail);
    }
    if length <= used.next_multiple_of(PADDING) {
        return refused(
            RefusalCode::UpdateUnsigned,
            "nothing follows its content: no signature",
        );
    }
    bundle.read_exact_at(&mut bytes, length - 8)?;
    let signature = u64::from_be_bytes(bytes);
    let room = length - 8 - used;
    if signature == 0 || signature > MAX_SIGNATURE_BYTES || signature > room {
        return refused(
            RefusalCode::UpdateTruncated,
            "it does not end with the length of its signature",
        );
    }
    Ok(Ok(()))
}
