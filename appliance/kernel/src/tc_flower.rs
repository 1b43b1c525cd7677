//! Rules of traffic control for frames that come in (tc-flower(8)), for threads that may block. With `skip_sw` a card
//! follows them.
//!
//! Ours have a cookie, so that those of others are left alone and those of a process that died are found.

mod build;
mod number;
mod parse;
mod rule;
#[cfg(test)]
mod tests;

use std::io;

use netlink_sys::protocols::NETLINK_ROUTE;
use rtnetlink::packet_core::NLM_F_DUMP_INTR;
use thiserror::Error;

pub use rule::{FlowerRule, FlowerState, GuardRule, Placement, RouteRule, RuleName};

use crate::blocking::BlockingSocket;
use crate::netlink::{Answer, Messages, explanation, whole_answers};
use number::RTM_NEWTFILTER;

/// On every action of ours.
const COOKIE: &[u8] = b"ravelin!";

/// Readings begun before giving up on rules that change meanwhile.
const TRIES: u32 = 10;

/// The kernel did not do it.
#[derive(Debug, Error)]
#[error("{}", .said.as_deref().unwrap_or("the kernel refused"))]
pub struct FlowerError {
    /// What it says of it, where it says something.
    pub said: Option<String>,
    /// Its error number.
    #[source]
    pub source: io::Error,
}

impl From<io::Error> for FlowerError {
    fn from(source: io::Error) -> Self {
        Self { said: None, source }
    }
}

/// Asks and tells traffic control of the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct TcFlower {
    socket: BlockingSocket,
}

impl TcFlower {
    /// Opens a socket.
    pub fn open() -> Result<Self, FlowerError> {
        let mut socket = BlockingSocket::open(NETLINK_ROUTE)?;
        socket.explain()?;
        Ok(Self { socket })
    }

    /// Has frames that come in by an interface pass filters, where they do not yet. What is there stays. Needs
    /// `CAP_NET_ADMIN`.
    pub fn ensure_qdisc(&mut self, interface: u32) -> Result<(), FlowerError> {
        match self.tell(|messages, sequence| build::clsact(messages, sequence, interface)) {
            // Also where it is an ingress, which serves as well.
            Err(error) if error.source.raw_os_error() == Some(libc::EEXIST) => Ok(()),
            other => other,
        }
    }

    /// Puts in a rule, in place of the one with its name.
    pub fn replace(
        &mut self,
        handle: u32,
        rule: &FlowerRule,
        placement: Placement,
    ) -> Result<(), FlowerError> {
        self.tell(|messages, sequence| build::replace(messages, sequence, handle, rule, placement))
    }

    /// Takes out a rule; false: it was not there.
    pub fn delete(&mut self, name: RuleName) -> Result<bool, FlowerError> {
        match self.tell(|messages, sequence| build::delete(messages, sequence, name)) {
            Ok(()) => Ok(true),
            // Of the rule; of its preference, or of all filters; of the interface.
            Err(error) if is_gone(&error.source) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Our rules for frames that come in by an interface.
    pub fn rules(&mut self, interface: u32) -> Result<Vec<FlowerState>, FlowerError> {
        for _ in 0..TRIES {
            if let Some(rules) = self.dump(interface)? {
                return Ok(rules);
            }
        }
        Err(io::Error::other("the rules did not keep still").into())
    }

    /// None: they changed meanwhile.
    fn dump(&mut self, interface: u32) -> Result<Option<Vec<FlowerState>>, FlowerError> {
        let sequence = self.socket.next_sequence();
        let mut messages = Messages::default();
        build::dump(&mut messages, sequence, interface);
        self.socket.send(messages.bytes())?;
        let (mut rules, mut steady) = (Vec::new(), true);
        loop {
            for (of, flags, answer) in whole_answers(self.socket.receive()?) {
                if of != sequence {
                    continue;
                }
                steady &= flags & NLM_F_DUMP_INTR == 0;
                match answer {
                    Answer::Message(RTM_NEWTFILTER, message) => rules.extend(parse::state(message)),
                    Answer::Message(..) => {}
                    Answer::End(0) => return Ok(steady.then_some(rules)),
                    Answer::End(error) => {
                        let error = io::Error::from_raw_os_error(error.saturating_neg());
                        // Without clsact, or without the interface, there are none.
                        return if is_gone(&error) {
                            Ok(Some(Vec::new()))
                        } else {
                            Err(error.into())
                        };
                    }
                }
            }
        }
    }

    /// Sends one request and waits until it is done.
    fn tell(&mut self, build: impl FnOnce(&mut Messages, u32)) -> Result<(), FlowerError> {
        let sequence = self.socket.next_sequence();
        let mut messages = Messages::default();
        build(&mut messages, sequence);
        self.socket.send(messages.bytes())?;
        loop {
            let datagram = self.socket.receive()?;
            for (of, _, answer) in whole_answers(datagram) {
                match answer {
                    Answer::End(0) if of == sequence => return Ok(()),
                    Answer::End(error) if of == sequence => {
                        return Err(FlowerError {
                            said: explanation(datagram, sequence).map(str::to_owned),
                            source: io::Error::from_raw_os_error(error.saturating_neg()),
                        });
                    }
                    _ => {}
                }
            }
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENOENT | libc::EINVAL | libc::ENODEV)
    )
}
