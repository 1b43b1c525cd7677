//! The task behind [`crate::Links`].
//!
//! ```text
//! kernel ──multicast──► Hints ──"something changed"──► follow ──watch (level)──► Links::watch
//!        ◄──── dump ──── Connection ◄──── Reader ◄─────┘
//! ```
//!
//! The only queue is the kernel's socket buffer; when it overflows, the loss is one more hint. While a table is read
//! further hints gather, so a storm of changes costs one reading after the other and nothing more.

#![expect(
    clippy::disallowed_methods,
    reason = "the one place of this crate that spawns"
)]

use std::sync::Arc;
use std::time::Duration;

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::proto::Connection;
use tokio::sync::watch;

use crate::Link;
use crate::hints::Hints;
use crate::links::Reader;

/// Between readings as long as they fail.
const RETRY: Duration = Duration::from_secs(1);

/// Serves a netlink socket until its last handle is gone.
pub(crate) fn connect(connection: Connection<RouteNetlinkMessage>) {
    tokio::spawn(connection);
}

/// Publishes the links whenever they change, until nobody is left to read them.
pub(crate) fn start(hints: Hints, reader: Reader, publisher: watch::Sender<Arc<Vec<Link>>>) {
    tokio::spawn(follow(hints, reader, publisher));
}

async fn follow(mut hints: Hints, reader: Reader, publisher: watch::Sender<Arc<Vec<Link>>>) {
    let mut failed = false;
    loop {
        tokio::select! {
            () = publisher.closed() => return,
            hint = hints.next() => if let Err(error) = hint {
                tracing::error!(%error, "the kernel's news about links cannot be read any more");
                return;
            },
            () = tokio::time::sleep(RETRY), if failed => {}
        }
        match reader.read().await {
            Ok(links) => {
                failed = false;
                publish(&publisher, links);
            }
            Err(error) => {
                failed = true;
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the links could not be read; trying again in a second");
            }
        }
    }
}

fn publish(publisher: &watch::Sender<Arc<Vec<Link>>>, links: Vec<Link>) {
    publisher.send_if_modified(|current| {
        let changed = current.len() != links.len()
            || current
                .iter()
                .zip(&links)
                .any(|(before, after)| before.differs(after));
        if changed {
            *current = Arc::new(links);
        }
        changed
    });
}
