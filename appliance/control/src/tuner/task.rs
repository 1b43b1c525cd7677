//! The loop: reads, decides, changes, tells.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_model::{
    Adjustment, Event, Told, Tunable, TunedObject, TunedValue, TuningDecision, TuningMode, TuningOutcome,
    TuningSettings, TuningStatus, TuningWindow,
};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::sleep_until;

use super::decide::{bounds, decide, obey, values};
use super::meter::Meter;
use super::objects::Objects;
use super::state::TunerState;
use super::window::between;
use crate::Reading;
use crate::snapshot::Snapshot;
use crate::stream::Hub;

/// Decisions kept.
const KEPT: usize = 100;

/// How often cards are asked how they spread packets. It takes them milliseconds, and only tuning and people change it.
const ASK_CARDS: Duration = Duration::from_secs(60);

/// What the loop is made of.
#[derive(Debug)]
pub(crate) struct TunerParts {
    pub(crate) objects: Objects,
    pub(crate) meter: Meter,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) hub: Hub,
    pub(crate) status: watch::Sender<Arc<TuningStatus>>,
    pub(crate) stopped: watch::Receiver<bool>,
}

/// Runs until it is told to stop, or nobody is left to tell it.
pub(crate) async fn run(parts: TunerParts) {
    let TunerParts {
        objects,
        meter,
        mut snapshots,
        hub,
        status,
        mut stopped,
    } = parts;
    // The data plane is brought to what is stored before anything of it is measured.
    if snapshots.wait_for(|now| !now.starting).await.is_err() {
        return;
    }
    let state = TunerState::new(objects.costs().await);
    let first = meter.read().await;
    let mut tuner = Tuner {
        objects,
        hub,
        status,
        state,
        spreads: BTreeMap::new(),
        cards_asked: None,
        changed_at: BTreeMap::new(),
        decisions: VecDeque::new(),
        counts: BTreeMap::new(),
        sequence: 0,
        last: first,
    };
    tuner.ask_cards().await;
    let mut settings = Arc::clone(&snapshots.borrow_and_update().tuning);
    tuner.publish(
        None,
        &settings,
        &between(&tuner.last, &tuner.last, &tuner.spreads),
    );
    loop {
        let window = Duration::from_secs(settings.limits.window_seconds.into());
        tokio::select! {
            () = sleep_until((tuner.last.at + window).into()) => {
                let now = meter.read().await;
                tuner.tick(now, &settings).await;
            }
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = Arc::clone(&snapshots.borrow_and_update().tuning);
                if now != settings {
                    settings = now;
                    let reading = meter.read().await;
                    tuner.follow(&reading, &settings).await;
                }
            }
            // Ok: told to stop. Err: every handle is gone.
            _ = stopped.changed() => return,
        }
    }
}

#[derive(Debug)]
struct Tuner {
    objects: Objects,
    hub: Hub,
    status: watch::Sender<Arc<TuningStatus>>,
    state: TunerState,
    /// Queues in use of interfaces whose card spreads packets.
    spreads: BTreeMap<String, u64>,
    cards_asked: Option<Instant>,
    changed_at: BTreeMap<TunedObject, OffsetDateTime>,
    /// Newest first.
    decisions: VecDeque<TuningDecision>,
    counts: BTreeMap<(Tunable, bool, &'static str), u64>,
    sequence: u64,
    last: Reading,
}

impl Tuner {
    /// A window is over.
    async fn tick(&mut self, now: Reading, settings: &TuningSettings) {
        self.ask_cards().await;
        let mut window = between(&self.last, &now, &self.spreads);
        self.last = now;
        let decided = decide(&window, &settings.limits, &mut self.state);
        self.carry_out(decided, settings.limits.mode, &mut window).await;
        self.publish(Some(OffsetDateTime::now_utc()), settings, &window);
    }

    /// The limits changed: what is outside of them comes inside at once. The window under way goes on.
    async fn follow(&mut self, now: &Reading, settings: &TuningSettings) {
        let mut window = between(&self.last, now, &self.spreads);
        let decided = obey(&window, &settings.limits, &mut self.state);
        self.carry_out(decided, settings.limits.mode, &mut window).await;
        self.publish(None, settings, &window);
    }

    async fn ask_cards(&mut self) {
        if self.cards_asked.is_some_and(|asked| asked.elapsed() < ASK_CARDS) {
            return;
        }
        self.cards_asked = Some(Instant::now());
        let several = |queues: &Told<Vec<_>>| queues.known().is_some_and(|queues| queues.len() > 1);
        let interfaces = self.last.queues.iter().filter(|(_, queues)| several(queues));
        let interfaces = interfaces.map(|(interface, _)| interface.clone()).collect();
        self.spreads = self.objects.spreads(interfaces).await;
    }

