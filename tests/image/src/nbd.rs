//! Shows a [`Disk`] to an emulator: a server for the fixed newstyle of NBD, one connection, no structured replies.
//! Numbers are those of the specification, doc/proto.md of the NBD project.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::JoinHandle;

use crate::disk::{Disk, SECTOR_BYTES};

const MAGIC: u64 = 0x4e42_444d_4147_4943;
const OPTION_MAGIC: u64 = 0x4948_4156_454f_5054;
const OPTION_REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
const REQUEST_MAGIC: u32 = 0x2560_9513;
const REPLY_MAGIC: u32 = 0x6744_6698;

/// NBD_FLAG_FIXED_NEWSTYLE and NBD_FLAG_NO_ZEROES.
const HANDSHAKE: u16 = 3;
/// NBD_FLAG_HAS_FLAGS and NBD_FLAG_SEND_FLUSH. FUA is left out: the emulator then flushes instead.
const EXPORT: u16 = 5;

const OPTION_ABORT: u32 = 2;
const OPTION_INFO: u32 = 6;
const OPTION_GO: u32 = 7;
const REPLY_ACK: u32 = 1;
const REPLY_INFO: u32 = 3;
const REPLY_UNSUPPORTED: u32 = 1 << 31 | 1;

const COMMAND_READ: u16 = 0;
const COMMAND_WRITE: u16 = 1;
const COMMAND_DISCONNECT: u16 = 2;
const COMMAND_FLUSH: u16 = 3;

/// NBD_EINVAL.
const INVALID: u32 = 22;
/// Longest request taken.
const LONGEST_BYTES: u32 = 32 << 20;

/// Serves a disk to the one client that connects to `socket`, until it goes. The thread ends then, when everything
/// the client had sent is in the disk.
pub(crate) fn serve(disk: &Disk, socket: &Path) -> io::Result<JoinHandle<()>> {
    let listener = UnixListener::bind(socket)?;
    let disk = disk.clone();
    Ok(std::thread::spawn(move || {
        let Ok((stream, _)) = listener.accept() else {
            return;
        };
        match talk(&disk, stream) {
            // That is how a client goes whose power was cut.
            Err(error) if lost(&error) => {}
            Err(error) => panic!("NBD: {error}"),
            Ok(()) => {}
        }
    }))
}

fn lost(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

fn talk(disk: &Disk, mut stream: UnixStream) -> io::Result<()> {
    stream.write_all(&MAGIC.to_be_bytes())?;
    stream.write_all(&OPTION_MAGIC.to_be_bytes())?;
    stream.write_all(&HANDSHAKE.to_be_bytes())?;
    take::<4>(&mut stream)?;
    if !negotiate(disk, &mut stream)? {
        return Ok(());
    }
    let mut stream = io::BufReader::with_capacity(1 << 20, stream);
    loop {
        let request = take::<28>(&mut stream)?;
        let word = |at: usize| u32::from_be_bytes(request[at..at + 4].try_into().expect("four bytes"));
        if word(0) != REQUEST_MAGIC {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let command = u16::from_be_bytes([request[6], request[7]]);
        let cookie = &request[8..16];
        let offset = u64::from(word(16)) << 32 | u64::from(word(20));
        let length = word(24);
        if length > LONGEST_BYTES {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut data = Vec::new();
        let result = match command {
            COMMAND_READ => {
                data.resize(length, 0);
                disk.read(offset, &mut data)
            }
            COMMAND_WRITE => {
                let mut written = vec![0; length];
                stream.read_exact(&mut written)?;
                disk.write(offset, written)
            }
            COMMAND_FLUSH => {
                disk.flush();
                Ok(())
            }
            COMMAND_DISCONNECT => return Ok(()),
            _ => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        };
        let error = if result.is_ok() { 0 } else { INVALID };
        let mut reply = REPLY_MAGIC.to_be_bytes().to_vec();
        reply.extend(error.to_be_bytes());
        reply.extend(cookie);
        if result.is_ok() {
            reply.extend(data);
        }
        stream.get_mut().write_all(&reply)?;
    }
}

/// Agrees on the options; false when the client leaves.
fn negotiate(disk: &Disk, stream: &mut UnixStream) -> io::Result<bool> {
    loop {
        let head = take::<16>(stream)?;
        let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four bytes"));
        if u64::from(word(0)) << 32 | u64::from(word(4)) != OPTION_MAGIC {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let (option, length) = (word(8), word(12));
        let ignored = Read::take(&mut *stream, length.into());
        io::copy(&mut { ignored }, &mut io::sink())?;
        match option {
            OPTION_GO | OPTION_INFO => {
                let mut export = vec![0, 0];
                export.extend(disk.bytes().to_be_bytes());
                export.extend(EXPORT.to_be_bytes());
                answer(stream, option, REPLY_INFO, &export)?;
                let mut sizes = vec![0, 3];
                for size in [SECTOR_BYTES, 4096] {
                    sizes.extend(u32::try_from(size).map_err(io::Error::other)?.to_be_bytes());
                }
                sizes.extend(LONGEST_BYTES.to_be_bytes());
                answer(stream, option, REPLY_INFO, &sizes)?;
                answer(stream, option, REPLY_ACK, &[])?;
                if option == OPTION_GO {
                    return Ok(true);
                }
            }
            OPTION_ABORT => {
                answer(stream, option, REPLY_ACK, &[])?;
                return Ok(false);
            }
            _ => answer(stream, option, REPLY_UNSUPPORTED, &[])?,
        }
    }
}

fn answer(stream: &mut UnixStream, option: u32, kind: u32, data: &[u8]) -> io::Result<()> {
    let mut reply = OPTION_REPLY_MAGIC.to_be_bytes().to_vec();
    reply.extend(option.to_be_bytes());
    reply.extend(kind.to_be_bytes());
    reply.extend(u32::try_from(data.len()).map_err(io::Error::other)?.to_be_bytes());
    reply.extend(data);
    stream.write_all(&reply)
}

fn take<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
