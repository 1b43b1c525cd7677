//! Settings of interfaces about the network, held against what ip(8) shows.

mod strangers;

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use ravelin_test_harness::{Namespace, Raveld, Request, Setup, eventually, privileged, wait_until};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/interface-settings";

/// Longest wait: many times the interval of reconciling (5 s) and the shortest time to confirm (5 s).
const PATIENCE: Duration = Duration::from_secs(60);

/// A router with two cards, `port1` and `port2`, and a host behind each. Nothing has an address but the hosts.
struct Ground {
    router: Namespace,
    hosts: [Namespace; 2],
}

impl Ground {
    /// None where privileged tests may be skipped.
    fn new() -> Option<Self> {
        privileged("netns").then(|| {
            let ground = Self {
                router: Namespace::new("router"),
                hosts: [Namespace::new("host1"), Namespace::new("host2")],
            };
            ground.plug(1);
            ground.plug(2);
            ground
        })
    }

    /// Puts in a card; it is down.
    fn plug(&self, number: u8) {
        let host = &self.hosts[usize::from(number - 1)];
        host.ip(&format!("link add eth0 type veth peer name port{number}"));
        host.ip(&format!("link set port{number} netns {}", self.router.name()));
        host.ip(&format!("address add 10.77.{number}.2/24 dev eth0"));
        host.ip(&format!("address add fd77:{number}::2/64 dev eth0 nodad"));
        // Without it a veth takes nothing XDP sends (drivers/net/veth.c, `veth_xdp_xmit`).
        host.run("ethtool", &["-K", "eth0", "gro", "on"]);
        host.ip("link set eth0 up");
        host.ip(&format!("route replace default via 10.77.{number}.1"));
    }

    /// What ip(8) says of a link of the router; null: there is none.
    fn link(&self, name: &str) -> Value {
        let all: Value = serde_json::from_str(&self.router.ip("-j -d address show")).expect("JSON");
        let links = all.as_array().expect("links");
        links
            .iter()
            .find(|link| link["ifname"] == name)
            .cloned()
            .unwrap_or_default()
    }

    /// Addresses of a link that are not link-local, each with its prefix length.
    fn addresses(&self, name: &str) -> BTreeSet<String> {
        let link = self.link(name);
        let addresses = link["addr_info"].as_array().into_iter().flatten();
        let global = addresses.filter(|address| address["scope"] == "global");
        global
            .map(|address| {
                let local = address["local"].as_str().expect("an address");
                format!("{local}/{}", address["prefixlen"])
            })
            .collect()
    }

    fn is_up(&self, name: &str) -> bool {
        let link = self.link(name);
        let flags = link["flags"].as_array().into_iter().flatten();
        flags.into_iter().any(|flag| flag == "UP")
    }

    #[track_caller]
    fn wait_addresses(&self, name: &str, wanted: &[&str]) {
        let wanted: BTreeSet<String> = wanted.iter().map(|&text| text.to_owned()).collect();
        let came = eventually(PATIENCE, || (self.addresses(name) == wanted).then_some(()));
        assert!(
            came.is_some(),
            "{name} has {:?}, not {wanted:?}",
            self.addresses(name)
        );
    }

    /// Whether a host gets answers from an address.
    fn answers(&self, host: usize, address: &str) -> bool {
        let mut ping = self.hosts[host].command("ping");
        ping.args(["-c", "1", "-W", "1", address]);
        ping.output().expect("ping").status.success()
    }

    #[track_caller]
    fn wait_answers(&self, host: usize, address: &str) {
        wait_until(address, PATIENCE, || self.answers(host, address));
    }
}

/// Lets everybody ask the box.
#[track_caller]
fn open(raveld: &Raveld<'_>, interfaces: &[&str]) {
    let zone = json!({ "name": "lan", "interfaces": interfaces, "management": true });
    raveld.api().post("/api/v1/zones", &zone).expect(201);
    let pair = json!({ "from": "lan", "to": "local", "default_action": "accept" });
    raveld.api().post("/api/v1/zone-pairs", &pair).expect(201);
}

/// Creates settings; gives their path.
#[track_caller]
fn create(raveld: &Raveld<'_>, interface: &str, settings: &Value) -> String {
    let mut body = settings.clone();
    body["interface"] = json!(interface);
    let made = raveld.api().post(PATH, &body).expect(201).json();
    format!("{PATH}/{}", made["id"].as_str().expect("id"))
}

#[track_caller]
fn delete(raveld: &Raveld<'_>, place: &str) {
    let request = Request::new(Method::DELETE, place).header("if-match", "*");
    raveld.api().send(&request).expect(204);
}

