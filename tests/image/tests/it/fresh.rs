//! A fresh image becomes a router: it serves the LAN, obeys its policy from the first packet on, and keeps what it is
//! told.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime};

use ravelin_test_harness::packet::{Packet, Tag};
use ravelin_test_harness::{DnsAnswer, Question, RunDir, eventually, packet_socket, privileged, wait_until};
use ravelin_tests_image::{
    ANSWER, Appliance, BOX4, CLIENT4, Cable, Direction, Mirror, Networks, PATIENCE, Plan, Probes, SERVER4,
    SERVER6, addresses, fresh_disk, lease, mac, over_tcp, over_udp,
};
use serde_json::{Value, json};

/// Where mirrors listen on both sides.
const PORT: u16 = 7000;
/// Where one listens that a rule forbids.
const FORBIDDEN: u16 = 7001;
/// Where frames of the VLAN go.
const THROUGH_VLAN: u16 = 7002;

#[test]
fn a_fresh_image_becomes_a_router_that_passes_what_its_policy_says_and_nothing_before() {
    if !privileged("image") {
        return;
    }
    let networks = Networks::new();
    let probes = Probes::start(&networks);
    let disk = fresh_disk();
    let cards = [Cable::Tap(&networks.lan.tap), Cable::Tap(&networks.wan.tap)];
    let mut plan = Plan::new(&disk, &cards);
    plan.clock = Some("1970-01-01");
    let mut appliance = Appliance::start(&plan, &networks);
    let ready = appliance.wait_ready();
    assert!(ready.text.contains(BOX4), "{}", ready.text);
    appliance.sign_in();

    everything_is_at_work(&appliance);
    clients_are_served(&networks);
    packets_obey(&appliance, &networks);
    names_are_blocked(&appliance, &networks);
    crate::install_page::commands_work(&appliance, &networks);
    only_what_is_allowed_passed(&networks, &probes);
    probes.none_passed_before_the_policy(&networks, &appliance);
    let vlan = a_vlan_is_made(&appliance, &networks);

    let before = probes.sent();
    for network in [&networks.lan, &networks.wan] {
        network.capture.clear();
    }
    appliance.reboot();
    assert!(
        probes.sent() > before + 20,
        "few probes were sent while it restarted"
    );
    the_vlan_is_there(&appliance, &networks, &vlan);
    only_what_is_allowed_passed(&networks, &probes);

    kill_the_engine(&mut appliance);
    only_what_is_allowed_passed(&networks, &probes);
}