    /// Makes the changes one after the other, and tells of each. `window` has the values read back afterwards.
    async fn carry_out(&mut self, decided: Vec<Adjustment>, mode: TuningMode, window: &mut TuningWindow) {
        for (adjustment, problem) in self.state.take_withheld() {
            self.tell(adjustment, TuningOutcome::Withheld(problem));
        }
        for adjustment in decided {
            let started = Instant::now();
            let outcome = match mode {
                TuningMode::Auto => self.make(&adjustment).await,
                TuningMode::Advise | TuningMode::Off => TuningOutcome::Advised,
            };
            if let TuningOutcome::Applied(value) = outcome {
                set(window, &adjustment.object, value);
                self.state.took(&adjustment.object, started.elapsed());
                if let Some(interface) = &adjustment.object.interface {
                    self.spreads.insert(interface.clone(), value);
                }
                let now = OffsetDateTime::now_utc();
                self.changed_at.insert(adjustment.object.clone(), now);
            }
            self.state.note(&adjustment, &outcome);
            self.tell(adjustment, outcome);
        }
    }

    async fn make(&self, adjustment: &Adjustment) -> TuningOutcome {
        let Adjustment { object, from, to, .. } = adjustment;
        match self.objects.change(object, *to).await {
            Ok(value) if value == *from => TuningOutcome::Failed(format!("it still is {value}")),
            Ok(value) => TuningOutcome::Applied(value),
            Err(problem) => TuningOutcome::Failed(problem),
        }
    }

    /// The event, the count, the line of the log and the list.
    fn tell(&mut self, adjustment: Adjustment, outcome: TuningOutcome) {
        let Adjustment {
            object: TunedObject { tunable, interface },
            from,
            to,
            reason,
        } = &adjustment;
        let (name, became) = (tunable.name(), outcome.name());
        match &outcome {
            TuningOutcome::Applied(_) | TuningOutcome::Advised => {
                tracing::info!(object = name, interface, from, to, reason, became, "tuning");
            }
            TuningOutcome::Withheld(problem) | TuningOutcome::Failed(problem) => {
                tracing::warn!(
                    object = name,
                    interface,
                    from,
                    to,
                    reason,
                    became,
                    problem,
                    "tuning"
                );
            }
        }
        let count = self.counts.entry((*tunable, to > from, became)).or_default();
        *count = count.saturating_add(1);
        self.sequence += 1;
        let decision = TuningDecision {
            sequence: self.sequence,
            at: OffsetDateTime::now_utc(),
            adjustment,
            outcome,
        };
        self.hub.publish(Event::TuningDecided(decision.clone()));
        self.decisions.push_front(decision);
        self.decisions.truncate(KEPT);
    }

    /// `ended`: when the window ended; None: it is still under way, and the last one stays shown.
    fn publish(&self, ended: Option<OffsetDateTime>, settings: &TuningSettings, window: &TuningWindow) {
        let values = values(window);
        let objects = values.iter().map(|(object, value)| TunedValue {
            object: object.clone(),
            value: *value,
            bounds: bounds(object, window, &settings.limits),
            memory_bytes: self.state.costs.of(object, &values),
            last_changed_at: self.changed_at.get(object).copied(),
        });
        let objects = objects.collect();
        let decisions = self.decisions.iter().cloned().collect();
        self.status.send_modify(|status| {
            let window = match ended {
                Some(ended) => Some((ended, window.clone())),
                None => status.window.clone(),
            };
            *status = Arc::new(TuningStatus {
                settings: settings.clone(),
                objects,
                window,
                decisions,
                counts: self.counts.clone(),
            });
        });
    }
}

/// Notes what an object says it is.
fn set(window: &mut TuningWindow, object: &TunedObject, value: u64) {
    match object.tunable {
        Tunable::FlowCacheConnections => {
            if let Some(cache) = &mut window.cache {
                cache.capacity = value;
            }
        }
        Tunable::EventBuffers | Tunable::EventBatch | Tunable::EventRate => {
            if let Some(events) = &mut window.events {
                match object.tunable {
                    Tunable::EventBuffers => events.buffers = value,
                    Tunable::EventBatch => events.batch = value,
                    _ => events.rate = value,
                }
            }
        }
        Tunable::EventWorkers => window.workers.count = value,
        Tunable::ReceiveQueues => {
            let of = |receive: &&mut ravelin_model::ReceiveWindow| {
                Some(&receive.interface) == object.interface.as_ref()
            };
            if let Some(receive) = window.receive.iter_mut().find(of) {
                receive.in_use = value;
            }
        }
    }
}
