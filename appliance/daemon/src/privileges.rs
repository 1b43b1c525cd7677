//! Giving up every privilege the engine does not need, before it reads anything from anybody.

use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};
use nix::errno::Errno;
use nix::sys::prctl;
use thiserror::Error;

/// Network administration for attaching and netlink, BPF for maps and programs, PERFMON because the verifier asks
/// for it where programs compare pointers of packets.
pub const ENGINE: &[Capability] = &[
    Capability::CAP_NET_ADMIN,
    Capability::CAP_BPF,
    Capability::CAP_PERFMON,
];

/// Why privileges could not be given up.
#[derive(Debug, Error)]
pub enum PrivilegeError {
    /// Capabilities could not be read or set.
    #[error("{action} capabilities")]
    Capabilities {
        /// What was to be done with them.
        action: &'static str,
        /// Why not.
        #[source]
        source: CapsError,
    },
    /// The kernel did not take the promise.
    #[error("forbid new privileges")]
    NoNewPrivileges(#[source] Errno),
}

/// Has the kernel time program runs (kernel/bpf/syscall.c, `bpf_enable_stats`).
#[cfg(feature = "kernel")]
pub const RUN_TIME_HELPER: &[Capability] = &[Capability::CAP_SYS_ADMIN];

/// Keeps these capabilities, as far as the process has them, and no way to others. Acts on the calling thread and
/// those it starts: to be called while there is only one.
pub fn drop_all_but(needed: &[Capability]) -> Result<(), PrivilegeError> {
    let process = std::process::id();
    let permitted = read(CapSet::Permitted)?;
    let kept: CapsHashSet = needed
        .iter()
        .copied()
        .filter(|kept| permitted.contains(kept))
        .collect();
    if permitted.contains(&Capability::CAP_SETPCAP) {
        // What a program this one might run could get at most.
        for capability in read(CapSet::Bounding)?.difference(&kept) {
            caps::drop(None, CapSet::Bounding, *capability).map_err(failed("bound"))?;
        }
    }
    caps::clear(None, CapSet::Ambient).map_err(failed("clear ambient"))?;
    caps::clear(None, CapSet::Inheritable).map_err(failed("clear inheritable"))?;
    caps::set(None, CapSet::Effective, &kept).map_err(failed("set effective"))?;
    caps::set(None, CapSet::Permitted, &kept).map_err(failed("set permitted"))?;
    prctl::set_no_new_privs().map_err(PrivilegeError::NoNewPrivileges)?;
    let mut names: Vec<String> = kept.iter().map(ToString::to_string).collect();
    names.sort();
    tracing::info!(
        process,
        capabilities = names.join(", "),
        "gave up every other privilege"
    );
    Ok(())
}

fn read(set: CapSet) -> Result<CapsHashSet, PrivilegeError> {
    caps::read(None, set).map_err(failed("read"))
}

fn failed(action: &'static str) -> impl FnOnce(CapsError) -> PrivilegeError {
    move |source| PrivilegeError::Capabilities { action, source }
}
