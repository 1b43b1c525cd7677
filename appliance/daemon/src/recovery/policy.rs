//! Committing the policy to begin with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ravelin_control::{Actor, ControlHandle};
use tokio::time::{Instant, sleep};

use super::cards::{self, Card};
use super::{files, first_policy};

/// Longest wait for a card before the start goes on without one; it is still waited for after that.
const CARDS: Duration = Duration::from_secs(30);
/// A card that came may be one of several.
const MORE_CARDS: Duration = Duration::from_secs(2);
/// Wait before a policy that could not be put in force is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// How often they are looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Which policy is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The store has one.
    Nothing,
    /// The one for a machine nobody has set up.
    First,
    /// The one that lets only management pass.
    Lockdown,
}

/// The policy to begin with.
#[derive(Debug)]
pub struct Beginning {
    /// Which.
    pub due: Due,
    /// Is removed once the first policy is stored.
    pub marker: Option<PathBuf>,
    /// Where cards are looked for.
    pub devices: PathBuf,
    /// The operator's own first policy.
    pub document: Option<PathBuf>,
}

impl Beginning {
    /// Commits what is due, as far as there are cards for it.
    pub async fn commit(&mut self, control: &ControlHandle) {
        self.try_commit(control, Instant::now() + CARDS).await;
    }

    /// Whether the policy waits for a card.
    fn waits(&self) -> bool {
        self.due != Due::Nothing
    }

    /// Waits for a card for as long as it takes, then commits.
    pub async fn commit_at_last(mut self, control: ControlHandle) {
        while self.waits() {
            self.try_commit(&control, Instant::now() + CARDS).await;
            sleep(RETRY).await;
        }
    }

    async fn try_commit(&mut self, control: &ControlHandle, until: Instant) {
        let committed = match self.due {
            Due::Nothing => return,
            // A power cut came between the commit and the removal of the marker, or an operator was faster.
            Due::First | Due::Lockdown if control.revision().0 > 0 => true,
            Due::First => self.commit_first(control, until).await,
            Due::Lockdown => self.commit_lockdown(control, until).await,
        };
        if !committed {
            return;
        }
        if let (Due::First, Some(marker)) = (self.due, &self.marker)
            && let Err(error) = files::remove(marker)
        {
            tracing::error!(%error, "the mark of the first boot cannot be removed");
        }
        self.due = Due::Nothing;
    }

    async fn commit_first(&self, control: &ControlHandle, until: Instant) -> bool {
        if let Some(path) = &self.document {
            match read_document(path) {
                Ok(None) => {}
                Ok(Some(document)) => match put(control, &document).await {
                    Ok(()) => {
                        tracing::info!(file = %path.display(), "began with the policy of the operator");
                        return true;
                    }
                    Err(problem) => refused(path, &problem),
                },
                Err(error) => refused(path, &error.to_string()),
            }
        }
        let found = found_cards(&self.devices, until, 2).await;
        let own = match first_policy::random_ula() {
            Ok(own) => own,
            Err(error) => {
                tracing::error!(%error, "no random numbers for addresses of the LAN");
                return false;
            }
        };
        let Some(document) = first_policy::first(&found, own) else {
            tracing::error!("there is no Ethernet card to make a policy for");
            return false;
        };
        put_own(control, &document.to_string()).await
    }

    async fn commit_lockdown(&self, control: &ControlHandle, until: Instant) -> bool {
        let found = found_cards(&self.devices, until, 1).await;
        if found.is_empty() {
            tracing::error!("there is no Ethernet card to manage this machine by");
            return false;
        }
        put_own(control, &first_policy::lockdown(&found).to_string()).await
    }
}

/// Says on the console, too, that the operator's file is not what is gone by: the log of the kernel is shown there.
fn refused(path: &Path, problem: &str) {
    tracing::error!(file = %path.display(), problem, "the operator's first policy is refused; the usual one is made");
    let line = format!("<3>ravelin: {} is refused: {problem}\n", path.display());
    drop(fs::write("/dev/kmsg", line));
}

async fn put_own(control: &ControlHandle, document: &str) -> bool {
    match put(control, document).await {
        Ok(()) => {
            tracing::info!(
                revision = control.revision().0,
                "the policy to begin with is in force"
            );
            true
        }
        Err(problem) => {
            tracing::error!(problem, "the policy to begin with cannot be put in force");
            false
        }
    }
}

async fn put(control: &ControlHandle, document: &str) -> Result<(), String> {
    ravelin_api_server::put_policy(control, document, &Actor::engine()).await
}

fn read_document(path: &Path) -> io::Result<Option<String>> {
    files::read(path)
}

/// The cards there are: as many as are wanted, or those that came until a while after the first.
async fn found_cards(devices: &Path, until: Instant, wanted: usize) -> Vec<Card> {
    let mut enough = None;
    loop {
        let found = cards::cards(devices);
        let now = Instant::now();
        if !found.is_empty() && enough.is_none() {
            enough = Some(now + MORE_CARDS);
        }
        if found.len() >= wanted || now >= until || enough.is_some_and(|enough| now >= enough) {
            return found;
        }
        sleep(LOOK).await;
    }
}
