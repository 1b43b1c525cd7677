//! What there is to tell without a kernel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_kernel::Link;
use ravelin_model::{FlowSettings, SyncStatus};
use time::OffsetDateTime;
use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;

use super::keeper::Keeper;
use super::machine::{Happening, Machine};
use super::ports::Ports;
use super::{Cache, Carried, Command, CommandReceiver, Move};
use crate::{MoveError, MovedCache};

/// A simulated data plane has no connections, and an empty cache is in step with that. It can be moved to another as
/// any cache. Ends with the sender of the settings.
pub(crate) async fn simulated(
    cache: Option<Cache>,
    mut settings: watch::Receiver<FlowSettings>,
    mut links: watch::Receiver<Arc<Vec<Link>>>,
    mut commands: CommandReceiver,
    status: watch::Sender<SyncStatus>,
) {
    let mut machine = Machine::default();
    let mut keeper = Keeper::new(cache, Carried::default());
    let mut last_pause = Duration::ZERO;
    // Whoever asked for a move hears of it when it is told.
    let mut moved = None;
    loop {
        let wanted = settings.borrow_and_update().sync.is_some();
        let happenings = if wanted {
            [Happening::Wanted, Happening::Read]
        } else {
            [Happening::Unwanted, Happening::Read]
        };
        for happening in happenings {
            machine.take(happening, OffsetDateTime::now_utc());
        }
        let ports = Ports::of(&links.borrow_and_update());
        let figures = keeper.figures();
        status.send_replace(SyncStatus {
            state: machine.state.clone(),
            synced_at: machine.synced_at,
            epoch: machine.epoch,
            capacity: keeper.cache().map_or(0, |cache| cache.occupancy().capacity),
            moves: figures.moves,
            left_behind: figures.left_behind,
            last_pause,
            ports: ports.shown,
            ..SyncStatus::default()
        });
        if let Some((outcome, done)) = moved.take() {
            let done: oneshot::Sender<Result<MovedCache, MoveError>> = done;
            // Whoever asked may have gone away, here and below.
            let _ = done.send(outcome);
        }
        let told = tokio::select! {
            changed = settings.changed() => match changed {
                Ok(()) => None,
                Err(_) => return,
            },
            Ok(()) = links.changed() => None,
            Some(command) = commands.told() => Some(command),
        };
        match told {
            None => {}
            Some(Command::TakeOut(_, done)) => {
                // There is nothing to take out.
                let _ = done.send(());
            }
            Some(Command::Move(to, done)) => {
                let Ok((kept, outcome)) = spawn_blocking(move || move_cache(keeper, to)).await else {
                    return;
                };
                keeper = kept;
                if let Ok(MovedCache { pause, .. }) = outcome {
                    last_pause = pause;
                }
                moved = Some((outcome, done));
            }
        }
    }
}

fn move_cache(mut keeper: Keeper, to: Move) -> (Keeper, Result<MovedCache, MoveError>) {
    let begin = Instant::now();
    let outcome = keeper.move_to(to).map(|(moved, _)| MovedCache {
        pause: begin.elapsed(),
        ..moved
    });
    (keeper, outcome)
}
