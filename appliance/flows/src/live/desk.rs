//! Asking for connections: one reading of all of them at a time, and a short queue.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ravelin_compile::Judge;
use ravelin_kernel::{Conntrack, ConntrackSettings};
use ravelin_model::{FlowFilter, LiveFlows, chain};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::judging::Judging;
use super::meant::{Meant, reset_all};
use super::sample::{SHORTEST, Sample, Samples};
use super::seen::{Ground, Seen};
use super::tally::FlowTally;
use super::ways::Ways;
use super::{FlowCursor, FlowId, FlowSort, FlowView, offload, reading};
use crate::sync::Locals;
use crate::{FlowsError, FlowsHandle};

/// Readings that may wait for theirs.
const QUEUE: usize = 8;

/// Connections of a kill that are shown.
const SAMPLE: usize = 100;

/// Which connections, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowQuery {
    /// Which.
    pub filter: FlowFilter,
    /// What they are ordered by.
    pub sort: FlowSort,
    /// The greatest first, of [`FlowSort::Age`] the oldest; by name there is one order only.
    pub descending: bool,
    /// Where the page before ended; one of another order is as good as none.
    pub after: Option<FlowCursor>,
    /// Most connections.
    pub limit: usize,
}

/// Part of the connections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowPage {
    /// In order.
    pub items: Vec<FlowView>,
    /// Where the next page begins; None: this was the last.
    pub next: Option<FlowCursor>,
    /// Connections that fit, on whichever page.
    pub matched: u64,
}

/// Connections that shall end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowKill {
    /// Which.
    pub filter: FlowFilter,
    /// Both sides of TCP are told with a reset, where a policy is in force; else packets are judged like those of new
    /// connections.
    pub reset: bool,
    /// Only says which they are.
    pub dry_run: bool,
}

/// Connections that were ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Killed {
    /// Were meant.
    pub matched: u64,
    /// Were still there and are ended.
    pub killed: u64,
    /// The first of those that were meant, 100 at most.
    pub sample: Vec<FlowView>,
}

/// What readings leave for the next.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Whoever reads or waits has one.
    places: Semaphore,
    /// Whoever reads has it, also when nobody waits for the answer any more.
    turn: Arc<Semaphore>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    samples: Samples,
    tally: Option<(Instant, FlowTally)>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            places: Semaphore::new(QUEUE),
            turn: Arc::new(Semaphore::new(1)),
            kept: Mutex::default(),
        }
    }
}

impl Desk {
    fn kept<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn fit(&self) -> Option<Arc<Sample>> {
        self.kept(|kept| kept.samples.fit(Instant::now()))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, FlowsError> {
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        turn.map_err(|_| FlowsError::Ended)
    }
}

impl FlowsHandle {
    /// A page of the live connections. Takes a second longer where nobody asked in the last ten: a rate is told from
    /// two readings.
    ///
    /// # Errors
    /// [`FlowsError::Busy`] where too many wait already.
    pub async fn flows(&self, query: FlowQuery) -> Result<FlowPage, FlowsError> {
        if !self.conntrack {
            return Ok(FlowPage::default());
        }
        let _place = self.desk.places.try_acquire().map_err(|_| FlowsError::Busy)?;
        let mut turn = self.desk.turn().await?;
        let mut before = self.desk.fit();
        if before.is_none() {
            let ripe = self.desk.kept(|kept| kept.samples.ripe_in(Instant::now()));
            let wait = match ripe {
                Some(wait) => wait,
                None => {
                    let first = self.read(move |ground| Ok((reading::sample(ground)?, turn)));
                    let sample;
                    (sample, turn) = first.await?;
                    self.desk.kept(|kept| kept.samples.keep(sample));
                    SHORTEST
                }
            };
            tokio::time::sleep(wait).await;
            before = self.desk.fit();
        }
        let read = self.read(move |ground| {
            let _turn = turn;
            reading::page(ground, &query, before.as_deref())
        });
        let read = read.await?;
        self.desk.kept(|kept| {
            kept.samples.keep(read.sample);
            kept.tally = Some((Instant::now(), read.tally));
        });
        Ok(FlowPage {
            items: read.items,
            next: read.next,
            matched: read.matched,
        })
    }

    /// A connection; None: it is gone. Takes a second where its rate cannot be told otherwise.
    pub async fn flow(&self, id: FlowId) -> Result<Option<FlowView>, FlowsError> {
        if !self.conntrack {
            return Ok(None);
        }
        let mut before = self.desk.fit();
        if before.is_none() {
            let first = self.read(move |ground| {
                let mut sample = Sample::begin(1);
                let seen = find(ground, &id)?;
                seen.iter().for_each(|seen| sample.add(&id, seen.bytes()));
                Ok(seen.map(|_| sample.finish()))
            });
            let Some(first) = first.await? else {
                return Ok(None);
            };
            before = Some(Arc::new(first));
            tokio::time::sleep(SHORTEST).await;
        }
        self.read(move |ground| {
            let now = Instant::now();
            let seen: Vec<Seen> = find(ground, &id)?.into_iter().collect();
            let rate = |seen: &Seen| before.as_ref()?.rate(&id, seen.bytes(), now);
            let rates: Vec<_> = seen.iter().map(rate).collect();
            Ok(reading::views(ground, seen, &rates)?.pop())
        })
        .await
    }

