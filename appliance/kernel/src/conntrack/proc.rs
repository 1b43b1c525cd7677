//! The second source of connections, by field name, where ctnetlink has no events.

use std::path::Path;

use ravelin_model::Connection;

use crate::KernelError;

/// Reads a file like /proc/net/nf_conntrack. It does not tell a connection's number (0), nor whether it has a helper or
/// a master; times are to the second.
pub fn read_proc_connections(path: &Path, each: &mut dyn FnMut(Connection)) -> Result<(), KernelError> {
    let _ = each;
    Err(KernelError::ReadConnections {
        path: path.to_owned(),
        source: super::unsupported(),
    })
}
