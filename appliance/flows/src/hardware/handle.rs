//! What others have of the thread.

use std::collections::HashSet;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use ravelin_model::{FlowSettings, HwOffloadStatus};
use tokio::sync::{oneshot, watch};

use super::list::HardwareFlows;
use super::rules::KernelRules;
use super::task::{HardwareInputs, LOOK, Worker};
use crate::sync::Identity;

/// Whoever waits for a look.
const QUEUE: usize = 16;

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

    pub(super) fn set(&self, all: HashSet<Identity>) {
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
