//! The thread that puts connections into cards.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ravelin_datapath::FlowCacheReader;
use ravelin_kernel::Link;
use ravelin_model::{FlowSettings, HwOffloadConfig, HwOffloadMode, HwOffloadStatus, SyncState, SyncStatus};
use tokio::sync::{oneshot, watch};

use super::cards::{self, Cards};
use super::dry_run::would_install;
use super::handle::InCards;
use super::keep_alive::KeepAlive;
use super::list::HardwareFlows;
use super::plan::plan;
use super::rates::Rates;
use super::rules::FlowRules;
use super::shown;
use super::table::{Candidate, Table};
use crate::sync::Carried;

/// Between two looks whether what is in cards is still in the flow cache: what is denied by others is out in time.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// Between two readings of what cards counted and what else would be worth a place.
const ROUND: Duration = Duration::from_secs(3);
/// Between two probes of cards nobody said anything of.
const PROBE: Duration = Duration::from_secs(60);

/// What the thread works with.
pub(crate) struct HardwareInputs {
    pub(crate) cache: Option<Arc<dyn FlowCacheReader>>,
    pub(crate) links: watch::Receiver<Arc<Vec<Link>>>,
    pub(crate) settings: watch::Receiver<FlowSettings>,
    pub(crate) sync: watch::Receiver<SyncStatus>,
    pub(crate) carried: Carried,
}

/// The thread.
pub(super) struct Worker<R> {
    cache: Option<Arc<dyn FlowCacheReader>>,
    links: watch::Receiver<Arc<Vec<Link>>>,
    settings: watch::Receiver<FlowSettings>,
    sync: watch::Receiver<SyncStatus>,
    carried: Carried,
    table: Table<R>,
    cards: Cards,
    probed: Option<Instant>,
    round: Option<Instant>,
    keep_alive: KeepAlive,
    rates: Rates,
    /// Of a dry run.
    wanted: Vec<Candidate>,
    status: watch::Sender<HwOffloadStatus>,
    flows: HardwareFlows,
    in_cards: InCards,
    /// An earlier process may have left something in a card.
    stale: bool,
    /// This one may have something there.
    touched: bool,
}

impl<R: FlowRules> Worker<R> {
    pub(super) fn new(
        inputs: HardwareInputs,
        rules: R,
        status: watch::Sender<HwOffloadStatus>,
        flows: HardwareFlows,
        in_cards: InCards,
    ) -> Self {
        let HardwareInputs {
            cache,
            links,
            settings,
            sync,
            carried,
        } = inputs;
        Self {
            cache,
            links,
            settings,
            sync,
            carried,
            table: Table::new(rules),
            cards: Cards::new(),
            probed: None,
            round: None,
            keep_alive: KeepAlive::new(Instant::now()),
            rates: Rates::default(),
            wanted: Vec::new(),
            status,
            flows,
            in_cards,
            stale: true,
            touched: false,
        }
    }

    /// Until the sender of the settings is gone.
    pub(super) fn run(mut self, asked: &Receiver<oneshot::Sender<()>>) {
        loop {
            let waiting = match asked.recv_timeout(LOOK) {
                Ok(done) => Some(done),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if self.settings.has_changed().is_err() {
                break;
            }
            self.look();
            if let Some(done) = waiting {
                // Err: nobody waits any more.
                let _ = done.send(());
            }
            self.work();
        }
        self.clear();
        tracing::info!("nothing of ours is in a card any more");
    }

    fn config(&mut self) -> Option<HwOffloadConfig> {
        let in_step = self.sync.borrow().state == SyncState::Synced;
        self.settings
            .borrow_and_update()
            .hardware
            .clone()
            .filter(|_| in_step)
    }

    /// Takes out of cards what the flow cache does not have any more, or not that way.
    fn look(&mut self) {
        if self.table.installed().is_empty() && self.table.doomed().is_empty() {
            return;
        }
        let (cache, cards) = (self.cache.clone(), &self.cards);
        self.table.keep_only(|original, installed| {
            let ways = cache.as_ref().and_then(|cache| cache.ways(original));
            ways.is_some_and(|ways| {
                ways.flow.connection == installed.connection && plan(&ways, cards) == Ok(installed.rules)
            })
        });
        self.show();
    }

    fn work(&mut self) {
        let now = Instant::now();
        let Some(config) = self.config() else {
            self.clear();
            return;
        };
        self.probe(&config, now);
        if self.stale {
            // What an earlier process left: it is not known what it was for.
            self.clear();
            if self.stale {
                return;
            }
        }
        if self
            .round
            .is_some_and(|round| now.saturating_duration_since(round) < ROUND)
        {
            return;
        }
        self.round = Some(now);
        let interfaces = cards::supported(&self.cards);
        let idle = Duration::from_secs(config.idle_seconds.into());
        for counted in self.table.read(&interfaces, idle, now) {
            let identity = (counted.original, counted.connection);
            self.carried.note(identity, counted.counts);
            self.keep_alive.note(identity);
        }
        self.keep_alive.tell(now);
        if config.mode == HwOffloadMode::DryRun && self.touched {
            self.clear();
        }
        let candidates = self.candidates(&interfaces, now);
        match config.mode {
            HwOffloadMode::Active => {
                self.wanted.clear();
                self.touched |= !candidates.is_empty();
                self.table.trim(&self.cards, &config);
                if self.table.fill(candidates, &self.cards, &config, now) {
                    // There are more.
                    self.round = None;
                }
            }
            HwOffloadMode::DryRun => self.wanted = would_install(candidates, &self.cards, &config),
        }
        self.show();
    }

    /// Nothing of ours is in any card when this returns, or it is tried again.
    fn clear(&mut self) {
        if !self.stale && !self.touched {
            return;
        }
        let all: BTreeSet<u32> = self.links.borrow().iter().map(|link| link.index).collect();
        self.stale = !self.table.clear(all);
        self.touched = !self.table.doomed().is_empty();
        self.rates.forget();
        self.wanted.clear();
        self.show();
    }

    /// Asks for the cards, where something was said of links or a while ago.
    fn probe(&mut self, config: &HwOffloadConfig, now: Instant) {
        let due = self
            .probed
            .is_none_or(|probed| now.saturating_duration_since(probed) >= PROBE);
        if !due && !self.links.has_changed().unwrap_or(false) {
            return;
        }
        self.probed = Some(now);
        let links = Arc::clone(&self.links.borrow_and_update());
        self.cards = cards::probe(&links, config);
    }

    /// What these interfaces could take.
    fn candidates(&mut self, interfaces: &[u32], now: Instant) -> Vec<Candidate> {
        match &self.cache {
            Some(cache) if !interfaces.is_empty() => self.rates.candidates(cache.as_ref(), &self.cards, now),
            _ => {
                self.rates.forget();
                Vec::new()
            }
        }
    }

    /// Tells how it goes.
    fn show(&self) {
        let status = shown::status(&self.table, &self.cards);
        self.status.send_if_modified(|told| {
            let changed = *told != status;
            *told = status;
            changed
        });
        let installed = self.table.installed().iter();
        let identities = installed.map(|(original, installed)| (*original, installed.connection));
        self.in_cards.set(identities.collect());
        self.flows
            .set(shown::flows(&self.table, &self.wanted, &self.cards));
    }
}
