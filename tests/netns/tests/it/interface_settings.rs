//! Settings of interfaces, held against what ethtool(8) shows. Of the ten, veth lets three be changed: VLAN tags taken
//! off by the card, and the channels to receive and to send by.

use std::time::Duration;

use http::Method;
use ravelin_test_harness::{
    Namespace, Raveld, Request, eventually, privileged, shown_number, shown_switch, wait_until,
};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/interface-settings";

/// Longest until a card is set: many times the interval of reconciling (5 s) and the shortest time to confirm (5 s).
const PATIENCE: Duration = Duration::from_secs(60);

const PORT: &str = "port0";

/// Addresses of the host behind [`PORT`].
const HOST: [&str; 2] = ["10.77.9.2", "fd77:9::2"];

/// Name of the other side of an interface.
fn far(port: &str) -> String {
    format!("far-{port}")
}

/// What an interface is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    rx_vlan_offload: bool,
    rx_channels: u32,
    tx_channels: u32,
}

/// What the interfaces of these tests are made with.
const ORIGINAL: Shown = Shown {
    rx_vlan_offload: true,
    rx_channels: 4,
    tx_channels: 4,
};

const OTHER: Shown = Shown {
    rx_vlan_offload: false,
    rx_channels: 2,
    tx_channels: 3,
};

impl Shown {
    /// The settings that make it so.
    fn hardware(self) -> Value {
        json!({
            "rx_vlan_offload": self.rx_vlan_offload,
            "rx_channels": self.rx_channels,
            "tx_channels": self.tx_channels,
        })
    }
}

/// A router, and a host behind [`PORT`].
#[derive(Debug)]
struct Ground {
    router: Namespace,
    host: Namespace,
}

impl Ground {
    /// None where privileged tests may be skipped.
    fn new() -> Option<Self> {
        privileged("netns").then(|| {
            let ground = Self {
                router: Namespace::new("router"),
                host: Namespace::new("host"),
            };
            ground.plug(PORT, 9);
            ground
        })
    }

    /// A veth with four channels each way, however many processors there are. It comes to the router when the other
    /// side is ready: that sends by one channel, as XDP lets the router receive by no fewer, and has GRO, as without it
    /// takes nothing XDP sends (drivers/net/veth.c, `veth_set_channels` and `veth_xdp_xmit`).
    fn plug(&self, port: &str, number: u8) {
        let far = far(port);
        self.host.ip(&format!(
            "link add {port} numrxqueues 4 numtxqueues 4 type veth peer name {far} numrxqueues 4 numtxqueues 4"
        ));
        self.host.run("ethtool", &["-L", &far, "tx", "1"]);
        self.host.run("ethtool", &["-K", &far, "gro", "on"]);
        self.host
            .ip(&format!("link set {port} netns {}", self.router.name()));
        for (side, device, own) in [(&self.router, port, 1), (&self.host, &far, 2)] {
            side.ip(&format!("address add 10.77.{number}.{own}/24 dev {device}"));
            side.ip(&format!("address add fd77:{number}::{own}/64 dev {device}"));
            side.ip(&format!("link set {device} up"));
        }
    }

    /// What ethtool shows.
    #[track_caller]
    fn shown(&self, port: &str) -> Shown {
        let features = self.router.run("ethtool", &["-k", port]);
        let channels = self.router.run("ethtool", &["-l", port]);
        // Behind the most there may be, what there is.
        let channels = |name| shown_number(&channels, name, 1).expect("channels");
        Shown {
            rx_vlan_offload: shown_switch(&features, "rx-vlan-offload").expect("the feature"),
            rx_channels: channels("RX"),
            tx_channels: channels("TX"),
        }
    }

    #[track_caller]
    fn wait_shown(&self, port: &str, wanted: Shown) {
        let came = eventually(PATIENCE, || (self.shown(port) == wanted).then_some(()));
        assert!(came.is_some(), "{port} is {:?}, not {wanted:?}", self.shown(port));
    }

    /// Waits until the host is reached: channels take the link down for a moment.
    #[track_caller]
    fn wait_reached(&self) {
        for host in HOST {
            let reached = eventually(PATIENCE, || {
                let mut ping = self.router.command("ping");
                ping.args(["-c", "1", "-W", "1", host]);
                ping.output().expect("ping").status.success().then_some(())
            });
            assert!(reached.is_some(), "{host} is not reached");
        }
    }
}

/// Creates settings; gives their path.
#[track_caller]
fn create(raveld: &Raveld<'_>, query: &str, port: &str, hardware: &Value) -> String {
    let body = json!({ "interface": port, "hardware": hardware });
    let made = raveld.api().post(&format!("{PATH}{query}"), &body);
    let made = made.expect(201).json();
    format!("{PATH}/{}", made["id"].as_str().expect("id"))
}

