//! Wall clock of people against the monotonic clock of the data plane.

use nix::time::{ClockId, clock_gettime};
use time::{Duration, OffsetDateTime};
use tokio::sync::watch;

/// The wall clock schedules and expiries of rules go by.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// How much more time has passed than the system says; None: as much as it says.
    ahead: Option<watch::Receiver<Duration>>,
    /// How far it was set ahead of that, without time passing.
    stepped: Option<watch::Receiver<Duration>>,
}

impl Clock {
    /// A clock by which so much more time has passed as the sender says.
    pub fn ahead(by: watch::Receiver<Duration>) -> Self {
        Self {
            ahead: Some(by),
            stepped: None,
        }
    }

    /// The same, set as far ahead as the sender says, as time servers do.
    #[must_use]
    pub fn stepped(self, by: watch::Receiver<Duration>) -> Self {
        Self {
            stepped: Some(by),
            ..self
        }
    }

    /// Time that has passed since some moment; nobody sets it.
    pub(crate) fn steady(&self) -> Duration {
        Now::read().monotonic + by(self.ahead.as_ref())
    }

    /// The time.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.read().wall
    }

    /// This moment on both clocks.
    pub(crate) fn read(&self) -> Now {
        let now = Now::read();
        Now {
            wall: now.wall + by(self.ahead.as_ref()) + by(self.stepped.as_ref()),
            ..now
        }
    }
}

fn by(told: Option<&watch::Receiver<Duration>>) -> Duration {
    told.map_or(Duration::ZERO, |by| *by.borrow())
}

/// A moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) wall: OffsetDateTime,
    monotonic: Duration,
}

impl Now {
    /// This moment.
    pub(crate) fn read() -> Self {
        // CLOCK_MONOTONIC cannot fail (clock_gettime(2)); were it to, entries would end early, not late.
        let monotonic = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, |t| {
            Duration::new(t.tv_sec(), i32::try_from(t.tv_nsec()).unwrap_or(0))
        });
        Self {
            wall: OffsetDateTime::now_utc(),
            monotonic,
        }
    }

    /// `CLOCK_MONOTONIC` nanoseconds at `wall`. At least 1, because 0 means never; at most `u64::MAX`.
    pub(crate) fn monotonic_ns(&self, wall: OffsetDateTime) -> u64 {
        let at = self.monotonic.saturating_add(wall - self.wall);
        u64::try_from(at.whole_nanoseconds().max(1)).unwrap_or(u64::MAX)
    }

    /// How far the wall clock was stepped since `earlier`.
    pub(crate) fn stepped_since(&self, earlier: &Self) -> Duration {
        ((self.wall - earlier.wall) - (self.monotonic - earlier.monotonic)).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(offset: Duration, expected_ns: u64) {
        let now = Now {
            wall: OffsetDateTime::UNIX_EPOCH + Duration::days(20_000),
            monotonic: Duration::seconds(10),
        };
        assert_eq!(now.monotonic_ns(now.wall + offset), expected_ns, "{offset}");
    }

    #[test]
    fn wall_times_become_monotonic_and_never_the_never_value() {
        check(Duration::seconds(5), 15_000_000_000);
        check(Duration::ZERO, 10_000_000_000);
        check(-Duration::seconds(5), 5_000_000_000);
        check(-Duration::seconds(10), 1);
        check(-Duration::days(1), 1);
    }

    #[test]
    fn a_step_of_the_wall_clock_shows() {
        let earlier = Now::read();
        let mut later = earlier;
        later.wall += Duration::seconds(30);
        later.monotonic += Duration::seconds(10);
        assert_eq!(later.stepped_since(&earlier), Duration::seconds(20));
    }
}
