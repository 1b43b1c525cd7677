//! Who is at the other end of a Unix socket.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use axum::http::{Extensions, HeaderMap, HeaderName};
use ravelin_control::CallerConnection;
use tokio::net::UnixStream;

/// Set by the gateway, which is the only client of its socket.
const X_RAVELIN_PEER: HeaderName = HeaderName::from_static("x-ravelin-peer");
/// Address and port of this machine the client called; set by the gateway, too.
const X_RAVELIN_LOCAL: HeaderName = HeaderName::from_static("x-ravelin-local");
/// Port of a client nobody told the port of: the first the IANA keeps for clients (RFC 6335).
const CLIENT_PORT: u16 = 49152;
/// Most supplementary groups of a process (NGROUPS_MAX).
const MAX_GROUPS: usize = 65536;

/// What the credentials of a peer are worth on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketTrust {
    /// Root, our own user and members of the group need no token.
    Peers {
        /// The group, if the machine has it.
        group: Option<u32>,
    },
    /// Everyone needs a token; `X-Ravelin-Peer` is believed, since only the gateway can open the socket.
    TokensOnly,
}

/// The other end of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connection {
    uid: Option<u32>,
    /// Needs no token.
    trusted: bool,
    /// Speaks for someone else.
    relays: bool,
}

impl Connection {
    pub(crate) fn new(stream: &UnixStream, trust: &SocketTrust) -> Self {
        let credentials = match stream.peer_cred() {
            Ok(credentials) => credentials,
            Err(error) => {
                tracing::warn!(%error, "a peer has no credentials");
                return Self::default();
            }
        };
        let (uid, gid) = (credentials.uid(), credentials.gid());
        let trusted = match trust {
            SocketTrust::TokensOnly => false,
            SocketTrust::Peers { group } => {
                uid == 0
                    || uid == own_uid()
                    || group
                        .is_some_and(|group| gid == group || supplementary_groups(stream).contains(&group))
            }
        };
        Self {
            uid: Some(uid),
            trusted,
            relays: *trust == SocketTrust::TokensOnly,
        }
    }

    /// The connection a request came over; nobody in particular where there is none.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// The principal of a peer that needs no token.
    pub(crate) fn trusted_name(&self) -> Option<String> {
        self.uid.filter(|_| self.trusted).map(|uid| format!("uid:{uid}"))
    }

    /// Where a request comes from, for the audit trail.
    pub(crate) fn origin(&self, headers: &HeaderMap) -> String {
        match self.relayed(headers) {
            Some(address) => address.to_string(),
            None => "unix".to_owned(),
        }
    }

    /// Whose wrong credentials count together. IPv6 by /64: whoever has one address there has them all.
    pub(crate) fn throttle_key(&self, headers: &HeaderMap) -> String {
        match (self.relayed(headers), self.uid) {
            (Some(IpAddr::V4(address)), _) => address.to_string(),
            (Some(IpAddr::V6(address)), _) => format!("{:x}/64", u128::from(address) >> 64),
            (None, Some(uid)) => format!("uid:{uid}"),
            (None, None) => "unknown".to_owned(),
        }
    }

    /// The connection somebody made from elsewhere, which a change to the policy could cut; None for those of this
    /// machine.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Option<CallerConnection> {
        let peer = self.relayed(headers)?;
        let local: SocketAddr = headers.get(X_RAVELIN_LOCAL)?.to_str().ok()?.parse().ok()?;
        Some(CallerConnection {
            peer: SocketAddr::new(peer, CLIENT_PORT),
            local_address: Some(local.ip().to_canonical()),
            local_port: local.port(),
        })
    }

    fn relayed(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let header = headers.get(X_RAVELIN_PEER).filter(|_| self.relays)?;
        let address: IpAddr = header.to_str().ok()?.parse().ok()?;
        Some(address.to_canonical())
    }
}

/// Number of a group of this machine by `/etc/group`; other sources of names are not asked.
pub fn group_id(name: &str) -> io::Result<Option<u32>> {
    Ok(find_group(&fs::read_to_string("/etc/group")?, name))
}

fn find_group(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

fn own_uid() -> u32 {
    // SAFETY: geteuid reads a number of this process and cannot fail.
    unsafe { libc::geteuid() }
}

/// Groups the peer's process had when it connected, beside its primary one: unlike the group database this cannot
/// have changed since. Empty if the kernel does not say.
fn supplementary_groups(stream: &UnixStream) -> Vec<libc::gid_t> {
    let mut groups: Vec<libc::gid_t> = vec![0; MAX_GROUPS];
    let mut bytes = libc::socklen_t::try_from(size_of_val(groups.as_slice())).unwrap_or(0);
    // SAFETY: the buffer is writable for `bytes` bytes and both pointers live through the call.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    let count = if result == 0 {
        bytes as usize / size_of::<libc::gid_t>()
    } else {
        0
    };
    groups.truncate(count);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let groups = "root:x:0:\nravelin-gateway:x:995:\nravelin:x:996:alice,bob\nbroken\nodd:x:many:\n";
        assert_eq!(find_group(groups, "ravelin"), Some(996));
        assert_eq!(find_group(groups, "rave"), None);
        assert_eq!(find_group(groups, "broken"), None);
        assert_eq!(find_group(groups, "odd"), None);
    }

    #[test]
    fn only_the_gateway_speaks_for_others() {
        let mut headers = HeaderMap::new();
        headers.insert(X_RAVELIN_PEER, "2001:db8:1:2:3::4".parse().expect("header"));
        let gateway = Connection {
            uid: Some(990),
            relays: true,
            ..Connection::default()
        };
        assert_eq!(gateway.origin(&headers), "2001:db8:1:2:3::4");
        assert_eq!(gateway.throttle_key(&headers), "20010db800010002/64");
        let local = Connection {
            uid: Some(1000),
            ..Connection::default()
        };
        assert_eq!(local.origin(&headers), "unix");
        assert_eq!(local.throttle_key(&headers), "uid:1000");
    }

    #[tokio::test]
    async fn supplementary_groups_come_from_the_kernel() {
        let (ours, _theirs) = UnixStream::pair().expect("socket pair");
        let status = fs::read_to_string("/proc/self/status").expect("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("Groups:"))
            .expect("groups");
        let expected: Vec<u32> = line
            .split_whitespace()
            .map(|id| id.parse().expect("id"))
            .collect();
        assert_eq!(supplementary_groups(&ours), expected);
    }
}
