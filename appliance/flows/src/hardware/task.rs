//! The thread that puts connections into cards.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use ravelin_datapath::FlowCacheReader;
use ravelin_kernel::{
    ConnectionKey, ConnectionUpdate, Conntrack, ConntrackSettings, Link, NetworkCards, RouteRule,
};
use ravelin_model::{
    FlowCount, FlowSettings, FlowTuple, HardwareProbe, HwOffloadConfig, HwOffloadMode, HwOffloadPort,
    HwOffloadStatus, SyncState, SyncStatus, chain, protocol,
};
use ravelin_nic::{Ability, assess};
use time::OffsetDateTime;
use tokio::sync::{oneshot, watch};

use super::list::{HardwareFlow, HardwareFlowState, HardwareFlows};
use super::plan::{Card, Cards, plan};
use super::rules::{FlowRules, KernelRules};
use super::table::{Candidate, Table, limit};
use crate::live::FlowId;
use crate::sync::{Carried, Identity};

/// Between two looks whether what is in cards is still in the flow cache: what is denied by others is out in time.
const LOOK: Duration = Duration::from_millis(500);
/// Between two readings of what cards counted and what else would be worth a place.
const ROUND: Duration = Duration::from_secs(3);
/// Between two times conntrack is told of connections whose packets it does not see; far less than its time-outs.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Between two probes of cards nobody said anything of.
const PROBE: Duration = Duration::from_secs(60);
/// Whoever waits for a look.
const QUEUE: usize = 16;

/// What the thread works with.
pub(crate) struct HardwareInputs {
    pub(crate) cache: Option<Arc<dyn FlowCacheReader>>,
    pub(crate) links: watch::Receiver<Arc<Vec<Link>>>,
    pub(crate) settings: watch::Receiver<FlowSettings>,
    pub(crate) sync: watch::Receiver<SyncStatus>,
    pub(crate) carried: Carried,
}

/// Connections that are in a card. Cheap to clone: it is the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct InCards(Arc<RwLock<HashSet<Identity>>>);

impl InCards {
    pub(crate) fn has(&self, identity: &Identity) -> bool {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(identity)
    }

    fn set(&self, all: HashSet<Identity>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = all;
    }
}

/// What is told of the thread, and asked of it. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Hardware {
    pub(crate) status: watch::Receiver<HwOffloadStatus>,
    pub(crate) flows: HardwareFlows,
    pub(crate) in_cards: InCards,
    /// None: no card is asked.
    looks: Option<SyncSender<oneshot::Sender<()>>>,
}

impl Hardware {
    /// Where no card is asked, and why.
    pub(crate) fn none(problem: &str) -> Self {
        let status = HwOffloadStatus {
            problem: Some(problem.to_owned()),
            ..HwOffloadStatus::default()
        };
        Self {
            status: watch::channel(status).1,
            flows: HardwareFlows::default(),
            in_cards: InCards::default(),
            looks: None,
        }
    }

    /// Starts the thread, of the network namespace of the calling one. The receiver is told when it has ended.
    pub(crate) fn start(inputs: HardwareInputs) -> io::Result<(Self, oneshot::Receiver<()>)> {
        let (status, told) = watch::channel(HwOffloadStatus::default());
        let (looks, asked) = sync_channel(QUEUE);
        let hardware = Self {
            status: told,
            flows: HardwareFlows::default(),
            in_cards: InCards::default(),
            looks: Some(looks),
        };
        let (flows, in_cards) = (hardware.flows.clone(), hardware.in_cards.clone());
        let (alive, ended) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("hardware".to_owned())
            .spawn(move || {
                let _alive = alive;
                match KernelRules::open() {
                    Ok(rules) => Worker::new(inputs, rules, status, flows, in_cards).run(&asked),
                    Err(problem) => {
                        tracing::error!(problem, "cards cannot be told what to forward");
                        status.send_modify(|status| status.problem = Some(problem));
                        idle(inputs.settings, &asked);
                    }
                }
            })?;
        Ok((hardware, ended))
    }

    /// Returns once nothing is in a card that is not in the flow cache.
    pub(crate) async fn look(&self) {
        let Some(looks) = self.looks.clone() else {
            return;
        };
        let (done, answer) = oneshot::channel();
        // The queue is never full for long; a look takes milliseconds.
        let sent = tokio::task::spawn_blocking(move || looks.send(done).is_ok()).await;
        if sent.unwrap_or(false) {
            // Err: the thread has ended, and nothing is in a card.
            let _ = answer.await;
        }
    }
}

/// Answers whoever asks until the settings end.
fn idle(settings: watch::Receiver<FlowSettings>, asked: &Receiver<oneshot::Sender<()>>) {
    while settings.has_changed().is_ok() {
        if let Ok(done) = asked.recv_timeout(LOOK) {
            let _ = done.send(());
        }
    }
}

/// Packets of a connection when the cache was last read.
struct Before {
    at: Instant,
    packets: HashMap<Identity, u64>,
}

