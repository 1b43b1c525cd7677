//! Hardware addresses of neighbours, to tell news of them from mere signs of life.

use std::collections::HashMap;
use std::io;

use super::Hint;
use crate::blocking::BlockingSocket;
use crate::netlink::{Answer, DUMP, Messages, array, attributes, whole_answers};

// include/uapi/linux/neighbour.h
const RTM_NEWNEIGH: u16 = 28;
const RTM_DELNEIGH: u16 = 29;
const RTM_GETNEIGH: u16 = 30;
/// `struct ndmsg`.
const NEIGHBOUR_HEADER: usize = 12;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NUD_INCOMPLETE: u16 = 0x01;
const NUD_FAILED: u16 = 0x20;

/// More are not remembered: each word of one that is not is taken for a change.
const LIMIT: usize = 1 << 16;

/// The kernel's longest (MAX_ADDR_LEN).
const HARDWARE_ADDRESS: usize = 32;

/// Kernel index of the interface and address.
type Key = (u32, [u8; 16]);

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Neighbours(HashMap<Key, [u8; HARDWARE_ADDRESS]>);

impl Neighbours {
    /// Reads the kernel's table.
    pub(super) fn read(socket: &mut BlockingSocket) -> io::Result<Self> {
        let mut messages = Messages::default();
        let sequence = socket.next_sequence();
        messages.begin(RTM_GETNEIGH, DUMP, sequence, &[0; NEIGHBOUR_HEADER]);
        messages.end();
        socket.send(messages.bytes())?;
        let mut neighbours = Self::default();
        loop {
            for (of, _, answer) in whole_answers(socket.receive()?) {
                match answer {
                    _ if of != sequence => {}
                    // What changed meanwhile comes as news, too.
                    Answer::Message(kind, body) => drop(neighbours.hear(kind, body)),
                    Answer::End(0) => return Ok(neighbours),
                    Answer::End(error) => return Err(io::Error::from_raw_os_error(error.saturating_neg())),
                }
            }
        }
    }

    /// What a message means; None: it is not about neighbours of IP, or cannot be read.
    pub(super) fn hear(&mut self, kind: u16, body: &[u8]) -> Option<Hint> {
        if !matches!(kind, RTM_NEWNEIGH | RTM_DELNEIGH) {
            return None;
        }
        let family = libc::c_int::from(*body.first()?);
        if !matches!(family, libc::AF_INET | libc::AF_INET6) {
            // Where a bridge found an address is the bridge's own affair.
            return Some(Hint::Nothing);
        }
        let index = u32::from_ne_bytes(array(body, 4)?);
        let state = u16::from_ne_bytes(array(body, 8)?);
        let (mut address, mut hardware) = (None, None);
        for (kind, value) in attributes(body.get(NEIGHBOUR_HEADER..)?) {
            match kind {
                NDA_DST => address = padded(value),
                NDA_LLADDR => hardware = padded(value),
                _ => {}
            }
        }
        let key = (index, address?);
        let gone = kind == RTM_DELNEIGH || state & (NUD_FAILED | NUD_INCOMPLETE) != 0;
        Some(match hardware.filter(|_| !gone) {
            Some(_) if self.0.len() >= LIMIT && !self.0.contains_key(&key) => Hint::Changed,
            Some(hardware) => match self.0.insert(key, hardware) {
                None => Hint::NeighbourResolved,
                Some(before) if before == hardware => Hint::Nothing,
                Some(_) => Hint::Changed,
            },
            // It may have been known before it was too many.
            None if self.0.remove(&key).is_some() || self.0.len() >= LIMIT => Hint::Changed,
            None => Hint::Nothing,
        })
    }
}