#[track_caller]
fn wait_state(raveld: &Raveld<'_>, place: &str, wanted: &str) -> Value {
    let mut last = Value::Null;
    let came = eventually(PATIENCE, || {
        last = raveld.api().get(place).expect(200).json();
        (last["state"] == wanted).then_some(())
    });
    assert!(came.is_some(), "not {wanted}: {last}");
    last
}

#[track_caller]
fn revision(raveld: &Raveld<'_>) -> u64 {
    let page = raveld.api().get("/api/v1/revisions?limit=1").expect(200).json();
    page["items"][0]["revision"].as_u64().expect("a revision")
}

#[test]
fn what_is_set_is_what_the_kernel_has_and_an_older_revision_brings_back_what_was() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    open(&raveld, &["port1", "br0"]);
    let nothing = revision(&raveld);
    assert!(!ground.is_up("port1"));

    let place = create(
        &raveld,
        "port1",
        &json!({"addresses": ["10.77.1.1/24", "fd77:1::1/64"], "mtu_bytes": 1400}),
    );
    assert!(ground.is_up("port1"), "raised with the commit");
    ground.wait_addresses("port1", &["10.77.1.1/24", "fd77:1::1/64"]);
    assert_eq!(ground.link("port1")["mtu"], 1400);
    wait_state(&raveld, &place, "applied");
    ground.wait_answers(0, "10.77.1.1");
    ground.wait_answers(0, "fd77:1::1");
    let shown = raveld.api().get("/api/v1/interfaces/port1").expect(200).json();
    let origins = shown["address_origins"].as_array().expect("origins");
    let own: Vec<_> = origins
        .iter()
        .filter(|address| address["origin"] == "static")
        .map(|address| address["address"].as_str().expect("address"))
        .collect();
    assert_eq!(own, ["10.77.1.1/24", "fd77:1::1/64"], "{shown}");
    assert_eq!(
        (&shown["settings_id"], &shown["faults"]),
        (&json!(place.rsplit('/').next()), &json!([]))
    );
    let first = revision(&raveld);

    // A bridge with the other card.
    create(
        &raveld,
        "br0",
        &json!({"bridge": {"ports": ["port2"]}, "addresses": ["10.77.2.1/24"]}),
    );
    ground.wait_answers(1, "10.77.2.1");
    assert_eq!(ground.link("port2")["master"], "br0");
    assert!(ground.is_up("br0") && ground.is_up("port2"));
    let shown = raveld.api().get("/api/v1/interfaces/br0").expect(200).json();
    assert_eq!(shown["members"], json!(["port2"]), "{shown}");
    assert!(
        !shown["attachments"].as_array().expect("attachments").is_empty(),
        "{shown}"
    );

    let restore = |revision| {
        let path = format!("/api/v1/revisions/{revision}/restore");
        raveld.api().post(&path, &Value::Null).expect(200);
    };
    restore(first);
    assert_eq!(ground.link("br0"), Value::Null);
    assert_eq!(ground.link("port2").get("master"), None);
    ground.wait_addresses("port1", &["10.77.1.1/24", "fd77:1::1/64"]);
    restore(nothing);
    ground.wait_addresses("port1", &[]);
}

#[test]
fn what_others_made_stays_and_what_they_unmake_is_made_again() {
    let Some(ground) = Ground::new() else { return };
    let mut raveld = Raveld::start(&ground.router);
    open(&raveld, &["port1"]);
    ground.router.ip("address add 192.0.2.1/32 dev port1");
    let place = create(&raveld, "port1", &json!({"addresses": ["10.77.1.1/24"]}));
    ground.wait_addresses("port1", &["10.77.1.1/24", "192.0.2.1/32"]);
    ground.router.ip("address delete 10.77.1.1/24 dev port1");
    ground.wait_addresses("port1", &["10.77.1.1/24", "192.0.2.1/32"]);
    ground.router.ip("link set port1 down");
    wait_until("the link is raised again", PATIENCE, || ground.is_up("port1"));

    raveld.kill();
    ground.wait_answers(0, "10.77.1.1");
    ground.router.ip("address delete 10.77.1.1/24 dev port1");
    raveld.start_again();
    raveld.wait_ready();
    ground.wait_addresses("port1", &["10.77.1.1/24", "192.0.2.1/32"]);
    ground.wait_answers(0, "10.77.1.1");
    wait_state(&raveld, &place, "applied");
    delete(&raveld, &place);
    ground.wait_addresses("port1", &["192.0.2.1/32"]);
}

