//! The name table of the DNS block list: label-chain hashes in 64-byte cuckoo buckets.

use std::collections::HashMap;

use ravelin_abi::rv_name_meta::{
    RV_NAME_MATCH_BELOW, RV_NAME_MATCH_SELF, RV_NAME_OVERFLOWED, RV_NAME_SET_MASK,
};
use ravelin_abi::{rv_name_bucket, rv_name_limit::RV_NAME_SETS};
use ravelin_model::{DomainName, DomainPattern, ListId};

use crate::ImageTooLarge;
use crate::cuckoo::{Placement, SLOTS};
use crate::list_sets::{ListSets, SetMembers};
use crate::name_hash::NameHash;

/// Slots in use of a hundred, at most: beyond it, too many names sit in their second bucket.
const LOAD_PERCENT: usize = 85;
const BUCKETS_MIN: usize = 2;
const TAG_SHIFT: u32 = 16;

/// One listed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameSource<'a> {
    /// What is listed.
    pub pattern: &'a DomainPattern,
    /// Where.
    pub list: &'a ListId,
}

/// One half of the map `dns_blocklist`, with what its set numbers mean.
#[derive(Debug, Clone)]
pub struct NameImage {
    /// Seed of the label hash.
    pub key: u64,
    /// A power of two of them, at least two.
    pub buckets: Vec<rv_name_bucket>,
    /// Names stored.
    pub names: usize,
    /// Indexed by set number.
    pub sets: Vec<SetMembers>,
}

impl NameImage {
    /// Most names that fit into `max_buckets`.
    pub fn capacity(max_buckets: usize) -> usize {
        match max_buckets.checked_ilog2() {
            Some(bits) if max_buckets >= BUCKETS_MIN => (1usize << bits) * SLOTS * LOAD_PERCENT / 100,
            _ => 0,
        }
    }

    /// Builds the table of `sources` in at most `max_buckets` buckets. `key` shall be random; the key of the
    /// image is another one, derived from it, where two names collide under it.
    ///
    /// # Errors
    /// More names than [`Self::capacity`], or more combinations of lists than a slot can number.
    pub fn build(
        sources: &[NameSource<'_>],
        mut key: u64,
        max_buckets: usize,
    ) -> Result<Self, ImageTooLarge> {
        let mut sets = ListSets::new();
        let names = merge(sources, &mut sets);
        let capacity = Self::capacity(max_buckets.min(1 << 31));
        if names.len() > capacity {
            return Err(ImageTooLarge {
                what: "names",
                needed: names.len(),
                capacity,
            });
        }
        let (metas, members) = number_sets(&names, &sets)?;
        let buckets = (names.len() * 100)
            .div_ceil(SLOTS * LOAD_PERCENT)
            .next_power_of_two()
            .max(BUCKETS_MIN);
        loop {
            let hashes: Vec<NameHash> = names.iter().map(|(name, _)| hash(key, name)).collect();
            if let Some(buckets) = table(&hashes, &metas, buckets) {
                return Ok(Self {
                    key,
                    buckets,
                    names: names.len(),
                    sets: members,
                });
            }
            key = key.wrapping_add(1);
        }
    }

    /// The set number `name` falls under, and whether the name itself is listed rather than one above it;
    /// found the way the programs do: of all names listed, that with the fewest labels decides.
    pub fn lookup(&self, name: &DomainName) -> Option<(usize, bool)> {
        let labels = name.labels().count();
        let mut hash = NameHash::new(self.key);
        for (depth, label) in (1..).zip(name.labels().rev()) {
            hash = hash.push(label.as_bytes());
            let whole = depth == labels;
            let wanted = if whole {
                RV_NAME_MATCH_SELF
            } else {
                RV_NAME_MATCH_BELOW
            };
            if let Some(set) = self.find(hash, wanted) {
                return Some((set, whole));
            }
        }
        None
    }

    fn find(&self, hash: NameHash, wanted: u32) -> Option<usize> {
        let mask = u32::try_from(self.buckets.len() - 1).expect("built with fewer buckets");
        let [first, second] = hash.buckets(mask).map(|bucket| &self.buckets[bucket as usize]);
        let search = |bucket: &rv_name_bucket| {
            bucket
                .slot
                .into_iter()
                .find(|slot| slot >> TAG_SHIFT == hash.tag() && slot & u64::from(wanted) != 0)
                .map(|slot| slot & u64::from(RV_NAME_SET_MASK))
        };
        let overflowed = first.slot[SLOTS - 1] & u64::from(RV_NAME_OVERFLOWED) != 0;
        let set = search(first).or_else(|| if overflowed { search(second) } else { None })?;
        usize::try_from(set).ok()
    }
}

/// Every name once, with the set of who lists it.
fn merge<'a>(sources: &[NameSource<'a>], sets: &mut ListSets<'a>) -> Vec<(&'a DomainName, u32)> {
    let mut names: Vec<(&DomainName, u32)> = Vec::with_capacity(sources.len());
    let mut known: HashMap<&DomainName, usize> = HashMap::with_capacity(sources.len());
    for source in sources {
        let at = *known.entry(&source.pattern.name).or_insert_with(|| {
            names.push((&source.pattern.name, ListSets::EMPTY));
            names.len() - 1
        });
        let set = &mut names[at].1;
        *set = sets.with(*set, source.list, source.pattern.scope);
    }
    names
}

