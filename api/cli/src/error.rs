//! Why a command failed, and with which exit status.

use std::io;
use std::path::PathBuf;

use ravelin_api_types::Problem;
use thiserror::Error;

/// Why a command failed.
#[derive(Debug, Error)]
pub enum CliError {
    /// The engine said no, or could not.
    #[error("{}", .0.title)]
    Refused(Box<Problem>),
    /// The engine wants a credential, or a better one.
    #[error("{}", .0.title)]
    NotAuthorised(Box<Problem>),
    /// Nothing answered.
    #[error("cannot reach the engine at {target}: {cause}")]
    Unreachable {
        /// Socket or address.
        target: String,
        /// What the operating system or TLS said.
        cause: String,
        /// What to check.
        advice: &'static str,
    },
    /// The connection broke in the middle.
    #[error("the connection to the engine broke off: {cause}")]
    BrokeOff {
        /// What happened.
        cause: String,
    },
    /// The answer is not one of Ravelin's API.
    #[error("cannot understand the answer of {target}: {cause}")]
    Strange {
        /// Socket or address.
        target: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A file named on the command line cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    WriteFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing came of an update.
    #[error("the update has failed: {0}")]
    UpdateFailed(String),
    /// The engine works, but not everything that is enabled does.
    #[error("not ready")]
    NotReady,
    /// No entry of the list has this value.
    #[error("list {list} has no entry {value}")]
    NoSuchEntry {
        /// Id of the list.
        list: String,
        /// What was looked for.
        value: String,
    },
    /// Nothing of the policy has this name.
    #[error("there is no {kind} called {name}")]
    NoSuchObject {
        /// What was looked for, for people.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A file named on the command line cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    ReadFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file named on the command line is not what it should be.
    #[error("cannot use {}: {problem}", path.display())]
    BadFile {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Standard output is gone.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// Exit statuses, as `ravelin --help` shows them.
pub const EXIT_STATUSES: &str = "\
Exit status:
  0  done
  1  the engine refused or failed; standard error says what and why
  2  the command line or a file it names is wrong
  3  the engine cannot be reached; standard error says what to check
  4  not authorised: no credential, a wrong one, or one without the right
  5  the answer is not one this program understands
  6  status: the engine works, but not everything that is enabled does";

impl CliError {
    /// The exit status of [`EXIT_STATUSES`].
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Refused(_)
            | Self::NoSuchEntry { .. }
            | Self::NoSuchObject { .. }
            | Self::UpdateFailed(_) => 1,
            Self::Usage(_) | Self::ReadFile { .. } | Self::WriteFile { .. } | Self::BadFile { .. } => 2,
            Self::Unreachable { .. } | Self::BrokeOff { .. } => 3,
            Self::NotAuthorised(_) => 4,
            Self::Strange { .. } => 5,
            Self::NotReady => 6,
            // The reader of a pipe has seen enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Output(_) => 1,
        }
    }

    /// The problem the engine answered with.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) | Self::NotAuthorised(problem) => Some(problem),
            _ => None,
        }
    }
}
