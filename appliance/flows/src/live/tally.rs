//! How many connections there are of which kind.

use ravelin_model::{Offload, protocol};

/// Protocols that are told apart; the others are one.
const PROTOCOLS: [(&str, &[u8]); 4] = [
    ("tcp", &[protocol::TCP]),
    ("udp", &[protocol::UDP]),
    ("icmp", &[protocol::ICMP, protocol::ICMPV6]),
    ("other", &[]),
];

/// Connections by what forwards them and by protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowTally([[u64; PROTOCOLS.len()]; Offload::ALL.len()]);

impl FlowTally {
    pub(super) fn add(&mut self, offload: Offload, number: u8) {
        let row = Offload::ALL.iter().position(|known| *known == offload);
        let column = PROTOCOLS
            .iter()
            .position(|(_, numbers)| numbers.contains(&number));
        let column = column.unwrap_or(PROTOCOLS.len() - 1);
        self.0[row.unwrap_or(0)][column] += 1;
    }

    /// Each kind: what forwards it, its protocol (`tcp`, `udp`, `icmp` or `other`), and how many there are.
    pub fn counts(&self) -> impl Iterator<Item = (Offload, &'static str, u64)> + '_ {
        let rows = Offload::ALL.into_iter().zip(&self.0);
        rows.flat_map(|(offload, row)| {
            let columns = PROTOCOLS.iter().zip(row);
            columns.map(move |((name, _), count)| (offload, *name, *count))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_is_in_one_cell() {
        let mut tally = FlowTally::default();
        for (offload, number) in [
            (Offload::Xdp, protocol::TCP),
            (Offload::Xdp, protocol::TCP),
            (Offload::None, protocol::ICMPV6),
            (Offload::None, protocol::GRE),
        ] {
            tally.add(offload, number);
        }
        let found: Vec<_> = tally.counts().filter(|(_, _, count)| *count > 0).collect();
        assert_eq!(
            found,
            [
                (Offload::None, "icmp", 1),
                (Offload::None, "other", 1),
                (Offload::Xdp, "tcp", 2)
            ]
        );
        assert_eq!(tally.counts().count(), 16);
    }
}
