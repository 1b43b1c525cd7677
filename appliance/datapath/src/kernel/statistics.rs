//! The map `statistics`.

use std::iter;
use std::path::Path;

use ravelin_abi::rv_column::RV_COLUMN_FORWARDED_VLAN;
use ravelin_abi::rv_reason::RV_REASON_FORWARDED;
use ravelin_abi::{rv_counter, rv_statistics};
use ravelin_model::{Cell, Direction, Protocol, Reason};

use super::table::PerCpuArray;
use crate::{DatapathError, HitCounter};

const FORWARDED: usize = RV_REASON_FORWARDED as usize;
const FORWARDED_VLAN: usize = RV_COLUMN_FORWARDED_VLAN as usize;

const EMPTY: rv_statistics = rv_statistics {
    cell: [[rv_counter { packets: 0, bytes: 0 }; 32]; 16],
};

/// Packets by slot, direction, protocol and outcome.
#[derive(Debug)]
pub(super) struct Statistics {
    cells: PerCpuArray<rv_statistics>,
    /// Packets forwarded by XDP that came in by interfaces which are gone.
    gone_forwarded: u64,
}

impl Statistics {
    pub(super) fn open(maps: &Path) -> Result<Self, DatapathError> {
        Ok(Self {
            cells: PerCpuArray::open(maps, "statistics")?,
            gone_forwarded: 0,
        })
    }

    /// Sets everything a slot counted to 0.
    pub(super) fn clear(&mut self, slot: u16) -> Result<(), DatapathError> {
        let zero = self.cells.buffer(EMPTY);
        for direction in Direction::ALL {
            self.cells.write(row(slot, direction), &zero)?;
        }
        Ok(())
    }

    /// Keeps in mind what XDP forwarded from a slot that is nobody's any more.
    pub(super) fn retire(&mut self, slot: u16) -> Result<(), DatapathError> {
        self.gone_forwarded += self.forwarded_from(slot)?;
        Ok(())
    }

    /// Packets XDP forwarded that came in by these slots, or by those retired by this process.
    pub(super) fn forwarded(&self, slots: impl Iterator<Item = u16>) -> Result<u64, DatapathError> {
        let mut packets = self.gone_forwarded;
        for slot in slots {
            packets += self.forwarded_from(slot)?;
        }
        Ok(packets)
    }

    fn forwarded_from(&self, slot: u16) -> Result<u64, DatapathError> {
        let mut cpus = self.cells.buffer(EMPTY);
        self.cells.read(row(slot, Direction::Ingress), &mut cpus)?;
        let cells = cpus
            .iter()
            .flat_map(|cpu| Protocol::ALL.map(|protocol| &cpu.cell[protocol.row()][FORWARDED]));
        Ok(HitCounter::sum(cells).packets)
    }

    /// Every cell of a slot that is not 0.
    pub(super) fn cells(&self, slot: u16) -> Result<Vec<Cell>, DatapathError> {
        let mut cells = Vec::new();
        let mut cpus = self.cells.buffer(EMPTY);
        for direction in Direction::ALL {
            self.cells.read(row(slot, direction), &mut cpus)?;
            for protocol in Protocol::ALL {
                for reason in Reason::ALL {
                    let counters = cpus.iter().flat_map(|cpu| {
                        let cells = &cpu.cell[protocol.row()];
                        columns(reason).map(|column| &cells[column])
                    });
                    let HitCounter { packets, bytes } = HitCounter::sum(counters);
                    if packets != 0 {
                        cells.push(Cell {
                            direction,
                            protocol,
                            reason,
                            packets,
                            bytes,
                        });
                    }
                }
            }
        }
        Ok(cells)
    }
}

/// Where packets of a reason are counted.
fn columns(reason: Reason) -> impl Iterator<Item = usize> {
    let copies = (reason == Reason::Forwarded).then_some(FORWARDED_VLAN);
    iter::once(usize::from(reason.number())).chain(copies)
}

fn row(slot: u16, direction: Direction) -> u32 {
    u32::from(slot) * 2
        + match direction {
            Direction::Ingress => ravelin_abi::rv_direction::RV_DIRECTION_INGRESS,
            Direction::Egress => ravelin_abi::rv_direction::RV_DIRECTION_EGRESS,
        }
}
