//! Whether the engine ends early again and again.
//!
//! What ended early is seen by the next start of the same boot of the machine, and only by that: `starts.json` in the
//! run directory says how the start before ended, and goes with the machine. Each end that was seen is counted beside
//! the store, so that a service manager that restarts the machine in between changes nothing. A power cut is never
//! seen by anybody, and never counted.

use std::io;
use std::path::PathBuf;

use ravelin_model::Revision;
use serde::{Deserialize, Serialize};

use super::choice::StartsBefore;
use super::files;
use ravelin_system::Slot;

/// Early ends after which another revision is tried.
const ANOTHER_REVISION: u32 = 3;
/// Early ends after which nothing but management passes.
const LOCKDOWN: u32 = 6;

/// The running engine, as the next start finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Start {
    boot: String,
    slot: String,
    revision: Option<u64>,
    /// It was at work for long enough, or was told to stop.
    well: bool,
}

/// Early ends in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Early {
    count: u32,
    revision: Option<u64>,
}

/// Counts early ends.
#[derive(Debug)]
pub struct Starts {
    run_file: PathBuf,
    count_file: PathBuf,
    start: Start,
    early: Early,
}

impl Starts {
    /// Notes a start. `boot` is another text for another boot of the machine.
    pub fn begin(run_file: PathBuf, count_file: PathBuf, boot: String, slot: Slot) -> Self {
        let read = |path| files::read(path).ok().flatten();
        let before: Option<Start> = read(&run_file).and_then(|text| serde_json::from_str(&text).ok());
        let early: Early = read(&count_file)
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let start = Start {
            boot,
            slot: slot.name().to_owned(),
            revision: None,
            well: false,
        };
        let early = after(early, before.as_ref(), &start);
        let starts = Self {
            run_file,
            count_file,
            start,
            early,
        };
        told(starts.write_count());
        told(starts.write_start());
        starts
    }

    /// What the starts before came to.
    pub fn before(&self) -> StartsBefore {
        match self.early.count {
            LOCKDOWN.. => StartsBefore::EndedEarlyAnyway,
            ANOTHER_REVISION.. => StartsBefore::EndedEarly(self.early.revision.map(Revision)),
            _ => StartsBefore::Well,
        }
    }

    /// Early ends in a row.
    pub fn count(&self) -> u32 {
        self.early.count
    }

    /// Notes the revision the engine goes by. One this count led to begins no new count.
    pub fn goes_by(&mut self, revision: Revision, because_of_the_count: bool) {
        self.start.revision = Some(revision.0);
        if because_of_the_count {
            self.early.revision = Some(revision.0);
            told(self.write_count());
        }
        told(self.write_start());
    }

    /// Notes that the engine was at work for long enough, or was told to stop: its end will be nobody's fault.
    pub fn is_well(&mut self) {
        self.start.well = true;
        self.early = Early::default();
        told(self.write_start());
        told(self.write_count());
    }

    fn write_start(&self) -> io::Result<()> {
        files::write(&self.run_file, &serde_json::to_vec(&self.start)?)
    }

    fn write_count(&self) -> io::Result<()> {
        if self.early.count == 0 {
            return files::remove(&self.count_file);
        }
        files::write(&self.count_file, &serde_json::to_vec(&self.early)?)
    }
}

/// The count after what the next start finds.
fn after(early: Early, before: Option<&Start>, start: &Start) -> Early {
    let Some(before) = before.filter(|before| before.boot == start.boot && before.slot == start.slot) else {
        return early;
    };
    if before.well {
        return Early::default();
    }
    // An end before any store was open is any revision's.
    let same = before.revision.is_none() || early.revision.is_none() || before.revision == early.revision;
    Early {
        count: if same { early.count.saturating_add(1) } else { 1 },
        revision: before.revision.or(early.revision),
    }
}

fn told(written: io::Result<()>) {
    if let Err(error) = written {
        tracing::warn!(%error, "starts that end early are not counted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts in one directory, which end as each step says.
    fn check(steps: &[(&str, u64, &str)], expected: StartsBefore) {
        let directory = tempfile::tempdir().expect("directory");
        let begin = |boot: &str| {
            let (run, count) = (directory.path().join("run"), directory.path().join("count"));
            Starts::begin(run, count, boot.to_owned(), Slot::A)
        };
        for (boot, revision, end) in steps {
            let mut starts = begin(boot);
            if *end == "before the store" {
                continue;
            }
            starts.goes_by(Revision(*revision), starts.before() != StartsBefore::Well);
            match *end {
                "well" => starts.is_well(),
                "early" => {}
                // The machine goes with it, and with the machine the run directory.
                _ => std::fs::remove_file(directory.path().join("run")).expect("remove"),
            }
        }
        let (last, ..) = steps.last().expect("steps");
        assert_eq!(begin(last).before(), expected, "{steps:?}");
    }

    #[test]
    fn three_early_ends_lead_to_another_revision_and_six_to_lockdown() {
        let early = ("boot", 7, "early");
        check(&[early; 2], StartsBefore::Well);
        check(&[early; 3], StartsBefore::EndedEarly(Some(Revision(7))));
        let other = ("boot", 6, "early");
        check(
            &[early, early, early, other],
            StartsBefore::EndedEarly(Some(Revision(6))),
        );
        check(
            &[early, early, early, other, other, other],
            StartsBefore::EndedEarlyAnyway,
        );
        check(
            &[("boot", 0, "before the store"); 3],
            StartsBefore::EndedEarly(None),
        );
    }

    #[test]
    fn a_start_that_went_well_and_another_revision_begin_anew() {
        let early = ("boot", 7, "early");
        check(&[early, early, ("boot", 7, "well")], StartsBefore::Well);
        check(&[early, early, ("boot", 8, "early")], StartsBefore::Well);
    }

    #[test]
    fn power_cuts_count_for_nothing_and_what_was_seen_outlives_them() {
        check(&[("boot", 7, "power"); 20], StartsBefore::Well);
        check(
            &[
                ("first", 7, "early"),
                ("first", 7, "power"),
                ("second", 7, "early"),
                ("second", 7, "early"),
            ],
            StartsBefore::EndedEarly(Some(Revision(7))),
        );
    }
}