    /// Ends the connections that fit.
    ///
    /// # Errors
    /// [`FlowsError::Busy`] where too many wait already.
    pub async fn kill(&self, kill: FlowKill) -> Result<Killed, FlowsError> {
        let FlowKill {
            filter,
            reset,
            dry_run,
        } = kill;
        if !self.conntrack {
            return Ok(Killed::default());
        }
        let _place = self.desk.places.try_acquire().map_err(|_| FlowsError::Busy)?;
        let turn = self.desk.turn().await?;
        let found = self.read(move |ground| {
            let _turn = turn;
            let (mut meant, mut sample) = (Vec::new(), Vec::new());
            reading::all(ground, &filter, &mut |seen| {
                meant.push(Meant::of(&seen));
                if sample.len() < SAMPLE {
                    sample.push(seen);
                }
            })?;
            let rates = vec![None; sample.len()];
            Ok((meant, reading::views(ground, sample, &rates)?))
        });
        let (meant, sample) = found.await?;
        let matched = meant.len() as u64;
        let killed = if dry_run {
            0
        } else {
            self.end_all(meant, reset).await?
        };
        Ok(Killed {
            matched,
            killed,
            sample,
        })
    }

    /// Ends a connection; false: it was gone.
    pub async fn kill_one(&self, id: FlowId, reset: bool) -> Result<bool, FlowsError> {
        if !self.conntrack {
            return Ok(false);
        }
        match self.read(move |ground| find(ground, &id)).await? {
            Some(seen) => Ok(self.end_all(vec![Meant::of(&seen)], reset).await? > 0),
            None => Ok(false),
        }
    }

    /// What a policy says of every connection; None: none is in force, so all of them stay. `cut` ends those it does
    /// not allow.
    pub async fn judge(&self, judge: Option<Arc<Judge>>, cut: bool) -> Result<LiveFlows, String> {
        let start = Instant::now();
        let judged = self.judged(judge, cut).await;
        let mut judged = judged.map_err(|error| chain(&error))?;
        judged.duration = start.elapsed();
        Ok(judged)
    }

    async fn judged(&self, judge: Option<Arc<Judge>>, cut: bool) -> Result<LiveFlows, FlowsError> {
        if !self.conntrack {
            return Ok(LiveFlows::default());
        }
        let Some(judge) = judge else {
            let settings = blocking(|| Ok(ConntrackSettings::read()?)).await?;
            return Ok(LiveFlows {
                kept: settings.count,
                ..LiveFlows::default()
            });
        };
        let judged = blocking(move || {
            let judge = judge.with_images();
            let mut routes = None;
            let mut ask = |questions: &[_]| reading::ask(&mut routes, questions);
            let mut judging = Judging::new(&judge, Ways::new(&mut ask));
            reading::each(&mut |connection| judging.add(connection))?;
            Ok(judging.finish()?)
        });
        let (judged, endings) = judged.await?;
        if cut && !endings.is_empty() {
            self.end(endings).await?;
        }
        Ok(judged)
    }

    /// Connections by kind as of the last page somebody asked for, and how old that is.
    pub fn tally(&self) -> Option<(FlowTally, Duration)> {
        let (at, tally) = self.desk.kept(|kept| kept.tally)?;
        Some((tally, at.elapsed()))
    }

    async fn end_all(&self, meant: Vec<Meant>, reset: bool) -> Result<u64, FlowsError> {
        // It is the table of the policy that resets.
        let reset = reset && self.judge.borrow().is_some();
        let (tcp, others): (Vec<Meant>, Vec<Meant>) = meant.into_iter().partition(|meant| reset && meant.tcp);
        let endings = |meant: &[Meant]| meant.iter().map(|meant| meant.ending).collect();
        let mut killed = 0;
        if !others.is_empty() {
            killed += self.end(endings(&others)).await?;
        }
        if !tcp.is_empty() {
            self.take_out(endings(&tcp)).await?;
            let reset = blocking(move || reset_all(&tcp)).await?;
            killed += reset as u64;
        }
        Ok(killed)
    }

    /// Works on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ground) -> Result<T, FlowsError> + Send + 'static,
    ) -> Result<T, FlowsError> {
        let handle = self.clone();
        blocking(move || work(&handle.ground())).await
    }

    fn ground(&self) -> Ground {
        let settings = self.settings.borrow();
        let status = self.sync.borrow();
        let links = Arc::clone(&self.links.borrow());
        Ground {
            hindrance: offload::hindrance(&settings, &status.state, self.cache.is_some()),
            cache: self.cache.clone(),
            carried: self.carried.clone(),
            in_cards: self.hardware.in_cards.clone(),
            locals: Locals::of(&links),
            judge: self.judge.borrow().clone(),
            links,
            settings: ConntrackSettings::read()
                .inspect_err(|error| tracing::debug!(error = chain(error), "time-outs are not known"))
                .ok(),
        }
    }
}

/// The connection an id names, and no later one of the same tuple.
fn find(ground: &Ground, id: &FlowId) -> Result<Option<Seen>, FlowsError> {
    let found = Conntrack::open()?.get(&id.original, id.zone)?;
    let found = found.filter(|connection| FlowId::of(connection) == *id);
    Ok(found.map(|connection| ground.see(connection)))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FlowsError> + Send + 'static,
) -> Result<T, FlowsError> {
    spawn_blocking(work).await.map_err(|_| FlowsError::Ended)?
}
