//! Interfaces come and go while the engine runs.

use std::net::IpAddr;
use std::time::Duration;

use ravelin_test_harness::{Cable, Lab, Link, Namespace, Raveld, wait_until};
use serde_json::json;

use crate::support::{feature, interface, lab};

const AT_ONCE: Duration = Duration::from_secs(1);
const HOST: [&str; 2] = ["10.77.3.2", "fd77:3::2"];

fn hooks(raveld: &Raveld<'_>, port: &str) -> usize {
    interface(raveld, port).map_or(0, |it| it["attachments"].as_array().map_or(0, Vec::len))
}

fn plug(lab: &Lab, guest: &Namespace) -> Cable {
    let link = Link {
        port: "lan1",
        far: "eth0",
        number: 3,
        mtu: 1500,
    };
    lab.join(link, guest)
}

/// Whether a host behind the new port reaches the router.
fn reaches_router(guest: &Namespace, source: &str) -> bool {
    let router = source.replace("3.2", "3.1").replace("3::2", "3::1");
    let mut ping = guest.command("ping");
    ping.args(["-c", "1", "-W", "1", "-I", source, &router]);
    ping.output().expect("ping").status.success()
}

#[test]
fn a_new_interface_gets_programs_and_a_removed_one_is_forgotten() {
    let Some(lab) = lab() else { return };
    let guest = Namespace::new("guest");
    let raveld = Raveld::start(&lab.router);
    raveld.switch("ddos_protection", true);
    // The name is used a second time, by a link with another index.
    for _ in 0..2 {
        assert_eq!(interface(&raveld, "lan1"), None);
        let _cable = plug(&lab, &guest);
        wait_until("programs sit on lan1", AT_ONCE, || hooks(&raveld, "lan1") == 3);
        for host in HOST {
            assert!(reaches_router(&guest, host), "{host}");
            raveld.add_entry("blocklist", host);
            assert!(!reaches_router(&guest, host), "{host} is listed");
        }
        raveld.import("blocklist", "");
        lab.router.ip("link delete lan1");
        wait_until("lan1 is forgotten", AT_ONCE, || {
            interface(&raveld, "lan1").is_none()
        });
    }
    raveld.wait_ready();
}

#[test]
fn where_native_xdp_is_impossible_generic_is_used_and_said() {
    let Some(lab) = lab() else { return };
    let guest = Namespace::new("guest");
    // veth refuses native XDP when the other side may send more than fits a page.
    let link = Link {
        port: "jumbo0",
        far: "eth0",
        number: 4,
        mtu: 9000,
    };
    let _cable = lab.join(link, &guest);
    let raveld = Raveld::start(&lab.router);
    let mode = |port: &str| {
        let interface = interface(&raveld, port).expect("interface");
        let attachments = interface["attachments"].as_array().expect("attachments").clone();
        let xdp = attachments.iter().find(|it| it["hook"] == "xdp").cloned();
        xdp.map(|it| it["mode"].clone())
    };
    assert_eq!(mode("jumbo0"), Some("generic".into()));
    assert_eq!(mode("lan0"), Some("native".into()));
    let listed: IpAddr = "10.77.4.2".parse().expect("address");
    raveld.add_entry("blocklist", &listed.to_string());
    raveld.switch("ddos_protection", true);
    let mut ping = guest.command("ping");
    ping.args(["-c", "1", "-W", "1", "10.77.4.1"]);
    assert!(
        !ping.output().expect("ping").status.success(),
        "generic XDP drops as well"
    );
}

#[test]
fn an_interface_whose_frames_are_not_ethernet_is_left_alone_and_says_so() {
    let Some(lab) = lab() else { return };
    let raveld = Raveld::start(&lab.router);
    lab.router.ip("tuntap add mode tun name tun0");
    wait_until("tun0 is there", AT_ONCE, || interface(&raveld, "tun0").is_some());
    let tunnel = interface(&raveld, "tun0").expect("tun0");
    assert_eq!(tunnel["attachments"], json!([]));
    let error = tunnel["attach_error"].as_str().expect("attach_error");
    assert!(error.contains("not Ethernet"), "{error}");
    let statistics = feature(&raveld, "statistics");
    assert_eq!(statistics["state"], "degraded");
    let reason = statistics["state_reason"].as_str().expect("state_reason");
    assert!(reason.contains("tun0"), "{reason}");
    assert_eq!(hooks(&raveld, "lan0"), 3);
}
