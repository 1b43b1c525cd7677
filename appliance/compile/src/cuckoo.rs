//! Places names into buckets: each name in one of its two, none lost.

use ravelin_abi::rv_name_limit::RV_NAME_SLOTS;

use crate::name_hash::NameHash;

pub(crate) const SLOTS: usize = RV_NAME_SLOTS as usize;

/// Moves before giving up. Below the load this module is used at, a handful does; only names whose hashes
/// collide need more, and no number helps those.
const MOVES_MAX: usize = 4096;

/// No name in the slot.
const FREE: u32 = u32::MAX;

/// Which name is in which slot.
#[derive(Debug)]
pub(crate) struct Placement {
    slots: Vec<[u32; SLOTS]>,
}

impl Placement {
    /// Places every name, or gives up on some unlucky key.
    pub(crate) fn of(names: &[NameHash], mask: u32) -> Option<Self> {
        let mut placement = Self {
            slots: vec![[FREE; SLOTS]; mask as usize + 1],
        };
        // The first bucket is the one a look-up always reads, so whoever fits there goes first.
        let mut crowded = Vec::new();
        for (name, hash) in (0u32..).zip(names) {
            if !placement.put(hash.buckets(mask)[0], name) {
                crowded.push(name);
            }
        }
        for name in crowded {
            placement.push(name, names, mask)?;
        }
        Some(placement)
    }

    /// (bucket, slot, name) of every name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.slots.iter().enumerate().flat_map(|(bucket, slots)| {
            slots
                .iter()
                .enumerate()
                .filter(|(_, name)| **name != FREE)
                .map(move |(slot, name)| (bucket, slot, *name as usize))
        })
    }

    fn put(&mut self, bucket: u32, name: u32) -> bool {
        match self.slots[bucket as usize].iter_mut().find(|slot| **slot == FREE) {
            Some(slot) => {
                *slot = name;
                true
            }
            None => false,
        }
    }

    /// Puts a name whose first bucket is full, moving others to their other bucket.
    fn push(&mut self, mut name: u32, names: &[NameHash], mask: u32) -> Option<()> {
        let mut bucket = names[name as usize].buckets(mask)[1];
        for turn in 0..MOVES_MAX {
            if self.put(bucket, name) {
                return Some(());
            }
            // Slots in turn, so that two full buckets do not hand the same two names to and fro.
            let victim = &mut self.slots[bucket as usize][turn % SLOTS];
            name = std::mem::replace(victim, name);
            let [first, second] = names[name as usize].buckets(mask);
            bucket = if bucket == first { second } else { first };
        }
        None
    }
}
