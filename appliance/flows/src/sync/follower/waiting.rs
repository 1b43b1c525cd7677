//! When the thread does what, and waiting until then.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Follower, PAUSE};

/// Something that comes round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    period: Duration,
    next: Instant,
}

impl Round {
    fn new(period: Duration, now: Instant) -> Self {
        Self { period, next: now }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.next
    }

    /// Not before a period from now.
    pub(super) fn push(&mut self, now: Instant) {
        self.next = now + self.period;
    }

    /// It is due now.
    pub(super) fn hasten(&mut self) {
        self.next = Instant::now();
    }

    /// Whether it is due; if so, it comes again in a period.
    pub(super) fn pass(&mut self, now: Instant) -> bool {
        let due = self.is_due(now);
        if due {
            self.push(now);
        }
        due
    }

    /// Comes round in this time from now on.
    pub(super) fn set_period(&mut self, period: Duration) {
        if self.period != period {
            self.period = period;
            self.push(Instant::now());
        }
    }
}

/// When what comes round.
#[derive(Debug)]
pub(super) struct Deadlines {
    pub(super) alive: Round,
    pub(super) collect: Round,
    pub(super) timing: Round,
    pub(super) check: Round,
    pub(super) reading: Round,
    pub(super) retry: Round,
    pub(super) forget: Round,
}

impl Deadlines {
    pub(super) fn new(now: Instant) -> Self {
        let round = |period| Round::new(period, now);
        Self {
            alive: round(Duration::from_secs(1)),
            collect: round(Duration::from_millis(250)),
            timing: round(Duration::from_secs(10)),
            check: round(Duration::from_secs(60)),
            reading: round(PAUSE),
            retry: round(Duration::from_secs(5)),
            forget: round(Duration::from_secs(1)),
        }
    }
}

impl Follower {
    /// Waits until something is told, or something comes round.
    pub(super) fn wait(&self) {
        let now = Instant::now();
        let Deadlines {
            alive: _,
            collect,
            timing: _,
            check: _,
            reading,
            retry: _,
            forget,
        } = &self.deadlines;
        // What comes round less often than it is collected needs no waking of its own.
        let mut until = collect.next;
        if self.unread {
            until = until.min(reading.next);
        }
        if self.forget {
            until = until.min(forget.next);
        }
        let timeout = Timespec::try_from(until.saturating_duration_since(now)).unwrap_or_default();
        let mut heard: Vec<BorrowedFd<'_>> = vec![self.commands.as_fd()];
        if let Some(sources) = &self.sources {
            heard.extend([sources.events.as_fd(), sources.hints.as_fd()]);
        }
        let mut heard: Vec<PollFd<'_>> = heard
            .into_iter()
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        // Interrupted: it is looked at everything, and waited again.
        let _ = poll(&mut heard, Some(&timeout));
    }
}
