//! Going on with another cache.

use ravelin_datapath::{FlowCache, FlowCacheReader as _};

use super::{Keeper, is_over};
use crate::sync::{Move, copying};
use crate::{MoveError, MovedCache};

impl Keeper {
    /// Moves every connection to another cache and goes on with that; gives the old one, which takes its time to be
    /// given up. XDP forwards nothing afterwards, also where it fails and the old one stays in use.
    pub(in crate::sync) fn move_to(
        &mut self,
        Move {
            cache: mut new,
            use_it,
        }: Move,
    ) -> Result<(MovedCache, Box<dyn FlowCache>), MoveError> {
        let cache = self.cache.as_mut().ok_or(MoveError::NoCache)?;
        cache.map.halt().map_err(MoveError::Leave)?;
        // Of what was taken out before nothing is copied.
        self.collect().map_err(MoveError::Leave)?;
        let cache = self.cache.as_mut().ok_or(MoveError::NoCache)?;
        let copied = copying::copy(cache.map.as_ref(), new.as_mut());
        use_it().map_err(MoveError::Unused)?;
        let mut old = cache.replace(new);
        let moved = MovedCache {
            moved: copied.moved,
            refused: copied.refused.len() as u64,
            ..MovedCache::default()
        };
        self.figures.moves += 1;
        self.figures.left_behind += moved.refused;
        for left in copied.refused {
            self.refuse(&left.flow);
            let identity = (left.flow.original, left.flow.connection);
            self.carried.expect(identity);
            self.ended.extend(self.carried.add(identity, left.counts));
        }
        self.take_out_ended(old.as_mut());
        Ok((moved, old))
    }

    /// Programs that used the old cache may have noted the end of a connection after it was copied.
    fn take_out_ended(&mut self, old: &mut dyn FlowCache) {
        if let Err(error) = old.halt() {
            // Conntrack tells these ends as well, a moment later.
            tracing::warn!(
                error = ravelin_model::chain(&error),
                "a connection may have ended unseen while it was moved"
            );
        }
        let mut ended = Vec::new();
        old.for_each(&mut |state| {
            if is_over(state) {
                ended.push(state.flow);
            }
        });
        for flow in ended {
            let lives = (self.cache.as_ref())
                .and_then(|cache| cache.reader.get(&flow.original))
                .is_some_and(|state| state.flow.connection == flow.connection && !is_over(&state));
            if lives {
                self.remove(&flow.original);
            }
        }
    }
}
