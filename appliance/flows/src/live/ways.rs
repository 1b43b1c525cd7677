//! Where connections come from and go to, by the routes of the moment.

use std::collections::HashMap;
use std::net::IpAddr;

use ravelin_compile::Judge;
use ravelin_kernel::{KernelError, RouteAnswer, RouteQuestion};
use ravelin_model::{Connection, ZoneNumber};

/// Answers kept; some 8 MiB.
const MOST_KNOWN: usize = 1 << 17;

/// Where packets of one side come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Side {
    /// This box.
    Local,
    /// By the interface with this kernel index.
    Interface(u32),
}

impl Side {
    /// Its zone; None: it is in none.
    pub(super) fn zone(self, judge: &Judge) -> Option<ZoneNumber> {
        match self {
            Self::Local => Some(ZoneNumber::LOCAL),
            Self::Interface(index) => judge.zone_of(index),
        }
    }
}

/// Both sides of a connection; None: the routes do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Sides {
    pub(super) from: Option<Side>,
    pub(super) to: Option<Side>,
}

/// Whoever answers questions about routes.
type Ask<'a> = &'a mut dyn FnMut(&[RouteQuestion]) -> Result<Vec<RouteAnswer>, KernelError>;

/// Asks each question once, many at a time. For one reading: routes change.
pub(super) struct Ways<'a> {
    ask: Ask<'a>,
    known: HashMap<RouteQuestion, RouteAnswer>,
}

impl<'a> Ways<'a> {
    pub(super) fn new(ask: Ask<'a>) -> Self {
        Self {
            ask,
            known: HashMap::new(),
        }
    }

    /// The sides of these connections, in their order. The source is asked for first: where packets come in decides
    /// where they go.
    pub(super) fn sides<'c>(
        &mut self,
        connections: impl Iterator<Item = &'c Connection> + Clone,
    ) -> Result<Vec<Sides>, KernelError> {
        if self.known.len() > MOST_KNOWN {
            self.known.clear();
        }
        self.learn(connections.clone().filter_map(back))?;
        let from = connections.clone().map(|connection| self.side(back(connection)));
        let from: Vec<Option<Side>> = from.collect();
        let there = |(connection, from): (&Connection, &Option<Side>)| forth(connection, *from);
        self.learn(connections.clone().zip(&from).filter_map(there))?;
        let sides = connections.zip(&from).map(|(connection, from)| Sides {
            from: *from,
            to: self.side(forth(connection, *from)),
        });
        Ok(sides.collect())
    }

    fn learn(&mut self, questions: impl Iterator<Item = RouteQuestion>) -> Result<(), KernelError> {
        let mut unknown: Vec<RouteQuestion> = Vec::new();
        for question in questions {
            // Until the kernel has said, so that none is asked twice.
            self.known.entry(question).or_insert_with(|| {
                unknown.push(question);
                RouteAnswer::Unreachable
            });
        }
        if !unknown.is_empty() {
            let answers = (self.ask)(&unknown)?;
            self.known.extend(unknown.into_iter().zip(answers));
        }
        Ok(())
    }

    fn side(&self, question: Option<RouteQuestion>) -> Option<Side> {
        match self.known.get(&question?)? {
            RouteAnswer::Local => Some(Side::Local),
            RouteAnswer::Out { interface } => Some(Side::Interface(*interface)),
            RouteAnswer::Unreachable => None,
        }
    }
}

/// The way back to who began it.
fn back(connection: &Connection) -> Option<RouteQuestion> {
    tells(connection.original.source).then_some(RouteQuestion {
        destination: connection.original.source,
        source: None,
    })
}

/// The way to the other side, behind the translation of the destination.
fn forth(connection: &Connection, from: Option<Side>) -> Option<RouteQuestion> {
    let (destination, _) = connection.server();
    let source = match from? {
        Side::Local => None,
        Side::Interface(index) => Some((connection.original.source, index)),
    };
    tells(destination).then_some(RouteQuestion { destination, source })
}

