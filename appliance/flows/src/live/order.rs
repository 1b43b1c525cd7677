//! The order connections are shown in, and a page of it that is found without holding all of them.

use std::collections::BinaryHeap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::FlowId;

/// What connections are ordered by. Those of the same rank are ordered by what names them, so that the order is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FlowSort {
    /// What names them: connections do not change places while somebody turns pages.
    #[default]
    Name,
    /// Bytes of both directions.
    Bytes,
    /// Bits a second of both directions.
    Rate,
    /// Since when they live.
    Age,
}

impl FlowSort {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Name, Self::Bytes, Self::Rate, Self::Age];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Bytes => "bytes",
            Self::Rate => "rate",
            Self::Age => "age",
        }
    }
}

/// Place of a connection in the order: the lower, the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) rank: u64,
    pub(super) id: FlowId,
}

/// The rank of a value; None comes last either way.
pub(super) fn rank(value: Option<u64>, descending: bool) -> u64 {
    match value {
        Some(value) if descending => u64::MAX - 1 - value.min(u64::MAX - 1),
        Some(value) => value.min(u64::MAX - 1),
        None => u64::MAX,
    }
}

/// Where a page ended: of which order, and behind what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowCursor {
    sort: FlowSort,
    descending: bool,
    place: Place,
}

/// Not a cursor of this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not a cursor this collection gave for this order")]
pub struct InvalidFlowCursor;

impl FlowCursor {
    /// The place it names, if it is of this order.
    pub(super) fn place(&self, sort: FlowSort, descending: bool) -> Option<Place> {
        ((self.sort, self.descending) == (sort, descending)).then_some(self.place)
    }

    /// Whether it is of this order.
    pub fn is_of(&self, sort: FlowSort, descending: bool) -> bool {
        self.place(sort, descending).is_some()
    }
}

impl fmt::Display for FlowCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sort,
            descending,
            place: Place { rank, id },
        } = self;
        let direction = if *descending { '-' } else { '+' };
        write!(f, "{}{direction}{rank}:{id}", sort.name())
    }
}

impl FromStr for FlowCursor {
    type Err = InvalidFlowCursor;

    fn from_str(text: &str) -> Result<Self, InvalidFlowCursor> {
        let read = || {
            let (order, id) = text.split_once(':')?;
            let at = order.find(['+', '-'])?;
            let (sort, rest) = order.split_at(at);
            let (direction, rank) = rest.split_at(1);
            Some(Self {
                sort: FlowSort::ALL.into_iter().find(|known| known.name() == sort)?,
                descending: direction == "-",
                place: Place {
                    rank: rank.parse().ok()?,
                    id: id.parse().ok()?,
                },
            })
        };
        read().ok_or(InvalidFlowCursor)
    }
}

/// The first of what is offered behind a place, however much that is.
#[derive(Debug)]
pub(super) struct Page<T> {
    sort: FlowSort,
    descending: bool,
    after: Option<Place>,
    limit: usize,
    /// One more than the limit tells whether there is a next page. The last is on top.
    first: BinaryHeap<Offered<T>>,
}

#[derive(Debug)]
struct Offered<T> {
    place: Place,
    item: T,
}

impl<T> PartialEq for Offered<T> {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl<T> Eq for Offered<T> {}

impl<T> PartialOrd for Offered<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Offered<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place.cmp(&other.place)
    }
}

impl<T> Page<T> {
    /// An empty page of at most `limit` items.
    pub(super) fn new(sort: FlowSort, descending: bool, after: Option<Place>, limit: usize) -> Self {
        Self {
            sort,
            descending,
            after,
            limit,
            first: BinaryHeap::with_capacity(limit.saturating_add(2)),
        }
    }

    /// Offers an item.
    pub(super) fn offer(&mut self, value: Option<u64>, id: FlowId, item: T) {
        let place = Place {
            rank: rank(value, self.descending),
            id,
        };
        if self.after.is_some_and(|after| place <= after) {
            return;
        }
        let full = self.first.len() > self.limit;
        if full && self.first.peek().is_some_and(|last| last.place <= place) {
            return;
        }
        self.first.push(Offered { place, item });
        if full {
            self.first.pop();
        }
    }

