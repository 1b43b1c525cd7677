//! A socket to netlink for threads that may block.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use netlink_sys::{Socket, SocketAddr};

use crate::netlink::{Answer, Messages, whole_answers};

/// The kernel fills at most so much of a buffer with answers to a dump, and a single answer is smaller.
const BUFFER_BYTES: usize = 64 * 1024;

/// The kernel answers while it is asked; what takes longer never comes.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A socket of the network namespace of the thread that opens it. It never blocks but in [`Self::wait`].
#[derive(Debug)]
pub(crate) struct BlockingSocket {
    socket: Socket,
    buffer: Vec<u8>,
    sequence: u32,
}

impl BlockingSocket {
    pub(crate) fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        socket.set_non_blocking(true)?;
        // Without the question in them errors are small, and there may be one for each question.
        socket.set_cap_ack(true)?;
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            sequence: 0,
        })
    }

    /// Has the kernel hold so many bytes for this socket, as counted by it: beyond the usual limit with CAP_NET_ADMIN.
    /// How many it holds.
    pub(crate) fn hold(&mut self, bytes: usize) -> io::Result<usize> {
        // The kernel doubles what it is told.
        let bytes = libc::c_int::try_from(bytes / 2).unwrap_or(libc::c_int::MAX);
        if set_option(&self.socket, libc::SO_RCVBUFFORCE, bytes).is_err() {
            set_option(&self.socket, libc::SO_RCVBUF, bytes)?;
        }
        let held = get_option(&self.socket, libc::SO_RCVBUF)?;
        Ok(usize::try_from(held).unwrap_or(0))
    }

    /// Has the kernel say in words why it refuses.
    pub(crate) fn explain(&mut self) -> io::Result<()> {
        self.socket.set_ext_ack(true)
    }

    pub(crate) fn join(&mut self, groups: &[u32]) -> io::Result<()> {
        groups
            .iter()
            .try_for_each(|group| self.socket.add_membership(*group))
    }

    /// The kernel's name for this socket.
    pub(crate) fn port(&self) -> io::Result<u32> {
        let mut address = SocketAddr::new(0, 0);
        self.socket.get_address(&mut address)?;
        Ok(address.port_number())
    }

    /// Has the kernel keep back messages about what the socket of this name asked for.
    pub(crate) fn leave_out(&mut self, port: u32) -> io::Result<()> {
        // The kernel's filters read numbers as they are in packets.
        let port = u32::from_be_bytes(port.to_ne_bytes());
        let step = |code: u32, jump_if, jump_else, operand| libc::sock_filter {
            code: u16::try_from(code).unwrap_or(u16::MAX),
            jt: jump_if,
            jf: jump_else,
            k: operand,
        };
        let mut steps = [
            step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, MESSAGE_PORT),
            step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, port),
            step(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
            step(libc::BPF_RET | libc::BPF_K, 0, 0, u32::MAX),
        ];
        let filter = libc::sock_fprog {
            len: 4,
            filter: steps.as_mut_ptr(),
        };
        // SAFETY: the option's value is a sock_fprog, whose length is that of the steps it points to; the kernel copies
        // both within the call.
        let status = unsafe {
            libc::setsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ATTACH_FILTER,
                (&raw const filter).cast(),
                FILTER_BYTES,
            )
        };
        succeeded(status)
    }

    /// A number no question had lately.
    pub(crate) fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.send(bytes, 0).map(drop)
    }

    /// Asks questions, so many at once at most, and hands out every answer with the place of its question. A question
    /// that is answered only when it fails has no answer but the last of each batch.
    pub(crate) fn ask<Q>(
        &mut self,
        questions: &[Q],
        at_once: usize,
        mut build: impl FnMut(&mut Messages, u32, &Q),
        mut each: impl FnMut(usize, Answer<'_>),
    ) -> io::Result<()> {
        let mut messages = Messages::default();
        for (batch, questions) in questions.chunks(at_once.max(1)).enumerate() {
            messages.clear();
            let first = self.sequence.wrapping_add(1);
            let mut last = first;
            for question in questions {
                last = self.next_sequence();
                build(&mut messages, last, question);
                messages.end();
            }
            messages.acknowledge();
            self.send(messages.bytes())?;
            let mut answered = false;
            while !answered {
                for (sequence, _, answer) in whole_answers(self.receive()?) {
                    let place = usize::try_from(sequence.wrapping_sub(first)).unwrap_or(usize::MAX);
                    // Others were given up waiting for.
                    if place < questions.len() {
                        answered |= sequence == last && matches!(answer, Answer::End(_));
                        each(batch * at_once.max(1) + place, answer);
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits until there is something to receive; whether there is.
    pub(crate) fn wait(&self, limit: Duration) -> io::Result<bool> {
        let mut poll = libc::pollfd {
            fd: self.socket.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // Rounded up, so that a wait of less than a millisecond is not none.
        let milliseconds = limit.as_nanos().div_ceil(1_000_000);
        let milliseconds = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
        // SAFETY: `poll` is one pollfd, which the call writes to and which outlives it.
        match unsafe { libc::poll(&raw mut poll, 1, milliseconds) } {
            -1 => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
                error => Err(error),
            },
            ready => Ok(ready > 0),
        }
    }

    /// The next datagram; None: there is none now. ENOBUFS: some were lost before it.
    pub(crate) fn try_receive(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.clear();
        match self.socket.recv(&mut self.buffer, 0) {
            Ok(_) => Ok(Some(&self.buffer)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits for the next datagram, which is an answer.
    pub(crate) fn receive(&mut self) -> io::Result<&[u8]> {
        let end = std::time::Instant::now() + ANSWER_LIMIT;
        // Asked again after the loop: a buffer given out in it would be lent until its end.
        loop {
            self.buffer.clear();
            match self.socket.recv(&mut self.buffer, 0) {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = end.saturating_duration_since(std::time::Instant::now());
                    if left.is_zero() {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    self.wait(left)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(&self.buffer)
    }

    /// Throws away what waits, until there is nothing: from then on the kernel, which gives a socket that lost
    /// something nothing more before it is empty, tells everything again.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        loop {
            match self.try_receive() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn set_option(socket: &Socket, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the option's value is a c_int, which outlives the call.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            INT_BYTES,
        )
    };
    succeeded(status)
}

fn get_option(socket: &Socket, option: libc::c_int) -> io::Result<libc::c_int> {
    let (mut value, mut length) = (0, INT_BYTES);
    // SAFETY: the option's value is a c_int, for which there is room in `value`; both outlive the call.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    succeeded(status).map(|()| value)
}

#[expect(clippy::cast_possible_truncation, reason = "4")]
const INT_BYTES: libc::socklen_t = size_of::<libc::c_int>() as libc::socklen_t;

#[expect(clippy::cast_possible_truncation, reason = "16")]
const FILTER_BYTES: libc::socklen_t = size_of::<libc::sock_fprog>() as libc::socklen_t;

/// Where a message names who asked (`nlmsg_pid` of `struct nlmsghdr`).
const MESSAGE_PORT: u32 = 12;

fn succeeded(status: libc::c_int) -> io::Result<()> {
    match status {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

impl AsFd for BlockingSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
