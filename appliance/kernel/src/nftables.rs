//! The table of nftables: brought to what it shall be in one transaction, and read back.
//!
//! Changes go through nft(8), a fixed program that reads JSON on its standard input; no shell, no arguments but
//! constants, no environment. What is read back often, the counters, comes by netlink.

mod flowtable;
mod program;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_compile::{CounterId, NftDifference, NftFound, NftRuleset};
use ravelin_model::Revision;

use self::program::{Form, Program};
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
    /// nftables refused, with its words; or it could not be asked. The ruleset that was in force is. Interfaces that
    /// cannot be had for the flowtable are no error: [`Self::flowtable`] tells those it has.
    pub async fn apply(&mut self, ruleset: &Arc<NftRuleset>) -> Result<Applied, KernelError> {
        let begin = Instant::now();
        self.prepare_flowtable(ruleset.flowtable()).await?;
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
        self.clear_flowtable(ruleset.flowtable()).await;
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
        self.program.run(Form::Json, difference.to_json()).await
    }

    /// Whether the kernel has flowtables. Changes nothing.
    pub async fn has_flowtables(&self) -> Result<bool, KernelError> {
        match self.program.run(Form::Check, flowtable::PROBE.to_owned()).await {
            Ok(()) => Ok(true),
            Err(error @ KernelError::NftRefused { .. }) => {
                tracing::debug!(%error, "no flowtables");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Interfaces whose packets of known connections the flowtable forwards.
    pub async fn flowtable(&mut self) -> Result<BTreeSet<String>, KernelError> {
        Ok(self.reader.flowtable().await?.unwrap_or_default())
    }

    /// Has every interface in the flowtable before a rule fills it. One that is just going away must not stop a policy:
    /// then the flowtable is as it was, or has no interface.
    async fn prepare_flowtable(&mut self, wanted: &BTreeSet<String>) -> Result<(), KernelError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let found = self.reader.flowtable().await?;
        let here = |name: &&String| found.as_ref().is_some_and(|found| found.contains(*name));
        let missing: Vec<&String> = wanted
            .iter()
            .filter(|name| !here(name) && flowtable::is_plain(name))
            .collect();
        if found.is_some() && missing.is_empty() {
            return Ok(());
        }
        let text = flowtable::addition(missing);
        match self.program.run(Form::Text, text).await {
            Err(error @ KernelError::NftRefused { .. }) => {
                tracing::warn!(%error, "the flowtable does not get its interfaces");
                if found.is_some() {
                    return Ok(());
                }
                let none: [&String; 0] = [];
                self.program.run(Form::Text, flowtable::addition(none)).await
            }
            made => made,
        }
    }

    /// Takes interfaces out of the flowtable, or it as a whole; what fails is tried again by the next ruleset.
    async fn clear_flowtable(&mut self, wanted: &BTreeSet<String>) {
        let text = match self.reader.flowtable().await {
            Ok(Some(_)) if wanted.is_empty() => Some(flowtable::removal()),
            Ok(Some(found)) => flowtable::departure(found.difference(wanted)),
            Ok(None) => None,
            Err(error) => return tracing::warn!(%error, "the flowtable cannot be read"),
        };
        if let Some(text) = text
            && let Err(error) = self.program.run(Form::Text, text).await
        {
            tracing::warn!(%error, "the flowtable keeps interfaces");
        }
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
