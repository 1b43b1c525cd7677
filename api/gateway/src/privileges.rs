//! Gives up every privilege the service manager left.

use std::io;

use rustix::process::{DumpableBehavior, getuid, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};
use tracing::warn;

use crate::error::GatewayError;

/// Drops all capabilities, forbids getting new ones through `execve` (`no_new_privs`), and forbids core dumps and
/// ptrace by the same user, since the memory holds the TLS key. Capabilities belong to a thread (capabilities(7)):
/// call this before any other thread exists.
pub fn drop_all() -> Result<(), GatewayError> {
    if getuid().is_root() {
        warn!("running as uid 0: files of root stay readable; run the gateway as a user of its own");
    }
    give_up().map_err(GatewayError::DropPrivileges)
}

fn give_up() -> io::Result<()> {
    let held = capabilities(None)?;
    // Only CAP_SETPCAP may shrink the bounding set; without it no_new_privs has the same effect.
    if held.effective.contains(CapabilitySet::SETPCAP) {
        for capability in CapabilitySet::all().iter() {
            match remove_capability_from_bounding_set(capability) {
                // A capability this kernel does not know.
                Ok(()) | Err(rustix::io::Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )?;
    set_no_new_privs(true)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}
