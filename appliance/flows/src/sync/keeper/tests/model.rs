//! A conntrack in memory: what it holds, and what it tells when that changes.

use proptest::prelude::*;
use ravelin_datapath::CachedFlow;
use ravelin_kernel::ConntrackEvent;
use ravelin_model::{Connection, ConnectionStatus, FlowTuple, TcpState, protocol};

use crate::sync::{Locals, eligible};

/// Places for connections; each has its own addresses, every other one is of IPv6.
pub(super) const SLOTS: usize = 5;

/// How a connection comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By a handshake.
    Tcp,
    /// TCP whose handshake nobody saw: it is established from its first packet on, so no news tell its state later.
    Picked,
    Udp,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Tcp, Self::Picked, Self::Udp];
}

/// What happens to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A connection begins, unless there is one.
    Begin(Kind),
    /// It comes to its next stage.
    Progress,
    /// Its mark changes.
    Mark(u32),
    /// It is no more.
    End,
}

pub(super) fn acts(most: usize) -> impl Strategy<Value = Vec<(usize, Act)>> {
    let act = prop_oneof![
        2 => prop::sample::select(&Kind::ALL[..]).prop_map(Act::Begin),
        4 => Just(Act::Progress),
        1 => (0..4_u32).prop_map(Act::Mark),
        // To be answered, and reset.
        1 => prop_oneof![Just(1 << 20), Just(1 << 21)].prop_map(Act::Mark),
        1 => Just(Act::End),
    ];
    prop::collection::vec((0..SLOTS, act), 0..most)
}

#[derive(Debug, Clone)]
struct Tracked {
    connection: Connection,
    kind: Kind,
    stage: u8,
}

/// What conntrack holds.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    slots: [Option<Tracked>; SLOTS],
    made: u32,
}

impl Kernel {
    /// Lets it happen; answers what conntrack tells of it.
    pub(super) fn act(&mut self, slot: usize, act: Act) -> Vec<ConntrackEvent> {
        let place = &mut self.slots[slot];
        match (act, place) {
            (Act::Begin(kind), None) => {
                self.made += 1;
                let connection = begin(slot, kind, self.made);
                self.slots[slot] = Some(Tracked {
                    connection: connection.clone(),
                    kind,
                    stage: 0,
                });
                vec![ConntrackEvent::New(connection)]
            }
            (Act::Progress, Some(tracked)) => tracked.progress(),
            (Act::Mark(mark), Some(tracked)) => {
                tracked.connection.mark = mark;
                vec![ConntrackEvent::Updated(Connection {
                    tcp_state: None,
                    ..tracked.connection.clone()
                })]
            }
            (Act::End, place) => {
                let ended = place.take().map(|tracked| Connection {
                    timeout_seconds: None,
                    ..tracked.connection
                });
                ended.map(ConntrackEvent::Destroyed).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn connection(&self, slot: usize) -> Option<Connection> {
        self.slots[slot]
            .as_ref()
            .map(|tracked| tracked.connection.clone())
    }

    pub(super) fn connections(&self) -> Vec<Connection> {
        (0..SLOTS).filter_map(|slot| self.connection(slot)).collect()
    }

    pub(super) fn get(&self, original: &FlowTuple) -> Option<Connection> {
        let mut all = self.connections().into_iter();
        all.find(|connection| connection.original == *original)
    }

    /// What a cache in step holds.
    pub(super) fn expected(&self) -> Vec<CachedFlow> {
        let all = self.connections();
        let flows = all
            .iter()
            .filter_map(|row| eligible(row, &Locals::default()).ok());
        let mut flows: Vec<CachedFlow> = flows.collect();
        flows.sort_by_key(|flow| flow.connection);
        flows
    }
}

impl Tracked {
    fn progress(&mut self) -> Vec<ConntrackEvent> {
        let (state, bits) = match (self.kind, self.stage) {
            (Kind::Tcp, 0) => (Some(TcpState::SynReceived), ConnectionStatus::SEEN_REPLY),
            (Kind::Tcp, 1) => (Some(TcpState::Established), ConnectionStatus::ASSURED),
            (Kind::Picked | Kind::Udp, 0) => (None, ConnectionStatus::SEEN_REPLY),
            (Kind::Picked | Kind::Udp, 1) => (None, ConnectionStatus::ASSURED),
            (Kind::Tcp | Kind::Picked, 2) => (Some(TcpState::FinWait), 0),
            (Kind::Tcp | Kind::Picked, 3) => (Some(TcpState::TimeWait), 0),
            _ => return Vec::new(),
        };
        self.stage += 1;
        self.connection.status.0 |= bits;
        self.connection.tcp_state = state.or(self.connection.tcp_state);
        vec![ConntrackEvent::Updated(Connection {
            tcp_state: state,
            ..self.connection.clone()
        })]
    }
}

fn begin(slot: usize, kind: Kind, id: u32) -> Connection {
    let number = u8::try_from(slot).expect("few slots");
    let [source, destination, server] = if slot.is_multiple_of(2) {
        [[10, 0, 0, number], [192, 0, 2, number], [172, 16, 0, number]].map(|bytes| bytes.into())
    } else {
        [0xa, 0xb, 0xc].map(|net| [0x2001, 0xdb8, net, 0, 0, 0, 0, u16::from(number)].into())
    };
    let original = FlowTuple {
        source,
        destination,
        protocol: if kind == Kind::Udp {
            protocol::UDP
        } else {
            protocol::TCP
        },
        source_port: 40_000,
        destination_port: 443,
    };
    Connection {
        id,
        zone: 0,
        original,
        reply: FlowTuple {
            source: server,
            ..original.inverted()
        },
        status: ConnectionStatus(ConnectionStatus::CONFIRMED),
        mark: 0,
        timeout_seconds: Some(60),
        tcp_state: match kind {
            Kind::Tcp => Some(TcpState::SynSent),
            Kind::Picked => Some(TcpState::Established),
            Kind::Udp => None,
        },
        counts: None,
        started_at: None,
        ended_at: None,
        master: None,
        syn_proxy: false,
        labels: 0,
    }
}
