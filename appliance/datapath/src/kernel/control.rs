//! The switch word, and which half of each table is live.

use std::mem::offset_of;
use std::path::Path;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use ravelin_abi::rv_switch::{RV_SWITCH_ADDRESS_HALF, RV_SWITCH_NAME_HALF, RV_SWITCH_POLICY_HALF};
use ravelin_abi::{rv_control, rv_name_table};

use super::grace_period::GracePeriod;
use super::memory::Memory;
use crate::{DatapathError, EventTuning, Switches};

/// A table that has two halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halved {
    Addresses,
    Names,
    Policy,
}

impl Halved {
    fn bit(self) -> u64 {
        u64::from(match self {
            Self::Addresses => RV_SWITCH_ADDRESS_HALF,
            Self::Names => RV_SWITCH_NAME_HALF,
            Self::Policy => RV_SWITCH_POLICY_HALF,
        })
    }
}

/// The map `control`, with this process as its one writer.
#[derive(Debug)]
pub(super) struct Control {
    memory: Memory<rv_control>,
    grace_period: GracePeriod,
    /// Some packet may still use a half that is no longer live.
    in_flight: bool,
}

impl Control {
    /// Opens it with what an earlier process left: its last flip may not have been waited for.
    pub(super) fn open(directory: &Path) -> Result<Self, DatapathError> {
        let mut control = Self {
            memory: Memory::open(directory, "control")?,
            grace_period: GracePeriod::new()?,
            in_flight: true,
        };
        // As buffers do: what an earlier process made of it was for the load it saw.
        control.set_event_rate(EventTuning::default().rate);
        Ok(control)
    }

    /// Events each CPU may send in a second.
    pub(super) fn event_rate(&self) -> u32 {
        let rate = self.memory.word(offset_of!(rv_control, event_rate)).load(Relaxed);
        u32::try_from(rate).unwrap_or(u32::MAX)
    }

    /// The same, one at least.
    pub(super) fn set_event_rate(&mut self, rate: u32) {
        let word = self.memory.word(offset_of!(rv_control, event_rate));
        word.store(rate.max(1).into(), Relaxed);
    }

    pub(super) fn set_switches(&mut self, switches: Switches) {
        self.store(self.word() & !Switches::MASK | switches.bits());
    }

    pub(super) fn switches(&self) -> Switches {
        Switches::from_bits(self.word())
    }

    /// The half packets are judged by.
    pub(super) fn live_half(&self, table: Halved) -> usize {
        usize::from(self.word() & table.bit() != 0)
    }

    /// The half to fill next. Returns when no packet uses it.
    pub(super) fn free_half(&mut self, table: Halved) -> Result<usize, DatapathError> {
        self.wait()?;
        Ok(1 - self.live_half(table))
    }

    /// Makes the other half the live one. Returns when no packet uses this one any more; where that cannot be
    /// waited for the new half is live all the same, and the old one is not touched until it can.
    pub(super) fn flip(&mut self, table: Halved) -> Result<(), DatapathError> {
        self.in_flight = true;
        self.store(self.word() ^ table.bit());
        self.wait()
    }

    /// Sets key and size of a half of the name table.
    pub(super) fn set_name_table(&mut self, half: usize, key: u64, bucket_mask: u32) {
        let table = offset_of!(rv_control, names) + half * size_of::<rv_name_table>();
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&bucket_mask.to_ne_bytes());
        let word = |field| self.memory.word(table + field);
        word(offset_of!(rv_name_table, key)).store(key, Relaxed);
        word(offset_of!(rv_name_table, bucket_mask)).store(u64::from_ne_bytes(bytes), Relaxed);
    }

    fn word(&self) -> u64 {
        self.memory.word(offset_of!(rv_control, switches)).load(Acquire)
    }

    /// Everything written before is seen by a program that sees the new word.
    fn store(&mut self, word: u64) {
        self.memory
            .word(offset_of!(rv_control, switches))
            .store(word, Release);
    }

    fn wait(&mut self) -> Result<(), DatapathError> {
        if self.in_flight {
            self.grace_period.wait()?;
            self.in_flight = false;
        }
        Ok(())
    }
}