/// Numbers the sets in use and makes each name's low 16 bits.
fn number_sets(
    names: &[(&DomainName, u32)],
    sets: &ListSets<'_>,
) -> Result<(Vec<u32>, Vec<SetMembers>), ImageTooLarge> {
    let mut metas_by_set: HashMap<u32, u32> = HashMap::new();
    let mut members = Vec::new();
    let mut metas = Vec::with_capacity(names.len());
    for (_, set) in names {
        metas.push(*metas_by_set.entry(*set).or_insert_with(|| {
            let number = u32::try_from(members.len()).unwrap_or(u32::MAX);
            members.push(sets.members(*set));
            let (itself, below) = sets.matches(*set);
            (number & RV_NAME_SET_MASK)
                | if itself { RV_NAME_MATCH_SELF } else { 0 }
                | if below { RV_NAME_MATCH_BELOW } else { 0 }
        }));
    }
    if members.len() > RV_NAME_SETS as usize {
        return Err(ImageTooLarge {
            what: "combinations of lists",
            needed: members.len(),
            capacity: RV_NAME_SETS as usize,
        });
    }
    Ok((metas, members))
}

fn hash(key: u64, name: &DomainName) -> NameHash {
    name.labels()
        .rev()
        .fold(NameHash::new(key), |hash, label| hash.push(label.as_bytes()))
}

/// None if under this key some names find no place, or two look the same to a look-up.
fn table(hashes: &[NameHash], metas: &[u32], buckets: usize) -> Option<Vec<rv_name_bucket>> {
    let mask = u32::try_from(buckets - 1).expect("at most 2^31 buckets");
    let placement = Placement::of(hashes, mask)?;
    let mut table = vec![rv_name_bucket::default(); buckets];
    for (bucket, slot, name) in placement.iter() {
        // Or, because slot 7 may carry the mark already.
        table[bucket].slot[slot] |= hashes[name].tag() << TAG_SHIFT | u64::from(metas[name]);
        let first = hashes[name].buckets(mask)[0] as usize;
        if first != bucket {
            table[first].slot[SLOTS - 1] |= u64::from(RV_NAME_OVERFLOWED);
        }
    }
    let unique = hashes.iter().all(|hash| {
        let seen = hash
            .buckets(mask)
            .into_iter()
            .flat_map(|bucket| table[bucket as usize].slot);
        seen.filter(|slot| in_use(*slot) && slot >> TAG_SHIFT == hash.tag())
            .count()
            == 1
    });
    unique.then_some(table)
}

fn in_use(slot: u64) -> bool {
    slot & u64::from(RV_NAME_MATCH_SELF | RV_NAME_MATCH_BELOW) != 0
}