struct Worker<R> {
    cache: Option<Arc<dyn FlowCacheReader>>,
    links: watch::Receiver<Arc<Vec<Link>>>,
    settings: watch::Receiver<FlowSettings>,
    sync: watch::Receiver<SyncStatus>,
    carried: Carried,
    table: Table<R>,
    cards: Cards,
    probed: Option<Instant>,
    round: Option<Instant>,
    kept_alive: Instant,
    /// Those whose packets conntrack has not heard of.
    unheard: HashMap<Identity, ()>,
    before: Option<Before>,
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
    fn new(
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
            kept_alive: Instant::now(),
            unheard: HashMap::new(),
            before: None,
            wanted: Vec::new(),
            status,
            flows,
            in_cards,
            stale: true,
            touched: false,
        }
    }

    /// Until the sender of the settings is gone.
    fn run(mut self, asked: &Receiver<oneshot::Sender<()>>) {
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
        let interfaces: Vec<u32> = self.supported();
        let idle = Duration::from_secs(config.idle_seconds.into());
        for counted in self.table.read(&interfaces, idle, now) {
            let identity = (counted.original, counted.connection);
            self.carried.note(identity, counted.counts);
            self.unheard.insert(identity, ());
        }
        self.keep_alive(now);
        if config.mode == HwOffloadMode::DryRun && self.touched {
            self.clear();
        }
        self.wanted = self.candidates(now);
        match config.mode {
            HwOffloadMode::Active => {
                self.touched |= !self.wanted.is_empty();
                self.table.trim(&self.cards, &config);
                let more = self.table.fill(self.wanted.clone(), &self.cards, &config, now);
                if more {
                    self.round = None;
                }
                self.wanted.clear();
            }
            HwOffloadMode::DryRun => {
                self.wanted
                    .retain(|candidate| candidate.rate >= u64::from(config.min_packets_per_second));
                self.wanted
                    .sort_by_key(|candidate| std::cmp::Reverse(candidate.rate));
                self.keep_within_limits(&config);
            }
        }
        self.show();
    }

    /// Of a dry run, those there would be room for.
    fn keep_within_limits(&mut self, config: &HwOffloadConfig) {
        let mut used: HashMap<u32, u64> = HashMap::new();
        let cards = &self.cards;
        self.wanted.retain(|candidate| {
            let interfaces = candidate.rules.map(|rule| rule.ingress);
            let fits = interfaces.iter().all(|interface| {
                used.get(interface).copied().unwrap_or(0) < limit(*interface, cards, config)
            });
            if fits {
                interfaces
                    .iter()
                    .for_each(|interface| *used.entry(*interface).or_default() += 1);
            }
            fits
        });
    }

    /// Nothing of ours is in any card when this returns, or it is tried again.
    fn clear(&mut self) {
        if !self.stale && !self.touched {
            return;
        }
        let all: BTreeSet<u32> = self.links.borrow().iter().map(|link| link.index).collect();
        self.stale = !self.table.clear(all);
        self.touched = !self.table.doomed().is_empty();
        self.before = None;
        self.wanted.clear();
        self.show();
    }

    fn supported(&self) -> Vec<u32> {
        let fit = self.cards.iter().filter(|(_, card)| card.problem.is_none());
        fit.map(|(index, _)| *index).collect()
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
        let mut source = NetworkCards::open().map_err(|error| chain(&error));
        self.cards = links
            .iter()
            .filter(|link| !link.loopback && link.vlan.is_none())
            .map(|link| {
                let probe = match &mut source {
                    Ok(source) => source.probe(&link.name).map_err(|error| chain(&error)),
                    Err(problem) => Err(problem.clone()),
                };
                (link.index, card(link, probe, config))
            })
            .collect();
    }

    /// Connections cards could forward, with their rates: packets XDP forwarded since the last time.
    fn candidates(&mut self, now: Instant) -> Vec<Candidate> {
        let Some(cache) = self.cache.clone().filter(|_| !self.supported().is_empty()) else {
            self.before = None;
            return Vec::new();
        };
        let mut packets = HashMap::new();
        cache.for_each(&mut |state| {
            let count = state
                .directions
                .iter()
                .map(|direction| direction.count.packets)
                .sum();
            packets.insert((state.flow.original, state.flow.connection), count);
        });
        let before = self.before.replace(Before { at: now, packets });
        let (Some(before), Some(current)) = (before, &self.before) else {
            return Vec::new();
        };
        let elapsed = now.saturating_duration_since(before.at).as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX).max(1);
        let mut found = Vec::new();
        for (identity, count) in &current.packets {
            let Some(earlier) = before.packets.get(identity) else {
                continue;
            };
            let rate = count.saturating_sub(*earlier).saturating_mul(1000) / elapsed;
            if rate == 0 {
                continue;
            }
            let ways = cache
                .ways(&identity.0)
                .filter(|ways| ways.flow.connection == identity.1);
            if let Some(Ok(rules)) = ways.map(|ways| plan(&ways, &self.cards)) {
                found.push(Candidate {
                    original: identity.0,
                    connection: identity.1,
                    rate,
                    rules,
                });
            }
        }
        found
    }

    /// Has conntrack keep connections whose packets only a card sees.
    fn keep_alive(&mut self, now: Instant) {
        if self.unheard.is_empty() || now.saturating_duration_since(self.kept_alive) < KEEP_ALIVE {
            return;
        }
        self.kept_alive = now;
        let told = ConntrackSettings::read().and_then(|settings| {
            let updates: Vec<ConnectionUpdate> = self
                .unheard
                .keys()
                .map(|(original, _)| renewal(original, &settings))
                .collect();
            Conntrack::open()?.update(&updates)
        });
        match told {
            Ok(_) => self.unheard.clear(),
            Err(error) => tracing::warn!(
                error = chain(&error),
                "conntrack could not be told that connections in cards live"
            ),
        }
    }

    /// Tells how it goes.
    fn show(&mut self) {
        let sums = self.table.sums;
        let ports = self.cards.iter().map(|(index, card)| HwOffloadPort {
            interface: card.interface.clone(),
            index: *index,
            problem: card.problem.clone(),
            installed: self.table.used(*index),
            limit: card.limit.filter(|_| card.problem.is_none()),
        });
        let mut ports: Vec<HwOffloadPort> = ports.collect();
        ports.sort_by(|one, other| one.interface.cmp(&other.interface));
        let status = HwOffloadStatus {
            ports,
            problem: None,
            installed: self.table.installed().len() as u64,
            installs: sums.installs,
            removals: sums.removals,
            failures: sums.failures,
            packets: sums.packets,
            bytes: sums.bytes,
            install_time: sums.install_time,
        };
        self.status.send_if_modified(|told| {
            let changed = *told != status;
            *told = status;
            changed
        });
        let installed = self.table.installed().iter();
        let identities = installed
            .clone()
            .map(|(original, installed)| (*original, installed.connection));
        self.in_cards.set(identities.collect());
        let now = (Instant::now(), OffsetDateTime::now_utc());
        let flow = |original: &FlowTuple, connection, rules: &[RouteRule; 2], rate| {
            let name = |index: u32| self.cards.get(&index).map(|card| card.interface.clone());
            HardwareFlow {
                id: FlowId {
                    original: *original,
                    zone: 0,
                    number: connection,
                },
                original: *original,
                state: HardwareFlowState::WouldInstall,
                interfaces: [rules[0].ingress, rules[0].egress].map(|index| name(index).unwrap_or_default()),
                tags: [rules[0].ingress_tag, rules[0].egress_tag],
                packets_per_second: rate,
                counts: [FlowCount::default(); 2],
                since: None,
            }
        };
        let installed = installed.map(|(original, installed)| HardwareFlow {
            state: HardwareFlowState::Installed,
            counts: installed.counts,
            since: Some(now.1 - now.0.saturating_duration_since(installed.since)),
            ..flow(original, installed.connection, &installed.rules, installed.rate)
        });
        let wanted = self.wanted.iter();
        let wanted = wanted.map(|candidate| {
            flow(
                &candidate.original,
                candidate.connection,
                &candidate.rules,
                candidate.rate,
            )
        });
        self.flows.set(installed.chain(wanted).collect());
    }
}

