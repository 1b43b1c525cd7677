//! What the thread is told, and how it is woken.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ravelin_datapath::FlowCache;
use rustix::event::{EventfdFlags, eventfd};
use tokio::sync::{mpsc, oneshot};

use super::Ending;
use crate::{MoveError, MovedCache};

/// Commands that may wait; who tells more waits itself.
const QUEUE: usize = 16;

/// What the thread is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// To take connections out of the cache, and to say when that is done.
    TakeOut(Vec<Ending>, oneshot::Sender<()>),
    /// To use another cache, and to say what became of that.
    Move(Move, oneshot::Sender<Result<MovedCache, MoveError>>),
}

/// A move to another cache.
pub(crate) struct Move {
    /// Empty.
    pub(crate) cache: Box<dyn FlowCache>,
    /// Has the programs use it.
    pub(crate) use_it: Box<dyn FnOnce() -> Result<(), String> + Send>,
}

impl fmt::Debug for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Move")
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

/// Tells the thread. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Commands {
    queue: mpsc::Sender<Command>,
    forget: Arc<AtomicBool>,
    bell: Arc<OwnedFd>,
}

/// The thread's end.
#[derive(Debug)]
pub(crate) struct CommandReceiver {
    queue: mpsc::Receiver<Command>,
    forget: Arc<AtomicBool>,
    bell: Arc<OwnedFd>,
}

impl Commands {
    pub(crate) fn new() -> io::Result<(Self, CommandReceiver)> {
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (sender, receiver) = mpsc::channel(QUEUE);
        let commands = Self {
            queue: sender,
            forget: Arc::default(),
            bell,
        };
        let receiver = CommandReceiver {
            queue: receiver,
            forget: Arc::clone(&commands.forget),
            bell: Arc::clone(&commands.bell),
        };
        Ok((commands, receiver))
    }

    /// Waits for room. False: the thread is gone.
    pub(crate) async fn send(&self, command: Command) -> bool {
        let sent = self.queue.send(command).await.is_ok();
        self.wake();
        sent
    }

    /// Has every flow learn its way again.
    pub(crate) fn forget_paths(&self) {
        self.forget.store(true, Ordering::Release);
        self.wake();
    }

    /// Has the thread look at what it is told.
    pub(crate) fn wake(&self) {
        // It fails only where so much was added that nobody can have read it: then it is awake soon.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }
}

impl CommandReceiver {
    /// The next command that waits.
    pub(super) fn next(&mut self) -> Option<Command> {
        self.queue.try_recv().ok()
    }

    /// The same, waited for; None: nobody is there to tell anything.
    pub(super) async fn told(&mut self) -> Option<Command> {
        self.queue.recv().await
    }

    /// Whether paths are to be forgotten since the last call.
    pub(super) fn forget(&self) -> bool {
        self.forget.swap(false, Ordering::AcqRel)
    }

    /// Hears the bell; what rings after this rings again.
    pub(super) fn hush(&self) {
        // Nothing to read is as good.
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
    }
}

impl AsFd for CommandReceiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
