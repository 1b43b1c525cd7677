//! What is told of connections in cards.

use std::time::Instant;

use ravelin_kernel::RouteRule;
use ravelin_model::{FlowCount, FlowTuple, HwOffloadPort, HwOffloadStatus};
use time::OffsetDateTime;

use super::cards::Cards;
use super::list::{HardwareFlow, HardwareFlowState};
use super::rules::FlowRules;
use super::table::{Candidate, Table};
use crate::live::FlowId;

/// How it goes.
pub(crate) fn status<R: FlowRules>(table: &Table<R>, cards: &Cards) -> HwOffloadStatus {
    let ports = cards.iter().map(|(index, card)| HwOffloadPort {
        interface: card.interface.clone(),
        index: *index,
        problem: card.problem.clone(),
        installed: table.used(*index),
        limit: card.limit.filter(|_| card.problem.is_none()),
    });
    let mut ports: Vec<HwOffloadPort> = ports.collect();
    ports.sort_by(|one, other| one.interface.cmp(&other.interface));
    let sums = table.sums;
    HwOffloadStatus {
        ports,
        problem: None,
        installed: table.installed().len() as u64,
        installs: sums.installs,
        removals: sums.removals,
        failures: sums.failures,
        packets: sums.packets,
        bytes: sums.bytes,
        install_time: sums.install_time,
    }
}

/// Connections that are in cards, and those that would be.
pub(crate) fn flows<R: FlowRules>(
    table: &Table<R>,
    wanted: &[Candidate],
    cards: &Cards,
) -> Vec<HardwareFlow> {
    let now = (Instant::now(), OffsetDateTime::now_utc());
    let flow = |original: &FlowTuple, connection, rules: &[RouteRule; 2], rate| {
        let name = |index: u32| cards.get(&index).map(|card| card.interface.clone());
        HardwareFlow {
            id: FlowId {
                original: *original,
                zone: 0,
                number: connection,
            },
            original: *original,
            state: HardwareFlowState::WouldInstall,
            interfaces: [rules[0].ingress, rules[0].egress].map(|index| name(index).unwrap_or_default()),
            tags: [rules[0].ingress_tag, rules[0].egress_tag],
            packets_per_second: rate,
            counts: [FlowCount::default(); 2],
            since: None,
        }
    };
    let installed = table.installed().iter();
    let installed = installed.map(|(original, installed)| HardwareFlow {
        state: HardwareFlowState::Installed,
        counts: installed.counts,
        since: Some(now.1 - now.0.saturating_duration_since(installed.since)),
        ..flow(original, installed.connection, &installed.rules, installed.rate)
    });
    let wanted = wanted
        .iter()
        .map(|one| flow(&one.original, one.connection, &one.rules, one.rate));
    installed.chain(wanted).collect()
}
