//! A box that forwards, with the real programs and routes of the test's own.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ravelin_abi::rv_event;
use ravelin_datapath::kernel::{KernelConfig, KernelDatapath, KernelParts};
use ravelin_datapath::{Datapath as _, RawEvent, Switches};
use ravelin_model::ZoneNumber;
use ravelin_test_harness::eventually;

use crate::datapath::rig::{ip, send};
use crate::isolated::isolated;

/// Every feature a packet could leave a trace by.
pub const WATCHED: Switches = Switches {
    statistics: true,
    flow_monitoring: true,
    ddos_protection: true,
    ddos_external_only: false,
    dns_blocklist: true,
    dns_drop: true,
    policy_classifier: true,
    flow_offload: false,
};

/// The programs, loaded, in a namespace with interfaces.
#[derive(Debug)]
pub struct Ground {
    config: KernelConfig,
    pub parts: KernelParts,
    /// Read already.
    events: VecDeque<rv_event>,
    interfaces: Vec<u32>,
    /// Where packets that came in by an interface and go to an address leave; None: for the box itself.
    routes: HashMap<(u32, IpAddr), Option<u32>>,
}

impl Ground {
    /// Runs a test with interfaces of these indices, `gen<n>` in this order, the classifier on and no policy.
    pub fn run(interfaces: &[u32], test: impl FnOnce(Self) + Send) {
        isolated(|pins| test(Self::new(pins, interfaces)));
    }

    fn new(pins: &Path, interfaces: &[u32]) -> Self {
        for family in ["ipv4", "ipv6"] {
            let all = format!("/proc/sys/net/{family}/conf/all/forwarding");
            std::fs::write(all, "1").unwrap();
        }
        for (n, index) in interfaces.iter().enumerate() {
            ip(&format!(
                "link add gen{n} index {index} type veth peer name peer{n}"
            ));
            // The far end says nothing of its own.
            std::fs::write(format!("/proc/sys/net/ipv6/conf/peer{n}/disable_ipv6"), "1").unwrap();
            ip(&format!("link set gen{n} up"));
            ip(&format!("link set peer{n} up"));
        }
        // Routes of a test come before those the kernel makes, and depend on where a packet came in.
        for family in ["-4", "-6"] {
            ip(&format!("{family} rule add pref 32000 lookup local"));
            ip(&format!("{family} rule del pref 0"));
            for (n, index) in interfaces.iter().enumerate() {
                ip(&format!(
                    "{family} rule add pref 10 iif gen{n} lookup {}",
                    table(*index)
                ));
            }
        }
        let config = KernelConfig {
            bpffs: pins.to_owned(),
            addresses: 64,
            name_buckets: 64,
            flows: 1024,
            cached_connections: 64,
            policy_counters: 131_072,
        };
        let mut parts = KernelDatapath::load(&config).unwrap();
        parts
            .datapath
            .set_switches(Switches {
                policy_classifier: true,
                ..Switches::default()
            })
            .unwrap();
        Self {
            config,
            parts,
            events: VecDeque::new(),
            interfaces: interfaces.to_vec(),
            routes: HashMap::new(),
        }
    }

    /// Loads everything anew, as the next process does.
    pub fn restart(&mut self) {
        self.parts = KernelDatapath::load(&self.config).unwrap();
    }

    /// Where everything is pinned.
    pub fn root(&self) -> PathBuf {
        self.config.bpffs.join("ravelin")
    }

    /// The next event, which is on its way.
    pub fn next_event(&mut self) -> rv_event {
        if self.events.is_empty() {
            let batch = eventually(Duration::from_secs(10), || self.parts.events.try_next());
            let batch = batch.expect("an event");
            self.events.extend(batch.iter().map(|RawEvent(event)| *event));
        }
        self.events.pop_front().expect("no batch is empty")
    }

    /// There is no event: one that is made now is the next.
    pub fn no_event(&mut self) {
        assert!(self.events.is_empty() && self.parts.events.try_next().is_none());
    }

    /// Sends a frame out of an interface.
    pub fn send(&self, interface: &str, frame: &[u8]) {
        send(interface, frame, 1);
    }

    /// Forgets every route.
    pub fn forget_routes(&mut self) {
        self.routes.clear();
        let mut commands = String::new();
        for index in &self.interfaces {
            commands += &format!("route flush table {}\n", table(*index));
        }
        batch("-4 -force", &commands);
        batch("-6 -force", &commands);
    }

    /// Plans a route; None: to the box itself. Where packets from there to the address leave already goes on, and is
    /// what is returned.
    pub fn plan_route(&mut self, from: u32, to: IpAddr, by: Option<u32>) -> Option<u32> {
        *self.routes.entry((from, to)).or_insert(by)
    }

    /// Makes every route that was planned.
    pub fn make_routes(&self) {
        let name = |index: u32| {
            let n = self.interfaces.iter().position(|other| *other == index);
            format!("gen{}", n.unwrap())
        };
        let mut commands: BTreeMap<bool, String> = BTreeMap::new();
        for ((from, to), by) in &self.routes {
            let (kind, device) = match by {
                Some(by) => ("unicast", name(*by)),
                None => ("local", "lo".to_owned()),
            };
            let bits = if to.is_ipv4() { 32 } else { 128 };
            let table = table(*from);
            *commands.entry(to.is_ipv4()).or_default() +=
                &format!("route replace {kind} {to}/{bits} dev {device} table {table}\n");
        }
        for (is_ipv4, commands) in commands {
            batch(if is_ipv4 { "-4" } else { "-6" }, &commands);
        }
    }
}

fn table(interface: u32) -> u32 {
    10_000 + interface
}

fn batch(options: &str, commands: &str) {
    let mut child = Command::new("ip")
        .args(options.split(' '))
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(commands.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() || options.contains("-force"),
        "ip {options}: {said}"
    );
}

/// A zone by its number.
pub fn zone(number: u32) -> ZoneNumber {
    ZoneNumber::new(number).unwrap()
}
