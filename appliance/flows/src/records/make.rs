//! Records of connections that ended.

use ravelin_model::{FlowCount, FlowRecord};
use ravelin_wire::community_id;
use time::OffsetDateTime;

use super::Ended;
use super::lines::Lines;

/// What is left of a connection. `now`: when its end was heard of, for where conntrack notes no times.
pub(super) fn record(ended: Ended, lines: &Lines, now: OffsetDateTime) -> FlowRecord {
    let end_reason = ended.reason();
    let Ended {
        connection,
        cached,
        reason_hint: _,
        offload,
    } = ended;
    let mut counts: [FlowCount; 2] = connection.counts.unwrap_or_default();
    for (sum, count) in counts.iter_mut().zip(cached) {
        *sum += count;
    }
    let (from_zone, to_zone) = lines.zones(connection.mark);
    FlowRecord {
        original: connection.original,
        reply: connection.reply,
        counts,
        started_at: connection.started_at,
        ended_at: connection.ended_at.unwrap_or(now),
        end_reason,
        tcp_state: connection.tcp_state,
        line: lines.line(connection.mark),
        revision: lines.revision(),
        from_zone,
        to_zone,
        offload,
        community_id: Some(community_id::text(&community_id::digest(&connection.original))),
    }
}
