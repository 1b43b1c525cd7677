//! News from the kernel that something changed.
//!
//! What changed is read from the kernel afterwards, whole. So a lost message costs nothing as long as the loss is
//! known, which ENOBUFS makes it, and no order of messages can leave a wrong state behind.

use std::io;

use futures::FutureExt;
use netlink_sys::protocols::{NETLINK_GENERIC, NETLINK_ROUTE};
use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};
use rtnetlink::MulticastGroup;

/// Messages are not looked at, so what does not fit may be cut off.
const BUFFER_BYTES: usize = 4096;

/// Waiting messages taken for one.
const DRAINED: usize = 4096;

/// Sockets in multicast groups.
pub(crate) struct Hints {
    links: Socket,
    /// None: the kernel does not tell what XDP can do with links.
    redirects: Option<Socket>,
}

impl Hints {
    /// From now on nothing is missed of links and addresses, nor of the group about what XDP can do with links.
    pub(crate) fn subscribe(redirects: Option<u32>) -> io::Result<Self> {
        let links = [
            MulticastGroup::Link as u32,
            MulticastGroup::Ipv4Ifaddr as u32,
            MulticastGroup::Ipv6Ifaddr as u32,
        ];
        Ok(Self {
            links: Socket::subscribe(NETLINK_ROUTE, &links)?,
            redirects: redirects
                .map(|group| Socket::subscribe(NETLINK_GENERIC, &[group]))
                .transpose()?,
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
        match &mut self.redirects {
            Some(redirects) => tokio::select! {
                received = self.links.receive() => received,
                received = redirects.receive() => received,
            },
            None => self.links.receive().await,
        }
    }
}

struct Socket {
    socket: TokioSocket,
    buffer: Vec<u8>,
}

impl Socket {
    fn subscribe(protocol: isize, groups: &[u32]) -> io::Result<Self> {
        let mut socket = TokioSocket::new(protocol)?;
        socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
        for group in groups {
            socket.socket_mut().add_membership(*group)?;
        }
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(BUFFER_BYTES),
        })
    }

    async fn receive(&mut self) -> io::Result<()> {
        self.buffer.clear();
        match self.socket.recv(&mut self.buffer).await {
            Err(error) if error.raw_os_error() != Some(libc::ENOBUFS) => Err(error),
            _ => Ok(()),
        }
    }
}
