//! Times of the fast path, by those of conntrack.

use std::time::Duration;

use ravelin_datapath::CacheTiming;
use ravelin_kernel::ConntrackSettings;

/// Longest time a direction goes without conntrack, and the neighbour table, hearing of it: neighbours are thought
/// reachable for 30 s or so (base_reachable_time).
const LONGEST_REFRESH: Duration = Duration::from_secs(20);

/// A connection is heard of three times at least before conntrack would forget it, and what was silent for two of
/// these times goes up for good, before conntrack forgets it.
pub(super) fn timing(settings: &ConntrackSettings) -> CacheTiming {
    // UDP with an answer has the short time-out until it has lived for two seconds.
    let udp = settings.udp_timeout.min(settings.udp_stream_timeout);
    let tcp = settings.tcp_established_timeout;
    CacheTiming {
        tcp_refresh: (tcp / 3).min(LONGEST_REFRESH),
        udp_refresh: (udp / 3).min(LONGEST_REFRESH),
        tcp_idle: tcp / 3 * 2,
        udp_idle: udp / 3 * 2,
    }
}

#[cfg(test)]
mod tests {
    use ravelin_kernel::ConntrackEventMode;

    use super::*;

    #[track_caller]
    fn check(udp: u64, udp_stream: u64, tcp: u64, expected: [u64; 4]) {
        let seconds = Duration::from_secs;
        let settings = ConntrackSettings {
            accounting: true,
            timestamps: true,
            events: ConntrackEventMode::On,
            count: 0,
            max: 0,
            udp_timeout: seconds(udp),
            udp_stream_timeout: seconds(udp_stream),
            tcp_established_timeout: seconds(tcp),
            absent: Vec::new(),
        };
        let told = timing(&settings);
        let told = [told.udp_refresh, told.udp_idle, told.tcp_refresh, told.tcp_idle];
        assert_eq!(told, expected.map(seconds));
    }

    #[test]
    fn the_shortest_time_out_rules() {
        // The kernel's own.
        check(30, 120, 432_000, [10, 20, 20, 288_000]);
        check(60, 9, 30, [3, 6, 10, 20]);
        check(600, 600, 3, [20, 400, 1, 2]);
    }
}
