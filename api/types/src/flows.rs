//! Connections: live ones, and what is left of them.

mod filter;
mod hardware;
mod kill;
mod record;

use std::net::IpAddr;

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{PolicyLine, Timestamp, ZoneReference};

pub use filter::FlowFilter;
pub use hardware::{HardwareFlow, HardwareFlowPort, HardwareFlowState};
pub use kill::{CheckedKill, FlowKill, FlowKillReport};
pub use record::{FlowEndReason, FlowRecord};

/// Addresses and ports of a connection's packets in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowTuple {
    /// From.
    #[schema(value_type = String, example = "192.0.2.7")]
    pub source: IpAddr,
    /// To.
    #[schema(value_type = String, example = "198.51.100.1")]
    pub destination: IpAddr,
    /// 0 where the protocol has none; of ICMP the identifier.
    #[schema(value_type = i32, minimum = 0, maximum = 65535)]
    pub source_port: u16,
    /// 0 where the protocol has none; of ICMP type × 256 + code.
    #[schema(value_type = i32, minimum = 0, maximum = 65535)]
    pub destination_port: u16,
}

impl From<model::FlowTuple> for FlowTuple {
    fn from(tuple: model::FlowTuple) -> Self {
        let model::FlowTuple {
            source,
            destination,
            protocol: _,
            source_port,
            destination_port,
        } = tuple;
        Self {
            source,
            destination,
            source_port,
            destination_port,
        }
    }
}

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowEndpoint {
    /// The address.
    #[schema(value_type = String, example = "203.0.113.7")]
    pub address: IpAddr,
    /// The port; 0 where the protocol has none.
    #[schema(value_type = i32, minimum = 0, maximum = 65535)]
    pub port: u16,
}

/// What becomes of the addresses of a connection's packets. Both are missing where nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct FlowTranslation {
    /// What the source becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source: Option<FlowEndpoint>,
    /// What the destination becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub destination: Option<FlowEndpoint>,
}

impl FlowTranslation {
    /// Of a connection with these tuples.
    pub fn of(original: &model::FlowTuple, reply: &model::FlowTuple) -> Self {
        let became = |before: (IpAddr, u16), after: (IpAddr, u16)| {
            let (address, port) = after;
            (before != after).then_some(FlowEndpoint { address, port })
        };
        // What is in the ports of ICMP's reply tuple is its own type and code.
        let port = |port: u16| if original.has_ports() { port } else { 0 };
        Self {
            source: became(
                (original.source, port(original.source_port)),
                (reply.destination, port(reply.destination_port)),
            ),
            destination: became(
                (original.destination, port(original.destination_port)),
                (reply.source, port(reply.source_port)),
            ),
        }
    }
}

/// Where one side of a connection is, by the routes of the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowEnd {
    /// Its zone; missing: its interface is in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub zone: Option<ZoneReference>,
    /// Kernel name of the interface its packets come in by; missing: this box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface: Option<String>,
}

/// What was counted of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowCount {
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on.
    pub bytes: u64,
}

impl From<model::FlowCount> for FlowCount {
    fn from(count: model::FlowCount) -> Self {
        let model::FlowCount { packets, bytes } = count;
        Self { packets, bytes }
    }
}

/// What was counted of both directions, whoever forwarded the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowCounts {
    /// Of who began it.
    pub original: FlowCount,
    /// Of the other side.
    pub reply: FlowCount,
}

impl From<[model::FlowCount; 2]> for FlowCounts {
    fn from([original, reply]: [model::FlowCount; 2]) -> Self {
        Self {
            original: original.into(),
            reply: reply.into(),
        }
    }
}

/// How fast a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowRate {
    /// Of who began it, from the IP header on.
    pub original_bps: u64,
    /// Of the other side.
    pub reply_bps: u64,
    /// Over which time.
    pub window_ms: u64,
}

/// A live connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Flow {
    /// Names it as long as it lives; another one of the same addresses and ports has another id.
    #[schema(example = "flw_BsAAAgfGM2QByzgBuwAAAAAwOQ")]
    pub id: String,
    /// IANA protocol number.
    #[schema(value_type = i32, minimum = 0, maximum = 255)]
    pub protocol: u8,
    /// As packets of who began it come in.
    pub original: FlowTuple,
    /// As packets of the other side come in.
    pub reply: FlowTuple,
    /// Address translation.
    pub nat: FlowTranslation,
    /// Of TCP `syn_sent`, `syn_received`, `established`, `fin_wait`, `close_wait`, `last_ack`, `time_wait`, `close`,
    /// `syn_sent2` or `none`; else `unreplied`, `replied` or `assured`.
    #[schema(example = "established")]
    pub state: String,
    /// What became of it so far, in the kernel's words: `expected`, `seen_reply`, `assured`, `confirmed`, `snat`,
    /// `dnat`, `sequence_adjusted`, `dying`, `helper`, `offloaded`, `hardware`.
    pub status: Vec<String>,
    /// Where who began it is; missing: the routes do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<FlowEnd>,
    /// Where the other side is; missing: the routes do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to: Option<FlowEnd>,
    /// Conntrack zone; not one of the policy.
    #[schema(value_type = i32, minimum = 0, maximum = 65535)]
    pub conntrack_zone: u16,
    /// When it began; missing: conntrack did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub started_at: Option<Timestamp>,
    /// How long it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub age_seconds: Option<u64>,
    /// Since its last packet; missing: it cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub idle_seconds: Option<u64>,
    /// Until it is forgotten if it stays silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub timeout_seconds: Option<u32>,
    /// What was counted; missing: nobody counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub counts: Option<FlowCounts>,
    /// How fast it is; missing: it is too young.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rate: Option<FlowRate>,
    /// The line of the policy that let it in; missing: it is older than the policy, or the line is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line: Option<PolicyLine>,
    /// Its mark.
    pub mark: u32,
    /// What forwards its packets: `no` (the kernel), `xdp`, `flowtable` or `hw`.
    #[schema(example = "xdp")]
    pub offload: String,
    /// Why nothing faster than the kernel does, or not in both directions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offload_reason: Option<String>,
}

/// Names of the bits of a connection's status.
const STATUS: [(u32, &str); 11] = [
    (model::ConnectionStatus::EXPECTED, "expected"),
    (model::ConnectionStatus::SEEN_REPLY, "seen_reply"),
    (model::ConnectionStatus::ASSURED, "assured"),
    (model::ConnectionStatus::CONFIRMED, "confirmed"),
    (model::ConnectionStatus::SNAT, "snat"),
    (model::ConnectionStatus::DNAT, "dnat"),
    (model::ConnectionStatus::SEQUENCE_ADJUSTED, "sequence_adjusted"),
    (model::ConnectionStatus::DYING, "dying"),
    (model::ConnectionStatus::HELPER, "helper"),
    (model::ConnectionStatus::OFFLOADED, "offloaded"),
    (model::ConnectionStatus::HARDWARE, "hardware"),
];

impl Flow {
    /// The words of a status.
    pub fn status(status: model::ConnectionStatus) -> Vec<String> {
        let set = STATUS.iter().filter(|(bit, _)| status.has(*bit));
        set.map(|(_, name)| (*name).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests;