#[track_caller]
fn delete(raveld: &Raveld<'_>, place: &str) {
    let request = Request::new(Method::DELETE, place).header("if-match", "*");
    raveld.api().send(&request).expect(204);
}

#[track_caller]
fn wait_state(raveld: &Raveld<'_>, place: &str, wanted: &str) {
    let mut last = Value::Null;
    let came = eventually(PATIENCE, || {
        last = raveld.api().get(place).expect(200).json();
        (last["state"] == wanted).then_some(())
    });
    assert!(came.is_some(), "not {wanted}: {last}");
}

/// The newest revision of the configuration.
#[track_caller]
fn revision(raveld: &Raveld<'_>) -> u64 {
    let page = raveld.api().get("/api/v1/revisions?limit=1").expect(200).json();
    page["items"][0]["revision"].as_u64().expect("a revision")
}

#[track_caller]
fn restore(raveld: &Raveld<'_>, revision: u64) {
    let path = format!("/api/v1/revisions/{revision}/restore");
    raveld.api().post(&path, &Value::Null).expect(200);
}

#[test]
fn settings_are_what_ethtool_shows_and_an_older_revision_brings_back_what_was() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    assert_eq!(ground.shown(PORT), ORIGINAL);
    // Something to go back to in which nothing is said of the interface.
    let zone = json!({ "name": "lan", "interfaces": [PORT], "management": true });
    raveld.api().post("/api/v1/zones", &zone).expect(201);
    let nothing = revision(&raveld);

    let place = create(&raveld, "", PORT, &OTHER.hardware());
    assert_eq!(ground.shown(PORT), OTHER, "set with the commit");
    let settings = raveld.api().get(&place).expect(200).json();
    assert_eq!(settings["state"], "applied", "{settings}");
    ground.wait_reached();
    let first = revision(&raveld);

    let patch = json!({ "hardware": { "rx_channels": 3, "tx_channels": null } });
    raveld.api().patch(&place, &patch).expect(200);
    let second = Shown {
        rx_channels: 3,
        tx_channels: ORIGINAL.tx_channels,
        ..OTHER
    };
    assert_eq!(
        ground.shown(PORT),
        second,
        "of what is said no more, the original"
    );

    restore(&raveld, first);
    assert_eq!(ground.shown(PORT), OTHER);
    restore(&raveld, nothing);
    assert_eq!(ground.shown(PORT), ORIGINAL);
    ground.wait_reached();
}

#[test]
fn what_somebody_sets_by_hand_is_set_right_again() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    let hardware = json!({ "rx_vlan_offload": false, "rx_channels": 2 });
    let place = create(&raveld, "", PORT, &hardware);
    ground.router.run("ethtool", &["-K", PORT, "rxvlan", "on"]);
    let channels = ["-L", PORT, "rx", "1", "tx", "2"];
    ground.router.run("ethtool", &channels);
    // What the settings say nothing of is left to whoever set it.
    let right = Shown {
        tx_channels: 2,
        ..OTHER
    };
    ground.wait_shown(PORT, right);
    wait_state(&raveld, &place, "applied");
    ground.wait_reached();
    delete(&raveld, &place);
    let original = Shown {
        tx_channels: 2,
        ..ORIGINAL
    };
    assert_eq!(ground.shown(PORT), original);
}

#[test]
fn what_nobody_confirms_is_put_back() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    let place = create(&raveld, "?confirm_within_seconds=60", PORT, &OTHER.hardware());
    assert_eq!(ground.shown(PORT), OTHER);
    let confirm = format!("/api/v1/revisions/{}/confirm", revision(&raveld));
    raveld.api().post(&confirm, &Value::Null).expect(200);

    let tried = Shown {
        rx_vlan_offload: true,
        rx_channels: 1,
        tx_channels: 1,
    };
    let patch = json!({ "hardware": tried.hardware() });
    let short = format!("{place}?confirm_within_seconds=5");
    raveld.api().patch(&short, &patch).expect(200);
    wait_until("the old settings are back", PATIENCE, || {
        raveld.api().get(&place).expect(200).json()["hardware"] == OTHER.hardware()
    });
    assert_eq!(ground.shown(PORT), OTHER);
    delete(&raveld, &place);
    assert_eq!(ground.shown(PORT), ORIGINAL);

    create(&raveld, "?confirm_within_seconds=5", PORT, &OTHER.hardware());
    wait_until("the settings are gone", PATIENCE, || {
        raveld.api().get(PATH).expect(200).json()["items"] == json!([])
    });
    assert_eq!(ground.shown(PORT), ORIGINAL);
}

