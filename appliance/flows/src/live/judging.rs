//! What a policy says of the connections there are.

use std::collections::HashMap;

use ravelin_abi::rv_connection_mark::{RV_CONNECTION_ANSWERED, RV_CONNECTION_RESET};
use ravelin_compile::{Judge, PolicyPacket, fixed_counter};
use ravelin_kernel::KernelError;
use ravelin_model::{
    Action, Connection, ConnectionStatus, CutFlow, EndReason, FlowTuple, LiveFlows, VerdictLine, ZoneId,
    ZoneNumber, protocol,
};

use super::line;
use super::ways::{Side, Sides, Ways};
use crate::Ending;

/// Connections whose ways are asked for at once.
const BATCH: usize = 4096;

/// Connections named in the result.
const SAMPLE: usize = 100;

/// Why a connection is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Denial {
    from: Option<ZoneNumber>,
    to: Option<ZoneNumber>,
    line: VerdictLine,
}

/// What becomes of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Kept,
    /// It stays, because nobody knows where it goes.
    Unjudged,
    Cut(Denial),
}

/// Connections judged one after another.
pub(super) struct Judging<'a> {
    judge: &'a Judge,
    ways: Ways<'a>,
    waiting: Vec<Connection>,
    /// Follow their masters, so those come first.
    expected: Vec<Connection>,
    endings: Vec<Ending>,
    /// Of each ending the number of its denial: there are few different ones.
    reasons: Vec<usize>,
    denials: Vec<Denial>,
    numbers: HashMap<Denial, usize>,
    result: LiveFlows,
}

impl<'a> Judging<'a> {
    pub(super) fn new(judge: &'a Judge, ways: Ways<'a>) -> Self {
        Self {
            judge,
            ways,
            waiting: Vec::with_capacity(BATCH),
            expected: Vec::new(),
            endings: Vec::new(),
            reasons: Vec::new(),
            denials: Vec::new(),
            numbers: HashMap::new(),
            result: LiveFlows::default(),
        }
    }

    /// Judges a connection, now or with others.
    pub(super) fn add(&mut self, connection: Connection) -> Result<(), KernelError> {
        if connection.status.has(ConnectionStatus::DYING) {
            return Ok(());
        }
        if stays_whatever_the_policy_says(&connection) {
            self.result.kept += 1;
        } else if connection.status.has(ConnectionStatus::EXPECTED) {
            self.expected.push(connection);
        } else {
            self.waiting.push(connection);
            if self.waiting.len() == BATCH {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// The result, and whom to end.
    pub(super) fn finish(mut self) -> Result<(LiveFlows, Vec<Ending>), KernelError> {
        self.flush()?;
        let expected = std::mem::take(&mut self.expected);
        if !expected.is_empty() {
            let masters = self.endings.iter().map(|ending| ending.original);
            let masters: HashMap<FlowTuple, usize> = masters.zip(self.reasons.iter().copied()).collect();
            for connection in expected {
                let reason = connection.master.and_then(|master| masters.get(&master));
                match reason {
                    Some(reason) => self.cut(&connection, *reason),
                    None => self.result.kept += 1,
                }
            }
        }
        Ok((self.result, self.endings))
    }

    fn flush(&mut self) -> Result<(), KernelError> {
        let waiting = std::mem::replace(&mut self.waiting, Vec::with_capacity(BATCH));
        let sides = self.ways.sides(waiting.iter())?;
        for (connection, sides) in waiting.iter().zip(sides) {
            match fate(self.judge, connection, sides) {
                Fate::Kept => self.result.kept += 1,
                Fate::Unjudged => {
                    self.result.kept += 1;
                    self.result.unjudged += 1;
                }
                Fate::Cut(denial) => {
                    let next = self.denials.len();
                    let reason = *self.numbers.entry(denial).or_insert_with_key(|denial| {
                        self.denials.push(denial.clone());
                        next
                    });
                    self.cut(connection, reason);
                }
            }
        }
        Ok(())
    }

    fn cut(&mut self, connection: &Connection, reason: usize) {
        self.result.cut += 1;
        self.reasons.push(reason);
        self.endings.push(Ending {
            id: connection.id,
            zone: connection.zone,
            original: connection.original,
            reason: EndReason::Policy,
        });
        if self.result.sample.len() < SAMPLE {
            let Denial { from, to, line } = &self.denials[reason];
            let zone = |number: Option<ZoneNumber>| zone_id(self.judge, number?);
            self.result.sample.push(CutFlow {
                original: connection.original,
                reply: connection.reply,
                from_zone: zone(*from),
                to_zone: zone(*to),
                line: line.clone(),
            });
        }
    }
}

/// What a link needs is let in before any rule; what was rejected, or is being reset, carries nothing.
fn stays_whatever_the_policy_says(connection: &Connection) -> bool {
    line::counter(connection) == fixed_counter::INFRASTRUCTURE
        || connection.mark & (RV_CONNECTION_ANSWERED | RV_CONNECTION_RESET) != 0
}

/// The id of a zone of the policy.
pub(super) fn zone_id(judge: &Judge, number: ZoneNumber) -> Option<ZoneId> {
    let zone = judge.ruleset().zones.get(&number)?;
    Some(zone.id.clone())
}

fn fate(judge: &Judge, connection: &Connection, sides: Sides) -> Fate {
    let (from, to) = match (sides.from, sides.to) {
        (Some(Side::Local), Some(Side::Local)) => return Fate::Kept,
        (Some(from), Some(to)) => (from.zone(judge), to.zone(judge)),
        _ => return Fate::Unjudged,
    };
    let (Some(from_zone), Some(to_zone)) = (from, to) else {
        let line = VerdictLine::NoZone;
        return Fate::Cut(Denial { from, to, line });
    };
    let judged = judge.judge(&first_packet(connection, from_zone, to_zone));
    if judged.action == Action::Accept {
        return Fate::Kept;
    }
    let line = line::line(judge, judged.counter).unwrap_or(VerdictLine::UnwrittenPair);
    Fate::Cut(Denial { from, to, line })
}

/// The packet that began it, as the policy saw it or would have.
fn first_packet(connection: &Connection, from: ZoneNumber, to: ZoneNumber) -> PolicyPacket {
    let original = &connection.original;
    let (destination, destination_port) = connection.server();
    let icmp = match original.protocol {
        protocol::ICMP | protocol::ICMPV6 => original.destination_port.to_be_bytes(),
        _ => [0, 0],
    };
    let has_ports = protocol::has_ports(original.protocol);
    PolicyPacket {
        from,
        to,
        source: original.source,
        destination,
        protocol: original.protocol,
        source_port: if has_ports { original.source_port } else { 0 },
        destination_port: if has_ports { destination_port } else { 0 },
        icmp: icmp.into(),
    }
}

#[cfg(test)]
mod tests;
