//! Destination translations in order -> rows without overlaps, in which the first entry that matches has won.

use std::collections::{BTreeMap, btree_map::Entry};
use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_abi::{rv_dnat4, rv_dnat6};
use ravelin_model::AddressRange;

use super::boxes::halves;
use crate::DnatEntry;

/// The rows of both families, sorted as the programs search them.
pub(super) fn rows(entries: &[DnatEntry]) -> (Vec<rv_dnat4>, Vec<rv_dnat6>) {
    let mut rows = Vec::new();
    networks(entries, &mut rows);
    single_addresses(entries, &mut rows);
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for row in rows {
        match (row.address, row.target) {
            (IpAddr::V4(address), IpAddr::V4(target)) => v4.push(rv_dnat4 {
                address: address.into(),
                target: target.into(),
                port: row.port,
                target_port: row.target_port,
                zone: row.zone,
                protocol: row.protocol,
            }),
            (IpAddr::V6(address), IpAddr::V6(target)) => v6.push(rv_dnat6 {
                address: halves(address.into()),
                target: halves(target.into()),
                port: row.port,
                target_port: row.target_port,
                zone: row.zone,
                protocol: row.protocol,
                pad: [0; 3],
            }),
            _ => unreachable!("what is translated is of the family of its target"),
        }
    }
    v4.sort_unstable_by_key(|row| (row.zone, row.protocol, row.address, row.port[0]));
    v6.sort_unstable_by_key(|row| (row.zone, row.protocol, row.address, row.port[0]));
    (v4, v6)
}

struct Row {
    zone: u8,
    protocol: u8,
    address: IpAddr,
    port: [u16; 2],
    target: IpAddr,
    target_port: u16,
}

/// Rows of protocol 0: of each network what those before it left over.
fn networks(entries: &[DnatEntry], rows: &mut Vec<Row>) {
    let mut taken: BTreeMap<(u8, bool), Taken> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.protocol.is_none()) {
        let zone = entry.from.get();
        let is_v4 = entry.network.addr().is_ipv4();
        let [first, last] = [entry.network.network(), entry.network.broadcast()].map(number);
        for (first, last) in taken.entry((zone, is_v4)).or_default().take(first, last) {
            let range = AddressRange::new(address(first, is_v4), address(last, is_v4));
            for prefix in range.expect("what is left of a range is one").prefixes() {
                rows.push(network_row(entry, prefix));
            }
        }
    }
}

fn network_row(entry: &DnatEntry, prefix: IpNet) -> Row {
    Row {
        zone: entry.from.get(),
        protocol: 0,
        address: prefix.network(),
        port: [prefix.prefix_len().into(), 0],
        target: target_of(entry, prefix.network()),
        target_port: 0,
    }
}

/// Rows of single addresses and protocols: every port that the first entries in order have, and if a network has the
/// address, all the others for it. Protocol 0 has no rows of its own: no program translates it.
fn single_addresses(entries: &[DnatEntry], rows: &mut Vec<Row>) {
    let mut taken: BTreeMap<(u8, u8, IpAddr), Option<Taken>> = BTreeMap::new();
    // Networks so far, to end what comes behind them.
    let mut networks: Vec<&DnatEntry> = Vec::new();
    for entry in entries {
        let zone = entry.from.get();
        match entry.protocol {
            None => {
                networks.push(entry);
                for ((_, protocol, address), ports) in taken
                    .range_mut((zone, 0, FIRST_ADDRESS)..)
                    .take_while(|((of, ..), _)| *of == zone)
                    .filter(|((.., address), _)| entry.network.contains(address))
                {
                    for ports in ports
                        .take()
                        .into_iter()
                        .flat_map(|mut ports| ports.take(0, u16::MAX.into()))
                    {
                        rows.push(Row {
                            zone,
                            protocol: *protocol,
                            address: *address,
                            port: port_range(ports),
                            target: target_of(entry, *address),
                            target_port: 0,
                        });
                    }
                }
            }
            Some(0) => {}
            Some(protocol) => {
                let address = entry.network.addr();
                let ports = match taken.entry((zone, protocol, address)) {
                    Entry::Occupied(ports) => ports.into_mut(),
                    Entry::Vacant(ports) => {
                        let is_over = networks
                            .iter()
                            .any(|of| of.from == entry.from && of.network.contains(&address));
                        ports.insert((!is_over).then(Taken::default))
                    }
                };
                let (first, last) = (entry.ports.first(), entry.ports.last());
                let free = ports
                    .iter_mut()
                    .flat_map(|ports| ports.take(first.into(), last.into()));
                rows.extend(free.map(|ports| {
                    let port = port_range(ports);
                    let target_port = entry
                        .target_port
                        .map_or(0, |target| target.wrapping_add(port[0] - first));
                    Row {
                        zone,
                        protocol,
                        address,
                        port,
                        target: entry.target,
                        target_port,
                    }
                }));
            }
        }
    }
}

const FIRST_ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

fn port_range((first, last): (u128, u128)) -> [u16; 2] {
    [first, last].map(|port| u16::try_from(port).expect("part of a range of ports"))
}

/// Where an address of the entry's network goes.
fn target_of(entry: &DnatEntry, at: IpAddr) -> IpAddr {
    let distance = number(at) - number(entry.network.network());
    address(number(entry.target).wrapping_add(distance), at.is_ipv4())
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "wraps as addresses of the family do"
)]
fn address(number: u128, is_v4: bool) -> IpAddr {
    if is_v4 {
        IpAddr::V4((number as u32).into())
    } else {
        IpAddr::V6(number.into())
    }
}

/// Numbers that are given away: disjoint ranges, the last by the first.
#[derive(Debug, Default)]
struct Taken(BTreeMap<u128, u128>);

impl Taken {
    /// Takes what is free of a range.
    fn take(&mut self, first: u128, last: u128) -> Vec<(u128, u128)> {
        let mut free = Vec::new();
        let mut next = Some(first);
        let before = self.0.range(..first).next_back();
        for (start, end) in before.into_iter().chain(self.0.range(first..=last)) {
            if let Some(from) = next.filter(|from| from < start) {
                free.push((from, start - 1));
            }
            // None: up to the last number of all.
            next = next
                .zip(end.checked_add(1))
                .map(|(next, behind)| next.max(behind));
        }
        if let Some(from) = next.filter(|from| *from <= last) {
            free.push((from, last));
        }
        self.0.extend(free.iter().copied());
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_not_free() {
        let mut taken = Taken::default();
        assert_eq!(taken.take(10, 20), [(10, 20)]);
        assert_eq!(taken.take(15, 30), [(21, 30)]);
        assert_eq!(taken.take(0, 40), [(0, 9), (31, 40)]);
        assert_eq!(taken.take(5, 25), []);
        assert_eq!(taken.take(u128::MAX, u128::MAX), [(u128::MAX, u128::MAX)]);
        assert_eq!(taken.take(39, u128::MAX), [(41, u128::MAX - 1)]);
    }
}
