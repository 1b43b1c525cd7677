//! Records as rows.

use std::net::IpAddr;

use ravelin_model::{EndReason, FlowCount, FlowRecord, FlowTuple, Offload, TcpState, VerdictLine, ZoneId};
use sqlx::query_builder::Separated;
use sqlx::{FromRow, Sqlite};

use super::StoredFlowRecord;
use crate::{StoreError, convert};

/// What comes before the rows of [`push`].
pub(super) const INSERT: &str =
    "INSERT INTO flow_record (ended_at, started_at, end_reason, tcp_state, protocol,
     source, source_port, destination, destination_port,
     reply_source, reply_source_port, reply_destination, reply_destination_port,
     original_packets, original_bytes, reply_packets, reply_bytes,
     line, line_id, revision, from_zone, to_zone, offload, community_id) ";

/// A row as it is read.
#[derive(FromRow)]
pub(super) struct Row {
    number: i64,
    ended_at: i64,
    started_at: Option<i64>,
    end_reason: String,
    tcp_state: Option<String>,
    protocol: i64,
    source: Vec<u8>,
    source_port: i64,
    destination: Vec<u8>,
    destination_port: i64,
    reply_source: Option<Vec<u8>>,
    reply_source_port: Option<i64>,
    reply_destination: Option<Vec<u8>>,
    reply_destination_port: Option<i64>,
    original_packets: i64,
    original_bytes: i64,
    reply_packets: i64,
    reply_bytes: i64,
    line: Option<String>,
    line_id: Option<String>,
    revision: i64,
    from_zone: Option<String>,
    to_zone: Option<String>,
    offload: String,
    community_id: Option<String>,
}

/// The values of a record, in the order of [`INSERT`].
pub(super) fn push(mut row: Separated<'_, Sqlite, &'static str>, record: &FlowRecord) {
    let FlowRecord {
        original,
        reply,
        counts: [sent, received],
        started_at,
        ended_at,
        end_reason,
        tcp_state,
        line,
        revision,
        from_zone,
        to_zone,
        offload,
        community_id,
    } = record;
    let reply = (*reply != original.inverted()).then_some(reply);
    row.push_bind(convert::microseconds(*ended_at))
        .push_bind(started_at.map(convert::microseconds))
        .push_bind(end_reason.name())
        .push_bind(tcp_state.map(TcpState::name))
        .push_bind(i64::from(original.protocol))
        .push_bind(convert::address_key(original.source))
        .push_bind(i64::from(original.source_port))
        .push_bind(convert::address_key(original.destination))
        .push_bind(i64::from(original.destination_port))
        .push_bind(reply.map(|reply| convert::address_key(reply.source)))
        .push_bind(reply.map(|reply| i64::from(reply.source_port)))
        .push_bind(reply.map(|reply| convert::address_key(reply.destination)))
        .push_bind(reply.map(|reply| i64::from(reply.destination_port)))
        .push_bind(convert::signed(sent.packets))
        .push_bind(convert::signed(sent.bytes))
        .push_bind(convert::signed(received.packets))
        .push_bind(convert::signed(received.bytes))
        .push_bind(line.as_ref().map(VerdictLine::name))
        .push_bind(line.as_ref().and_then(|line| line.id().map(str::to_owned)))
        .push_bind(convert::signed(revision.0))
        .push_bind(from_zone.as_ref().map(|zone| zone.as_str().to_owned()))
        .push_bind(to_zone.as_ref().map(|zone| zone.as_str().to_owned()))
        .push_bind(offload.name())
        .push_bind(community_id.clone());
}

impl Row {
    /// The record it holds.
    pub(super) fn record(self) -> Result<StoredFlowRecord, StoreError> {
        let impossible = |name| move || convert::column(name, None);
        let protocol = convert::unsigned("flow_record.protocol", self.protocol)?;
        let end = |name, key: &[u8], port| {
            let address = convert::address(key).ok_or_else(impossible(name))?;
            Ok::<_, StoreError>((address, convert::unsigned(name, port)?))
        };
        let original = tuple(
            protocol,
            end("flow_record.source", &self.source, self.source_port)?,
            end(
                "flow_record.destination",
                &self.destination,
                self.destination_port,
            )?,
        );
        let reply = match (
            self.reply_source.as_deref().zip(self.reply_source_port),
            self.reply_destination.as_deref().zip(self.reply_destination_port),
        ) {
            (Some(source), Some(destination)) => tuple(
                protocol,
                end("flow_record.reply_source", source.0, source.1)?,
                end("flow_record.reply_destination", destination.0, destination.1)?,
            ),
            _ => original.inverted(),
        };
        let reason = EndReason::ALL
            .into_iter()
            .find(|reason| reason.name() == self.end_reason);
        let offload = Offload::ALL
            .into_iter()
            .find(|offload| offload.name() == self.offload);
        let count = |name, packets, bytes| {
            Ok::<_, StoreError>(FlowCount {
                packets: convert::unsigned(name, packets)?,
                bytes: convert::unsigned(name, bytes)?,
            })
        };
        let line = match (self.line.as_deref(), self.line_id.as_deref()) {
            (None, _) => None,
            (Some(name), id) => Some(convert::line(name, id).ok_or_else(impossible("flow_record.line"))?),
        };
        Ok(StoredFlowRecord {
            number: convert::unsigned("flow_record.number", self.number)?,
            record: FlowRecord {
                original,
                reply,
                counts: [
                    count("flow_record.original", self.original_packets, self.original_bytes)?,
                    count("flow_record.reply", self.reply_packets, self.reply_bytes)?,
                ],
                started_at: self
                    .started_at
                    .map(|at| convert::time("flow_record.started_at", at))
                    .transpose()?,
                ended_at: convert::time("flow_record.ended_at", self.ended_at)?,
                end_reason: reason.ok_or_else(impossible("flow_record.end_reason"))?,
                tcp_state: self.tcp_state.as_deref().map(tcp_state).transpose()?,
                line,
                revision: convert::revision("flow_record.revision", self.revision)?,
                from_zone: self.from_zone.as_deref().map(zone).transpose()?,
                to_zone: self.to_zone.as_deref().map(zone).transpose()?,
                offload: offload.ok_or_else(impossible("flow_record.offload"))?,
                community_id: self.community_id,
            },
        })
    }
}

fn tuple(protocol: u8, source: (IpAddr, u16), destination: (IpAddr, u16)) -> FlowTuple {
    FlowTuple {
        source: source.0,
        destination: destination.0,
        protocol,
        source_port: source.1,
        destination_port: destination.1,
    }
}

fn tcp_state(name: &str) -> Result<TcpState, StoreError> {
    let state = TcpState::ALL.into_iter().find(|state| state.name() == name);
    state.ok_or_else(|| convert::column("flow_record.tcp_state", None))
}

fn zone(id: &str) -> Result<ZoneId, StoreError> {
    id.parse()
        .map_err(|source: ravelin_model::InvalidId| convert::column("flow_record.zone", Some(source.into())))
}
