//! Where the cache stands to conntrack, and what follows from what happens. Pure.

use ravelin_model::SyncState;
use time::OffsetDateTime;

/// Something that changes where the cache stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happening {
    /// The cache is to be kept in step.
    Wanted,
    /// It is not, any more.
    Unwanted,
    /// All of conntrack was read, and all news told meanwhile were taken.
    Read,
    /// News were lost.
    Overrun,
    /// Conntrack cannot be followed, and why.
    Failed(String),
    /// It is time to try again.
    Retry,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Nothing.
    Nothing,
    /// Read all of conntrack.
    Read,
    /// Have XDP forward nothing from now on.
    Halt,
    /// Both, in this order.
    HaltAndRead,
    /// Have XDP forward nothing from now on, and empty the cache.
    Empty,
    /// Let XDP forward.
    Forward,
}

/// Where the cache stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Machine {
    pub(super) state: SyncState,
    pub(super) synced_at: Option<OffsetDateTime>,
    pub(super) epoch: u64,
    pub(super) overruns: u64,
}

impl Machine {
    /// Takes what happened.
    pub(super) fn take(&mut self, happening: Happening, now: OffsetDateTime) -> Deed {
        let (state, deed) = match (&self.state, happening) {
            (SyncState::Off, Happening::Wanted) | (SyncState::Unavailable(_), Happening::Retry) => {
                (SyncState::Seeding, Deed::Read)
            }
            (SyncState::Off, Happening::Overrun) => {
                // Only records of ends are lost.
                self.overruns += 1;
                return Deed::Nothing;
            }
            (SyncState::Off, _)
            | (SyncState::Synced, Happening::Read)
            | (_, Happening::Wanted | Happening::Retry) => return Deed::Nothing,
            (_, Happening::Unwanted) => (SyncState::Off, Deed::Empty),
            (_, Happening::Failed(why)) => (SyncState::Unavailable(why), Deed::Halt),
            (SyncState::Seeding | SyncState::Resyncing, Happening::Read) => {
                self.epoch += 1;
                (SyncState::Synced, Deed::Forward)
            }
            (SyncState::Unavailable(_), Happening::Read | Happening::Overrun) => return Deed::Nothing,
            (SyncState::Seeding, Happening::Overrun) => {
                self.overruns += 1;
                (SyncState::Seeding, Deed::Read)
            }
            (SyncState::Synced | SyncState::Resyncing, Happening::Overrun) => {
                self.overruns += 1;
                (SyncState::Resyncing, Deed::HaltAndRead)
            }
        };
        self.synced_at = (state == SyncState::Synced).then_some(now);
        self.state = state;
        deed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unavailable() -> SyncState {
        SyncState::Unavailable("gone".to_owned())
    }

    /// Every state by every happening.
    #[test]
    fn every_happening_leads_where_it_should() {
        use Happening::{Failed, Overrun, Read, Retry, Unwanted, Wanted};
        use SyncState::{Off, Resyncing, Seeding, Synced};
        let failed = || Failed("gone".to_owned());
        let table = [
            (Off, Wanted, Seeding, Deed::Read),
            (Off, Unwanted, Off, Deed::Nothing),
            (Off, Read, Off, Deed::Nothing),
            (Off, Overrun, Off, Deed::Nothing),
            (Off, failed(), Off, Deed::Nothing),
            (Off, Retry, Off, Deed::Nothing),
            (Seeding, Wanted, Seeding, Deed::Nothing),
            (Seeding, Unwanted, Off, Deed::Empty),
            (Seeding, Read, Synced, Deed::Forward),
            (Seeding, Overrun, Seeding, Deed::Read),
            (Seeding, failed(), unavailable(), Deed::Halt),
            (Seeding, Retry, Seeding, Deed::Nothing),
            (Synced, Wanted, Synced, Deed::Nothing),
            (Synced, Unwanted, Off, Deed::Empty),
            (Synced, Read, Synced, Deed::Nothing),
            (Synced, Overrun, Resyncing, Deed::HaltAndRead),
            (Synced, failed(), unavailable(), Deed::Halt),
            (Synced, Retry, Synced, Deed::Nothing),
            (Resyncing, Wanted, Resyncing, Deed::Nothing),
            (Resyncing, Unwanted, Off, Deed::Empty),
            (Resyncing, Read, Synced, Deed::Forward),
            (Resyncing, Overrun, Resyncing, Deed::HaltAndRead),
            (Resyncing, failed(), unavailable(), Deed::Halt),
            (Resyncing, Retry, Resyncing, Deed::Nothing),
            (unavailable(), Wanted, unavailable(), Deed::Nothing),
            (unavailable(), Unwanted, Off, Deed::Empty),
            (unavailable(), Read, unavailable(), Deed::Nothing),
            (unavailable(), Overrun, unavailable(), Deed::Nothing),
            (unavailable(), failed(), unavailable(), Deed::Halt),
            (unavailable(), Retry, Seeding, Deed::Read),
        ];
        for (state, happening, expected, deed) in table {
            let before = Machine {
                synced_at: (state == Synced).then_some(OffsetDateTime::UNIX_EPOCH),
                state,
                ..Machine::default()
            };
            let mut machine = before.clone();
            let told = machine.take(happening.clone(), OffsetDateTime::UNIX_EPOCH);
            let what = format!("{before:?} and {happening:?}");
            assert_eq!((&machine.state, told), (&expected, deed), "{what}");
            assert_eq!(machine.synced_at.is_some(), expected == Synced, "{what}");
            let began = u64::from(expected == Synced && before.state != Synced);
            assert_eq!(machine.epoch, began, "{what}");
            let lost = happening == Overrun && !matches!(before.state, SyncState::Unavailable(_));
            assert_eq!(machine.overruns, u64::from(lost), "{what}");
        }
    }
}
