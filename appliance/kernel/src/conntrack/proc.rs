//! The second source of connections, where ctnetlink has no events.
//!
//! Words are known by their name, not by their place, as kernels add some (net/netfilter/nf_conntrack_standalone.c).
//! What has no name is the first three words and the time that is left.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use ravelin_model::{Connection, ConnectionStatus, FlowCount, FlowTuple, TcpState, protocol};
use time::{Duration, OffsetDateTime};

use crate::KernelError;

/// Reads a file like /proc/net/nf_conntrack. It does not tell a connection's number (0), nor whether it has a helper, a
/// master or a SYN proxy; when one began is right to the second. A line that is none is left out.
pub fn read_proc_connections(path: &Path, each: &mut dyn FnMut(Connection)) -> Result<(), KernelError> {
    let failed = |source| KernelError::ReadConnections {
        path: path.to_owned(),
        source,
    };
    let now = OffsetDateTime::now_utc();
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        if let Some(connection) = std::str::from_utf8(&line)
            .ok()
            .and_then(|line| connection(line, now))
        {
            each(connection);
        }
        line.clear();
    }
    Ok(())
}

/// What is told once for each direction.
#[derive(Default)]
struct Direction {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    source_port: u16,
    destination_port: u16,
    icmp: [u8; 2],
    packets: Option<u64>,
    bytes: Option<u64>,
}

fn connection(line: &str, now: OffsetDateTime) -> Option<Connection> {
    let mut words = line.split_ascii_whitespace();
    let number = words.nth(3)?.parse().ok()?;
    let mut directions = [Direction::default(), Direction::default()];
    // The tuple of each direction begins with its source.
    let mut reply = 0;
    let mut rest = Connection {
        id: 0,
        zone: 0,
        original: FlowTuple {
            source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            protocol: number,
            source_port: 0,
            destination_port: 0,
        },
        reply: FlowTuple {
            source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            protocol: number,
            source_port: 0,
            destination_port: 0,
        },
        status: ConnectionStatus(ConnectionStatus::CONFIRMED | ConnectionStatus::SEEN_REPLY),
        mark: 0,
        timeout_seconds: None,
        tcp_state: None,
        counts: None,
        started_at: None,
        ended_at: None,
        master: None,
        syn_proxy: false,
        labels: 0,
    };
    for (place, word) in words.enumerate() {
        let Some((name, value)) = word.split_once('=') else {
            match word {
                "[UNREPLIED]" => rest.status.0 &= !ConnectionStatus::SEEN_REPLY,
                "[ASSURED]" => rest.status.0 |= ConnectionStatus::ASSURED,
                // Told instead of ASSURED, which they are then.
                "[OFFLOAD]" => rest.status.0 |= ConnectionStatus::OFFLOADED | ConnectionStatus::ASSURED,
                "[HW_OFFLOAD]" => {
                    rest.status.0 |=
                        ConnectionStatus::HARDWARE | ConnectionStatus::OFFLOADED | ConnectionStatus::ASSURED;
                }
                // One in a flowtable does not tell it.
                _ if place == 0 && rest.timeout_seconds.is_none() => rest.timeout_seconds = word.parse().ok(),
                _ if number == protocol::TCP => rest.tcp_state = rest.tcp_state.or_else(|| tcp_state(word)),
                _ => {}
            }
            continue;
        };
        if name == "src" && directions[reply].source.is_some() {
            reply = 1;
        }
        let direction = &mut directions[reply];
        match name {
            "src" => direction.source = Some(value.parse().ok()?),
            "dst" => direction.destination = Some(value.parse().ok()?),
            "sport" | "srckey" | "id" => direction.source_port = port(value)?,
            "dport" | "dstkey" => direction.destination_port = port(value)?,
            "type" => direction.icmp[0] = value.parse().ok()?,
            "code" => direction.icmp[1] = value.parse().ok()?,
            "packets" => direction.packets = value.parse().ok(),
            "bytes" => direction.bytes = value.parse().ok(),
            "mark" => rest.mark = value.parse().ok()?,
            "zone" | "zone-orig" | "zone-reply" => rest.zone = value.parse().ok()?,
            "delta-time" => {
                let age = value.parse().ok()?;
                rest.started_at = now.checked_sub(Duration::seconds(age));
            }
            _ => {}
        }
    }
    let [original, reply] = directions;
    rest.counts = original.count().zip(reply.count()).map(<[FlowCount; 2]>::from);
    rest.original = original.tuple(number)?;
    rest.reply = reply.tuple(number)?;
    rest.status.0 |= translations(&rest.original, &rest.reply);
    Some(rest)
}

impl Direction {
    fn tuple(&self, number: u8) -> Option<FlowTuple> {
        let icmp = matches!(number, protocol::ICMP | protocol::ICMPV6);
        let tuple = FlowTuple {
            source: self.source?,
            destination: self.destination?,
            protocol: number,
            source_port: self.source_port,
            destination_port: if icmp {
                u16::from_be_bytes(self.icmp)
            } else {
                self.destination_port
            },
        };
        (tuple.source.is_ipv6() == tuple.destination.is_ipv6()).then_some(tuple)
    }

    fn count(&self) -> Option<FlowCount> {
        Some(FlowCount {
            packets: self.packets?,
            bytes: self.bytes?,
        })
    }
}

/// Decimal, or the key of a GRE tunnel, which is hexadecimal.
fn port(text: &str) -> Option<u16> {
    match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn tcp_state(word: &str) -> Option<TcpState> {
    // net/netfilter/nf_conntrack_proto_tcp.c, by number.
    const NAMES: [&str; 10] = [
        "NONE",
        "SYN_SENT",
        "SYN_RECV",
        "ESTABLISHED",
        "FIN_WAIT",
        "CLOSE_WAIT",
        "LAST_ACK",
        "TIME_WAIT",
        "CLOSE",
        "SYN_SENT2",
    ];
    let place = NAMES.iter().position(|name| *name == word)?;
    TcpState::ALL.get(place).copied()
}

/// The bits of status that the tuples tell.
fn translations(original: &FlowTuple, reply: &FlowTuple) -> u32 {
    let icmp = matches!(original.protocol, protocol::ICMP | protocol::ICMPV6);
    let (mut source, mut destination) = (
        reply.destination != original.source,
        reply.source != original.destination,
    );
    if icmp {
        source |= reply.source_port != original.source_port;
    } else {
        source |= reply.destination_port != original.source_port;
        destination |= reply.source_port != original.destination_port;
    }
    let bit = |set: bool, bit| if set { bit } else { 0 };
    bit(source, ConnectionStatus::SNAT) | bit(destination, ConnectionStatus::DNAT)
}

#[cfg(test)]
mod tests;
