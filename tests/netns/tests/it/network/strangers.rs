//! A card that takes the name of another gets nothing of what that one may.

use std::net::{IpAddr, SocketAddr};

use http::Method;
use ravelin_test_harness::{Flood, Lab, Link, Namespace, Raveld, Request, Sink, wait_until};
use serde_json::{Value, json};

use super::{PATIENCE, create, wait_state};
use crate::support::lab;

const PORT: u16 = 9000;

/// The stranger's addresses.
const STRANGER: [&str; 2] = ["10.77.3.2", "fd77:3::2"];

/// The client's.
const CLIENT: [&str; 2] = ["10.77.1.2", "fd77:1::2"];

/// Packets a second.
const RATE: u32 = 2_000;

fn mac(lab: &Lab, port: &str) -> String {
    let all: Value = serde_json::from_str(&lab.router.ip(&format!("-j link show dev {port}"))).expect("JSON");
    all[0]["address"].as_str().expect("an address").to_owned()
}

fn flood(from: &Namespace, sources: [&str; 2]) -> Flood {
    let pairs: Vec<(IpAddr, SocketAddr)> = sources
        .map(|source| source.parse().expect("an address"))
        .into_iter()
        .zip(Lab::server_addresses().map(|address| SocketAddr::new(address, PORT)))
        .collect();
    Flood::start(from, &pairs, RATE)
}

/// With the classifier of eBPF, or by nftables alone.
fn check(classifier: bool) {
    let Some(lab) = lab() else { return };
    let guest = Namespace::new("guest");
    let _cable = lab.join(
        Link {
            port: "bad0",
            far: "eth0",
            number: 3,
            mtu: 1500,
        },
        &guest,
    );
    guest.ip("route add default via 10.77.3.1");
    guest.ip("-6 route add default via fd77:3::1");
    let sinks = Lab::server_addresses().map(|address| Sink::open(&lab.server, (address, PORT).into()));
    let counted = |sources: [&str; 2]| {
        let sources = sources.map(|source| source.parse::<IpAddr>().expect("an address"));
        [sinks[0].count(sources[0]), sinks[1].count(sources[1])]
    };
    let raveld = Raveld::start(&lab.router);
    raveld.switch("policy_classifier", classifier);
    for (name, interface) in [("lan", "lan0"), ("wan", "wan0")] {
        let zone = json!({ "name": name, "interfaces": [interface] });
        raveld.api().post("/api/v1/zones", &zone).expect(201);
    }
    let pair = json!({ "from": "lan", "to": "wan", "default_action": "accept" });
    raveld.api().post("/api/v1/zone-pairs", &pair).expect(201);
    let place = create(&raveld, "lan0", &json!({"identity": {"mac": mac(&lab, "lan0")}}));
    wait_state(&raveld, &place, "applied");

    let client = flood(&lab.client, CLIENT);
    wait_until("the client's packets pass", PATIENCE, || {
        counted(CLIENT).iter().all(|count| *count > 0)
    });
    drop(client);
    let stranger = flood(&guest, STRANGER);
    // The card is swapped for the stranger under traffic, back, and once more.
    for _ in 0..2 {
        lab.router.ip("link set lan0 name old0");
        lab.router.ip("link set bad0 name lan0");
        let settings = wait_state(&raveld, &place, "failed");
        let reason = settings["state_reason"].as_str().expect("a reason");
        assert!(reason.contains("another card"), "{reason}");

        lab.router.ip("link set lan0 name bad0");
        lab.router.ip("link set old0 name lan0");
        wait_state(&raveld, &place, "applied");
    }
    // And stays.
    lab.router.ip("link set lan0 name old0");
    lab.router.ip("link set bad0 name lan0");
    wait_state(&raveld, &place, "failed");
    let shown = raveld.api().get("/api/v1/interfaces/lan0").expect(200).json();
    assert!(
        shown["faults"][0]["reason"]
            .as_str()
            .expect("a fault")
            .contains("another card"),
        "{shown}"
    );
    let sent = stranger.stop();
    assert!(sent.values().all(|sent| *sent > 100), "{sent:?}");
    assert_eq!(counted(STRANGER), [0, 0], "packets of the wrong card pass");

    // It is the identity that keeps them out.
    let request = Request::new(Method::DELETE, &place).header("if-match", "*");
    raveld.api().send(&request).expect(204);
    // It was taken down, as nobody knows what it is.
    lab.router.ip("link set lan0 up");
    let stranger = flood(&guest, STRANGER);
    wait_until("the name alone lets them through", PATIENCE, || {
        counted(STRANGER).iter().all(|count| *count > 0)
    });
    drop(stranger);
}

#[test]
fn no_packet_of_another_card_passes_by_the_name_of_one() {
    check(true);
}

#[test]
fn no_packet_of_another_card_passes_by_nftables_alone() {
    check(false);
}
