//! What became of a packet.

/// Outcome of a packet, with the stable number of `ebpf/include/ravelin/reason.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Went on.
    Pass,
    /// Source is on an address list of `ddos_protection`.
    SourceListed,
    /// DNS query for a listed name, dropped.
    DnsDropped,
    /// DNS query for a listed name, answered by us.
    DnsAnswered,
    /// A rule of the policy drops or rejects it.
    PolicyRule,
    /// No rule matches, and the zone pair drops or rejects.
    PolicyDefault,
    /// It belongs to no connection and cannot begin one.
    InvalidState,
    /// Its interface is in no zone.
    NoZone,
    /// Went on: XDP forwarded it from the flow cache.
    Forwarded,
}

/// What a [`Reason`] does to the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Goes on.
    Pass,
    /// Ends here.
    Drop,
    /// Ends here and an answer goes back.
    Answer,
}

impl Verdict {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Drop => "drop",
            Self::Answer => "answer",
        }
    }
}

impl Reason {
    /// Every reason in number order.
    pub const ALL: [Self; 9] = [
        Self::Pass,
        Self::SourceListed,
        Self::DnsDropped,
        Self::DnsAnswered,
        Self::PolicyRule,
        Self::PolicyDefault,
        Self::InvalidState,
        Self::NoZone,
        Self::Forwarded,
    ];

    /// Its stable number.
    pub fn number(self) -> u16 {
        match self {
            Self::Pass => 0,
            Self::SourceListed => 1,
            Self::DnsDropped => 2,
            Self::DnsAnswered => 3,
            Self::PolicyRule => 4,
            Self::PolicyDefault => 5,
            Self::InvalidState => 6,
            Self::NoZone => 7,
            Self::Forwarded => 8,
        }
    }

    /// The reason with that number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
    }

    /// Its name in logs, metrics and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::SourceListed => "source_listed",
            Self::DnsDropped => "dns_dropped",
            Self::DnsAnswered => "dns_answered",
            Self::PolicyRule => "policy_rule",
            Self::PolicyDefault => "policy_default",
            Self::InvalidState => "invalid_state",
            Self::NoZone => "no_zone",
            Self::Forwarded => "forwarded",
        }
    }

    /// What it does.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Pass | Self::Forwarded => Verdict::Pass,
            Self::SourceListed
            | Self::DnsDropped
            | Self::PolicyRule
            | Self::PolicyDefault
            | Self::InvalidState
            | Self::NoZone => Verdict::Drop,
            Self::DnsAnswered => Verdict::Answer,
        }
    }
}
