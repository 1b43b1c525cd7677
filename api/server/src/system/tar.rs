//! Archives of files: tar as POSIX has it (ustar), one file after the other.

/// Bytes of a block.
const BLOCK: usize = 512;

/// A file as part of an archive. Names are ours: short, and of this archive's directory.
pub(super) fn member(name: &str, content: &[u8], modified: i64) -> Vec<u8> {
    let mut header = [0_u8; BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, &name[..name.len().min(99)]);
    put(100, "0000600");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{:011o}", content.len()));
    put(136, &format!("{:011o}", modified.max(0)));
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut member = header.to_vec();
    member.extend_from_slice(content);
    member.resize(member.len().next_multiple_of(BLOCK), 0);
    member
}

/// What ends an archive.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn tar_reads_it() {
        let long = "x".repeat(1000);
        let mut archive = member("a/one.json", b"{}", 1_700_000_000);
        archive.extend(member("a/two.txt", long.as_bytes(), 0));
        archive.extend(END);
        let mut tar = Command::new("tar")
            .args(["-xOf", "-", "a/two.txt"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tar");
        tar.stdin
            .take()
            .expect("input")
            .write_all(&archive)
            .expect("write");
        let read = tar.wait_with_output().expect("tar");
        assert!(read.status.success());
        assert_eq!(read.stdout, long.as_bytes());
    }
}
