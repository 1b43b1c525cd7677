//! Messages of NETLINK_NETFILTER (include/uapi/linux/netfilter/nfnetlink.h): a header of four bytes and attributes.

use std::io;

use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket, protocols::NETLINK_NETFILTER};
use rtnetlink::packet_core::{NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST};

use crate::DumpError;

const NETLINK_HEADER: usize = 16;
const NETFILTER_HEADER: usize = 4;
const ATTRIBUTE_HEADER: usize = 4;
/// Without the flags "nested" and "network byte order".
const NLA_TYPE_MASK: u16 = 0x3fff;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// The kernel fills at most so much of a buffer with answers to a dump.
const BUFFER_BYTES: usize = 64 * 1024;

/// Readings begun before giving up on a table that changes while it is read.
const TRIES: u32 = 10;

/// A message to a subsystem.
#[derive(Debug)]
pub(crate) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// `kind` is the subsystem in the high byte and the message in the low one; `id` is the resource, if any.
    pub(crate) fn new(kind: u16, flags: u16, family: u8, id: u16) -> Self {
        let mut bytes = vec![0; NETLINK_HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(NLM_F_REQUEST | flags).to_ne_bytes());
        bytes.extend([family, 0]);
        bytes.extend(id.to_be_bytes());
        Self { bytes }
    }

    /// Adds an attribute.
    #[must_use]
    pub(crate) fn with(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len() + ATTRIBUTE_HEADER).unwrap_or(u16::MAX);
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// Adds a text with the zero byte the kernel wants behind it.
    #[must_use]
    pub(crate) fn with_text(self, kind: u16, text: &str) -> Self {
        self.with(kind, format!("{text}\0").as_bytes())
    }

    fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}

/// What came from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer<'a> {
    /// A message of a subsystem: its kind, the rest of it behind its header.
    Message(u16, &'a [u8]),
    /// The end of a dump, or 0 for an acknowledgement; else a negated error number.
    End(i32),
}

/// A socket to netfilter, of the network namespace of the thread that opens it.
pub(crate) struct NetfilterSocket {
    socket: TokioSocket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl NetfilterSocket {
    pub(crate) fn open() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_NETFILTER)?;
        socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
        Ok(Self {
            socket,
            sequence: 0,
            buffer: Vec::with_capacity(BUFFER_BYTES),
        })
    }

    /// Bytes the kernel may hold for this socket, beyond the usual limit.
    pub(crate) fn hold(&mut self, bytes: usize) -> io::Result<()> {
        self.socket
            .socket_mut()
            .set_rx_buf_sz(i32::try_from(bytes).unwrap_or(i32::MAX))
    }

    pub(crate) async fn send(&mut self, request: Request) -> io::Result<u32> {
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = request.finish(self.sequence);
        self.socket.send(&bytes).await?;
        Ok(self.sequence)
    }

    /// Waits for the next datagram; ENOBUFS: some were lost before it.
    pub(crate) async fn receive(&mut self) -> io::Result<&[u8]> {
        self.buffer.clear();
        self.socket.recv(&mut self.buffer).await?;
        Ok(&self.buffer)
    }

    /// Sends a request that is only acknowledged.
    pub(crate) async fn request(&mut self, request: Request) -> io::Result<()> {
        let sequence = self.send(request).await?;
        loop {
            let datagram = self.receive().await?;
            for (of, _, answer) in answers(datagram) {
                match answer {
                    Answer::End(0) if of == sequence => return Ok(()),
                    Answer::End(error) if of == sequence => {
                        return Err(io::Error::from_raw_os_error(error.saturating_neg()));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Reads a table, again if it changes meanwhile.
    pub(crate) async fn dump<T>(
        &mut self,
        question: impl Fn() -> Request,
        mut read: impl FnMut(&[u8], &mut Vec<T>),
    ) -> Result<Vec<T>, DumpError> {
        for _ in 0..TRIES {
            let sequence = self.send(question()).await.map_err(DumpError::Refused)?;
            let mut rows = Vec::new();
            if self.rows(sequence, &mut rows, &mut read).await? {
                return Ok(rows);
            }
        }
        Err(DumpError::Restless { tries: TRIES })
    }

    /// False if the table changed meanwhile.
    async fn rows<T>(
        &mut self,
        sequence: u32,
        rows: &mut Vec<T>,
        read: &mut impl FnMut(&[u8], &mut Vec<T>),
    ) -> Result<bool, DumpError> {
        let mut steady = true;
        loop {
            let datagram = self.receive().await.map_err(DumpError::Refused)?;
            for (of, flags, answer) in answers(datagram) {
                if of != sequence {
                    continue;
                }
                steady &= flags & NLM_F_DUMP_INTR == 0;
                match answer {
                    Answer::Message(_, attributes) => read(attributes, rows),
                    Answer::End(0) => return Ok(steady),
                    // The kernel's own word for a dump that was overtaken.
                    Answer::End(error) if error == -libc::EINTR => steady = false,
                    Answer::End(error) => {
                        let error = io::Error::from_raw_os_error(error.saturating_neg());
                        return Err(DumpError::Refused(error));
                    }
                }
            }
        }
    }
}

impl std::fmt::Debug for NetfilterSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetfilterSocket").finish_non_exhaustive()
    }
}

/// Flags of a request for a whole table.
pub(crate) const DUMP: u16 = NLM_F_DUMP;

/// The messages of a datagram: sequence number, flags, and what it says. What is cut off ends them.
pub(crate) fn answers(mut datagram: &[u8]) -> impl Iterator<Item = (u32, u16, Answer<'_>)> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32::from_ne_bytes(array(datagram, 0)?)).ok()?;
        let kind = u16::from_ne_bytes(array(datagram, 4)?);
        let flags = u16::from_ne_bytes(array(datagram, 6)?);
        let sequence = u32::from_ne_bytes(array(datagram, 8)?);
        let body = datagram.get(NETLINK_HEADER..length)?;
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
        let answer = match kind {
            NLMSG_ERROR | NLMSG_DONE => Answer::End(array(body, 0).map_or(0, i32::from_ne_bytes)),
            kind => Answer::Message(kind, body.get(NETFILTER_HEADER..)?),
        };
        Some((sequence, flags, answer))
    })
}

