//! A socket to netlink for tasks.

use std::io;

use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};
use rtnetlink::packet_core::NLM_F_DUMP_INTR;

use crate::DumpError;
use crate::netlink::{Answer, Request, answers};

/// The kernel fills at most so much of a buffer with answers to a dump.
const BUFFER_BYTES: usize = 64 * 1024;

/// Readings begun before giving up on a table that changes while it is read.
const TRIES: u32 = 10;

/// A socket to a protocol of netlink, of the network namespace of the thread that opens it.
pub(crate) struct NetlinkSocket {
    socket: TokioSocket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl NetlinkSocket {
    pub(crate) fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = TokioSocket::new(protocol)?;
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

impl std::fmt::Debug for NetlinkSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetlinkSocket").finish_non_exhaustive()
    }
}
