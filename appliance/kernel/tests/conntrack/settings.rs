//! Settings of conntrack.

use std::time::Duration;

use ravelin_kernel::{Conntrack, ConntrackEventMode, ConntrackSettings};

use crate::support::{in_namespace, many};

const FOLDER: &str = "/proc/sys/net/netfilter";

fn set(name: &str, value: &str) {
    std::fs::write(format!("{FOLDER}/{name}"), value).expect(name);
}

#[test]
fn what_is_needed_is_turned_on_here_and_nowhere_else() {
    in_namespace("settings", || {
        for name in ["nf_conntrack_acct", "nf_conntrack_timestamp"] {
            set(name, "0");
        }
        set("nf_conntrack_events", "2");
        set("nf_conntrack_udp_timeout_stream", "77");
        let before = ConntrackSettings::read().expect("read");
        assert!(!before.accounting && !before.timestamps);
        assert_eq!(before.events, ConntrackEventMode::Automatic);
        assert_eq!((before.count, &before.absent), (0, &Vec::new()));
        assert!(before.max > 0);

        let after = ConntrackSettings::enable().expect("enable");
        assert!(after.accounting && after.timestamps);
        assert_eq!(after.events, ConntrackEventMode::On);
        assert_eq!(after.udp_stream_timeout, Duration::from_secs(77), "as it was");
        assert_eq!(ConntrackSettings::enable().expect("again"), after);

        let mut conntrack = Conntrack::open().expect("open");
        assert_eq!(conntrack.create(&many(3)).expect("create"), 3);
        assert_eq!(ConntrackSettings::read().expect("read").count, 3);
    });
}
