//! Messages of a transport session (RFC 7011 section 3).

use ravelin_model::FlowRecord;
use time::OffsetDateTime;

use super::Shape;

/// Most bytes of a message: what is never fragmented on a path of Ethernet, tunnels included.
pub const MAX_MESSAGE_BYTES: usize = 1400;

/// Of IPFIX.
const VERSION: u16 = 10;

/// Id of sets of templates.
const TEMPLATE_SET: u16 = 2;

/// Bytes of the header of a message.
const MESSAGE_HEADER: usize = 16;

/// Bytes of the header of a set.
const SET_HEADER: usize = 4;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What to send.
    pub bytes: Vec<u8>,
    /// Data records in it.
    pub records: u32,
}

/// A transport session of one observation domain: what its messages are numbered by.
#[derive(Debug, Clone)]
pub struct Session {
    domain: u32,
    /// Data records in all messages so far, modulo 2³²; templates do not count.
    pub(super) sequence: u32,
}

impl Session {
    /// A session that begins.
    pub fn new(domain: u32) -> Self {
        Self { domain, sequence: 0 }
    }

    /// All templates. They have to be sent before the first record, and over UDP again from time to time (RFC 7011
    /// section 8.1).
    pub fn templates(&self, at: OffsetDateTime) -> Message {
        let mut message = self.begin(at);
        let set = begin_set(&mut message, TEMPLATE_SET);
        for shape in Shape::all() {
            message.bytes.extend(shape.template().to_be_bytes());
            let count = u16::try_from(shape.elements().count()).unwrap_or(u16::MAX);
            message.bytes.extend(count.to_be_bytes());
            for element in shape.elements() {
                element.specify(&mut message.bytes);
            }
        }
        end_set(&mut message, set);
        end(message)
    }

    /// The records in as few messages as hold them, in an order that makes few sets.
    pub fn messages(&mut self, records: &[FlowRecord], at: OffsetDateTime) -> Vec<Message> {
        let mut shaped: Vec<(Shape, &FlowRecord)> =
            records.iter().map(|record| (Shape::of(record), record)).collect();
        shaped.sort_by_key(|(shape, _)| *shape);
        let mut messages = Vec::new();
        let mut message = self.begin(at);
        let mut rest = shaped.as_slice();
        while let Some(&(shape, _)) = rest.first() {
            let room = MAX_MESSAGE_BYTES.saturating_sub(message.bytes.len() + SET_HEADER);
            let fit = room / shape.bytes();
            let same = rest.iter().take_while(|(other, _)| *other == shape).count();
            if fit == 0 {
                messages.push(end(std::mem::replace(&mut message, self.begin(at))));
                continue;
            }
            let (now, later) = rest.split_at(fit.min(same));
            let set = begin_set(&mut message, shape.template());
            for (_, record) in now {
                for element in shape.elements() {
                    element.write(record, &mut message.bytes);
                }
                message.records += 1;
                self.sequence = self.sequence.wrapping_add(1);
            }
            end_set(&mut message, set);
            rest = later;
        }
        if message.records > 0 {
            messages.push(end(message));
        }
        messages
    }

    /// A message of which only the length is to be written.
    fn begin(&self, at: OffsetDateTime) -> Message {
        let mut bytes = Vec::with_capacity(MAX_MESSAGE_BYTES);
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend([0, 0]);
        let seconds = at.unix_timestamp().clamp(0, u32::MAX.into());
        bytes.extend(u32::try_from(seconds).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.domain.to_be_bytes());
        debug_assert_eq!(bytes.len(), MESSAGE_HEADER);
        Message { bytes, records: 0 }
    }
}

/// Answers where the set begins.
fn begin_set(message: &mut Message, id: u16) -> usize {
    let start = message.bytes.len();
    message.bytes.extend(id.to_be_bytes());
    message.bytes.extend([0, 0]);
    start
}

fn end_set(message: &mut Message, start: usize) {
    let bytes = message.bytes.len() - start;
    write_length(message, start + 2, bytes);
}

fn end(mut message: Message) -> Message {
    let bytes = message.bytes.len();
    write_length(&mut message, 2, bytes);
    message
}

/// No message is longer than [`MAX_MESSAGE_BYTES`], so its length fits.
fn write_length(message: &mut Message, at: usize, bytes: usize) {
    let length = u16::try_from(bytes).unwrap_or(u16::MAX);
    message.bytes[at..at + 2].copy_from_slice(&length.to_be_bytes());
}
