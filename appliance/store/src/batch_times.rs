//! How long writing batches of rows takes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ravelin_model::{BATCH_BOUNDS, BatchFigures};

/// Counts batches of one kind. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct BatchTimes {
    figures: Arc<Mutex<BatchFigures>>,
}

impl BatchTimes {
    /// Writes a batch of so many rows and counts it, whether it failed or not; one of none is not counted.
    pub(crate) async fn measure<T>(&self, rows: usize, write: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let outcome = write.await;
        if rows > 0 {
            self.add(rows, began.elapsed());
        }
        outcome
    }

    /// Everything so far.
    pub(crate) fn figures(&self) -> BatchFigures {
        *self.lock()
    }

    fn add(&self, rows: usize, took: Duration) {
        let mut figures = self.lock();
        figures.batches += 1;
        figures.rows += rows as u64;
        figures.total += took;
        figures.longest = figures.longest.max(took);
        for (within, bound) in figures.within.iter_mut().zip(BATCH_BOUNDS) {
            *within += u64::from(took <= bound);
        }
    }

    /// Whole after every statement that could panic.
    fn lock(&self) -> MutexGuard<'_, BatchFigures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_counts_what_took_no_longer() {
        let times = BatchTimes::default();
        for (rows, milliseconds) in [(1, 1), (2, 2), (3, 700), (4, 5001)] {
            times.add(rows, Duration::from_millis(milliseconds));
        }
        let expected = BatchFigures {
            batches: 4,
            rows: 10,
            total: Duration::from_millis(5704),
            longest: Duration::from_millis(5001),
            within: [1, 2, 2, 2, 2, 2, 3, 3],
        };
        assert_eq!(times.figures(), expected);
    }

    #[tokio::test]
    async fn what_is_measured_is_the_write_and_not_the_empty_ones() {
        let times = BatchTimes::default();
        assert_eq!(times.measure(0, async { 7 }).await, 7);
        assert_eq!(times.figures(), BatchFigures::default());
        let slow = async { tokio::time::sleep(Duration::from_millis(20)).await };
        times.measure(5, slow).await;
        let figures = times.figures();
        assert_eq!((figures.batches, figures.rows), (1, 5));
        assert!(figures.total >= Duration::from_millis(20) && figures.longest == figures.total);
    }
}
