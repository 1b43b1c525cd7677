//! Reads a stream of server-sent events (WHATWG HTML, section 9.2.6).

/// What the server sent between two empty lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Its type; empty where the server said none.
    pub event: String,
    /// Its data, lines joined by line feeds.
    pub data: String,
}

/// A line longer than this is not one of ours.
const LINE_LIMIT: usize = 1 << 20;

/// The stream is not one of ours: a line has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line of the event stream is longer than 1 MiB")]
pub struct LineTooLong;

/// Cuts bytes into messages.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    after_carriage_return: bool,
    started: bool,
    message: Message,
    data_lines: usize,
    /// Of the message that is coming in; stays for the next ones.
    id: Option<String>,
    last_id: Option<String>,
}

impl Parser {
    /// Takes bytes as they arrive, cut anywhere, and gives the messages they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Message>, LineTooLong> {
        let mut messages = Vec::new();
        for &byte in bytes {
            let second_of_two = byte == b'\n' && self.after_carriage_return;
            self.after_carriage_return = byte == b'\r';
            if second_of_two {
                continue;
            }
            if byte == b'\n' || byte == b'\r' {
                let line = std::mem::take(&mut self.line);
                messages.extend(self.end_line(&String::from_utf8_lossy(&line)));
            } else if self.line.len() == LINE_LIMIT {
                return Err(LineTooLong);
            } else {
                self.line.push(byte);
            }
        }
        Ok(messages)
    }

    /// The id of the last complete message: where a new connection goes on.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    fn end_line(&mut self, line: &str) -> Option<Message> {
        let line = if self.started {
            line
        } else {
            line.strip_prefix('\u{feff}').unwrap_or(line)
        };
        self.started = true;
        if line.is_empty() {
            self.last_id.clone_from(&self.id);
            let message = std::mem::take(&mut self.message);
            return (std::mem::take(&mut self.data_lines) > 0).then_some(message);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.message.event),
            "data" => {
                if self.data_lines > 0 {
                    self.message.data.push('\n');
                }
                self.data_lines += 1;
                self.message.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the stream in one piece and byte by byte; both must tell the same.
    #[track_caller]
    fn check(stream: &str, expected: &[(&str, &str)], last_id: Option<&str>) {
        let expected: Vec<Message> = expected
            .iter()
            .map(|(event, data)| Message {
                event: (*event).to_owned(),
                data: (*data).to_owned(),
            })
            .collect();
        for size in [stream.len().max(1), 1] {
            let mut parser = Parser::default();
            let pieces = stream.as_bytes().chunks(size);
            let got: Vec<Message> = pieces.flat_map(|piece| parser.push(piece).unwrap()).collect();
            assert_eq!((got.as_slice(), parser.last_id()), (expected.as_slice(), last_id));
        }
    }

    #[test]
    fn messages_end_with_an_empty_line() {
        check("id: 7\nevent: gap\ndata: {}\n\n", &[("gap", "{}")], Some("7"));
        check("data: a\n\ndata: unfinished\n", &[("", "a")], None);
    }

    #[test]
    fn every_line_end_counts_once() {
        check(
            "data: a\r\n\r\ndata: b\r\rdata: c\n\n",
            &[("", "a"), ("", "b"), ("", "c")],
            None,
        );
    }

    #[test]
    fn data_lines_are_joined() {
        check("data: a\ndata:b\ndata\n\n", &[("", "a\nb\n")], None);
    }

    #[test]
    fn comments_and_unknown_fields_are_skipped() {
        check(
            ": keep-alive\n\nretry: 5\nx: y\n\ndata: a\n\n",
            &[("", "a")],
            None,
        );
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_first_field() {
        check("\u{feff}data: a\n\n", &[("", "a")], None);
    }

    #[test]
    fn a_message_that_was_cut_off_will_be_asked_for_again() {
        check("id: 1\ndata: a\n\nid: 2\ndata: b\n", &[("", "a")], Some("1"));
    }

    #[test]
    fn an_id_with_nul_is_no_id() {
        check(
            "id: 1\ndata: a\n\nid: \0\ndata: b\n\n",
            &[("", "a"), ("", "b")],
            Some("1"),
        );
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut parser = Parser::default();
        assert_eq!(parser.push(&vec![b'a'; LINE_LIMIT + 1]), Err(LineTooLong));
    }
}
