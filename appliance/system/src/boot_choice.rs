//! Which slot the boot loader takes: the variables it and the agent tell each other by.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::grub_environment::{BLOCK_BYTES, EnvironmentError, GrubEnvironment};
use crate::slot::Slot;

/// The slot that is booted as long as nothing else is asked for.
const GOOD: &str = "good";
/// The slot that is booted once; GRUB clears it before it does.
const TRIAL: &str = "trial";
/// One `x` for each boot of the good slot whose user space never ran.
const ATTEMPTS: &str = "attempts";
/// A slot whose content is not whole, e.g. because it is being written.
const BAD: &str = "bad";

/// `1`: the initrd makes the state anew, once.
const RESET: &str = "reset";

/// Why the choice cannot be read or changed.
#[derive(Debug, Error)]
pub enum BootChoiceError {
    /// The file.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What is in it.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The block names no slot as good; it is for the boot loader to fall back, and for nobody to guess.
    #[error("the boot loader knows no good slot")]
    NoGoodSlot,
    /// Something else is in the file than what was written.
    #[error("{} does not hold what was written", .0.display())]
    ReadBack(PathBuf),
    /// The slot this machine falls back to would be lost.
    #[error("slot {0} is the good one and stays so until the other is")]
    StaysGood(Slot),
    /// What is in the slot is not whole.
    #[error("slot {0} is empty or was not written to its end")]
    NotWhole(Slot),
}

/// What the boot loader will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootChoice {
    /// The slot it takes.
    pub good: Slot,
    /// The slot it takes once, the next time.
    pub trial: Option<Slot>,
    /// The slot whose content is not whole.
    pub bad: Option<Slot>,
    /// Boots of the good slot whose user space never ran.
    pub attempts: usize,
}

/// The file of the boot loader. Every change is made of what is there, under a lock, and read back.
#[derive(Debug, Clone)]
pub struct BootLoader {
    environment: PathBuf,
    lock: PathBuf,
}

impl BootLoader {
    /// The boot loader with this environment block. `lock` is a file that keeps changes apart; it is made.
    pub fn new(environment: PathBuf, lock: PathBuf) -> Self {
        Self { environment, lock }
    }

    /// What it will do.
    pub fn read(&self) -> Result<BootChoice, BootChoiceError> {
        choice(&self.load()?)
    }

    /// The slot that boots next.
    pub fn next(&self) -> Result<Slot, BootChoiceError> {
        self.read().map(|choice| choice.trial.unwrap_or(choice.good))
    }

    /// Has a slot booted next: once, unless it is the good one.
    pub fn boot_next(&self, slot: Slot) -> Result<(), BootChoiceError> {
        self.change(|environment| {
            let choice = choice(environment)?;
            if choice.bad == Some(slot) {
                return Err(BootChoiceError::NotWhole(slot));
            }
            let trial = if choice.good == slot { "" } else { slot.name() };
            Ok(environment.set(TRIAL, trial)?)
        })
    }

    /// Has no other slot booted next than the good one.
    pub fn forget_trial(&self) -> Result<(), BootChoiceError> {
        self.change(|environment| Ok(environment.set(TRIAL, "")?))
    }

    /// A slot works: it is the good one from now on.
    pub fn mark_good(&self, slot: Slot) -> Result<(), BootChoiceError> {
        self.change(|environment| {
            environment.set(GOOD, slot.name())?;
            environment.set(ATTEMPTS, "")?;
            for of_slot in [TRIAL, BAD] {
                if environment.get(of_slot) == Some(slot.name()) {
                    environment.set(of_slot, "")?;
                }
            }
            Ok(())
        })
    }

    /// A slot has no whole content: it is not booted, not even when the good one does not come up.
    pub fn mark_bad(&self, slot: Slot) -> Result<(), BootChoiceError> {
        self.change(|environment| {
            if choice(environment)?.good == slot {
                return Err(BootChoiceError::StaysGood(slot));
            }
            environment.set(BAD, slot.name())?;
            Ok(environment.set(TRIAL, "")?)
        })
    }

    /// A slot has whole content again.
    pub fn mark_whole(&self, slot: Slot) -> Result<(), BootChoiceError> {
        self.change(|environment| {
            if environment.get(BAD) == Some(slot.name()) {
                environment.set(BAD, "")?;
            }
            Ok(())
        })
    }

    /// Has everything that was ever set erased at the next boot.
    pub fn ask_for_reset(&self) -> Result<(), BootChoiceError> {
        self.change(|environment| Ok(environment.set(RESET, "1")?))
    }

    /// User space runs: this boot of the good slot is none that failed.
    pub fn clear_attempts(&self) -> Result<(), BootChoiceError> {
        self.change(|environment| {
            if environment.get(ATTEMPTS).is_some() {
                environment.set(ATTEMPTS, "")?;
            }
            Ok(())
        })
    }

    fn load(&self) -> Result<GrubEnvironment, BootChoiceError> {
        let block = fs::read(&self.environment).map_err(|source| self.failed("read", source))?;
        Ok(GrubEnvironment::decode(&block)?)
    }

    fn change(
        &self,
        change: impl FnOnce(&mut GrubEnvironment) -> Result<(), BootChoiceError>,
    ) -> Result<(), BootChoiceError> {
        let _held = self.hold()?;
        let before = self.load()?;
        let mut after = before.clone();
        change(&mut after)?;
        if after == before {
            return Ok(());
        }
        let block = after.encode()?;
        self.write(&block)
            .map_err(|source| self.failed("write", source))?;
        if self.load()? != after {
            return Err(BootChoiceError::ReadBack(self.environment.clone()));
        }
        Ok(())
    }

    /// In place: GRUB remembers which blocks of the disk the file has, and a new file could be lost in a power cut.
    fn write(&self, block: &[u8; BLOCK_BYTES]) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.environment)?;
        file.write_all_at(block, 0)?;
        file.sync_all()
    }

    /// Keeps other changes out, those of other processes too, until dropped.
    fn hold(&self) -> Result<File, BootChoiceError> {
        let held = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.lock)
            .and_then(|file| file.lock().map(|()| file));
        held.map_err(|source| BootChoiceError::File {
            action: "lock",
            path: self.lock.clone(),
            source,
        })
    }

    fn failed(&self, action: &'static str, source: io::Error) -> BootChoiceError {
        let path = self.environment.clone();
        BootChoiceError::File { action, path, source }
    }
}

impl BootChoiceError {
    /// There is no boot loader of ours on this machine.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == ErrorKind::NotFound)
    }
}

fn choice(environment: &GrubEnvironment) -> Result<BootChoice, BootChoiceError> {
    let slot = |name| environment.get(name).and_then(|value| value.parse().ok());
    Ok(BootChoice {
        good: slot(GOOD).ok_or(BootChoiceError::NoGoodSlot)?,
        trial: slot(TRIAL),
        bad: slot(BAD),
        attempts: environment.get(ATTEMPTS).map_or(0, str::len),
    })
}

/// Where the environment block is on an appliance.
pub fn environment_of(esp: &Path) -> PathBuf {
    esp.join("grub/grubenv")
}
