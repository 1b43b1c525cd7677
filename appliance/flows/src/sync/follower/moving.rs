//! Going on with another cache, and keeping the pause short.

use std::time::Instant;

use ravelin_model::{SyncState, chain};

use super::Follower;
use crate::sync::Move;
use crate::{MoveError, MovedCache};

impl Follower {
    /// Moves to another cache. News that come meanwhile wait in the kernel.
    pub(super) fn move_cache(&mut self, mut to: Move) -> Result<MovedCache, MoveError> {
        if let Some(timing) = &self.timing {
            to.cache.set_timing(timing);
        }
        let refused = to.cache.set_ports(&self.ports.cache).map_err(MoveError::Ready)?;
        let begin = Instant::now();
        let outcome = self.keeper.move_to(to);
        if self.machine.state == SyncState::Synced {
            self.forward();
        }
        let pause = begin.elapsed();
        let (moved, old) = outcome.inspect_err(|error| {
            tracing::warn!(
                error = chain(error),
                pause_milliseconds = pause.as_millis(),
                "the flow cache stays as large as it is"
            );
        })?;
        let grown = self.keeper.capacity() > old.occupancy().capacity;
        drop(old);
        if grown && self.keeper.has_refused() {
            // There may be room for them now.
            self.deadlines.check.hasten();
        }
        self.last_pause = pause;
        self.ports.refuse(&refused);
        let moved = MovedCache { pause, ..moved };
        tracing::debug!(
            moved = moved.moved,
            refused = moved.refused,
            pause_milliseconds = pause.as_millis(),
            "another flow cache is in use"
        );
        self.publisher.hurry();
        self.publish();
        Ok(moved)
    }
}
