//! What several modules ask for.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ravelin_test_harness::{Lab, Raveld, Sink, privileged};
use serde_json::Value;

/// Port of the sinks.
const PORT: u16 = 9000;

/// Ethernet, IPv4 and UDP headers, in bytes.
pub const HEADERS4: u64 = 14 + 20 + 8;

/// Ethernet, IPv6 and UDP headers, in bytes.
pub const HEADERS6: u64 = 14 + 40 + 8;

/// A lab, or None where privileged tests may be skipped.
pub fn lab() -> Option<Lab> {
    privileged("netns").then(Lab::new)
}

/// How often to do something: `full` under `scripts/test --full`, else `short`.
pub fn repetitions(short: u32, full: u32) -> u32 {
    if std::env::var_os("RAVELIN_FULL").is_some() {
        full
    } else {
        short
    }
}

/// Whether the engine under test is built as it is shipped.
pub fn optimised() -> bool {
    std::env::var_os("RAVELIN_RELEASE").is_some()
}

/// The sink of a family at the server.
pub fn sink_address(family_of: IpAddr) -> SocketAddr {
    let [v4, v6] = Lab::server_addresses();
    SocketAddr::new(if family_of.is_ipv4() { v4 } else { v6 }, PORT)
}

/// Sinks of both families at the server.
#[derive(Debug)]
pub struct Sinks([Sink; 2]);

impl Sinks {
    pub fn open(lab: &Lab) -> Self {
        Self(Lab::server_addresses().map(|address| Sink::open(&lab.server, (address, PORT).into())))
    }

    pub fn count(&self, source: IpAddr) -> u64 {
        self.0[usize::from(source.is_ipv6())].count(source)
    }
}

/// A feature's status.
#[track_caller]
pub fn feature(raveld: &Raveld<'_>, name: &str) -> Value {
    raveld
        .api()
        .get(&format!("/api/v1/ebpf/features/{name}"))
        .expect(200)
        .json()
}

/// An interface, or None.
#[track_caller]
pub fn interface(raveld: &Raveld<'_>, name: &str) -> Option<Value> {
    let page = raveld.api().get("/api/v1/interfaces").expect(200).json();
    page["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|interface| interface["name"] == name)
        .cloned()
}

/// Packets and bytes of a cell of the statistics; zero where the cell is left out.
#[track_caller]
pub fn cell(raveld: &Raveld<'_>, interface: &str, protocol: &str, reason: &str) -> (u64, u64) {
    let statistics = raveld.api().get("/api/v1/ebpf/stats").expect(200).json();
    let interfaces = statistics["interfaces"].as_array().expect("interfaces");
    interfaces
        .iter()
        .filter(|one| one["interface"] == interface)
        .flat_map(|one| one["cells"].as_array().expect("cells"))
        .find(|cell| {
            cell["direction"] == "ingress" && cell["protocol"] == protocol && cell["reason"] == reason
        })
        .map_or((0, 0), |cell| (number(&cell["packets"]), number(&cell["bytes"])))
}

/// Value of a metric with these labels.
#[track_caller]
pub fn metric(raveld: &Raveld<'_>, name: &str, labels: &[(&str, &str)]) -> u64 {
    let text = raveld.api().get("/metrics").expect(200).text();
    let line = text
        .lines()
        .filter(|line| line.split('{').next() == Some(name))
        .find(|line| {
            labels
                .iter()
                .all(|(key, value)| line.contains(&format!("{key}=\"{value}\"")))
        })
        .unwrap_or_else(|| panic!("no {name} with {labels:?} in\n{text}"));
    let value = line.rsplit(' ').next().expect("value");
    value.parse().unwrap_or_else(|_| panic!("{line}"))
}

/// A JSON number that counts something.
#[track_caller]
pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

/// Random numbers (splitmix64) with a printed seed; `RAVELIN_SEED` takes one back.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new() -> Self {
        let seed = std::env::var("RAVELIN_SEED").map_or_else(
            |_| {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("clock");
                now.as_secs() ^ u64::from(now.subsec_nanos()) << 32
            },
            |text| text.parse().expect("RAVELIN_SEED is a number"),
        );
        eprintln!("RAVELIN_SEED={seed}");
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn up_to(&mut self, limit: Duration) -> Duration {
        let nanoseconds = u64::try_from(limit.as_nanos()).expect("a short time");
        Duration::from_nanos(self.next() % nanoseconds)
    }
}
