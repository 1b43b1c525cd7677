//! The two Unix sockets: one for this machine's administrators, one for the gateway.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::unistd::User;
use ravelin_api_server::{SocketTrust, group_id};
use thiserror::Error;

/// Why a socket cannot be listened on.
#[derive(Debug, Error)]
pub enum SocketError {
    /// Somebody answers there.
    #[error("another process listens on {}", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is no socket has its name.
    #[error("{} is there and is not a socket", path.display())]
    NotASocket {
        /// The file.
        path: PathBuf,
    },
    /// The old socket cannot be looked at or removed.
    #[error("remove the old socket {}", path.display())]
    Remove {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The socket cannot be made.
    #[error("listen on {}", path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its owner, group or mode cannot be set.
    #[error("hand over the socket {}", path.display())]
    HandOver {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A socket that is listened on, and what its peers are worth.
#[derive(Debug)]
pub struct Socket {
    /// For the log.
    pub path: PathBuf,
    /// Nonblocking.
    pub listener: UnixListener,
    /// What its peers are worth.
    pub trust: SocketTrust,
}

/// `raveld.sock`: mode 0660, of the group if this machine has it.
pub fn administrators(run_dir: &Path, group: &str) -> Result<Socket, SocketError> {
    let group_id = group_id(group).unwrap_or_else(|error| {
        tracing::warn!(group, %error, "the groups of this machine cannot be read");
        None
    });
    if group_id.is_none() {
        tracing::info!(
            group,
            "no such group: on raveld.sock only root and this user need no token"
        );
    }
    let path = run_dir.join("raveld.sock");
    let listener = listen(&path, None, group_id, 0o660)?;
    Ok(Socket {
        path,
        listener,
        trust: SocketTrust::Peers { group: group_id },
    })
}

/// `gateway.sock`: mode 0600, of the gateway's user; None if this machine does not have it.
pub fn gateway(run_dir: &Path, user: &str) -> Result<Option<Socket>, SocketError> {
    let owner = match User::from_name(user) {
        Ok(Some(owner)) => owner,
        Ok(None) => {
            tracing::warn!(
                user,
                "no such user: gateway.sock is not served, so there is no HTTPS"
            );
            return Ok(None);
        }
        Err(error) => {
            tracing::warn!(user, %error, "the users of this machine cannot be read: gateway.sock is not served");
            return Ok(None);
        }
    };
    let path = run_dir.join("gateway.sock");
    let listener = match listen(&path, Some(owner.uid.as_raw()), None, 0o600) {
        Err(SocketError::HandOver { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
            tracing::warn!(
                user,
                "gateway.sock cannot be given to this user without root: it is not served"
            );
            return Ok(None);
        }
        other => other?,
    };
    Ok(Some(Socket {
        path,
        listener,
        trust: SocketTrust::TokensOnly,
    }))
}

fn listen(
    path: &Path,
    owner: Option<u32>,
    group: Option<u32>,
    mode: u32,
) -> Result<UnixListener, SocketError> {
    remove_stale(path)?;
    let listener = UnixListener::bind(path)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|source| SocketError::Listen {
            path: path.to_owned(),
            source,
        })?;
    // In this order, as the mode of somebody else's file is not ours to set without CAP_FOWNER.
    let handed_over =
        fs::set_permissions(path, Permissions::from_mode(mode)).and_then(|()| chown(path, owner, group));
    if let Err(source) = handed_over {
        drop(listener);
        // Nobody is to wait for an answer there. That it may stay behind is the lesser trouble.
        drop(fs::remove_file(path));
        return Err(SocketError::HandOver {
            path: path.to_owned(),
            source,
        });
    }
    Ok(listener)
}

/// Removes a socket nobody listens on any more.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let failed = |source| SocketError::Remove {
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(SocketError::NotASocket {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(SocketError::InUse {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_nobody_listens_on_is_replaced_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("raveld.sock");
        let first = listen(&path, None, None, 0o660).expect("first");
        let mode = fs::metadata(&path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode, 0o660);
        let second = listen(&path, None, None, 0o660).expect_err("in use");
        assert!(matches!(second, SocketError::InUse { .. }), "{second}");
        drop(first);
        assert!(path.exists(), "as a killed process leaves it");
        listen(&path, None, None, 0o660).expect("replaced");
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().expect("directory");
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "precious").expect("file");
        std::os::unix::fs::symlink(&file, &link).expect("link");
        for path in [&file, &link] {
            let refused = listen(path, None, None, 0o600).expect_err("no socket");
            assert!(matches!(refused, SocketError::NotASocket { .. }), "{refused}");
        }
        assert_eq!(fs::read_to_string(&file).expect("file"), "precious");
    }

    #[test]
    fn without_its_user_the_gateway_has_no_socket() {
        let directory = tempfile::tempdir().expect("directory");
        let socket = gateway(directory.path(), "no-such-user").expect("no error");
        assert!(socket.is_none() && !directory.path().join("gateway.sock").exists());
    }
}
