//! News from the kernel that something changed.
//!
//! What changed is read from the kernel afterwards, whole. So a lost message costs nothing as long as the loss is
//! known, which ENOBUFS makes it, and no order of messages can leave a wrong state behind.

use std::io;

use futures::FutureExt;
use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket, protocols::NETLINK_ROUTE};
use rtnetlink::MulticastGroup;

/// Messages are not looked at, so what does not fit may be cut off.
const BUFFER_BYTES: usize = 4096;

/// Waiting messages taken for one.
const DRAINED: usize = 4096;

/// A socket in the multicast groups of links and addresses.
pub(crate) struct Hints {
    socket: TokioSocket,
    buffer: Vec<u8>,
}

impl Hints {
    /// From now on nothing is missed.
    pub(crate) fn subscribe() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
        for group in [
            MulticastGroup::Link,
            MulticastGroup::Ipv4Ifaddr,
            MulticastGroup::Ipv6Ifaddr,
        ] {
            socket.socket_mut().add_membership(group as u32)?;
        }
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(BUFFER_BYTES),
        })
    }

    /// Waits until something changed; takes what waits already for the same news.
    pub(crate) async fn next(&mut self) -> io::Result<()> {
        self.receive().await?;
        for _ in 0..DRAINED {
            match self.receive().now_or_never() {
                Some(received) => received?,
                None => break,
            }
        }
        Ok(())
    }

    /// One message, or the news that some were lost.
    async fn receive(&mut self) -> io::Result<()> {
        self.buffer.clear();
        match self.socket.recv(&mut self.buffer).await {
            Err(error) if error.raw_os_error() != Some(libc::ENOBUFS) => Err(error),
            _ => Ok(()),
        }
    }
}
