//! The serial console: every line with the time it came, and a keyboard.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use ravelin_test_harness::eventually;

/// A line of the console.
#[derive(Debug, Clone)]
pub struct Line {
    /// When its end came, or its last byte so far.
    pub at: SystemTime,
    /// Without escape sequences and without its end.
    pub text: String,
}

/// The console of a machine.
#[derive(Debug)]
pub struct Console {
    lines: Arc<Mutex<Vec<Line>>>,
    keyboard: ChildStdin,
    reader: Option<JoinHandle<()>>,
}

impl Console {
    /// That of a program with these ends.
    pub fn new(screen: ChildStdout, keyboard: ChildStdin) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let reader = std::thread::spawn({
            let lines = Arc::clone(&lines);
            move || read(screen, &lines)
        });
        Self {
            lines,
            keyboard,
            reader: Some(reader),
        }
    }

    /// Everything so far.
    pub fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Number of lines so far: a place to search from.
    pub fn position(&self) -> usize {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
            .saturating_sub(1)
    }

    /// The first line with this text, searching from a position.
    pub fn find(&self, text: &str, from: usize) -> Option<Line> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .skip(from)
            .find(|line| line.text.contains(text))
            .cloned()
    }

    /// Waits for a line with this text. Panics with the end of the console if none comes.
    #[track_caller]
    pub fn wait_for(&self, text: &str, from: usize, limit: Duration) -> Line {
        let ended = || self.reader.as_ref().is_none_or(JoinHandle::is_finished);
        let found = eventually(limit, || match self.find(text, from) {
            None if ended() => Some(None),
            None => None,
            found => Some(found),
        });
        found.flatten().unwrap_or_else(|| {
            panic!(
                "no {text:?} within {limit:?}, or the machine is gone:\n{}",
                self.tail()
            )
        })
    }

    /// Types.
    pub fn type_text(&mut self, text: &str) {
        // A machine that is gone reads nothing; what the test waits for then tells.
        let _ = self.keyboard.write_all(text.as_bytes());
        let _ = self.keyboard.flush();
    }

    /// The last lines, for messages.
    pub fn tail(&self) -> String {
        let lines = self.lines();
        let mut text = String::new();
        for line in &lines[lines.len().saturating_sub(60)..] {
            let _ = writeln!(text, "    {}", line.text);
        }
        text
    }

    /// Waits for the end of the output; the emulator is gone.
    pub(crate) fn close(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn read(mut screen: ChildStdout, lines: &Mutex<Vec<Line>>) {
    let mut buffer = [0; 4096];
    let mut escape = Escape::None;
    let mut fresh = true;
    // For whoever looks into a test: the console as it comes.
    let show = std::env::var_os("RAVELIN_CONSOLE").is_some();
    loop {
        let length = match screen.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        if show {
            let _ = std::io::stderr().write_all(&buffer[..length]);
        }
        let at = SystemTime::now();
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        for &byte in &buffer[..length] {
            let Some(byte) = escape.pass(byte) else { continue };
            match byte {
                b'\r' => {}
                b'\n' => fresh = true,
                byte => {
                    if fresh {
                        fresh = false;
                        lines.push(Line {
                            at,
                            text: String::new(),
                        });
                    }
                    if let Some(line) = lines.last_mut() {
                        line.at = at;
                        line.text.push(char::from(byte));
                    }
                }
            }
        }
    }
}

/// Where in an escape sequence (ECMA-48) the reader is.
#[derive(Debug, Clone, Copy)]
enum Escape {
    None,
    Begun,
    Parameters,
}

impl Escape {
    /// The byte, unless it is part of a sequence.
    fn pass(&mut self, byte: u8) -> Option<u8> {
        let (next, passed) = match (*self, byte) {
            (Self::None, 0x1b) => (Self::Begun, None),
            (Self::None, byte) => (Self::None, Some(byte)),
            (Self::Begun, b'[') => (Self::Parameters, None),
            (Self::Parameters, 0x20..=0x3f) => (Self::Parameters, None),
            (Self::Begun | Self::Parameters, _) => (Self::None, None),
        };
        *self = next;
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_left_out() {
        let mut escape = Escape::None;
        let text: Vec<u8> = b"\x1b[0;1;31ma\x1b[0mb\x1bcd"
            .iter()
            .filter_map(|byte| escape.pass(*byte))
            .collect();
        assert_eq!(text, b"abd");
    }
}
