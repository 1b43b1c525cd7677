//! Messages of netlink whose subsystems put a header of four bytes and attributes into them: NETLINK_NETFILTER
//! (include/uapi/linux/netfilter/nfnetlink.h) and NETLINK_GENERIC (genetlink.h).

use rtnetlink::packet_core::{NLM_F_DUMP, NLM_F_REQUEST};

const NETLINK_HEADER: usize = 16;
pub(crate) const SUBSYSTEM_HEADER: usize = 4;
const ATTRIBUTE_HEADER: usize = 4;
/// Without the flags "nested" and "network byte order".
const NLA_TYPE_MASK: u16 = 0x3fff;
const NLA_F_NESTED: u16 = 1 << 15;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// Bytes of the error number that such messages begin with.
const ERROR_NUMBER: usize = 4;
const NLM_F_CAPPED: u16 = 0x100;
const NLM_F_ACK_TLVS: u16 = 0x200;
const NLMSGERR_ATTR_MSG: u16 = 1;

/// Flags of a request for a whole table.
pub(crate) const DUMP: u16 = NLM_F_DUMP;
/// Flag of a request whose success is told too.
pub(crate) const ACKNOWLEDGE: u16 = 4;

/// Messages one after another, to be sent at once.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    bytes: Vec<u8>,
    /// Where the last one begins.
    begin: usize,
}

impl Messages {
    /// Begins a request; `header` is what its subsystem wants before the attributes.
    pub(crate) fn begin(&mut self, kind: u16, flags: u16, sequence: u32, header: &[u8]) {
        self.begin = self.bytes.len();
        self.bytes.extend([0; 4]);
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
        self.bytes.extend(sequence.to_ne_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.extend(header);
    }

    /// Adds an attribute to the last one.
    pub(crate) fn put(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len() + ATTRIBUTE_HEADER).unwrap_or(u16::MAX);
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// Adds a text with the zero byte the kernel wants behind it.
    pub(crate) fn put_text(&mut self, kind: u16, text: &str) {
        self.put(kind, format!("{text}\0").as_bytes());
    }

    /// Adds an attribute made of attributes.
    pub(crate) fn nest(&mut self, kind: u16, inner: impl FnOnce(&mut Self)) {
        let begin = self.bytes.len();
        self.bytes.extend([0; 2]);
        self.bytes.extend((kind | NLA_F_NESTED).to_ne_bytes());
        inner(self);
        let length = u16::try_from(self.bytes.len() - begin).unwrap_or(u16::MAX);
        self.bytes[begin..begin + 2].copy_from_slice(&length.to_ne_bytes());
    }

    /// Adds attributes made elsewhere to the last one.
    pub(crate) fn put_all(&mut self, attributes: &[u8]) {
        self.bytes.extend(attributes);
    }

    /// Ends the last one.
    pub(crate) fn end(&mut self) {
        let length = u32::try_from(self.bytes.len() - self.begin).unwrap_or(u32::MAX);
        self.bytes[self.begin..self.begin + 4].copy_from_slice(&length.to_ne_bytes());
    }

    /// Has the kernel tell the success of the last one too.
    pub(crate) fn acknowledge(&mut self) {
        let at = self.begin + 6;
        if let Some(flags) = array(&self.bytes, at).map(u16::from_ne_bytes) {
            self.bytes[at..at + 2].copy_from_slice(&(flags | ACKNOWLEDGE).to_ne_bytes());
        }
    }

    /// All of them.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.begin = 0;
    }
}

/// A message to a subsystem.
#[derive(Debug)]
pub(crate) struct Request(Messages);

impl Request {
    /// To netfilter: `kind` is the subsystem in the high byte and the message in the low one; `id` is the resource, if
    /// any. To generic netlink: `kind` is the family, in place of the family of addresses is the command, no id.
    pub(crate) fn new(kind: u16, flags: u16, family: u8, id: u16) -> Self {
        let mut messages = Messages::default();
        let [high, low] = id.to_be_bytes();
        messages.begin(kind, flags, 0, &[family, 0, high, low]);
        Self(messages)
    }

    /// Adds an attribute.
    #[must_use]
    pub(crate) fn with(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.put(kind, value);
        self
    }

