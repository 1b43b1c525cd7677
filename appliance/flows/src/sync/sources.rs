//! Where the thread hears what happens.

use std::path::Path;
use std::time::Duration;

use ravelin_datapath::CachedFlow;
use ravelin_kernel::{
    ConnectionKey, ConnectionUpdate, Conntrack, ConntrackEventMode, ConntrackEvents, ConntrackSettings,
    KernelError, PathHints, read_proc_connections,
};
use ravelin_model::chain;

/// Sockets to the kernel.
#[derive(Debug)]
pub(super) struct Sources {
    /// To ask with.
    pub(super) questions: Conntrack,
    /// To change connections with; news of these changes are not told.
    pub(super) changes: Conntrack,
    pub(super) events: ConntrackEvents,
    pub(super) hints: PathHints,
    pub(super) settings: ConntrackSettings,
}

impl Sources {
    /// From now on nothing is missed unseen; or a sentence.
    pub(super) fn open(event_buffer_bytes: usize) -> Result<Self, String> {
        let told = |error: KernelError| chain(&error);
        let settings = ConntrackSettings::enable().or_else(|error| {
            tracing::warn!(error = chain(&error), "conntrack stays set as it is");
            ConntrackSettings::read()
        });
        let settings = settings.map_err(told)?;
        if settings.events == ConntrackEventMode::Off {
            return Err("conntrack tells no news of connections (nf_conntrack_events)".to_owned());
        }
        let changes = Conntrack::open().map_err(told)?;
        let mut events = ConntrackEvents::open(event_buffer_bytes).map_err(told)?;
        events.leave_out(&changes).map_err(told)?;
        Ok(Self {
            questions: Conntrack::open().map_err(told)?,
            changes,
            events,
            hints: PathHints::open().map_err(told)?,
            settings,
        })
    }
}

/// Has conntrack accept packets of TCP outside of the windows, as it does not see what XDP forwards.
pub(super) fn let_be(changes: &mut Conntrack, flows: &[CachedFlow]) -> Result<(), KernelError> {
    let liberal = |flow: &CachedFlow| ConnectionUpdate {
        key: ConnectionKey {
            original: flow.original,
            zone: 0,
            id: None,
        },
        timeout_seconds: None,
        mark: None,
        liberal: true,
    };
    let updates: Vec<ConnectionUpdate> = flows.iter().map(liberal).collect();
    changes.update(&updates).map(drop)
}

/// The second source, where conntrack tells no news: only how many connections there are, and how long it took to
/// read. It tells neither helpers nor ends, so XDP may forward none of them.
pub(super) fn count_connections() -> Result<(u64, Duration), KernelError> {
    let begin = std::time::Instant::now();
    let mut count = 0;
    read_proc_connections(Path::new("/proc/thread-self/net/nf_conntrack"), &mut |_| {
        count += 1
    })?;
    Ok((count, begin.elapsed()))
}
