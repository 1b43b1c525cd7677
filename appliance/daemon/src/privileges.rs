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

/// What a child may be given that the engine starts: nft needs it, and takes it by itself.
pub const ENGINE_CHILDREN: &[Capability] = &[Capability::CAP_NET_ADMIN];

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

/// Keeps these capabilities, as far as the process has them, and no way to others. Programs it starts get none, but
/// can be given those for children. Acts on the calling thread and those it starts: to be called while there is only
/// one.
pub fn drop_all_but(needed: &[Capability], children: &[Capability]) -> Result<(), PrivilegeError> {
    let process = std::process::id();
    let permitted = read(CapSet::Permitted)?;
    let had = |wanted: &[Capability]| -> CapsHashSet {
        let wanted = wanted.iter().copied();
        wanted.filter(|wanted| permitted.contains(wanted)).collect()
    };
    let (kept, inheritable) = (had(needed), had(children));
    if permitted.contains(&Capability::CAP_SETPCAP) {
        // What a program this one might run could get at most.
        for capability in read(CapSet::Bounding)?.difference(&kept) {
            caps::drop(None, CapSet::Bounding, *capability).map_err(failed("bound"))?;
        }
    }
    caps::clear(None, CapSet::Ambient).map_err(failed("clear ambient"))?;
    caps::set(None, CapSet::Inheritable, &inheritable).map_err(failed("set inheritable"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// On a thread of its own: capabilities are a thread's.
    #[test]
    fn only_what_is_named_is_left_and_children_get_nothing_by_themselves() {
        let thread = std::thread::spawn(|| {
            let before = read(CapSet::Permitted).expect("read");
            drop_all_but(ENGINE, ENGINE_CHILDREN).expect("drop");
            // Whoever runs this without privileges has none to keep.
            let had = |wanted: &[Capability]| -> CapsHashSet {
                before
                    .intersection(&wanted.iter().copied().collect())
                    .copied()
                    .collect()
            };
            for (set, expected) in [
                (CapSet::Permitted, had(ENGINE)),
                (CapSet::Effective, had(ENGINE)),
                (CapSet::Inheritable, had(ENGINE_CHILDREN)),
                (CapSet::Ambient, CapsHashSet::new()),
            ] {
                assert_eq!(read(set).expect("read"), expected, "{set:?}");
            }
            assert!(prctl::get_no_new_privs().expect("read"));
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}
