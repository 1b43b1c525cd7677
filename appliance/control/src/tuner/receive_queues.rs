//! Over how many queues of its card an interface's packets are spread.

use std::time::Duration;

use ravelin_model::{Bounds, ReceiveWindow, SoftnetWindow};

use super::wish::{Finding, Wish};

/// Packets a second a CPU has no trouble with, however they are spread.
const FEW: u64 = 10_000;

/// What the window says of the spread. `found`: queues that were in use when the interface was first seen; fewer are
/// never used than that.
pub(super) fn find(
    window: &ReceiveWindow,
    softnet: Option<&SoftnetWindow>,
    elapsed: Duration,
    bounds: Bounds,
    found: u64,
) -> Finding {
    let ReceiveWindow {
        interface,
        packets,
        in_use,
    } = window;
    let total = packets.iter().copied().fold(0_u64, u64::saturating_add);
    let queues = u64::try_from(packets.len()).unwrap_or(u64::MAX);
    if total == 0 {
        return Finding::Nothing;
    }
    let rate = per_second(total, elapsed);
    let busiest = packets.iter().copied().max().unwrap_or(0);
    let dropped = softnet.map_or(0, |softnet| softnet.dropped);
    let most = queues.min(bounds.max);
    let uneven = busiest.saturating_mul(queues) > total.saturating_mul(2);
    if rate >= FEW && *in_use < most && (uneven || dropped > 0) {
        let reason = format!(
            "the busiest of {queues} queues of {interface} took {busiest} of {total} packets, {in_use} are in use, \
             and CPUs dropped {dropped}"
        );
        let to = in_use.saturating_mul(2).min(most);
        return Finding::Pressed(Wish::step(to, rate, reason));
    }
    let least = bounds.min.max(found);
    if rate < FEW / 4 && *in_use > least {
        let reason = format!("{interface} takes {rate} packets a second by {in_use} queues");
        return Finding::Calm(Wish::step((in_use / 2).max(least), rate, reason));
    }
    Finding::Content
}

/// `count` in `elapsed` as so many a second.
pub(super) fn per_second(count: u64, elapsed: Duration) -> u64 {
    let micros = elapsed.as_micros().max(1);
    u64::try_from(u128::from(count) * 1_000_000 / micros).unwrap_or(u64::MAX)
}
