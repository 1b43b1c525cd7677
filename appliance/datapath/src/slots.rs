//! Rows of the statistics: each attached interface has one, and keeps it.

use std::collections::BTreeMap;

use ravelin_abi::rv_zone_limit::RV_ZONE_SLOTS;

/// Which interface has which slot. Slot 0 is for packets of interfaces that have none.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// Interface index by slot.
    taken: BTreeMap<u16, u32>,
}

/// A slot, and whether the interface had it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) number: u16,
    /// What the row counted was of another interface.
    pub(crate) fresh: bool,
}

impl Slots {
    pub(crate) const COUNT: u32 = RV_ZONE_SLOTS - 1;

    /// What an earlier process assigned, as (interface index, slot). A slot told twice goes to the first.
    #[cfg(feature = "kernel")]
    pub(crate) fn restore(assigned: impl IntoIterator<Item = (u32, u16)>) -> Self {
        let mut slots = Self::default();
        for (index, slot) in assigned {
            if (1..=Self::COUNT).contains(&u32::from(slot)) && slots.of(index).is_none() {
                slots.taken.entry(slot).or_insert(index);
            }
        }
        slots
    }

    /// The slot of an interface.
    pub(crate) fn of(&self, index: u32) -> Option<u16> {
        self.taken
            .iter()
            .find(|(_, holder)| **holder == index)
            .map(|(slot, _)| *slot)
    }

    /// Slots that are not free.
    #[cfg(feature = "kernel")]
    pub(crate) fn taken(&self) -> impl Iterator<Item = u16> {
        self.taken.keys().copied()
    }

    /// The slot of an interface, a free one if it has none; None if none is free.
    pub(crate) fn assign(&mut self, index: u32) -> Option<Slot> {
        if let Some(number) = self.of(index) {
            return Some(Slot { number, fresh: false });
        }
        let number = (1..RV_ZONE_SLOTS)
            .filter_map(|slot| u16::try_from(slot).ok())
            .find(|slot| !self.taken.contains_key(slot))?;
        self.taken.insert(number, index);
        Some(Slot { number, fresh: true })
    }

    /// Frees the slot of an interface.
    pub(crate) fn release(&mut self, index: u32) {
        self.taken.retain(|_, holder| *holder != index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(number: u16) -> Option<Slot> {
        Some(Slot { number, fresh: true })
    }

    fn kept(number: u16) -> Option<Slot> {
        Some(Slot { number, fresh: false })
    }

    #[test]
    fn an_interface_keeps_its_slot_until_it_is_released() {
        let mut slots = Slots::default();
        assert_eq!(slots.assign(7), fresh(1));
        assert_eq!(slots.assign(9), fresh(2));
        assert_eq!(slots.assign(7), kept(1));
        slots.release(7);
        assert_eq!(slots.of(7), None);
        assert_eq!(slots.assign(11), fresh(1));
        assert_eq!(slots.assign(9), kept(2));
    }

    #[test]
    fn there_are_as_many_slots_as_rows_less_the_one_for_nobody() {
        let mut slots = Slots::default();
        for index in 1..=Slots::COUNT {
            assert!(slots.assign(index).is_some(), "{index}");
        }
        assert_eq!(slots.assign(1000), None);
        assert_eq!(slots.assign(3), kept(3));
    }

    #[cfg(feature = "kernel")]
    #[test]
    fn what_an_earlier_process_assigned_is_kept_where_it_makes_sense() {
        let mut slots = Slots::restore([(5, 3), (6, 3), (7, 0), (8, 64), (5, 4), (9, 1)]);
        assert_eq!(slots.assign(5), kept(3));
        assert_eq!(slots.assign(9), kept(1));
        assert_eq!(slots.assign(6), fresh(2));
        assert_eq!(slots.assign(7), fresh(4));
    }
}
