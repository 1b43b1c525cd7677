//! Which live connections are meant.

use ipnet::IpNet;

use crate::{Connection, ConnectionStatus, Offload, RuleId, TcpState, ZoneId};

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlowState {
    /// TCP says.
    Tcp(TcpState),
    /// Only who began it has sent packets.
    Unreplied,
    /// Both sides have.
    Replied,
    /// Both sides have, and it is not thrown out early.
    Assured,
}

impl FlowState {
    /// Of a connection.
    pub fn of(connection: &Connection) -> Self {
        let status = connection.status;
        match connection.tcp_state {
            Some(state) => Self::Tcp(state),
            None if !status.has(ConnectionStatus::SEEN_REPLY) => Self::Unreplied,
            None if !status.has(ConnectionStatus::ASSURED) => Self::Replied,
            None => Self::Assured,
        }
    }

    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [Self::Unreplied, Self::Replied, Self::Assured];
        TcpState::ALL.into_iter().map(Self::Tcp).chain(others)
    }

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp(state) => state.name(),
            Self::Unreplied => "unreplied",
            Self::Replied => "replied",
            Self::Assured => "assured",
        }
    }
}

/// Which addresses of a connection are translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NatMatch {
    /// Its source.
    Source,
    /// Its destination.
    Destination,
    /// Either.
    Any,
    /// Neither.
    None,
}

impl NatMatch {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Source, Self::Destination, Self::Any, Self::None];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "snat",
            Self::Destination => "dnat",
            Self::Any => "any",
            Self::None => "none",
        }
    }
}

/// Which connections are meant: those everything given fits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowFilter {
    /// IANA number.
    pub protocol: Option<u8>,
    /// Where who began it is, before or after translation.
    pub source: Option<IpNet>,
    /// Where the other side is, before or after translation.
    pub destination: Option<IpNet>,
    /// Where either is.
    pub address: Option<IpNet>,
    /// Port it goes to, before or after translation.
    pub port: Option<u16>,
    /// Zone it comes from or goes to.
    pub zone: Option<ZoneId>,
    /// Rule that let it in.
    pub rule: Option<RuleId>,
    /// How far it is.
    pub state: Option<FlowState>,
    /// Who forwards its packets.
    pub offload: Option<Offload>,
    /// What of it is translated.
    pub nat: Option<NatMatch>,
}

impl FlowFilter {
    /// Whether it means every connection.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a connection fits as far as conntrack alone can tell: everything but `zone`, `rule` and `offload`.
    pub fn fits(&self, connection: &Connection) -> bool {
        let Self {
            protocol,
            source,
            destination,
            address,
            port,
            zone: _,
            rule: _,
            state,
            offload: _,
            nat,
        } = self;
        let Connection { original, reply, .. } = connection;
        let sources = [original.source, reply.destination];
        let destinations = [original.destination, reply.source];
        let within = |network: &Option<IpNet>, of: &[std::net::IpAddr]| {
            network.is_none_or(|network| of.iter().any(|address| network.contains(address)))
        };
        protocol.is_none_or(|number| number == original.protocol)
            && within(source, &sources)
            && within(destination, &destinations)
            && within(address, &[sources, destinations].concat())
            && port.is_none_or(|port| {
                original.has_ports() && (port == original.destination_port || port == reply.source_port)
            })
            && state.is_none_or(|state| state == FlowState::of(connection))
            && nat.is_none_or(|nat| translated(connection.status, nat))
    }
}

