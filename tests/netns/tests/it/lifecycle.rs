//! Start, stop, restart, detach.

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use ravelin_test_harness::{Flood, Lab, Namespace, Raveld, wait_until};

use crate::support::{Sinks, feature, interface, lab, number, sink_address};

const RATE: u32 = 2000;
const GONE: Duration = Duration::from_secs(10);

/// Kernel ids of programs or maps, as the API tells them.
fn ids(raveld: &Raveld<'_>, what: &str) -> Vec<u64> {
    let page = raveld
        .api()
        .get(&format!("/api/v1/ebpf/{what}"))
        .expect(200)
        .json();
    page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| number(&item["id"]))
        .collect()
}

fn exists_in_kernel(what: &str, id: u64) -> bool {
    std::process::Command::new("bpftool")
        .args([what, "show", "id", &id.to_string()])
        .output()
        .expect("bpftool")
        .status
        .success()
}

/// Pins below a directory with their inodes, in order: a pin that was made anew has another inode.
fn pins(directory: &Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(directory) else {
        return found;
    };
    for entry in entries {
        let path = entry.expect("entry of the BPF file system").path();
        if path.is_dir() {
            found.extend(pins(&path));
        } else {
            let inode = path.symlink_metadata().expect("pin").ino();
            found.push((path.display().to_string(), inode));
        }
    }
    found.sort();
    found
}

fn xdp_is_attached(router: &Namespace, port: &str) -> bool {
    router.ip(&format!("-details link show {port}")).contains("xdp")
}

/// A listed and an unlisted source, both families, with the list in force.
struct Traffic {
    sinks: Sinks,
    listed: [IpAddr; 2],
    flood: Flood,
}

impl Traffic {
    fn start(lab: &Lab, raveld: &Raveld<'_>) -> Self {
        let sinks = Sinks::open(lab);
        let listed = lab.add_client_host(66);
        for address in listed {
            raveld.add_entry("blocklist", &address.to_string());
        }
        raveld.switch("ddos_protection", true);
        let pairs: Vec<_> = [listed, Lab::client_addresses()]
            .concat()
            .iter()
            .map(|source| (*source, sink_address(*source)))
            .collect();
        Self {
            sinks,
            listed,
            flood: Flood::start(&lab.client, &pairs, RATE),
        }
    }

    /// Waits until some more packets of the client have passed the router.
    fn go_on(&self) {
        for own in Lab::client_addresses() {
            let before = self.sinks.count(own);
            wait_until("packets flow", Duration::from_secs(5), || {
                self.sinks.count(own) > before + 200
            });
        }
    }

    /// Not a packet of a listed source has arrived, and every one of the others.
    #[track_caller]
    fn check(self) {
        let sent = self.flood.stop();
        for own in Lab::client_addresses() {
            wait_until(
                "every packet of the client has arrived",
                Duration::from_secs(5),
                || self.sinks.count(own) == sent[&own],
            );
        }
        for listed in self.listed {
            assert_eq!(
                self.sinks.count(listed),
                0,
                "{listed} passed; {} sent",
                sent[&listed]
            );
        }
    }
}

#[test]
fn a_restart_adopts_what_is_attached_without_a_gap() {
    let Some(lab) = lab() else { return };
    let mut raveld = Raveld::start(&lab.router);
    let traffic = Traffic::start(&lab, &raveld);
    for kill in [false, true, false] {
        let maps = ids(&raveld, "maps");
        let links = pins(&raveld.bpffs().join("ravelin/links"));
        assert!(!links.is_empty());
        traffic.go_on();
        if kill {
            raveld.kill();
        } else {
            raveld.terminate();
        }
        traffic.go_on();
        raveld.start_again();
        raveld.wait_ready();
        traffic.go_on();
        assert_eq!(
            links,
            pins(&raveld.bpffs().join("ravelin/links")),
            "every link is the one from before"
        );
        let after = ids(&raveld, "maps");
        assert!(
            maps.iter().all(|id| after.contains(id)),
            "maps {maps:?} became {after:?}"
        );
        assert_eq!(feature(&raveld, "ddos_protection")["state"], "active");
        assert_eq!(
            interface(&raveld, "lan0").expect("lan0")["attachments"]
                .as_array()
                .map(Vec::len),
            Some(3)
        );
    }
    traffic.check();
}

#[test]
fn programs_go_on_filtering_after_sigterm() {
    let Some(lab) = lab() else { return };
    let mut raveld = Raveld::start(&lab.router);
    let traffic = Traffic::start(&lab, &raveld);
    traffic.go_on();
    raveld.terminate();
    assert!(xdp_is_attached(&lab.router, "lan0"));
    traffic.go_on();
    traffic.check();
}

#[test]
fn detach_leaves_no_link_no_map_no_pin() {
    let Some(lab) = lab() else { return };
    let mut raveld = Raveld::start(&lab.router);
    let programs = ids(&raveld, "programs");
    let maps = ids(&raveld, "maps");
    assert!(!programs.is_empty() && !maps.is_empty());
    raveld.terminate();
    assert!(!pins(&raveld.bpffs().join("ravelin")).is_empty());
    assert!(xdp_is_attached(&lab.router, "lan0") && xdp_is_attached(&lab.router, "wan0"));

    let output = raveld.detach();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(pins(&raveld.bpffs().join("ravelin")), Vec::new());
    assert!(!xdp_is_attached(&lab.router, "lan0") && !xdp_is_attached(&lab.router, "wan0"));
    // The kernel frees them after a grace period.
    for (what, ids) in [("prog", programs), ("map", maps)] {
        for id in ids {
            wait_until(&format!("{what} {id} is freed"), GONE, || {
                !exists_in_kernel(what, id)
            });
        }
    }

    let again = raveld.detach();
    assert!(
        again.status.success(),
        "nothing to detach: {}",
        String::from_utf8_lossy(&again.stderr)
    );
}
