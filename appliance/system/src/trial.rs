//! When a slot on trial is good, and when the machine goes back. Decides; does nothing.

use std::time::Duration;

/// What a slot has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialRules {
    /// Time since the start of the kernel after which the slot is given up.
    pub deadline: Duration,
    /// How long everything has to be well without a break.
    pub steady: Duration,
}

impl TrialRules {
    /// Those with this deadline.
    pub const fn new(deadline: Duration) -> Self {
        Self {
            deadline,
            steady: Duration::from_secs(5),
        }
    }
}

/// What was seen at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Time since the start of the kernel.
    pub uptime: Duration,
    /// The first thing that is not well; None: everything is.
    pub missing: Option<String>,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrialVerdict {
    /// Look again soon.
    Wait {
        /// Time until the slot is given up.
        left: Duration,
        /// What is missing; None: everything is well and has to stay so.
        missing: Option<String>,
    },
    /// The slot works.
    Good,
    /// The slot does not work: why.
    Failed(String),
}

/// The state between observations.
#[derive(Debug, Clone)]
pub struct TrialWatch {
    rules: TrialRules,
    well_since: Option<Duration>,
}

impl TrialWatch {
    /// Nothing was seen yet.
    pub const fn new(rules: TrialRules) -> Self {
        Self {
            rules,
            well_since: None,
        }
    }

    /// Takes an observation. They come in the order of their uptime.
    pub fn observe(&mut self, seen: Observation) -> TrialVerdict {
        let Observation { uptime, missing } = seen;
        self.well_since = match &missing {
            Some(_) => None,
            None => Some(self.well_since.unwrap_or(uptime)),
        };
        let steady = |since: Duration| uptime.saturating_sub(since) >= self.rules.steady;
        if self.well_since.is_some_and(steady) {
            return TrialVerdict::Good;
        }
        match self.rules.deadline.checked_sub(uptime) {
            Some(left) if !left.is_zero() => TrialVerdict::Wait { left, missing },
            _ => TrialVerdict::Failed(self.why(missing)),
        }
    }

    fn why(&self, missing: Option<String>) -> String {
        let missing = missing.unwrap_or_else(|| {
            let steady = self.rules.steady.as_secs();
            format!("everything was well, but not for {steady} seconds in a row")
        });
        let deadline = self.rules.deadline.as_secs();
        format!("the slot did not show within {deadline} seconds that it works: {missing}")
    }
}

/// Time a trial has by the command line of the kernel: `ravelin.trial_seconds=`. The last one counts.
pub fn trial_seconds(command_line: &str) -> Option<u64> {
    let mut values = command_line
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("ravelin.trial_seconds="));
    values.next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: &str = "";

    /// Seconds of uptime with what is missing then; what follows in the end, and that nothing did before.
    #[track_caller]
    fn check(seen: &[(u64, &str)], expected: &TrialVerdict) {
        let mut watch = TrialWatch::new(TrialRules::new(Duration::from_secs(60)));
        let mut verdicts: Vec<TrialVerdict> = seen
            .iter()
            .map(|(uptime, missing)| {
                watch.observe(Observation {
                    uptime: Duration::from_secs(*uptime),
                    missing: (*missing != WELL).then(|| (*missing).to_owned()),
                })
            })
            .collect();
        assert_eq!(verdicts.pop().as_ref(), Some(expected), "{seen:?}");
        let early = verdicts
            .iter()
            .find(|verdict| !matches!(verdict, TrialVerdict::Wait { .. }));
        assert_eq!(early, None, "{seen:?}");
    }

    fn wait(left: u64, missing: &str) -> TrialVerdict {
        TrialVerdict::Wait {
            left: Duration::from_secs(left),
            missing: (missing != WELL).then(|| missing.to_owned()),
        }
    }

    fn failed(why: &str) -> TrialVerdict {
        TrialVerdict::Failed(format!(
            "the slot did not show within 60 seconds that it works: {why}"
        ))
    }

    #[test]
    fn a_slot_is_good_once_all_was_well_for_five_seconds() {
        check(&[(10, "engine")], &wait(50, "engine"));
        check(&[(10, "engine"), (11, WELL)], &wait(49, WELL));
        check(&[(11, WELL), (15, WELL)], &wait(45, WELL));
        check(&[(11, WELL), (16, WELL)], &TrialVerdict::Good);
        check(&[(11, WELL), (40, WELL)], &TrialVerdict::Good);
    }

    #[test]
    fn a_break_begins_the_time_anew() {
        check(
            &[(11, WELL), (15, "gateway"), (16, WELL), (20, WELL)],
            &wait(40, WELL),
        );
        check(
            &[(11, WELL), (15, "gateway"), (16, WELL), (21, WELL)],
            &TrialVerdict::Good,
        );
    }

    #[test]
    fn the_deadline_ends_it_with_what_was_missing() {
        check(&[(59, "boot"), (60, "engine")], &failed("engine"));
        check(&[(1000, "engine")], &failed("engine"));
        check(
            &[(55, "engine"), (56, WELL), (60, WELL)],
            &failed("everything was well, but not for 5 seconds in a row"),
        );
        check(&[(55, WELL), (60, WELL)], &TrialVerdict::Good);
    }

    #[test]
    fn the_kernel_may_say_the_deadline() {
        assert_eq!(trial_seconds("quiet ravelin.trial_seconds=40 panic=5"), Some(40));
        assert_eq!(
            trial_seconds("ravelin.trial_seconds=40 ravelin.trial_seconds=50"),
            Some(50)
        );
        assert_eq!(trial_seconds("ravelin.trial_seconds=soon"), None);
        assert_eq!(trial_seconds("ravelin.trial=1"), None);
    }
}
