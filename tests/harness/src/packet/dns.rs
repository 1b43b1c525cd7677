//! DNS messages.

/// A query with one question, and what the tests vary about it.
#[derive(Debug, Clone)]
pub struct Query {
    /// Id of the message.
    pub id: u16,
    /// The two bytes of flags.
    pub flags: [u8; 2],
    /// Questions, answers, authorities, additionals; the last one is counted up by [`Self::edns`].
    pub counts: [u16; 4],
    /// Name in wire format.
    pub name: Vec<u8>,
    /// Type and class.
    pub kind: [u16; 2],
    /// Whatever follows the question.
    pub rest: Vec<u8>,
}

impl Query {
    /// Asks for the A record of a name, recursion desired.
    pub fn new(name: &str) -> Self {
        Self {
            id: 0xbeef,
            flags: [1, 0],
            counts: [1, 0, 0, 0],
            name: wire_name(name),
            kind: [1, 1],
            rest: Vec::new(),
        }
    }

    /// With an OPT record: requestor's payload size 4096, these flags and options.
    #[must_use]
    pub fn edns(mut self, flags: u16, options: &[u8]) -> Self {
        self.counts[3] += 1;
        self.rest.extend([0, 0, 41, 0x10, 0, 0, 0]);
        self.rest.extend(flags.to_be_bytes());
        self.rest.extend(
            u16::try_from(options.len())
                .expect("options are short")
                .to_be_bytes(),
        );
        self.rest.extend(options);
        self
    }

    /// Name, type and class.
    pub fn question(&self) -> Vec<u8> {
        let mut bytes = self.name.clone();
        for word in self.kind {
            bytes.extend(word.to_be_bytes());
        }
        bytes
    }

    /// The message.
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = self.id.to_be_bytes().to_vec();
        bytes.extend(self.flags);
        for count in self.counts {
            bytes.extend(count.to_be_bytes());
        }
        bytes.extend(self.question());
        bytes.extend(&self.rest);
        bytes
    }

    /// The message with its length before it, as on a stream.
    pub fn framed(&self) -> Vec<u8> {
        let message = self.build();
        let mut bytes = u16::try_from(message.len())
            .expect("a query is short")
            .to_be_bytes()
            .to_vec();
        bytes.extend(message);
        bytes
    }
}

/// A name as it stands in a message: labels split at dots, nothing escaped, nothing folded.
pub fn wire_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).expect("a label is short"));
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// The answer due to a query for a listed name. `edns`: `Some(DO bit)` where the query had an OPT record.
pub fn nxdomain(query: &Query, edns: Option<bool>) -> Vec<u8> {
    let mut bytes = query.id.to_be_bytes().to_vec();
    bytes.extend([0x80 | (query.flags[0] & 1), 0x83 | (query.flags[1] & 0x10)]);
    bytes.extend([0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())]);
    bytes.extend(query.question());
    if let Some(dnssec_ok) = edns {
        bytes.extend([0, 0, 41, 0x04, 0xd0, 0, 0, if dnssec_ok { 0x80 } else { 0 }, 0]);
        // Extended DNS Error, Blocked.
        bytes.extend([0, 6, 0, 15, 0, 2, 0, 15]);
    }
    bytes
}
