//! The table of nftables: brought to what it shall be in one transaction, and read back.
//!
//! Changes go through nft(8), a fixed program that reads JSON on its standard input; no shell, no arguments but
//! constants, no environment. What is read back often, the counters, comes by netlink.

mod program;
mod read;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_compile::{CounterId, NftDifference, NftFound, NftRuleset};
use ravelin_model::Revision;

use self::program::Program;
use self::read::Reader;
use crate::KernelError;

/// The table of the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Nftables {
    program: Program,
    reader: Reader,
    /// What is in the kernel; None: not known.
    loaded: Option<Arc<NftRuleset>>,
}

/// A transaction that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// From the question to the kernel's answer.
    pub duration: Duration,
    /// Rules and elements that came.
    pub added: usize,
    /// Rules and elements that went, as far as they were known.
    pub removed: usize,
}

/// What a counter counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacketCount {
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on.
    pub bytes: u64,
}

impl Nftables {
    /// Opens the way to the table and changes nothing: one that is there goes on as it is. Needs a tokio runtime.
    pub fn open() -> Result<Self, KernelError> {
        Self::with_program(PathBuf::from(program::NFT))
    }

    /// The same with an nft that is somewhere else.
    pub fn with_program(path: PathBuf) -> Result<Self, KernelError> {
        Ok(Self {
            program: Program::new(path),
            reader: Reader::open().map_err(KernelError::OpenNetlink)?,
            loaded: None,
        })
    }

    /// Brings the table to the ruleset in one transaction: every packet is judged by the old one or by the new one.
    /// Tells nftables only what is different, or everything where it is not known what is there; counters of the
    /// same id go on in both cases.
    ///
    /// # Errors
    /// nftables refused, with its words; or it could not be asked. The ruleset that was in force is.
    pub async fn apply(&mut self, ruleset: &Arc<NftRuleset>) -> Result<Applied, KernelError> {
        let begin = Instant::now();
        // Until it is known how it ended, nothing is known.
        let before = self.loaded.take();
        let difference = match &before {
            Some(loaded) => ruleset.difference(loaded),
            None => ruleset.replacement(&self.reader.found().await?),
        };
        let mut made = self.make(&difference).await;
        if let (Err(error), Some(loaded)) = (&made, before) {
            let found = self.reader.found().await?;
            if found == loaded.names() {
                // The table is what it was: the ruleset is at fault.
                self.loaded = Some(loaded);
            } else {
                tracing::warn!(error = %error, "the table was changed by somebody else; writing it anew");
                made = self.make(&ruleset.replacement(&found)).await;
            }
        }
        made?;
        self.loaded = Some(ruleset.clone());
        Ok(Applied {
            duration: begin.elapsed(),
            added: difference.added(),
            removed: difference.removed(),
        })
    }

    async fn make(&self, difference: &NftDifference) -> Result<(), KernelError> {
        if difference.is_empty() {
            return Ok(());
        }
        self.program.run(difference.to_json()).await
    }

    /// Packets and bytes of every counter, read now.
    pub async fn counters(&mut self) -> Result<BTreeMap<CounterId, PacketCount>, KernelError> {
        self.reader.counters().await
    }

    /// Revision of the ruleset in the kernel; None: there is no table of ours. Where it is not the one that was made,
    /// somebody else was at the table, and the next ruleset is written as a whole.
    pub async fn revision(&mut self) -> Result<Option<Revision>, KernelError> {
        let found = self.reader.revision().await?;
        if found != self.loaded.as_ref().map(|loaded| loaded.revision()) {
            self.loaded = None;
        }
        Ok(found)
    }

    /// Removes the table: nothing is filtered any more.
    pub async fn remove(&mut self) -> Result<(), KernelError> {
        self.loaded = None;
        self.make(&NftRuleset::removal()).await
    }

    /// What is in the kernel, by name.
    pub async fn found(&mut self) -> Result<NftFound, KernelError> {
        self.reader.found().await
    }
}
