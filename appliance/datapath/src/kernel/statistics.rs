//! The map `statistics`.

use std::path::Path;

use ravelin_abi::{rv_counter, rv_statistics};
use ravelin_model::{Cell, Direction, Protocol, Reason};

use super::table::PerCpuArray;
use crate::{DatapathError, HitCounter};

const EMPTY: rv_statistics = rv_statistics {
    cell: [[rv_counter { packets: 0, bytes: 0 }; 32]; 16],
};

/// Packets by slot, direction, protocol and outcome.
#[derive(Debug)]
pub(super) struct Statistics(PerCpuArray<rv_statistics>);

impl Statistics {
    pub(super) fn open(maps: &Path) -> Result<Self, DatapathError> {
        PerCpuArray::open(maps, "statistics").map(Self)
    }

    /// Sets everything a slot counted to 0.
    pub(super) fn clear(&mut self, slot: u16) -> Result<(), DatapathError> {
        let zero = self.0.buffer(EMPTY);
        for direction in Direction::ALL {
            self.0.write(row(slot, direction), &zero)?;
        }
        Ok(())
    }

    /// Every cell of a slot that is not 0.
    pub(super) fn cells(&self, slot: u16) -> Result<Vec<Cell>, DatapathError> {
        let mut cells = Vec::new();
        let mut cpus = self.0.buffer(EMPTY);
        for direction in Direction::ALL {
            self.0.read(row(slot, direction), &mut cpus)?;
            for protocol in Protocol::ALL {
                for reason in Reason::ALL {
                    let column = usize::from(reason.number());
                    let counters = cpus.iter().map(|cpu| &cpu.cell[protocol.row()][column]);
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

fn row(slot: u16, direction: Direction) -> u32 {
    u32::from(slot) * 2
        + match direction {
            Direction::Ingress => ravelin_abi::rv_direction::RV_DIRECTION_INGRESS,
            Direction::Egress => ravelin_abi::rv_direction::RV_DIRECTION_EGRESS,
        }
}
