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

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds of these packets by queue, `in_use` queues of `found` at first. The value wanted: Some(Ok) at once,
    /// Some(Err) with patience.
    #[track_caller]
    fn check(packets: &[u64], in_use: u64, found: u64, dropped: u64, expected: Option<Result<u64, u64>>) {
        let window = ReceiveWindow {
            interface: "eth0".to_owned(),
            packets: packets.to_vec(),
            in_use,
        };
        let softnet = SoftnetWindow {
            dropped,
            ..SoftnetWindow::default()
        };
        let bounds = Bounds { min: 1, max: 6 };
        let finding = find(&window, Some(&softnet), Duration::from_secs(10), bounds, found);
        let wanted = match finding {
            Finding::Nothing | Finding::Content => None,
            Finding::Pressed(wish) => Some(Ok(wish.to)),
            Finding::Calm(wish) => Some(Err(wish.to)),
        };
        assert_eq!(wanted, expected, "{packets:?} by {in_use} of {found}");
    }

    #[test]
    fn queues_are_added_where_one_has_too_much_and_not_for_little() {
        let busy = 200_000;
        check(&[busy, 0, 0, 0, 0, 0, 0, 0], 1, 1, 0, Some(Ok(2)));
        check(&[busy, busy, busy, busy, 0, 0, 0, 0], 4, 4, 0, None);
        check(&[busy, busy, busy, busy, 0, 0, 0, 0], 4, 4, 9, Some(Ok(6)));
        // All that may be are in use already.
        check(&[busy, 0, 0, 0, 0, 0, 0, 0], 6, 1, 9, None);
        check(&[busy, 0], 2, 1, 9, None);
        // Little comes, or nothing.
        check(&[5000, 0, 0, 0], 4, 1, 0, Some(Err(2)));
        check(&[5000, 0, 0, 0], 4, 3, 0, Some(Err(3)));
        check(&[5000, 0, 0, 0], 4, 4, 0, None);
        check(&[0, 0, 0, 0], 4, 1, 9, None);
    }
}