/// With zeroes behind it; None: it is too long.
fn padded<const BYTES: usize>(value: &[u8]) -> Option<[u8; BYTES]> {
    let mut padded = [0; BYTES];
    padded.get_mut(..value.len())?.copy_from_slice(value);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACHABLE: u16 = 0x02;
    const STALE: u16 = 0x04;

    fn message(family: libc::c_int, index: u32, state: u16, address: &[u8], hardware: Option<u8>) -> Vec<u8> {
        let mut messages = Messages::default();
        let mut header = [0; NEIGHBOUR_HEADER];
        header[0] = u8::try_from(family).expect("small");
        header[4..8].copy_from_slice(&index.to_ne_bytes());
        header[8..10].copy_from_slice(&state.to_ne_bytes());
        messages.begin(0, 0, 0, &header);
        messages.put(NDA_DST, address);
        if let Some(last) = hardware {
            messages.put(NDA_LLADDR, &[2, 0, 0, 0, 0, last]);
        }
        messages.end();
        messages.bytes()[16..].to_vec()
    }

    #[test]
    fn signs_of_life_are_no_news_but_addresses_are() {
        let mut neighbours = Neighbours::default();
        let v6 = [0x20; 16];
        for (family, address) in [(libc::AF_INET, &[192, 0, 2, 1][..]), (libc::AF_INET6, &v6)] {
            for (kind, index, state, hardware, expected) in [
                (RTM_NEWNEIGH, 3, NUD_INCOMPLETE, None, Hint::Nothing),
                (RTM_NEWNEIGH, 3, REACHABLE, Some(1), Hint::NeighbourResolved),
                (RTM_NEWNEIGH, 3, STALE, Some(1), Hint::Nothing),
                (RTM_NEWNEIGH, 4, STALE, Some(9), Hint::NeighbourResolved),
                (RTM_NEWNEIGH, 3, REACHABLE, Some(2), Hint::Changed),
                (RTM_NEWNEIGH, 3, NUD_FAILED, Some(2), Hint::Changed),
                (RTM_NEWNEIGH, 3, NUD_FAILED, None, Hint::Nothing),
                (RTM_NEWNEIGH, 3, REACHABLE, Some(2), Hint::NeighbourResolved),
                (RTM_DELNEIGH, 3, STALE, Some(2), Hint::Changed),
                (RTM_DELNEIGH, 3, STALE, Some(2), Hint::Nothing),
            ] {
                let body = message(family, index, state, address, hardware);
                assert_eq!(
                    neighbours.hear(kind, &body),
                    Some(expected),
                    "{kind} {state} {hardware:?}"
                );
            }
        }
        let bridge = message(libc::AF_BRIDGE, 3, REACHABLE, &[1], Some(1));
        assert_eq!(neighbours.hear(RTM_NEWNEIGH, &bridge), Some(Hint::Nothing));
        assert_eq!(neighbours.hear(16, &bridge), None, "a link");
    }

    #[test]
    fn what_is_cut_off_is_not_read() {
        let body = message(libc::AF_INET, 3, REACHABLE, &[192, 0, 2, 1], Some(1));
        for length in 0..NEIGHBOUR_HEADER + 8 {
            assert_eq!(Neighbours::default().hear(RTM_NEWNEIGH, &body[..length]), None);
        }
    }

    #[test]
    fn those_beyond_the_limit_are_always_a_change() {
        let mut neighbours = Neighbours::default();
        let hear = |neighbours: &mut Neighbours, number: usize| {
            let address = u32::try_from(number).expect("small").to_be_bytes();
            neighbours.hear(RTM_NEWNEIGH, &message(libc::AF_INET, 1, STALE, &address, Some(1)))
        };
        for number in 0..LIMIT {
            assert_eq!(hear(&mut neighbours, number), Some(Hint::NeighbourResolved));
        }
        assert_eq!(hear(&mut neighbours, LIMIT), Some(Hint::Changed));
        assert_eq!(hear(&mut neighbours, LIMIT), Some(Hint::Changed));
        assert_eq!(hear(&mut neighbours, 0), Some(Hint::Nothing));
        assert_eq!(neighbours.0.len(), LIMIT);
    }
}