fn translated(status: ConnectionStatus, nat: NatMatch) -> bool {
    match nat {
        NatMatch::Source => status.has(ConnectionStatus::SNAT),
        NatMatch::Destination => status.has(ConnectionStatus::DNAT),
        NatMatch::Any => status.has(ConnectionStatus::SNAT | ConnectionStatus::DNAT),
        NatMatch::None => !status.has(ConnectionStatus::SNAT | ConnectionStatus::DNAT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowTuple, protocol};

    fn tuple(protocol: u8, source: (&str, u16), destination: (&str, u16)) -> FlowTuple {
        FlowTuple {
            source: source.0.parse().expect("address"),
            destination: destination.0.parse().expect("address"),
            protocol,
            source_port: source.1,
            destination_port: destination.1,
        }
    }

    /// A client behind 198.51.100.1 on a published server.
    fn published() -> Connection {
        Connection {
            id: 1,
            zone: 0,
            original: tuple(protocol::TCP, ("10.0.0.7", 40000), ("203.0.113.80", 443)),
            reply: tuple(protocol::TCP, ("192.168.1.80", 8443), ("198.51.100.1", 61000)),
            status: ConnectionStatus(
                ConnectionStatus::SEEN_REPLY | ConnectionStatus::SNAT | ConnectionStatus::DNAT,
            ),
            mark: 0,
            timeout_seconds: Some(100),
            tcp_state: Some(TcpState::Established),
            counts: None,
            started_at: None,
            ended_at: None,
            master: None,
            syn_proxy: false,
            labels: 0,
        }
    }

    fn query6() -> Connection {
        let original = tuple(protocol::UDP, ("2001:db8::7", 5353), ("2001:db8:1::53", 53));
        Connection {
            original,
            reply: original.inverted(),
            status: ConnectionStatus(0),
            tcp_state: None,
            ..published()
        }
    }

    #[track_caller]
    fn check(filter: FlowFilter, expected: (bool, bool)) {
        let found = (filter.fits(&published()), filter.fits(&query6()));
        assert_eq!(found, expected, "{filter:?}");
    }

    fn network(text: &str) -> Option<IpNet> {
        let address = text.parse().map(|address: std::net::IpAddr| address.into());
        Some(address.unwrap_or_else(|_| text.parse().expect("network")))
    }

    #[test]
    fn each_part_of_a_filter_says_its_own() {
        let none = FlowFilter::default;
        assert!(none().is_empty());
        check(none(), (true, true));
        let of = |protocol| FlowFilter {
            protocol: Some(protocol),
            ..none()
        };
        check(of(protocol::TCP), (true, false));
        check(of(protocol::UDP), (false, true));
        let to = |port| FlowFilter {
            port: Some(port),
            ..none()
        };
        check(to(443), (true, false));
        check(to(8443), (true, false));
        check(to(53), (false, true));
        check(to(40000), (false, false));
        let state = |state| FlowFilter {
            state: Some(state),
            ..none()
        };
        check(state(FlowState::Tcp(TcpState::Established)), (true, false));
        check(state(FlowState::Unreplied), (false, true));
        check(state(FlowState::Replied), (false, false));
        let nat = |nat| FlowFilter {
            nat: Some(nat),
            ..none()
        };
        check(nat(NatMatch::Source), (true, false));
        check(nat(NatMatch::Destination), (true, false));
        check(nat(NatMatch::Any), (true, false));
        check(nat(NatMatch::None), (false, true));
    }

    #[test]
    fn addresses_are_found_on_both_sides_of_a_translation() {
        for (text, source, destination) in [
            ("10.0.0.0/8", true, false),
            ("198.51.100.1", true, false),
            ("203.0.113.80", false, true),
            ("192.168.1.0/24", false, true),
        ] {
            let filter = FlowFilter {
                source: network(text),
                ..FlowFilter::default()
            };
            check(filter, (source, false));
            let filter = FlowFilter {
                destination: network(text),
                ..FlowFilter::default()
            };
            check(filter, (destination, false));
            let filter = FlowFilter {
                address: network(text),
                ..FlowFilter::default()
            };
            check(filter, (true, false));
        }
        let filter = FlowFilter {
            address: network("2001:db8:1::/48"),
            ..FlowFilter::default()
        };
        check(filter, (false, true));
        // Nothing of one family is within a network of the other.
        let filter = FlowFilter {
            address: network("::/0"),
            ..FlowFilter::default()
        };
        check(filter, (false, true));
    }

    #[test]
    fn names_of_states_are_unique() {
        let names: std::collections::HashSet<_> = FlowState::all().map(FlowState::name).collect();
        assert_eq!(names.len(), FlowState::all().count());
    }
}