#[test]
fn an_interface_gets_its_settings_whenever_it_comes() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    let place = create(&raveld, "", "late0", &OTHER.hardware());
    wait_state(&raveld, &place, "absent");
    // The second time the name is that of another link, with originals of its own.
    for _ in 0..2 {
        ground.plug("late0", 10);
        ground.wait_shown("late0", OTHER);
        wait_state(&raveld, &place, "applied");
        ground.router.ip("link delete late0");
        wait_state(&raveld, &place, "absent");
    }
    ground.plug("late0", 10);
    ground.wait_shown("late0", OTHER);
    wait_state(&raveld, &place, "applied");
    assert_eq!(ground.shown(PORT), ORIGINAL, "nothing is said of it");
    delete(&raveld, &place);
    assert_eq!(ground.shown("late0"), ORIGINAL);
}

#[test]
fn what_the_card_cannot_do_is_refused_with_its_place_and_nothing_changes() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    let before = ground.router.run("ethtool", &["-k", PORT]);
    for (name, value) in [
        ("large_receive_offload", json!(true)),
        ("ntuple_filters", json!(true)),
        ("hw_tc_offload", json!(true)),
        ("symmetric_receive_hash", json!(true)),
        ("rx_ring_descriptors", json!(512)),
        ("combined_channels", json!(2)),
        ("tx_channels", json!(5)),
    ] {
        // With it what the card can do.
        let mut hardware = json!({ "rx_vlan_offload": false, "rx_channels": 2 });
        hardware[name] = value;
        let body = json!({ "interface": PORT, "hardware": hardware });
        let problem = raveld.api().post(PATH, &body).expect(422).json();
        let errors = problem["errors"].as_array().expect("errors");
        let pointers: Vec<_> = errors.iter().map(|error| &error["pointer"]).collect();
        assert_eq!(pointers, [&json!(format!("/hardware/{name}"))], "{problem}");
        assert_eq!(ground.shown(PORT), ORIGINAL, "{name}");
    }
    assert_eq!(ground.router.run("ethtool", &["-k", PORT]), before);
    let settings = raveld.api().get(PATH).expect(200).json();
    assert_eq!(settings["items"], json!([]));
}

#[test]
fn what_the_driver_refuses_fails_the_commit_and_puts_the_card_back() {
    let Some(ground) = Ground::new() else { return };
    let raveld = Raveld::start(&ground.router);
    ground.host.run("ethtool", &["-L", &far(PORT), "tx", "3"]);
    let create_it = || {
        let body = json!({ "interface": PORT, "hardware": OTHER.hardware() });
        raveld.api().post(PATH, &body)
    };
    let problem = create_it().expect(500).json();
    assert_eq!(problem["failed_step"], "hardware", "{problem}");
    let detail = problem["detail"].as_str().expect("detail");
    assert!(detail.contains("setting channels to rx 2"), "{detail}");
    assert_eq!(ground.shown(PORT), ORIGINAL);
    let settings = raveld.api().get(PATH).expect(200).json();
    assert_eq!(settings["items"], json!([]));

    ground.host.run("ethtool", &["-L", &far(PORT), "tx", "1"]);
    create_it().expect(201);
    assert_eq!(ground.shown(PORT), OTHER);
}

#[test]
fn settings_outlive_their_engine_and_the_next_one_knows_what_was_before() {
    let Some(ground) = Ground::new() else { return };
    let mut raveld = Raveld::start(&ground.router);
    let once = json!({ "rx_vlan_offload": false, "rx_channels": 3 });
    let place = create(&raveld, "", PORT, &once);
    let patch = json!({ "hardware": OTHER.hardware() });
    raveld.api().patch(&place, &patch).expect(200);

    raveld.kill();
    assert_eq!(ground.shown(PORT), OTHER);
    // Nobody is there to mind.
    ground.router.run("ethtool", &["-L", PORT, "rx", "1"]);
    raveld.start_again();
    raveld.wait_ready();
    ground.wait_shown(PORT, OTHER);
    wait_state(&raveld, &place, "applied");
    ground.wait_reached();

    raveld.terminate();
    assert_eq!(ground.shown(PORT), OTHER);
    raveld.start_again();
    raveld.wait_ready();
    wait_state(&raveld, &place, "applied");
    assert_eq!(ground.shown(PORT), OTHER);
    delete(&raveld, &place);
    assert_eq!(ground.shown(PORT), ORIGINAL);
}
