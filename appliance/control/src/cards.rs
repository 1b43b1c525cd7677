//! Network cards brought to what interface settings say of them. Their calls block, so they run where that holds up
//! nobody.

mod plan;

use std::sync::Arc;

use ravelin_model::{HardwareChange, HardwareProbe, HardwareSettings};

pub(crate) use plan::{deviation, found, impossible, interrupts, plan};

use crate::Hardware;
use crate::packet_filter::boot_id;

/// How often changes are planned anew: some drivers set others back with a change.
const ROUNDS: usize = 2;

/// Asks and sets network cards. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Cards {
    hardware: Option<Arc<dyn Hardware>>,
    boot: Arc<str>,
}

impl Cards {
    /// By whoever knows them; None: nobody does.
    pub(crate) fn new(hardware: Option<Arc<dyn Hardware>>) -> Self {
        Self {
            hardware,
            boot: boot_id().into(),
        }
    }

    /// Another text for another card of the same name, and after a boot, when each is as its driver chooses.
    pub(crate) fn device(&self, index: u32) -> String {
        format!("{} {index}", self.boot)
    }

    /// Asks a card.
    pub(crate) async fn probe(&self, interface: &str) -> Result<HardwareProbe, String> {
        let name = interface.to_owned();
        self.call(move |hardware| hardware.probe(&name)).await
    }

    /// Brings a card to what is wanted, asks it what came of it, and says what that is and why it is not what was
    /// wanted. On a failure some changes may have been made.
    pub(crate) async fn set(&self, interface: &str, wanted: HardwareSettings) -> Outcome {
        let name = interface.to_owned();
        let set = self.call(move |hardware| Ok(set(hardware, &name, wanted))).await;
        set.unwrap_or_else(|why| Outcome {
            found: None,
            problem: Some(why),
        })
    }

    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Hardware) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let Some(hardware) = self.hardware.clone() else {
            return Err("nobody is there to ask network cards".to_owned());
        };
        match tokio::task::spawn_blocking(move || call(hardware.as_ref())).await {
            Ok(answer) => answer,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// What came of setting a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What it is set to now; None: it could not be asked.
    pub(crate) found: Option<HardwareSettings>,
    /// Why it is not what was wanted.
    pub(crate) problem: Option<String>,
}

fn set(hardware: &dyn Hardware, interface: &str, wanted: HardwareSettings) -> Outcome {
    let mut refused = None;
    for _ in 0..ROUNDS {
        let probe = match hardware.probe(interface) {
            Ok(probe) => probe,
            Err(why) => {
                return Outcome {
                    found: None,
                    problem: Some(why),
                };
            }
        };
        let changes = plan(wanted, &probe);
        if changes.is_empty() {
            break;
        }
        for change in changes {
            tracing::info!(interface, change = described(&change), "setting a network card");
            if let Err(why) = hardware.change(interface, &change) {
                refused = Some(format!("{} was refused: {why}", described(&change)));
                break;
            }
        }
        if refused.is_some() {
            break;
        }
    }
    match hardware.probe(interface) {
        Ok(probe) => {
            let found = found(&probe);
            Outcome {
                found: Some(found),
                problem: refused.or_else(|| deviation(wanted, found)),
            }
        }
        Err(why) => Outcome {
            found: None,
            problem: Some(refused.unwrap_or(why)),
        },
    }
}

/// A change in words.
pub(crate) fn described(change: &HardwareChange) -> String {
    let counts = |counts: &[(&str, Option<u32>)]| {
        let said = counts
            .iter()
            .filter_map(|(name, count)| Some(format!("{name} {}", (*count)?)));
        said.collect::<Vec<_>>().join(", ")
    };
    match change {
        HardwareChange::Feature { name, on: true } => format!("switching {name} on"),
        HardwareChange::Feature { name, on: false } => format!("switching {name} off"),
        HardwareChange::Rings { rx, tx } => {
            format!(
                "setting rings to {} descriptors",
                counts(&[("rx", *rx), ("tx", *tx)])
            )
        }
        HardwareChange::Channels { rx, tx, combined } => format!(
            "setting channels to {}",
            counts(&[("rx", *rx), ("tx", *tx), ("combined", *combined)])
        ),
        HardwareChange::SymmetricSpread(true) => "having both directions hashed alike".to_owned(),
        HardwareChange::SymmetricSpread(false) => "having both directions hashed apart".to_owned(),
        HardwareChange::Indirection(_) => "spreading received packets".to_owned(),
    }
}
