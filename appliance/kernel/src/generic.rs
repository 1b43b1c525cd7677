//! Generic netlink: families by their name, and questions to them from threads that may block.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use netlink_sys::protocols::NETLINK_GENERIC;
use rtnetlink::packet_core::NLM_F_DUMP_INTR;

use crate::blocking::BlockingSocket;
use crate::netlink::{
    ACKNOWLEDGE, Answer, DUMP, Messages, Request, SUBSYSTEM_HEADER, array, attribute, attributes,
    explanation, text, whole_answers,
};

const GENL_ID_CTRL: u16 = 0x10;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
const CTRL_ATTR_MCAST_GROUPS: u16 = 7;
const CTRL_ATTR_MCAST_GRP_NAME: u16 = 1;
const CTRL_ATTR_MCAST_GRP_ID: u16 = 2;

/// Readings begun before giving up on a table that changes while it is read.
const TRIES: u32 = 10;

/// A family of generic netlink.
#[derive(Debug)]
pub(crate) struct Family {
    /// Kind of its messages.
    pub(crate) id: u16,
    groups: Vec<(String, u32)>,
}

impl Family {
    /// Asks the kernel for a family by its name.
    pub(crate) fn question(name: &str) -> Request {
        Request::new(GENL_ID_CTRL, ACKNOWLEDGE, CTRL_CMD_GETFAMILY, 0).with_text(CTRL_ATTR_FAMILY_NAME, name)
    }

    /// The kernel's answer, from the attributes on.
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let id = u16::from_ne_bytes(array(attribute(message, CTRL_ATTR_FAMILY_ID)?, 0)?);
        let groups = attribute(message, CTRL_ATTR_MCAST_GROUPS).unwrap_or_default();
        let groups = attributes(groups).filter_map(|(_, group)| {
            let name = attribute(group, CTRL_ATTR_MCAST_GRP_NAME).and_then(text)?;
            let id = attribute(group, CTRL_ATTR_MCAST_GRP_ID)?;
            Some((name.to_owned(), u32::from_ne_bytes(array(id, 0)?)))
        });
        Some(Self {
            id,
            groups: groups.collect(),
        })
    }

    /// A multicast group of it.
    pub(crate) fn group(&self, name: &str) -> Option<u32> {
        let mut groups = self.groups.iter();
        groups.find_map(|(found, id)| (found == name).then_some(*id))
    }
}

/// Why the kernel did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Refusal {
    error: io::Error,
    /// In its own words, where it has any.
    said: Option<String>,
}

impl Refusal {
    /// The driver, or this kernel, has no such thing.
    pub(crate) fn unsupported(&self) -> bool {
        self.error.raw_os_error() == Some(libc::EOPNOTSUPP)
    }

    fn no_family(name: &str) -> Self {
        Self {
            error: io::Error::from_raw_os_error(libc::EOPNOTSUPP),
            said: Some(format!("this kernel has no '{name}' in generic netlink")),
        }
    }