    /// What is on the page, in order, and where the next begins. A connection that was offered twice is there once.
    pub(super) fn finish(self) -> (Vec<T>, Option<FlowCursor>) {
        let mut items = self.first.into_sorted_vec();
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let next = items.last().filter(|_| more).map(|last| FlowCursor {
            sort: self.sort,
            descending: self.descending,
            place: last.place,
        });
        items.dedup_by_key(|offered| offered.place.id);
        (items.into_iter().map(|offered| offered.item).collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ravelin_model::FlowTuple;

    use super::*;

    fn id(number: u32) -> FlowId {
        FlowId {
            original: FlowTuple {
                source: [192, 0, 2, 1].into(),
                destination: [198, 51, 100, 1].into(),
                protocol: 6,
                source_port: 1,
                destination_port: 2,
            },
            zone: 0,
            number,
        }
    }

    /// Every item of a table that keeps still, page by page.
    fn all(table: &[(Option<u64>, FlowId)], sort: FlowSort, descending: bool, limit: usize) -> Vec<FlowId> {
        let (mut seen, mut cursor) = (Vec::new(), None::<FlowCursor>);
        loop {
            // A client sends it back as text.
            let after = cursor.map(|cursor| cursor.to_string().parse::<FlowCursor>().expect("cursor"));
            let after = after.map(|cursor| cursor.place(sort, descending).expect("of this order"));
            let mut page = Page::new(sort, descending, after, limit);
            for (value, id) in table {
                page.offer(*value, *id, *id);
            }
            assert!(page.first.len() <= limit + 1);
            let (items, next) = page.finish();
            assert!(items.len() <= limit && !items.is_empty() || table.is_empty());
            seen.extend(items);
            cursor = next;
            if cursor.is_none() {
                return seen;
            }
        }
    }

    fn tables() -> impl Strategy<Value = Vec<(Option<u64>, FlowId)>> {
        // Few values, so that many are the same.
        let value = prop_oneof![Just(None), (0_u64..4).prop_map(Some), any::<u64>().prop_map(Some)];
        let numbers = prop::collection::hash_set(any::<u32>(), 0..60);
        numbers.prop_flat_map(move |numbers| {
            let ids: Vec<FlowId> = numbers.into_iter().map(id).collect();
            let values = prop::collection::vec(value.clone(), ids.len());
            values.prop_map(move |values| values.into_iter().zip(ids.clone()).collect())
        })
    }

    proptest! {
        #[test]
        fn pages_are_complete_and_in_order(table in tables(), descending: bool, limit in 1_usize..20) {
            let found = all(&table, FlowSort::Bytes, descending, limit);
            let mut expected = table;
            expected.sort_by(|(a, left), (b, right)| {
                let known = a.is_none().cmp(&b.is_none());
                let value = if descending { b.cmp(a) } else { a.cmp(b) };
                known.then(value).then(left.cmp(right))
            });
            let expected: Vec<FlowId> = expected.into_iter().map(|(_, id)| id).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_comes_twice_is_shown_once() {
        let table = [(Some(1), id(1)), (Some(1), id(1)), (Some(2), id(2))];
        assert_eq!(all(&table, FlowSort::Bytes, true, 5), [id(2), id(1)]);
    }

    #[test]
    fn a_cursor_of_another_order_is_told() {
        let mut page = Page::new(FlowSort::Rate, true, None, 1);
        page.offer(Some(7), id(1), ());
        page.offer(Some(9), id(2), ());
        let cursor = page.finish().1.expect("there is more");
        assert!(cursor.is_of(FlowSort::Rate, true));
        assert!(!cursor.is_of(FlowSort::Rate, false) && !cursor.is_of(FlowSort::Bytes, true));
        for text in [
            "",
            "rate",
            "rate-",
            "rate-7",
            "rate-x:flw_",
            "price-7:flw_AAAA",
            "rate7:1",
        ] {
            assert_eq!(text.parse::<FlowCursor>(), Err(InvalidFlowCursor), "{text}");
        }
    }
}
