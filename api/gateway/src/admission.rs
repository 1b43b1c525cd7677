//! Who may connect: bounds the connections at once, in all and from one peer.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use crate::config::Limits;

/// Why a connection is closed as soon as it was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// `limits.connections`.
    #[error("too many connections")]
    Full,
    /// `limits.connections_per_peer`.
    #[error("too many connections from this peer")]
    PeerFull,
}

#[derive(Debug, Default)]
struct Counts {
    all: u32,
    by_peer: HashMap<IpAddr, u32>,
}

/// Counts the connections that are open.
#[derive(Debug)]
pub struct Admission {
    connections: u32,
    connections_per_peer: u32,
    counts: Arc<Mutex<Counts>>,
}

/// Counts as an open connection while it lives.
#[derive(Debug)]
pub struct Permit {
    peer: IpAddr,
    counts: Arc<Mutex<Counts>>,
}

impl Admission {
    /// With no connection open.
    pub fn new(limits: &Limits) -> Self {
        Self {
            connections: limits.connections,
            connections_per_peer: limits.connections_per_peer,
            counts: Arc::default(),
        }
    }

    /// Counts a connection from `address`, if there is room.
    pub fn admit(&self, address: IpAddr) -> Result<Permit, Refusal> {
        let peer = peer_key(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= self.connections {
            return Err(Refusal::Full);
        }
        let from_peer = counts.by_peer.get(&peer).copied().unwrap_or(0);
        if from_peer >= self.connections_per_peer {
            return Err(Refusal::PeerFull);
        }
        counts.all += 1;
        counts.by_peer.insert(peer, from_peer + 1);
        Ok(Permit {
            peer,
            counts: Arc::clone(&self.counts),
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        let left = counts.by_peer.get(&self.peer).map_or(0, |count| count - 1);
        if left == 0 {
            counts.by_peer.remove(&self.peer);
        } else {
            counts.by_peer.insert(self.peer, left);
        }
    }
}

/// What counts as one peer: an IPv4 address, mapped or not, or the /64 an IPv6 host chooses its addresses from.
fn peer_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connects from each address, keeping all connections open.
    #[track_caller]
    fn check(connections: u32, connections_per_peer: u32, steps: &[(&str, Result<(), Refusal>)]) {
        let admission = Admission::new(&Limits {
            connections,
            connections_per_peer,
            ..Limits::default()
        });
        let mut open = Vec::new();
        for (address, expected) in steps {
            let got = admission.admit(address.parse().unwrap());
            assert_eq!(got.as_ref().map(|_| ()).map_err(|r| *r), *expected, "{address}");
            open.extend(got);
        }
        drop(open);
        let counts = admission.counts.lock().unwrap();
        assert_eq!((counts.all, counts.by_peer.len()), (0, 0));
    }

    #[test]
    fn one_peer_cannot_take_all() {
        let steps = [
            ("192.0.2.1", Ok(())),
            ("192.0.2.1", Ok(())),
            ("192.0.2.1", Err(Refusal::PeerFull)),
            ("::ffff:192.0.2.1", Err(Refusal::PeerFull)),
            ("192.0.2.2", Ok(())),
        ];
        check(9, 2, &steps);
    }

    #[test]
    fn the_addresses_of_one_ipv6_link_are_one_peer() {
        let steps = [
            ("2001:db8::1", Ok(())),
            ("2001:db8::ffff:1", Err(Refusal::PeerFull)),
            ("2001:db8:0:1::1", Ok(())),
        ];
        check(9, 1, &steps);
    }

    #[test]
    fn all_together_are_bounded() {
        let steps = [
            ("192.0.2.1", Ok(())),
            ("192.0.2.2", Ok(())),
            ("192.0.2.3", Err(Refusal::Full)),
        ];
        check(2, 2, &steps);
    }

    #[test]
    fn a_closed_connection_makes_room() {
        let admission = Admission::new(&Limits {
            connections: 1,
            ..Limits::default()
        });
        let address = "192.0.2.1".parse().unwrap();
        drop(admission.admit(address).unwrap());
        admission.admit(address).unwrap();
    }
}