/// Renews the time-out as a packet would.
fn renewal(original: &FlowTuple, settings: &ConntrackSettings) -> ConnectionUpdate {
    let whole = match original.protocol {
        protocol::TCP => settings.tcp_established_timeout,
        _ => settings.udp_stream_timeout,
    };
    ConnectionUpdate {
        key: ConnectionKey {
            original: *original,
            zone: 0,
            id: None,
        },
        timeout_seconds: Some(u32::try_from(whole.as_secs()).unwrap_or(u32::MAX)),
        mark: None,
        liberal: false,
    }
}

/// What matters here of a card.
fn card(link: &Link, probe: Result<HardwareProbe, String>, config: &HwOffloadConfig) -> Card {
    let mut card = Card {
        interface: link.name.clone(),
        problem: None,
        retags: false,
        device: None,
        limit: None,
        mtu: link.mtu_bytes,
    };
    match probe {
        Err(problem) => card.problem = Some(problem),
        Ok(probe) => {
            let said = assess(&probe);
            card.limit = said.max_flows.value;
            card.retags = said.can(Ability::VlanRules);
            let slot = probe.bus.as_deref().and_then(|bus| bus.rsplit_once('.'));
            let driver = probe.driver.as_deref().unwrap_or_default();
            card.device = slot.map(|(slot, _)| format!("{driver} {slot}"));
            if !said.supported {
                card.problem = Some(said.reason);
            } else if card.limit.is_none() && config.max_flows.is_none() {
                card.problem = Some("nobody says how many flows its card takes; set max_flows".to_owned());
            }
        }
    }
    card
}