/// Every feature is as it shall be, every program is loaded.
fn everything_is_at_work(appliance: &Appliance<'_>) {
    let ready = appliance.api().get("/readyz").expect(200).json();
    assert!(ready["revision"].as_u64().is_some(), "{ready}");
    let features = appliance.api().get("/api/v1/ebpf/features").expect(200).json();
    let features = features["items"].as_array().expect("items").clone();
    assert!(!features.is_empty());
    for feature in &features {
        let (enabled, state) = (&feature["enabled"], &feature["state"]);
        let good = if enabled == true { "active" } else { "disabled" };
        assert_eq!(state, good, "{feature}");
    }
    let programs = appliance.api().get("/api/v1/ebpf/programs").expect(200).json();
    assert!(
        !programs["items"].as_array().expect("items").is_empty(),
        "{programs}"
    );
    let system = appliance.api().get("/api/v1/system").expect(200).json();
    // The hardware clock says 1970; no machine is older than its image.
    let year: u32 = system["clock"]["now"]
        .as_str()
        .and_then(|now| now.split('-').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{system}"));
    assert!(year >= 2025, "the clock says {year}");
}

/// DHCP, router advertisements and DNS, for a laptop that is plugged in.
fn clients_are_served(networks: &Networks) {
    let directory = RunDir::new();
    let lan = &networks.lan.namespace;
    let lease = eventually(PATIENCE, || lease(lan, "lan", directory.path())).expect("a lease");
    assert!(lease.address.to_string().starts_with("192.168.77.1"), "{lease:?}");
    assert_eq!((lease.router.as_str(), lease.dns.as_str()), (BOX4, BOX4));
    wait_until("the LAN has IPv6", PATIENCE, || {
        !addresses(lan, "lan", "fd").is_empty()
    });
    wait_until("the LAN has a router for IPv6", PATIENCE, || {
        lan.ip("-6 route show default").contains("via fe80")
    });
    let question = Question::new(BOX4.parse().expect("address"), "www.example");
    let server: IpAddr = ANSWER.parse().expect("address");
    wait_until("names are answered", PATIENCE, || {
        question.clone().ask(lan) == DnsAnswer::Address(server)
    });
}

fn packets_obey(appliance: &Appliance<'_>, networks: &Networks) {
    let (lan, wan) = (&networks.lan.namespace, &networks.wan.namespace);
    let mirrors = [PORT, FORBIDDEN].map(|port| (Mirror::start(wan, port), Mirror::start(lan, port)));
    let out = |server: &str, port| SocketAddr::new(server.parse().expect("address"), port);
    let client: IpAddr = CLIENT4.parse().expect("address");

    // IPv4 is translated, IPv6 is not.
    for ask in [over_tcp, over_udp] {
        let seen = eventually(PATIENCE, || ask(lan, out(SERVER4, PORT))).expect("IPv4 passes");
        assert!(
            seen != client && seen.to_string().starts_with("203.0.113."),
            "{seen} is not translated"
        );
        let seen = eventually(PATIENCE, || ask(lan, out(SERVER6, PORT))).expect("IPv6 passes");
        assert!(
            addresses(lan, "lan", "fd").contains(&seen),
            "{seen} is translated"
        );
    }
    let rule = json!({
        "name": "forbidden", "from_zone": "lan", "to_zone": "wan", "action": "drop",
        "services": [
            {"protocol": "udp", "destination_ports": [FORBIDDEN.to_string()]},
            {"protocol": "tcp", "destination_ports": [FORBIDDEN.to_string()]},
        ],
    });
    for ask in [over_tcp, over_udp] {
        assert!(ask(lan, out(SERVER4, FORBIDDEN)).is_some(), "not yet forbidden");
    }
    appliance.api().post("/api/v1/rules", &rule).expect(201);
    for ask in [over_tcp, over_udp] {
        for server in [SERVER4, SERVER6] {
            assert_eq!(ask(lan, out(server, FORBIDDEN)), None, "forbidden");
            assert!(ask(lan, out(server, PORT)).is_some(), "still allowed");
        }
    }
    // Nobody comes in, neither to the LAN nor to the box.
    let own = addresses(lan, "lan", "fd")
        .first()
        .expect("an address")
        .to_string();
    for host in [CLIENT4, own.as_str()] {
        for ask in [over_tcp, over_udp] {
            assert_eq!(ask(wan, out(host, PORT)), None, "from the WAN to {host}");
        }
    }
    assert_eq!(over_tcp(wan, out(BOX4, 443)), None, "management from the WAN");
    drop(mirrors);
}

fn names_are_blocked(appliance: &Appliance<'_>, networks: &Networks) {
    let lan = &networks.lan.namespace;
    let question = |name: &str| Question::new(SERVER4.parse().expect("address"), name).ask(lan);
    let api = appliance.api();
    api.post(
        "/api/v1/lists/dns-blocklist/entries",
        &json!({ "value": "blocked.example" }),
    )
    .expect(201);
    api.post("/api/v1/ebpf/features/dns_blocklist/enable", &Value::Null)
        .expect(200);
    wait_until("the name is blocked", PATIENCE, || {
        matches!(question("blocked.example"), DnsAnswer::NoSuchName { .. })
    });
    assert!(matches!(question("other.example"), DnsAnswer::Address(_)));
}

/// From power-on until now. That probes pass in the end shows that the captures see them; those of the kind that is
/// never allowed were sent at the same time, as often.
fn only_what_is_allowed_passed(networks: &Networks, probes: &Probes) {
    for family in [4, 6] {
        wait_until(&format!("probes of IPv{family} pass"), PATIENCE, || {
            probes.passed(networks, Direction::Out, family).len() >= 20
        });
        let inward = probes.passed(networks, Direction::In, family);
        assert!(
            inward.is_empty(),
            "{} probes came in from the WAN: {:?}",
            inward.len(),
            inward.first()
        );
    }
}

/// What is asked for over REST.
struct Asked {
    route: String,
}

/// A VLAN on the LAN card with an address, in the zone of the LAN, and a route, in one commit.
fn a_vlan_is_made(appliance: &Appliance<'_>, networks: &Networks) -> Asked {
    let config = appliance.api().get("/api/v1/config").expect(200).json();
    let lan = zone(&config, "lan");
    let card = lan["interfaces"][0].as_str().expect("its card").to_owned();
    let mut interfaces = lan["interfaces"].as_array().expect("interfaces").clone();
    interfaces.push("lan30".into());
    appliance.commit(&[
        json!({ "op": "create", "kind": "interface_settings", "value": {
            "interface": "lan30", "vlan": { "parent": card, "id": 30 },
            "addresses": ["192.168.30.1/24", "fd30::1/64"], "mtu_bytes": 1400,
        }}),
        json!({ "op": "update", "kind": "zone", "id": lan["id"], "value": { "interfaces": interfaces } }),
        json!({ "op": "create", "kind": "route", "value": {
            "destination": "198.51.100.0/24", "gateway": CLIENT4,
        }}),
    ]);
    networks.lan.namespace.ip("address add 198.51.100.9/32 dev lan");
    let asked = Asked {
        route: "198.51.100.0/24".to_owned(),
    };
    the_vlan_is_there(appliance, networks, &asked);
    asked
}

fn the_vlan_is_there(appliance: &Appliance<'_>, networks: &Networks, asked: &Asked) {
    let (lan, wan) = (&networks.lan.namespace, &networks.wan.namespace);
    let interface = appliance.wait_for("the VLAN", "/api/v1/interfaces/lan30", |interface| {
        interface["link_state"] == "up" && interface["mtu_bytes"] == 1400
    });
    let addresses = interface["addresses"].as_array().expect("addresses");
    for address in ["192.168.30.1/24", "fd30::1/64"] {
        assert!(
            addresses.contains(&address.into()),
            "{address} is not in {interface}"
        );
    }
    let routes = appliance.api().get("/api/v1/routes").expect(200).json();
    let mut routes = routes["items"].as_array().expect("items").iter();
    assert!(
        routes.any(|route| route["destination"] == asked.route),
        "no route"
    );
    // From an address only the route leads back to.
    let _mirror = Mirror::start(wan, PORT);
    lan.ip(&format!(
        "route replace {SERVER4}/32 via {BOX4} dev lan src 198.51.100.9"
    ));
    let server = SocketAddr::new(SERVER4.parse().expect("address"), PORT);
    let seen = eventually(PATIENCE, || over_udp(lan, server));
    lan.ip(&format!("route del {SERVER4}/32 dev lan"));
    assert!(seen.is_some(), "nothing comes back by the route");
    through_the_vlan(networks);
}

/// Frames of its tag pass to the WAN; the kernel of the tests may have no VLAN devices, so they are made here.
fn through_the_vlan(networks: &Networks) {
    let socket = networks
        .lan
        .namespace
        .within(|| packet_socket("lan"))
        .expect("socket");
    for (family, client, server) in [(4, "192.168.30.9", SERVER4), (6, "fd30::9", SERVER6)] {
        let mut packet = Packet::udp(family, 40_500, THROUGH_VLAN, b"tagged".to_vec()).from(client);
        packet.destination = server.parse().expect("address");
        packet.tags = vec![Tag {
            ethertype: 0x8100,
            tci: 30,
        }];
        let mut frame = packet.build();
        frame[..6].copy_from_slice(&mac(0));
        wait_until("a frame of the VLAN passes to the WAN", PATIENCE, || {
            // SAFETY: the pointer and the length describe `frame`.
            unsafe { libc::send(socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
            let passed = networks.wan.capture.packets(|seen| {
                seen.packet.destination == packet.destination
                    && seen.packet.ports().is_some_and(|ports| ports.1 == THROUGH_VLAN)
            });
            !passed.is_empty()
        });
    }
}

#[track_caller]
fn zone(config: &Value, name: &str) -> Value {
    let zones = config["zones"].as_array().expect("zones");
    let found = zones.iter().find(|zone| zone["name"] == name);
    found
        .unwrap_or_else(|| panic!("no zone {name} in {config}"))
        .clone()
}

/// By the shell of the console. What is attached stays attached, and the engine comes back.
fn kill_the_engine(appliance: &mut Appliance<'_>) {
    let from = appliance.machine().console().position();
    let keyboard = appliance.machine_mut().keyboard();
    keyboard.type_text("7\n");
    keyboard.wait_for("comes back", from, PATIENCE);
    keyboard.type_text("systemctl kill -s KILL raveld && echo it is ''dead; exit\n");
    keyboard.wait_for("it is dead", from, PATIENCE);
    let begin = SystemTime::now();
    appliance.wait_for("the engine", "/readyz", |ready| {
        ready["revision"].as_u64().is_some()
    });
    eprintln!(
        "the engine was back after {:?}",
        begin.elapsed().unwrap_or(Duration::ZERO)
    );
}