    /// An answer that is not what was asked for.
    pub(crate) fn unreadable(why: impl fmt::Display) -> Self {
        Self {
            error: io::Error::from(io::ErrorKind::InvalidData),
            said: Some(format!("the kernel's answer cannot be read: {why}")),
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self { error, said: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.said {
            Some(said) => write!(f, "{said}: {}", self.error),
            None => self.error.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

/// An answer of a family.
#[derive(Debug)]
pub(crate) struct Reply {
    /// What kind of answer it is.
    pub(crate) command: u8,
    pub(crate) attributes: Vec<u8>,
}

/// A socket to generic netlink, of the network namespace of the thread that opens it.
#[derive(Debug)]
pub(crate) struct GenericNetlink {
    socket: BlockingSocket,
    families: BTreeMap<&'static str, u16>,
}

impl GenericNetlink {
    pub(crate) fn open() -> io::Result<Self> {
        let mut socket = BlockingSocket::open(NETLINK_GENERIC)?;
        socket.explain()?;
        Ok(Self {
            socket,
            families: BTreeMap::new(),
        })
    }

    /// Asks for one thing; what the kernel answers: one message most often, for a change perhaps none, for what is too
    /// large several.
    pub(crate) fn ask(
        &mut self,
        family: &'static str,
        command: u8,
        attributes: &[u8],
    ) -> Result<Vec<Reply>, Refusal> {
        let family = self.family(family)?;
        let question = message(family, ACKNOWLEDGE, command, attributes);
        Ok(self.exchange(question)?.0)
    }

    /// Asks for everything there is of a kind, again if that changes meanwhile.
    pub(crate) fn dump(&mut self, family: &'static str, command: u8) -> Result<Vec<Reply>, Refusal> {
        self.dump_of(family, command, &[])
    }

    /// The same of what the attributes say.
    pub(crate) fn dump_of(
        &mut self,
        family: &'static str,
        command: u8,
        attributes: &[u8],
    ) -> Result<Vec<Reply>, Refusal> {
        let family = self.family(family)?;
        for _ in 0..TRIES {
            let (replies, steady) = self.exchange(message(family, DUMP, command, attributes))?;
            if steady {
                return Ok(replies);
            }
        }
        Err(Refusal::unreadable(format_args!(
            "it did not keep still for {TRIES} readings"
        )))
    }

    /// Kind of the messages of a family.
    fn family(&mut self, name: &'static str) -> Result<u16, Refusal> {
        if let Some(id) = self.families.get(name) {
            return Ok(*id);
        }
        let sequence = self.socket.next_sequence();
        self.socket.send(&Family::question(name).finish(sequence))?;
        let (replies, _) = match self.answers_to(sequence) {
            Err(refusal) if refusal.error.raw_os_error() == Some(libc::ENOENT) => {
                return Err(Refusal::no_family(name));
            }
            answers => answers?,
        };
        let family = replies.iter().find_map(|reply| Family::read(&reply.attributes));
        let family = family.ok_or_else(|| Refusal::unreadable(format_args!("no family '{name}' in it")))?;
        self.families.insert(name, family.id);
        Ok(family.id)
    }

    fn exchange(&mut self, question: impl FnOnce(u32) -> Messages) -> Result<(Vec<Reply>, bool), Refusal> {
        let sequence = self.socket.next_sequence();
        self.socket.send(question(sequence).bytes())?;
        self.answers_to(sequence)
    }

    /// The answers up to the end mark, and whether what they tell kept still.
    fn answers_to(&mut self, sequence: u32) -> Result<(Vec<Reply>, bool), Refusal> {
        let (mut replies, mut steady) = (Vec::new(), true);
        loop {
            let datagram = self.socket.receive()?;
            for (of, flags, answer) in whole_answers(datagram) {
                if of != sequence {
                    continue;
                }
                steady &= flags & NLM_F_DUMP_INTR == 0;
                match answer {
                    Answer::Message(_, body) => {
                        let command = body.first().copied();
                        let attributes = body.get(SUBSYSTEM_HEADER..);
                        replies.extend(command.zip(attributes).map(|(command, attributes)| Reply {
                            command,
                            attributes: attributes.to_vec(),
                        }));
                    }
                    Answer::End(0) => return Ok((replies, steady)),
                    Answer::End(error) => {
                        return Err(Refusal {
                            error: io::Error::from_raw_os_error(error.saturating_neg()),
                            said: explanation(datagram, sequence).map(str::to_owned),
                        });
                    }
                }
            }
        }
    }
}

/// Every family there is here is of this version.
const VERSION: u8 = 1;

/// A request to a family, but for its number.
pub(crate) fn message(
    family: u16,
    flags: u16,
    command: u8,
    attributes: &[u8],
) -> impl FnOnce(u32) -> Messages {
    move |sequence| {
        let mut messages = Messages::default();
        messages.begin(family, flags, sequence, &[command, VERSION, 0, 0]);
        messages.put_all(attributes);
        messages.end();
        messages
    }
}
