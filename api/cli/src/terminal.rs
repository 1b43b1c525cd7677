//! A terminal as a screen: keys without a line feed, nothing echoed, and all of it put back afterwards.

use std::io::{self, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Lines and columns where nobody says.
const USUAL: (usize, usize) = (24, 80);

/// The other screen, and no cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// Back to how it was.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// To the first column of the first line.
const HOME: &str = "\x1b[H";
/// What is left of a line, and of the screen, is emptied.
const REST_OF_LINE: &str = "\x1b[K";
const REST_OF_SCREEN: &str = "\x1b[J";

/// A terminal that is put back when dropped. Interrupting still interrupts.
#[derive(Debug)]
pub struct Terminal {
    before: Termios,
}

impl Terminal {
    /// Takes the terminal; None: standard input or output is none.
    pub fn take() -> io::Result<Option<Self>> {
        let (input, output) = (io::stdin(), io::stdout());
        if !input.is_terminal() || !output.is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(&input)?;
        let mut keys = before.clone();
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(&input, OptionalActions::Now, &keys)?;
        let terminal = Self { before };
        terminal.write(ENTER)?;
        Ok(Some(terminal))
    }

    /// Lines and columns.
    pub fn size(&self) -> (usize, usize) {
        match tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_row > 1 && size.ws_col > 1 => (size.ws_row.into(), size.ws_col.into()),
            _ => USUAL,
        }
    }

    /// Shows lines from the top, as much of them as there is room for. Lines must be safe to show.
    pub fn show(&self, text: &str) -> io::Result<()> {
        self.write(&screen(text, self.size()))
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(text.as_bytes())?;
        output.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.write(LEAVE);
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// What makes a terminal of this size show the lines.
fn screen(text: &str, (lines, columns): (usize, usize)) -> String {
    let mut screen = HOME.to_owned();
    for (number, line) in text.lines().take(lines).enumerate() {
        if number > 0 {
            screen.push_str("\r\n");
        }
        screen.extend(line.chars().take(columns));
        screen.push_str(REST_OF_LINE);
    }
    screen.push_str(REST_OF_SCREEN);
    screen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_shows_what_there_is_room_for() {
        let shown = screen("one\ntwo is long\nthree\n", (2, 5));
        assert_eq!(shown, "\x1b[Hone\x1b[K\r\ntwo i\x1b[K\x1b[J");
        assert_eq!(screen("", (2, 5)), "\x1b[H\x1b[J");
    }
}
