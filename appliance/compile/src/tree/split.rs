//! Where to cut a cell in two.

use super::Span;

/// A cut of a cell: up to the threshold, and behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// Place in the key.
    pub(super) place: usize,
    pub(super) threshold: u32,
    /// Lower is better; below 1 it pays, see [`Measure`].
    pub(super) cost: f32,
}

/// What a cut is judged by: the cost of each half is looked up by its boxes, in parts of the cost of the whole.
#[derive(Debug)]
pub(super) struct Measure {
    /// By number of boxes.
    counts: Vec<f32>,
}

impl Measure {
    /// Measures that ask for ever less, for cells of up to `most` boxes.
    ///
    /// First: a packet for one of `n` boxes has log `n` to go, so that copies do not pay unless they make ways much
    /// shorter. Where no cut is worth that, trees grow with a power of their boxes, as `a^p + b^p = 1` for the parts
    /// `a` and `b` the halves have of them: squares, cubes and so on ask whether it is that power or less.
    pub(super) fn all(most: usize) -> [Self; 5] {
        let measures: [fn(f32) -> f32; 5] = [
            |count| count * count.max(1.0).log2(),
            |count| count.powi(2),
            |count| count.powi(3),
            |count| count.powi(6),
            |count| count.powi(16),
        ];
        measures.map(|whole| {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let counts = (0..=most).map(|count| whole(count as f32)).collect();
            Self { counts }
        })
    }

    /// What a cell of so many boxes costs uncut.
    pub(super) fn of(&self, count: usize) -> f32 {
        self.counts[count]
    }
}

/// Ends of the spans of some boxes at one place; kept from node to node for its memory.
#[derive(Debug, Default)]
pub(super) struct Ends {
    firsts: Vec<u32>,
    lasts: Vec<u32>,
}

impl Ends {
    pub(super) fn clear(&mut self) {
        self.firsts.clear();
        self.lasts.clear();
    }

    /// Adds a span that lies in the cell.
    pub(super) fn push(&mut self, span: Span) {
        self.firsts.push(span.first);
        self.lasts.push(span.last);
    }

    /// The best cut of the cell at this place; None: every span is the whole cell.
    pub(super) fn best(&mut self, place: usize, cell: Span, measure: &Measure) -> Option<Cut> {
        let (firsts, lasts) = (&mut self.firsts, &mut self.lasts);
        firsts.sort_unstable();
        lasts.sort_unstable();
        let count = firsts.len();
        let mut best: Option<Cut> = None;
        // Spans that begin at or before the threshold, and spans that end at or before it.
        let (mut begun, mut ended) = (firsts.partition_point(|first| *first <= cell.first), 0);
        while begun < count || ended < count {
            // Right before the next beginning or right at the next end.
            let threshold = match (firsts.get(begun), lasts.get(ended)) {
                (Some(first), Some(last)) => (*last).min(first - 1),
                (Some(first), None) => first - 1,
                (None, Some(last)) => *last,
                (None, None) => break,
            };
            if threshold >= cell.last {
                break;
            }
            while lasts.get(ended).is_some_and(|last| *last <= threshold) {
                ended += 1;
            }
            let cost = (measure.of(begun) + measure.of(count - ended)) / measure.of(count);
            if best.is_none_or(|best| cost < best.cost) {
                best = Some(Cut {
                    place,
                    threshold,
                    cost,
                });
            }
            while firsts.get(begun).is_some_and(|first| *first <= threshold + 1) {
                begun += 1;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(spans: &[(u32, u32)], cell: (u32, u32), expected: Option<u32>) {
        let [measure, ..] = Measure::all(spans.len());
        let mut ends = Ends::default();
        for (first, last) in spans {
            ends.push(Span::new(*first, *last));
        }
        let best = ends.best(0, Span::new(cell.0, cell.1), &measure);
        assert_eq!(best.map(|cut| cut.threshold), expected, "{spans:?}");
    }

    #[test]
    fn the_cut_halves_the_boxes_without_cutting_them() {
        check(&[(0, 1), (2, 3), (4, 5), (6, 7)], (0, 7), Some(3));
        check(&[(0, 4), (5, 9), (5, 9), (20, 20)], (0, 20), Some(4));
        check(&[(0, 9), (0, 9), (0, 3), (4, 9)], (0, 9), Some(3));
        check(&[(0, 9), (0, 4)], (0, 9), Some(4));
        check(&[(0, 9), (7, 9)], (0, 9), Some(6));
    }

    #[test]
    fn boxes_that_fill_the_cell_leave_no_cut() {
        check(&[(3, 9), (3, 9)], (3, 9), None);
        check(&[(0, u32::MAX)], (0, u32::MAX), None);
    }
}
