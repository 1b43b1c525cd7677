//! Lines of standard input, read only while somebody asks: whatever else runs on the terminal gets its own.

use std::io;
use std::sync::mpsc as blocking;
use std::thread;

use tokio::sync::mpsc;

/// A thread that reads.
#[derive(Debug)]
pub struct Lines {
    asks: blocking::SyncSender<()>,
    lines: mpsc::Receiver<String>,
}

impl Lines {
    /// Reads nothing yet.
    pub fn start() -> Self {
        let (asks, asked) = blocking::sync_channel(1);
        let (sender, lines) = mpsc::channel(1);
        thread::spawn(move || {
            while asked.recv().is_ok() {
                let mut line = String::new();
                // A line nobody can read is one nobody meant.
                let read = match io::stdin().read_line(&mut line) {
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(1),
                    read => read,
                };
                if !matches!(read, Ok(1..)) || sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self { asks, lines }
    }

    /// Has the next line read. Once for each call of [`Self::next`] that is to return.
    pub fn ask(&self) {
        // Full: it is asked for already. Gone: the next call tells.
        let _ = self.asks.try_send(());
    }

    /// The line that was asked for; None: there is no other. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// Asks, and waits for the line without the white space around it.
    pub async fn answer(&mut self) -> Option<String> {
        self.ask();
        Some(self.next().await?.trim().to_owned())
    }
}
