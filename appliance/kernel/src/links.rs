//! Links now and their changes.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use rtnetlink::Handle;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::AddressMessage;
use rtnetlink::packet_route::link::LinkMessage;
use tokio::sync::{Mutex, watch};

use crate::driver::Drivers;
use crate::dump::dump;
use crate::hints::Hints;
use crate::redirect::Redirects;
use crate::{KernelError, Link, link, task};

/// Follows the links of a network namespace. Cheap to clone; the task behind it ends when the last clone and the last
/// receiver of [`Self::watch`] are gone.
#[derive(Debug, Clone)]
pub struct Links {
    reader: Reader,
    current: watch::Receiver<Arc<Vec<Link>>>,
}

impl Links {
    /// Subscribes, then reads all there is: no change after that is missed. Needs a tokio runtime.
    pub async fn open() -> Result<Self, KernelError> {
        let redirects = Redirects::open().await.map_err(KernelError::ListRedirects)?;
        let group = redirects.as_ref().map(Redirects::group);
        let hints = Hints::subscribe(group).map_err(KernelError::Subscribe)?;
        let drivers = Drivers::open().map_err(KernelError::OpenEthtool)?;
        let (mut connection, handle, _) = rtnetlink::new_connection().map_err(KernelError::OpenNetlink)?;
        connection.set_forward_done(true);
        task::connect(connection);
        let reader = Reader {
            handle,
            drivers: Arc::new(drivers),
            redirects: redirects.map(|redirects| Arc::new(Mutex::new(redirects))),
        };
        let (publisher, current) = watch::channel(Arc::new(reader.read().await?));
        task::start(hints, reader.clone(), publisher);
        Ok(Self { reader, current })
    }

    /// Every link as it is now, by index, counters read now.
    pub async fn snapshot(&self) -> Result<Vec<Link>, KernelError> {
        self.reader.read().await
    }

    /// Every link by index, published anew whenever one comes, goes or changes: a level, so a slow reader sees the
    /// last state and never a backlog. Counters are those of the moment of publishing and cause none.
    /// The channel closes when the kernel can no longer be followed.
    pub fn watch(&self) -> watch::Receiver<Arc<Vec<Link>>> {
        self.current.clone()
    }
}

/// Reads the tables.
#[derive(Clone)]
pub(crate) struct Reader {
    handle: Handle,
    drivers: Arc<Drivers>,
    /// None: the kernel does not tell.
    redirects: Option<Arc<Mutex<Redirects>>>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// Every link by index, with its addresses and what XDP can do with it.
    pub(crate) async fn read(&self) -> Result<Vec<Link>, KernelError> {
        let links = dump(&self.handle, RouteNetlinkMessage::GetLink(LinkMessage::default()))
            .await
            .map_err(KernelError::ListLinks)?;
        let addresses = dump(
            &self.handle,
            RouteNetlinkMessage::GetAddress(AddressMessage::default()),
        )
        .await
        .map_err(KernelError::ListAddresses)?;
        let redirects = match &self.redirects {
            Some(redirects) => redirects
                .lock()
                .await
                .links()
                .await
                .map_err(KernelError::ListRedirects)?,
            None => BTreeSet::new(),
        };
        let mut links: Vec<Link> = links.iter().filter_map(|entry| self.link(entry)).collect();
        for link in &mut links {
            link.redirect = redirects.contains(&link.index);
        }
        links.sort_by_key(|link| link.index);
        for entry in &addresses {
            if let RouteNetlinkMessage::NewAddress(message) = entry
                && let Some((index, address, origin)) = link::address(message)
                && let Ok(at) = links.binary_search_by_key(&index, |link| link.index)
            {
                links[at].addresses.push(address);
                links[at].origins.push(origin);
            }
        }
        for link in &mut links {
            let addresses = link.addresses.drain(..).zip(link.origins.drain(..));
            let mut addresses: Vec<_> = addresses.collect();
            addresses.sort_by_key(|(address, _)| address.addr().is_ipv6());
            (link.addresses, link.origins) = addresses.into_iter().unzip();
        }
        Ok(links)
    }

    fn link(&self, entry: &RouteNetlinkMessage) -> Option<Link> {
        let RouteNetlinkMessage::NewLink(message) = entry else {
            return None;
        };
        let mut link = Link::from_message(message)?;
        if link.driver.is_none() {
            link.driver = self.drivers.name(&link.name);
        }
        Some(link)
    }
}