/// Attributes one after another: their kind without flags, and what is in them. What is malformed ends them.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(array(bytes, 0)?));
        let kind = u16::from_ne_bytes(array(bytes, 2)?) & NLA_TYPE_MASK;
        let value = bytes.get(ATTRIBUTE_HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// What is in the first attribute of a kind.
pub(crate) fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find_map(|(found, value)| (found == kind).then_some(value))
}

/// A text, without the zero byte behind it.
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes)).ok()
}

/// So many bytes from a place on.
pub(crate) fn array<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<[u8; BYTES]> {
    bytes.get(at..at.checked_add(BYTES)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_not_read() {
        let message = Request::new(0x0a0b, DUMP, 1, 7)
            .with_text(1, "ravelin")
            .with(2, &[1, 2, 3])
            .finish(9);
        let body = &message[20..];
        assert_eq!(
            answers(&message).collect::<Vec<_>>(),
            [(9, NLM_F_REQUEST | DUMP, Answer::Message(0x0a0b, body))]
        );
        assert_eq!(attribute(body, 1).and_then(text), Some("ravelin"));
        assert_eq!(attribute(body, 2), Some(&[1, 2, 3][..]));
        assert_eq!(attribute(body, 3), None);
        for length in 0..message.len() {
            // The last byte is padding of the last attribute.
            let cut = &message[..length];
            assert_eq!(answers(cut).count(), 0, "{length} bytes");
            let _ = cut.get(20..).map(|body| attributes(body).count());
        }
        let two = [message.clone(), message].concat();
        assert_eq!(answers(&two).count(), 2);
    }

    #[test]
    fn ends_say_how_it_ended() {
        for (kind, error) in [(NLMSG_ERROR, -libc::ENOENT), (NLMSG_ERROR, 0), (NLMSG_DONE, 0)] {
            let mut bytes = Request::new(kind, 0, 0, 0).finish(1);
            bytes[16..20].copy_from_slice(&error.to_ne_bytes());
            let all: Vec<_> = answers(&bytes).map(|(_, _, answer)| answer).collect();
            assert_eq!(all, [Answer::End(error)]);
        }
    }
}
