//! Which terms the addresses of each class match, and which classes match each term.

use super::{Classes, Term};
use crate::ImageTooLarge;

/// Most bytes of all rows together.
const ROWS_MAX: usize = 256 << 20;
/// Most runs of classes of all terms together: 256 MiB.
const RUNS_MAX: usize = 32 << 20;

/// Terms by class and classes by term.
#[derive(Debug, Default)]
pub(crate) struct TermRows {
    /// Words of a row, a power of two.
    pub(crate) row_words: usize,
    /// A row for each class: bit `term` is set where it matches. Bit 0 is not used.
    pub(crate) rows: Vec<u64>,
    /// By term, from term 0 on, which has none: the classes that match, as sorted runs that do not touch.
    runs: Vec<Vec<(u32, u32)>>,
}

impl TermRows {
    pub(crate) fn new(terms: &[Term], classes: &Classes) -> Result<Self, ImageTooLarge> {
        let row_words = (terms.len() + 1).div_ceil(64).next_power_of_two();
        let bytes = row_words * size_of::<u64>() * classes.count() as usize;
        if bytes > ROWS_MAX {
            return Err(too_large("bytes of address classes", bytes, ROWS_MAX));
        }
        let mut negated = vec![0u64; row_words];
        let mut terms_of: Vec<Vec<u32>> = vec![Vec::new(); classes.element_count()];
        for (term, of) in (1u32..).zip(terms) {
            if of.negate {
                negated[term as usize / 64] |= 1 << (term % 64);
            }
            for element in &of.elements {
                terms_of[*element as usize].push(term);
            }
        }
        let mut rows = Self {
            row_words,
            rows: negated.repeat(classes.count() as usize),
            runs: vec![Vec::new(); terms.len() + 1],
        };
        let mut runs = 0;
        for class in classes.numbers() {
            let row = &mut rows.rows[class as usize * row_words..][..row_words];
            for term in classes
                .elements_of(class)
                .iter()
                .flat_map(|element| &terms_of[*element as usize])
            {
                let bit = 1 << (term % 64);
                if negated[*term as usize / 64] & bit == 0 {
                    row[*term as usize / 64] |= bit;
                } else {
                    row[*term as usize / 64] &= !bit;
                }
                // Of the positive term: what is named.
                runs += usize::from(extend(&mut rows.runs[*term as usize], class));
            }
            if runs > RUNS_MAX {
                return Err(too_large("runs of address classes", runs, RUNS_MAX));
            }
        }
        for (runs, term) in rows.runs[1..].iter_mut().zip(terms) {
            if term.negate {
                *runs = complement(runs, classes.count() - 1);
            }
        }
        Ok(rows)
    }

    /// How many classes there are.
    pub(crate) fn classes(&self) -> u32 {
        u32::try_from(self.rows.len() / self.row_words).expect("as many as the classes they were made from")
    }

    /// The classes from `first` to `last` that match: the lowest and the highest; None: no class does.
    pub(crate) fn span(&self, term: u16, first: u32, last: u32) -> Option<(u32, u32)> {
        let runs = &self.runs[usize::from(term)];
        let low = runs.get(runs.partition_point(|run| run.1 < first))?;
        if low.0 > last {
            return None;
        }
        let high = runs[runs.partition_point(|run| run.0 <= last) - 1];
        Some((low.0.max(first), high.1.min(last)))
    }

    /// Whether some class from `first` to `last` matches.
    pub(crate) fn meets(&self, term: u16, first: u32, last: u32) -> bool {
        let runs = &self.runs[usize::from(term)];
        runs.get(runs.partition_point(|run| run.1 < first))
            .is_some_and(|run| run.0 <= last)
    }

    /// Whether every class from `first` to `last` matches.
    pub(crate) fn covers(&self, term: u16, first: u32, last: u32) -> bool {
        let runs = &self.runs[usize::from(term)];
        runs.get(runs.partition_point(|run| run.1 < first))
            .is_some_and(|run| run.0 <= first && last <= run.1)
    }
}

fn too_large(what: &'static str, needed: usize, capacity: usize) -> ImageTooLarge {
    ImageTooLarge {
        what,
        needed,
        capacity,
    }
}

/// Adds a class that is not below the others; whether it began a run.
fn extend(runs: &mut Vec<(u32, u32)>, class: u32) -> bool {
    match runs.last_mut() {
        Some(run) if class <= run.1 + 1 => {
            run.1 = class;
            false
        }
        _ => {
            runs.push((class, class));
            true
        }
    }
}

/// What runs leave of 0 to `last`.
fn complement(runs: &[(u32, u32)], last: u32) -> Vec<(u32, u32)> {
    let mut others = Vec::with_capacity(runs.len() + 1);
    let mut next = 0;
    for run in runs {
        if next < run.0 {
            others.push((next, run.0 - 1));
        }
        next = run.1 + 1;
    }
    if next <= last {
        others.push((next, last));
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_answer_for_spans_of_classes() {
        let rows = TermRows {
            runs: vec![vec![], vec![(2, 4), (7, 7), (9, 12)]],
            ..TermRows::default()
        };
        for (first, last, span, covers) in [
            (0, 1, None, false),
            (0, 2, Some((2, 2)), false),
            (3, 4, Some((3, 4)), true),
            (3, 8, Some((3, 7)), false),
            (5, 6, None, false),
            (7, 7, Some((7, 7)), true),
            (8, 100, Some((9, 12)), false),
            (13, 13, None, false),
        ] {
            assert_eq!(rows.span(1, first, last), span, "{first} {last}");
            assert_eq!(rows.meets(1, first, last), span.is_some(), "{first} {last}");
            assert_eq!(rows.covers(1, first, last), covers, "{first} {last}");
        }
    }

    #[test]
    fn the_complement_is_the_rest() {
        assert_eq!(complement(&[(0, 1), (4, 4)], 6), [(2, 3), (5, 6)]);
        assert_eq!(complement(&[(1, 6)], 6), [(0, 0)]);
        assert_eq!(complement(&[], 0), [(0, 0)]);
        assert_eq!(complement(&[(0, 6)], 6), []);
    }
}