    /// Adds a text with the zero byte the kernel wants behind it.
    #[must_use]
    pub(crate) fn with_text(self, kind: u16, text: &str) -> Self {
        self.with(kind, format!("{text}\0").as_bytes())
    }

    pub(crate) fn finish(mut self, sequence: u32) -> Vec<u8> {
        self.0.end();
        self.0.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.0.bytes
    }
}

/// What came from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer<'a> {
    /// A message of a subsystem: its kind, the rest of it behind its header.
    Message(u16, &'a [u8]),
    /// The end of a dump, or 0 for an acknowledgement; else a negated error number.
    End(i32),
}

/// The messages of a datagram: sequence number, flags, and what it says. What is cut off ends them.
pub(crate) fn answers(datagram: &[u8]) -> impl Iterator<Item = (u32, u16, Answer<'_>)> {
    whole_answers(datagram).map_while(|(sequence, flags, answer)| match answer {
        Answer::Message(kind, body) => {
            let attributes = body.get(SUBSYSTEM_HEADER..)?;
            Some((sequence, flags, Answer::Message(kind, attributes)))
        }
        end @ Answer::End(_) => Some((sequence, flags, end)),
    })
}

/// The same with the subsystem's header, which has other sizes elsewhere.
pub(crate) fn whole_answers(datagram: &[u8]) -> impl Iterator<Item = (u32, u16, Answer<'_>)> {
    messages(datagram).map(|(sequence, flags, kind, body)| {
        let answer = match kind {
            NLMSG_ERROR | NLMSG_DONE => Answer::End(array(body, 0).map_or(0, i32::from_ne_bytes)),
            kind => Answer::Message(kind, body),
        };
        (sequence, flags, answer)
    })
}

/// Sequence number, flags, kind and the rest of each message.
fn messages(mut datagram: &[u8]) -> impl Iterator<Item = (u32, u16, u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32::from_ne_bytes(array(datagram, 0)?)).ok()?;
        let kind = u16::from_ne_bytes(array(datagram, 4)?);
        let flags = u16::from_ne_bytes(array(datagram, 6)?);
        let sequence = u32::from_ne_bytes(array(datagram, 8)?);
        let body = datagram.get(NETLINK_HEADER..length)?;
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((sequence, flags, kind, body))
    })
}

/// What the kernel says of its refusal of a request, in words (NETLINK_EXT_ACK).
pub(crate) fn explanation(datagram: &[u8], sequence: u32) -> Option<&str> {
    messages(datagram).find_map(|(of, flags, kind, body)| {
        if of != sequence || flags & NLM_F_ACK_TLVS == 0 {
            return None;
        }
        let attributes = match kind {
            NLMSG_DONE => ERROR_NUMBER,
            // The refused request's header is in between, and the request itself unless it was left out.
            NLMSG_ERROR if flags & NLM_F_CAPPED == 0 => {
                let length = u32::from_ne_bytes(array(body, ERROR_NUMBER)?);
                ERROR_NUMBER + usize::try_from(length).ok()?.next_multiple_of(4)
            }
            NLMSG_ERROR => ERROR_NUMBER + NETLINK_HEADER,
            _ => return None,
        };
        attribute(body.get(attributes..)?, NLMSGERR_ATTR_MSG).and_then(text)
    })
}

/// Attributes one after another: their kind without flags, and what is in them. What is malformed ends them.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(array(bytes, 0)?));
        let kind = u16::from_ne_bytes(array(bytes, 2)?) & NLA_TYPE_MASK;
        let value = bytes.get(ATTRIBUTE_HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// What is in the first attribute of a kind.
pub(crate) fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find_map(|(found, value)| (found == kind).then_some(value))
}

/// A text, without the zero byte behind it.
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes)).ok()
}

/// A number in network byte order.
pub(crate) fn be16(bytes: &[u8]) -> Option<u16> {
    array(bytes, 0).map(u16::from_be_bytes)
}

/// A number in network byte order.
pub(crate) fn be32(bytes: &[u8]) -> Option<u32> {
    array(bytes, 0).map(u32::from_be_bytes)
}

/// A number in network byte order.
pub(crate) fn be64(bytes: &[u8]) -> Option<u64> {
    array(bytes, 0).map(u64::from_be_bytes)
}

