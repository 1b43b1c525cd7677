//! What scripts/capture-cards recorded of ethtool(8), devlink(8) and example `probe` under the kernel of the image.

use crate::netlink::{Answer, SUBSYSTEM_HEADER, whole_answers};

const FILES: [&str; 3] = [
    include_str!("testdata/cards/ethtool.txt"),
    include_str!("testdata/cards/devlink.txt"),
    include_str!("testdata/cards/probe.txt"),
];

/// What a command did.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// What it printed.
    pub(crate) printed: String,
    /// What it sent, the look-up of families left out.
    pub(crate) sent: Vec<Message>,
    /// What it received but for acknowledgements.
    pub(crate) received: Vec<Message>,
}

/// A message of generic netlink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) flags: u16,
    pub(crate) command: u8,
    pub(crate) version: u8,
    pub(crate) attributes: Vec<u8>,
}

/// The record of a command.
#[track_caller]
pub(crate) fn recorded(command: &str) -> Recorded {
    let head = format!("$ {command}");
    let file = FILES.iter().find(|file| file.lines().any(|line| line == head));
    let file = file.unwrap_or_else(|| panic!("{command:?} was not recorded"));
    let lines = file.lines().skip_while(|line| *line != head).skip(1);
    let mut recorded = Recorded::default();
    for line in lines.take_while(|line| !line.is_empty()) {
        match line.split_at(1) {
            ("|", text) => {
                recorded.printed.push_str(text.strip_prefix(' ').unwrap_or(text));
                recorded.printed.push('\n');
            }
            (">", hexadecimal) => recorded.sent.extend(messages(hexadecimal)),
            ("<", hexadecimal) => recorded.received.extend(messages(hexadecimal)),
            _ => panic!("{line:?}"),
        }
    }
    recorded
}

impl Recorded {
    /// The first answer to a command.
    #[track_caller]
    pub(crate) fn answer(&self, command: u8) -> &[u8] {
        let answer = self.received.iter().find(|message| message.command == command);
        &answer
            .unwrap_or_else(|| panic!("no answer {command}: {self:?}"))
            .attributes
    }

    /// The first request of a command.
    #[track_caller]
    pub(crate) fn request(&self, command: u8) -> &Message {
        let request = self.sent.iter().find(|message| message.command == command);
        request.unwrap_or_else(|| panic!("no request {command}: {self:?}"))
    }
}

fn messages(hexadecimal: &str) -> Vec<Message> {
    let digits = hexadecimal.trim().as_bytes().chunks(2);
    let bytes: Vec<u8> = digits
        .map(|digits| {
            let digits = std::str::from_utf8(digits).expect("digits");
            u8::from_str_radix(digits, 16).expect("digits")
        })
        .collect();
    let messages = whole_answers(&bytes).filter_map(|(_, flags, answer)| match answer {
        Answer::Message(_, body) => Some(Message {
            flags,
            command: body[0],
            version: body[1],
            attributes: body[SUBSYSTEM_HEADER..].to_vec(),
        }),
        // A refusal.
        Answer::End(_) => None,
    });
    messages.collect()
}