#[test]
fn a_link_that_is_no_longer_wanted_goes_even_if_the_engine_died_in_between() {
    let Some(ground) = Ground::new() else { return };
    let mut raveld = Raveld::start(&ground.router);
    // Others' links are nothing to the engine.
    ground.router.ip("link add other0 type bridge");
    let place = create(&raveld, "br0", &json!({"bridge": {"ports": ["port1"]}}));
    wait_until("the bridge is there", PATIENCE, || ground.is_up("br0"));
    raveld.kill();
    raveld.start_again();
    wait_state(&raveld, &place, "applied");
    assert!(ground.is_up("br0"));
    delete(&raveld, &place);
    assert_eq!(ground.link("br0"), Value::Null);
    assert_ne!(ground.link("other0"), Value::Null);
}

#[test]
fn what_nobody_confirms_is_taken_back() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    open(&raveld, &["port1"]);
    let place = create(&raveld, "port1", &json!({"addresses": ["10.77.1.1/24"]}));
    let patch = json!({"addresses": ["10.77.1.9/24"]});
    raveld
        .api()
        .patch(&format!("{place}?confirm_within_seconds=5"), &patch)
        .expect(200);
    ground.wait_addresses("port1", &["10.77.1.9/24"]);
    ground.wait_addresses("port1", &["10.77.1.1/24"]);
}

#[test]
fn what_the_kernel_refuses_fails_the_commit_and_leaves_the_network() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    open(&raveld, &["port1"]);
    let place = create(&raveld, "port1", &json!({"addresses": ["10.77.1.1/24"]}));
    let before = revision(&raveld);
    // A bridge takes Ethernet only (net/bridge/br_if.c, `br_add_if`).
    ground.router.ip("tuntap add tun0 mode tun");
    let operations = json!({"operations": [
        {"op": "update", "kind": "interface_settings", "id": place.rsplit('/').next(),
            "value": {"addresses": ["10.77.1.9/24"]}},
        {"op": "create", "kind": "interface_settings",
            "value": {"interface": "br0", "bridge": {"ports": ["tun0"]}}}]});
    let problem = raveld
        .api()
        .post("/api/v1/changes", &operations)
        .expect(500)
        .json();
    assert_eq!(problem["failed_step"], "network", "{problem}");
    assert!(
        problem["detail"].as_str().expect("text").contains("br0"),
        "{problem}"
    );
    assert_eq!(ground.link("br0"), Value::Null);
    assert_eq!(revision(&raveld), before);
    ground.wait_addresses("port1", &["10.77.1.1/24"]);
    ground.wait_answers(0, "10.77.1.1");
}

#[test]
fn an_interface_gets_its_network_whenever_it_comes() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    open(&raveld, &["port1"]);
    let place = create(&raveld, "port1", &json!({"addresses": ["10.77.1.1/24"]}));
    ground.wait_answers(0, "10.77.1.1");
    let bridge = create(&raveld, "br0", &json!({"bridge": {"ports": ["port2"]}}));
    wait_state(&raveld, &bridge, "applied");
    for _ in 0..2 {
        ground.router.ip("link delete port1");
        wait_state(&raveld, &place, "absent");
        ground.router.ip("link delete port2");
        wait_state(&raveld, &bridge, "waiting");
        ground.plug(1);
        ground.plug(2);
        ground.wait_answers(0, "10.77.1.1");
        wait_state(&raveld, &place, "applied");
        wait_state(&raveld, &bridge, "applied");
        assert_eq!(ground.link("port2")["master"], "br0");
    }
}

#[test]
fn where_there_is_no_agent_settings_that_need_one_say_so() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    let place = create(&raveld, "port1", &json!({"dhcp_client": {"ipv4": true}}));
    let settings = wait_state(&raveld, &place, "failed");
    let reason = settings["state_reason"].as_str().expect("a reason");
    assert!(reason.contains("no agent is configured"), "{reason}");
    assert!(ground.is_up("port1"), "the rest is in force");
    raveld.wait_ready();
}

#[test]
fn the_box_forwards_once_the_policy_is_in_force() {
    let Some(ground) = Ground::new() else { return };
    let forwards = || {
        ["ipv4/ip_forward", "ipv6/conf/all/forwarding"].map(|key| {
            let path = format!("/proc/sys/net/{key}");
            ground
                .router
                .within(|| std::fs::read_to_string(&path).expect("a switch"))
        })
    };
    let [off, on] = ["0\n", "1\n"].map(|value| [value.to_owned(), value.to_owned()]);
    assert_eq!(forwards(), off);
    let mut raveld = Raveld::start_with(
        &ground.router,
        Setup {
            config: "[network]\nforwarding = true".to_owned(),
            ..Setup::default()
        },
    );
    raveld.wait_ready();
    assert_eq!(forwards(), off, "nothing is enforced");
    open(&raveld, &["port1"]);
    wait_until("the box forwards", PATIENCE, || forwards() == on);
    raveld.kill();
    for key in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        ground.router.write_sysctl(key, "0");
    }
    raveld.start_again();
    raveld.wait_ready();
    assert_eq!(forwards(), on);
}