/// Whether a route to an address says where it is: link-local addresses are on every link, and a client that asks for
/// its address has none.
fn tells(address: IpAddr) -> bool {
    let everywhere = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !everywhere && !address.is_unspecified()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use ravelin_model::{ConnectionStatus, FlowTuple};

    use super::*;

    fn connection(source: &str, destination: &str, server: &str) -> Connection {
        let original = FlowTuple {
            source: source.parse().expect("address"),
            destination: destination.parse().expect("address"),
            protocol: 6,
            source_port: 1,
            destination_port: 2,
        };
        Connection {
            id: 1,
            zone: 0,
            original,
            reply: FlowTuple {
                source: server.parse().expect("address"),
                ..original.inverted()
            },
            status: ConnectionStatus(0),
            mark: 0,
            timeout_seconds: None,
            tcp_state: None,
            counts: None,
            started_at: None,
            ended_at: None,
            master: None,
            syn_proxy: false,
            labels: 0,
        }
    }

    /// A box with 10.0.0.0/8 and 2001:db8:1::/64 at interface 2, everything else at 3, itself at x.1; nothing gets to
    /// 192.0.2.0/24, nor to 203.0.113.9 from interface 2.
    fn answer(question: &RouteQuestion) -> RouteAnswer {
        let text = question.destination.to_string();
        let incoming = question.source.map(|(_, interface)| interface);
        match text.as_str() {
            "10.0.0.1" | "198.51.100.1" | "2001:db8:1::1" => RouteAnswer::Local,
            "203.0.113.9" if incoming == Some(2) => RouteAnswer::Unreachable,
            text if text.starts_with("192.0.2.") => RouteAnswer::Unreachable,
            text if text.starts_with("10.") || text.starts_with("2001:db8:1:") => {
                RouteAnswer::Out { interface: 2 }
            }
            _ => RouteAnswer::Out { interface: 3 },
        }
    }

    #[track_caller]
    fn check(table: &[(Connection, Option<Side>, Option<Side>)]) {
        let mut asked = Vec::new();
        let mut ask = |questions: &[RouteQuestion]| {
            asked.extend_from_slice(questions);
            Ok(questions.iter().map(answer).collect())
        };
        let mut ways = Ways::new(&mut ask);
        let expected: Vec<Sides> = table
            .iter()
            .map(|(_, from, to)| Sides { from: *from, to: *to })
            .collect();
        for _ in 0..2 {
            let found = ways.sides(table.iter().map(|row| &row.0)).expect("answers");
            assert_eq!(found, expected);
        }
        let different: HashSet<_> = asked.iter().collect();
        assert_eq!(different.len(), asked.len(), "asked twice: {asked:?}");
    }

    #[test]
    fn both_sides_are_where_the_routes_say() {
        let (lan, wan) = (Some(Side::Interface(2)), Some(Side::Interface(3)));
        let local = Some(Side::Local);
        check(&[
            (connection("10.0.0.7", "203.0.113.7", "203.0.113.7"), lan, wan),
            (connection("10.0.0.7", "203.0.113.8", "203.0.113.8"), lan, wan),
            (connection("10.0.0.8", "10.0.0.1", "10.0.0.1"), lan, local),
            (connection("10.0.0.1", "203.0.113.9", "203.0.113.9"), local, wan),
            // Behind a translated destination.
            (connection("203.0.113.7", "198.51.100.1", "10.0.0.80"), wan, lan),
            (
                connection("2001:db8:1::7", "2001:db8:2::7", "2001:db8:2::7"),
                lan,
                wan,
            ),
            (
                connection("2001:db8:1::7", "2001:db8:1::1", "2001:db8:1::1"),
                lan,
                local,
            ),
        ]);
    }

    #[test]
    fn what_the_routes_do_not_tell_is_not_known() {
        let lan = Some(Side::Interface(2));
        check(&[
            (connection("10.0.0.7", "192.0.2.7", "192.0.2.7"), lan, None),
            (connection("192.0.2.7", "10.0.0.7", "10.0.0.7"), None, None),
            (connection("10.0.0.7", "203.0.113.9", "203.0.113.9"), lan, None),
            (connection("0.0.0.0", "10.0.0.1", "10.0.0.1"), None, None),
            (
                connection("fe80::7", "2001:db8:1::1", "2001:db8:1::1"),
                None,
                None,
            ),
            (connection("2001:db8:1::7", "fe80::1", "fe80::1"), lan, None),
            (connection("169.254.1.1", "10.0.0.1", "10.0.0.1"), None, None),
        ]);
    }
}
