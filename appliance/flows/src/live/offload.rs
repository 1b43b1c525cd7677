//! What forwards a connection, and why nothing faster does.

use ravelin_datapath::{CachedState, Path, PathRefusal};
use ravelin_model::{Connection, ConnectionStatus, FlowSettings, Offload, SyncState};

use crate::sync::{Locals, eligible};

/// What keeps XDP from forwarding anything; None: nothing does.
pub(super) fn hindrance(settings: &FlowSettings, state: &SyncState, has_cache: bool) -> Option<String> {
    if !has_cache {
        Some("this data plane has no flow cache".to_owned())
    } else if settings.sync.is_none() {
        Some("conntrack_sync is off".to_owned())
    } else if !settings.offload {
        Some("flow_offload is off".to_owned())
    } else {
        match state {
            SyncState::Synced => None,
            SyncState::Off | SyncState::Seeding | SyncState::Resyncing => {
                Some("the connections are being read".to_owned())
            }
            SyncState::Unavailable(why) => Some(format!("the connections cannot be followed: {why}")),
        }
    }
}

/// What forwards a connection.
pub(super) fn offload(connection: &Connection, cached: Option<&CachedState>, hindered: bool) -> Offload {
    let status = connection.status;
    let forwarded = |state: &CachedState| {
        state
            .directions
            .iter()
            .any(|direction| is_forwarded(&direction.path))
    };
    if status.has(ConnectionStatus::HARDWARE) {
        Offload::Hardware
    } else if status.has(ConnectionStatus::OFFLOADED) {
        Offload::Flowtable
    } else if !hindered && cached.is_some_and(forwarded) {
        Offload::Xdp
    } else {
        Offload::None
    }
}

/// Why nothing faster than the kernel forwards a connection, or not in both directions; None: something does.
pub(super) fn reason(
    connection: &Connection,
    cached: Option<&CachedState>,
    hindrance: Option<&str>,
    locals: &Locals,
) -> Option<String> {
    if connection
        .status
        .has(ConnectionStatus::HARDWARE | ConnectionStatus::OFFLOADED)
    {
        return None;
    }
    if let Some(hindrance) = hindrance {
        return Some(hindrance.to_owned());
    }
    let Some(cached) = cached else {
        return Some(not_cached(connection, locals).to_owned());
    };
    let paths = cached.directions.map(|direction| direction.path);
    let why = why_slow(*paths.iter().find(|path| !is_forwarded(path))?);
    Some(match paths.map(|path| is_forwarded(&path)) {
        [true, _] => format!("of the replies: {why}"),
        [_, true] => format!("of who began it: {why}"),
        _ => why.to_owned(),
    })
}

fn is_forwarded(path: &Path) -> bool {
    matches!(path, Path::Forwarded { .. })
}

fn why_slow(path: Path) -> &'static str {
    match path {
        Path::Forwarded { .. } => "",
        Path::Unknown => "no packet was seen since the ways were last learned",
        Path::Ended => "it is ending, or was silent for long",
        Path::Refused(PathRefusal::NoRoute) => "there is no route of Ethernet",
        Path::Refused(PathRefusal::NoNeighbour) => "the Ethernet address of the next hop is not known",
        Path::Refused(PathRefusal::Asymmetric) => "the way back leaves by another interface",
        Path::Refused(PathRefusal::Local) => "it goes to this box",
        Path::Refused(PathRefusal::Port) => "frames cannot be redirected to the output interface",
        Path::Refused(PathRefusal::Checksum) => "its packets come without checksum",
        Path::Refused(PathRefusal::SourceListed) => "ddos_protection lists its source",
    }
}

/// Why a connection that nothing hinders is not in the cache.
fn not_cached(connection: &Connection, locals: &Locals) -> &'static str {
    match eligible(connection, locals) {
        Err(reason) => reason.sentence(),
        Ok(_) => "it is not in the flow cache yet, or that is full",
    }
}