/// So many bytes from a place on.
pub(crate) fn array<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<[u8; BYTES]> {
    bytes.get(at..at.checked_add(BYTES)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_not_read() {
        let message = Request::new(0x0a0b, DUMP, 1, 7)
            .with_text(1, "ravelin")
            .with(2, &[1, 2, 3])
            .finish(9);
        let body = &message[20..];
        assert_eq!(
            answers(&message).collect::<Vec<_>>(),
            [(9, NLM_F_REQUEST | DUMP, Answer::Message(0x0a0b, body))]
        );
        assert_eq!(attribute(body, 1).and_then(text), Some("ravelin"));
        assert_eq!(attribute(body, 2), Some(&[1, 2, 3][..]));
        assert_eq!(attribute(body, 3), None);
        for length in 0..message.len() {
            // The last byte is padding of the last attribute.
            let cut = &message[..length];
            assert_eq!(answers(cut).count(), 0, "{length} bytes");
            let _ = cut.get(20..).map(|body| attributes(body).count());
        }
        let two = [message.clone(), message].concat();
        assert_eq!(answers(&two).count(), 2);
    }

    #[test]
    fn messages_follow_each_other_and_attributes_nest() {
        let mut messages = Messages::default();
        for sequence in [7, 8] {
            messages.begin(0x0100, 0, sequence, &[2, 0, 0, 0]);
            messages.nest(1, |outer| {
                outer.nest(2, |inner| inner.put(3, &[9]));
                outer.put(4, &[1, 2, 3, 4, 5]);
            });
            messages.end();
        }
        messages.acknowledge();
        let all: Vec<_> = answers(messages.bytes()).collect();
        let flags: Vec<_> = all.iter().map(|(of, flags, _)| (*of, *flags)).collect();
        assert_eq!(flags, [(7, NLM_F_REQUEST), (8, NLM_F_REQUEST | ACKNOWLEDGE)]);
        for (_, _, answer) in all {
            let Answer::Message(0x0100, attributes) = answer else {
                panic!("{answer:?}");
            };
            let outer = attribute(attributes, 1).expect("outer");
            let inner = attribute(outer, 2).expect("inner");
            assert_eq!(attribute(inner, 3), Some(&[9][..]));
            assert_eq!(attribute(outer, 4), Some(&[1, 2, 3, 4, 5][..]));
        }
        messages.clear();
        assert!(messages.bytes().is_empty());
    }

    #[test]
    fn refusals_are_told_in_words() {
        let refusal = |kind, flags: u16, between: &[u8]| {
            let mut message = Messages::default();
            message.begin(kind, flags, 7, &(-libc::EINVAL).to_ne_bytes());
            message.put_all(between);
            message.put(2, &8_u32.to_ne_bytes());
            message.put(NLMSGERR_ATTR_MSG, b"too large\0");
            message.end();
            message
        };
        let request = Request::new(0x11, 0, 1, 0).with_text(1, "lan0").finish(7);
        for (what, kind, flags, between) in [
            (
                "without the request",
                NLMSG_ERROR,
                NLM_F_CAPPED,
                &request[..NETLINK_HEADER],
            ),
            ("with the request", NLMSG_ERROR, 0, &request[..]),
            ("of a dump", NLMSG_DONE, 0, &[][..]),
        ] {
            let message = refusal(kind, flags | NLM_F_ACK_TLVS, between);
            assert_eq!(explanation(message.bytes(), 7), Some("too large"), "{what}");
            assert_eq!(
                explanation(message.bytes(), 8),
                None,
                "{what}: of another request"
            );
            for length in 0..message.bytes().len() {
                assert_eq!(
                    explanation(&message.bytes()[..length], 7),
                    None,
                    "{what}, {length} bytes"
                );
            }
            let silent = refusal(kind, flags, between);
            assert_eq!(explanation(silent.bytes(), 7), None, "{what}: not told");
        }
    }

    #[test]
    fn ends_say_how_it_ended() {
        for (kind, error) in [(NLMSG_ERROR, -libc::ENOENT), (NLMSG_ERROR, 0), (NLMSG_DONE, 0)] {
            let mut bytes = Request::new(kind, 0, 0, 0).finish(1);
            bytes[16..20].copy_from_slice(&error.to_ne_bytes());
            let all: Vec<_> = answers(&bytes).map(|(_, _, answer)| answer).collect();
            assert_eq!(all, [Answer::End(error)]);
        }
    }
}
