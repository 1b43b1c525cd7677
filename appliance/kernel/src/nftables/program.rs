//! nft(8) as a child process.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use crate::KernelError;

/// Where Debian has it.
pub(super) const NFT: &str = "/usr/sbin/nft";

/// A transaction of a hundred thousand rules takes a tenth of this.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Of what nft says that is kept.
const MESSAGE_BYTES: u64 = 1024;

/// What nft is to do with what it reads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// Make a transaction of JSON (libnftables-json(5)).
    Json,
    /// Make a transaction of its own language.
    Text,
    /// Ask the kernel whether it would make a transaction of its own language.
    Check,
}

impl Form {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["-j", "-f", "-"],
            Self::Text => &["-f", "-"],
            Self::Check => &["-c", "-f", "-"],
        }
    }
}

#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
}

impl Program {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Has nft read its input and make a transaction of it. Rust opens every descriptor close-on-exec, so the child has
    /// only these three.
    pub(super) async fn run(&self, form: Form, text: String) -> Result<(), KernelError> {
        let mut command = Command::new(&self.path);
        command
            .args(form.arguments())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        hand_on_net_admin(&mut command);
        let mut child = command.spawn().map_err(KernelError::StartNft)?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stderr.take()) else {
            return Err(KernelError::TalkToNft(io::ErrorKind::BrokenPipe.into()));
        };
        let write = async move {
            let written = input.write_all(text.as_bytes()).await;
            drop(input);
            match written {
                // It ended before it had read all; it says why.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written,
            }
        };
        let read = async move {
            let mut output = output;
            let mut kept = Vec::new();
            (&mut output).take(MESSAGE_BYTES).read_to_end(&mut kept).await?;
            tokio::io::copy(&mut output, &mut tokio::io::sink()).await?;
            Ok(kept)
        };
        let talk = async { tokio::try_join!(write, read, child.wait()) };
        let (_, said, status) = timeout(TIMEOUT, talk)
            .await
            .map_err(|_| KernelError::NftTimeout(TIMEOUT))?
            .map_err(KernelError::TalkToNft)?;
        if status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&said);
        Err(KernelError::NftRefused {
            status,
            said: in_one_line(&said),
        })
    }
}

/// Lines nft says without their place in the input, which is of no use to anybody.
fn in_one_line(said: &str) -> String {
    let lines = said.lines().map(|line| {
        let line = line.trim();
        line.strip_prefix("internal:0:0-0: ").unwrap_or(line)
    });
    let mut lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.dedup();
    lines.join("; ")
}

/// A program started by a user who is not root has no capabilities but ambient ones. The engine's inheritable set has
/// this one for nft; it becomes ambient in this child and nowhere else.
fn hand_on_net_admin(command: &mut Command) {
    const CAP_NET_ADMIN: libc::c_ulong = 12;
    // SAFETY: between fork and exec only a system call that takes numbers is made.
    unsafe {
        command.pre_exec(|| {
            // Refused where it is not inheritable, as for root, who needs none; if it is needed nft says so.
            libc::prctl(
                libc::PR_CAP_AMBIENT,
                libc::PR_CAP_AMBIENT_RAISE,
                CAP_NET_ADMIN,
                0,
                0,
            );
            Ok(())
        });
    }
}
