//! Files of a directory of the test, and who would have been told.

use std::sync::Mutex;

use super::*;
use crate::network_services::{DhcpClient, DhcpRange, DnsServer, LanServices};

/// What is told, and whether to fail.
#[derive(Debug, Default)]
struct Told {
    calls: Mutex<Vec<String>>,
    failing: Mutex<Option<Daemon>>,
}

impl Told {
    fn note(&self, what: &str, daemon: Daemon) -> Result<(), String> {
        let mut calls = self.calls.lock().expect("calls");
        calls.push(format!("{what} {daemon:?}"));
        let failing = *self.failing.lock().expect("failing");
        if failing == Some(daemon) && what == "reload" {
            return Err("no".to_owned());
        }
        Ok(())
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().expect("calls"))
    }
}

impl Daemons for Told {
    fn reload(&self, daemon: Daemon) -> Result<(), String> {
        self.note("reload", daemon)
    }

    fn start(&self, daemon: Daemon) -> Result<(), String> {
        self.note("start", daemon)
    }

    fn stop(&self, daemon: Daemon) -> Result<(), String> {
        self.note("stop", daemon)
    }

    fn accepts(&self, file: &Path) -> Result<(), String> {
        SystemDaemons.accepts(file)
    }
}

fn everything() -> NetworkServices {
    NetworkServices {
        dhcp_clients: vec![DhcpClient {
            interface: "wan0".parse().expect("name"),
            ipv4: true,
            ipv6: true,
        }],
        lan_services: vec![LanServices {
            interface: "lan0".parse().expect("name"),
            address: Some("192.168.77.1/24".parse().expect("network")),
            dhcp: Some(DhcpRange {
                first: "192.168.77.100".parse().expect("address"),
                last: "192.168.77.199".parse().expect("address"),
                lease_seconds: 3600,
            }),
            router_advertisements: true,
            dns: true,
        }],
        dns_servers: vec![DnsServer {
            address: "192.0.2.53".parse().expect("address"),
            port: std::num::NonZeroU16::MIN,
        }],
    }
}

struct Ground {
    places: Places,
    told: Told,
    _directory: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let at = |name: &str| directory.path().join(name);
        Self {
            places: Places {
                networkd: at("network"),
                resolved: at("resolved/10-ravelin.conf"),
                dhcp: at("dhcp.conf"),
                dns: at("dns.conf"),
            },
            told: Told::default(),
            _directory: directory,
        }
    }

    #[track_caller]
    fn check(&self, services: &NetworkServices, told: &[&str]) {
        apply_with(services, &self.places, &self.told).expect("apply");
        assert_eq!(self.told.take(), told);
    }
}

#[test]
fn only_who_has_something_else_to_do_is_told() {
    let ground = Ground::new();
    let services = everything();
    let all = [
        "start Networkd",
        "reload Networkd",
        "reload Resolved",
        "reload Dns",
        "reload Dhcp",
    ];
    ground.check(&services, &all);
    let file = ground.places.networkd.join("10-ravelin-wan0.network");
    let mode = fs::metadata(&file).expect("file").permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "its daemon reads it");
    ground.check(&services, &["start Networkd", "start Dns", "start Dhcp"]);

    let mut other = services.clone();
    other.lan_services[0].dhcp = None;
    ground.check(&other, &["start Networkd", "start Dns", "reload Dhcp"]);
    other.dns_servers.clear();
    // Servers of DHCP are asked again, so the client has another file as well.
    ground.check(
        &other,
        &[
            "start Networkd",
            "reload Networkd",
            "reload Resolved",
            "reload Dns",
            "start Dhcp",
        ],
    );

    let strange = ground.places.networkd.join("50-of-somebody.network");
    fs::write(&strange, "").expect("write");
    ground.check(
        &NetworkServices::default(),
        &["reload Networkd", "stop Dns", "stop Dhcp"],
    );
    assert!(!file.exists() && !ground.places.dns.exists() && !ground.places.dhcp.exists());
    assert!(strange.exists(), "what others wrote stays");
    ground.check(&NetworkServices::default(), &["stop Dns", "stop Dhcp"]);
}

#[test]
fn who_could_not_be_told_is_told_again_and_the_others_do_not_wait() {
    for daemon in [Daemon::Networkd, Daemon::Resolved, Daemon::Dns, Daemon::Dhcp] {
        let ground = Ground::new();
        *ground.told.failing.lock().expect("failing") = Some(daemon);
        let failed = apply_with(&everything(), &ground.places, &ground.told);
        assert!(failed.is_err_and(|text| text.ends_with("no")), "{daemon:?}");
        let reloaded = |call: &String| call.starts_with("reload");
        let told = ground.told.take().into_iter().filter(reloaded).count();
        assert_eq!(told, 4, "the others are told all the same");

        *ground.told.failing.lock().expect("failing") = None;
        apply_with(&everything(), &ground.places, &ground.told).expect("apply");
        let told = ground.told.take();
        let reloaded: Vec<_> = told.iter().filter(|call| call.starts_with("reload")).collect();
        assert_eq!(reloaded, [&format!("reload {daemon:?}")]);
    }
}

#[test]
fn what_dnsmasq_would_not_take_leaves_it_as_it_is() {
    let ground = Ground::new();
    apply_with(&everything(), &ground.places, &ground.told).expect("apply");
    let before = fs::read_to_string(&ground.places.dns).expect("file");
    ground.told.take();
    let refused = apply_dnsmasq(
        &ground.places.dns,
        Some("no-such-option\n"),
        Daemon::Dns,
        &ground.told,
    );
    assert!(
        refused.expect_err("refused").contains("bad option"),
        "dnsmasq says why"
    );
    assert_eq!(fs::read_to_string(&ground.places.dns).expect("file"), before);
    assert!(ground.told.take().is_empty(), "it goes on as it was");
}
