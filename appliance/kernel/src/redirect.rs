//! Links that XDP can redirect frames to (family "netdev" of generic netlink, include/uapi/linux/netdev.h, since Linux
//! 6.3).

use std::collections::BTreeSet;
use std::io;

use netlink_sys::protocols::NETLINK_GENERIC;

use crate::DumpError;
use crate::generic::Family;
use crate::netlink::{DUMP, Request, array, attribute};
use crate::socket::NetlinkSocket;

const NETDEV_CMD_DEV_GET: u8 = 1;
const NETDEV_A_DEV_IFINDEX: u16 = 1;
const NETDEV_A_DEV_XDP_FEATURES: u16 = 3;
const NETDEV_XDP_ACT_NDO_XMIT: u64 = 1 << 2;

/// Asks for them.
#[derive(Debug)]
pub(crate) struct Redirects {
    socket: NetlinkSocket,
    family: u16,
    group: u32,
}

impl Redirects {
    /// None: the kernel cannot tell.
    pub(crate) async fn open() -> Result<Option<Self>, DumpError> {
        let mut socket = NetlinkSocket::open(NETLINK_GENERIC).map_err(DumpError::Refused)?;
        let found = socket
            .dump(
                || Family::question("netdev"),
                |message, rows| rows.extend(Family::read(message)),
            )
            .await;
        match found {
            Ok(found) => Ok(found.first().and_then(|family| {
                Some(Self {
                    socket,
                    family: family.id,
                    group: family.group("mgmt")?,
                })
            })),
            Err(DumpError::Refused(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Multicast group that tells of changes.
    pub(crate) fn group(&self) -> u32 {
        self.group
    }

    /// Kernel indexes of these links.
    pub(crate) async fn links(&mut self) -> Result<BTreeSet<u32>, DumpError> {
        let question = || Request::new(self.family, DUMP, NETDEV_CMD_DEV_GET, 0);
        let found = self
            .socket
            .dump(question, |message, rows| rows.extend(redirectable(message)));
        Ok(found.await?.into_iter().collect())
    }
}

fn redirectable(message: &[u8]) -> Option<u32> {
    let index = u32::from_ne_bytes(array(attribute(message, NETDEV_A_DEV_IFINDEX)?, 0)?);
    let features = u64::from_ne_bytes(array(attribute(message, NETDEV_A_DEV_XDP_FEATURES)?, 0)?);
    (features & NETDEV_XDP_ACT_NDO_XMIT != 0).then_some(index)
}
