//! Services for LANs: the files that are rendered, served by the real dnsmasq to real clients.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ravelin_system::network_services::{NetworkServices, read_leases, render};
use ravelin_test_harness::{Namespace, Process, RunDir, privileged, wait_until};
use serde_json::{Value, json};

/// Time for what takes a moment, on a machine that does much else.
const LONG: Duration = Duration::from_secs(20);

/// What the upstream server knows.
const NAMES: &str = "no-daemon\nno-resolv\nno-hosts\npid-file=\nlog-facility=-\nbind-interfaces\ninterface=eth0\n\
    except-interface=lo\naddress=/www.example/9.9.9.7\naddress=/www.example/2620:fe::7\n\
    address=/rebind.example/192.168.77.1\n";

/// Clients of two LANs, the router, and a server on the WAN that answers questions for names.
///
/// ```text
/// client eth0 --- lan0 192.168.77.1/24, fd77::1/64 --- router --- wan0 203.0.113.1/24 --- eth0 203.0.113.53 server
/// other  eth0 --- lan1 192.168.78.1/24 ------------------'
/// ```
struct Ground {
    client: Namespace,
    other: Namespace,
    router: Namespace,
    server: Namespace,
    dir: RunDir,
}

impl Ground {
    fn new() -> Option<Self> {
        let ground = privileged("netns").then(|| Self {
            client: Namespace::new("client"),
            other: Namespace::new("other"),
            router: Namespace::new("router"),
            server: Namespace::new("server"),
            dir: RunDir::new(),
        })?;
        let router = &ground.router;
        for (port, far) in [
            ("lan0", &ground.client),
            ("lan1", &ground.other),
            ("wan0", &ground.server),
        ] {
            router.ip(&format!(
                "link add {port} type veth peer name eth0 netns {}",
                far.name()
            ));
            router.ip(&format!("link set {port} up"));
            far.ip("link set eth0 up");
        }
        router.ip("address add 192.168.77.1/24 dev lan0");
        router.ip("address add fd77::1/64 dev lan0 nodad");
        router.ip("address add 192.168.78.1/24 dev lan1");
        router.ip("address add 203.0.113.1/24 dev wan0");
        ground.server.ip("address add 203.0.113.53/24 dev eth0");
        Some(ground)
    }

    /// dnsmasq with a file; only where it keeps leases is another place than in the appliance.
    fn dnsmasq(&self, name: &str, namespace: &Namespace, file: &str) -> Process {
        let file = file.replace("/state/lan/dhcp.leases", &self.leases().display().to_string());
        let path = self.dir.join(&format!("{name}.conf"));
        fs::write(&path, file).expect("write");
        let mut command = namespace.command("dnsmasq");
        command.arg("--keep-in-foreground").arg("--user=root");
        command.arg(format!("--conf-file={}", path.display()));
        Process::spawn(name, command, self.dir.path())
    }

    fn leases(&self) -> PathBuf {
        self.dir.join("leases")
    }

    /// What a DHCP client in the namespace is given; None: nobody answers.
    fn ask_for_address(&self, namespace: &Namespace, hostname: &str) -> Option<String> {
        let (script, given) = (self.dir.join("udhcpc"), self.dir.join("given"));
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = bound ] && echo \"$ip/$mask via $router names $dns for $lease\" >{}\nexit 0\n",
            given.display()
        );
        fs::write(&script, text).expect("write");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("mode");
        let _ = fs::remove_file(&given);
        let mut command = namespace.command("busybox");
        command.args(["udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "4", "-T", "1"]);
        command.arg("-x").arg(format!("hostname:{hostname}"));
        command.arg("-s").arg(&script);
        let done = command.output().expect("udhcpc");
        let text = fs::read_to_string(&given).ok();
        assert_eq!(done.status.success(), text.is_some(), "{done:?}");
        text.map(|text| text.trim().to_owned())
    }
}

fn services(more: Value) -> NetworkServices {
    let mut services = json!({
        "lan_services": [{
            "interface": "lan0",
            "address": "192.168.77.1/24",
            "dhcp": {"first": "192.168.77.100", "last": "192.168.77.100", "lease_seconds": 3600},
            "router_advertisements": true,
            "dns": true,
        }],
        "dns_servers": [{"address": "203.0.113.53", "port": 53}],
    });
    let members = services.as_object_mut().expect("object");
    members.extend(more.as_object().expect("object").clone());
    serde_json::from_value(services).expect("services")
}

/// The answer to a question, one record a line; None: nobody answers.
fn ask(namespace: &Namespace, server: &str, question: &[&str]) -> Option<String> {
    let mut command = namespace.command("dig");
    command.arg(format!("@{server}")).args(question);
    command.args(["+short", "+tries=1", "+time=2", "+nocookie"]);
    let done = command.output().expect("dig");
    done.status
        .success()
        .then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// Waits until somebody listens at a port of UDP.
fn wait_for_port(namespace: &Namespace, address: &str) {
    wait_until(&format!("{address} is listened at"), LONG, || {
        namespace.run("ss", &["-H", "-l", "-u", "-n"]).contains(address)
    });
}

fn addresses(namespace: &Namespace) -> String {
    namespace.ip("-6 address show dev eth0 scope global")
}

#[test]
fn a_client_gets_address_router_and_names() {
    let Some(ground) = Ground::new() else { return };
    let files = render(&services(json!({}))).expect("files");
    let _upstream = ground.dnsmasq("upstream", &ground.server, NAMES);
    let _dhcp = ground.dnsmasq("dhcp", &ground.router, &files.dhcp.expect("file"));
    let _dns = ground.dnsmasq("dns", &ground.router, &files.dns.expect("file"));
    wait_for_port(&ground.router, ":67");
    wait_for_port(&ground.router, "192.168.77.1:53");
    wait_for_port(&ground.server, "203.0.113.53:53");

    let given = ground.ask_for_address(&ground.client, "tv");
    let expected = "192.168.77.100/24 via 192.168.77.1 names 192.168.77.1 for 3600";
    assert_eq!(given.as_deref(), Some(expected));
    ground.client.ip("address add 192.168.77.100/24 dev eth0");
    check_leases(&ground.leases());

    // The kernel makes an address of the network that is advertised, and the router its way out.
    wait_until("an address of the network", LONG, || {
        addresses(&ground.client).contains("inet6 fd77:")
    });
    wait_until("a way out", LONG, || {
        let routes = ground.client.ip("-6 route show default");
        routes.contains("proto ra") && routes.contains("via fe80:")
    });

    for server in ["192.168.77.1", "fd77::1"] {
        wait_until(&format!("an answer of {server}"), LONG, || {
            ask(&ground.client, server, &["www.example"]).as_deref() == Some("9.9.9.7")
        });
        let ipv6 = ask(&ground.client, server, &["AAAA", "www.example", "+tcp"]);
        assert_eq!(ipv6.as_deref(), Some("2620:fe::7"));
    }
    // Nobody outside tells of addresses inside.
    let rebound = ask(&ground.client, "192.168.77.1", &["rebind.example"]);
    assert_eq!(rebound.as_deref(), Some(""));
    // Names in files of this machine are nobody's business.
    let own = ask(&ground.client, "192.168.77.1", &["localhost"]);
    assert_eq!(own.as_deref(), Some(""));
}

#[track_caller]
fn check_leases(path: &Path) {
    let leases = read_leases(path).expect("leases").leases;
    let [lease] = leases.as_slice() else {
        panic!("{leases:?}");
    };
    assert_eq!(lease.address.to_string(), "192.168.77.100");
    assert_eq!(lease.holder.hostname.as_deref(), Some("tv"));
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    assert!(
        (now..=now + 3600).contains(&lease.expires_at_seconds),
        "{lease:?}"
    );
}

#[test]
fn nobody_else_is_served() {
    let Some(ground) = Ground::new() else { return };
    let services = services(json!({"lan_services": [
        {"interface": "lan0", "address": "192.168.77.1/24", "dns": true},
        {"interface": "lan1", "address": "192.168.78.1/24",
            "dhcp": {"first": "192.168.78.7", "last": "192.168.78.9", "lease_seconds": 120}}]}));
    let files = render(&services).expect("files");
    let _dhcp = ground.dnsmasq("dhcp", &ground.router, &files.dhcp.expect("file"));
    let _dns = ground.dnsmasq("dns", &ground.router, &files.dns.expect("file"));
    wait_for_port(&ground.router, ":67");
    wait_for_port(&ground.router, "192.168.77.1:53");
    let listened = ground.router.run("ss", &["-H", "-l", "-t", "-u", "-n"]);
    for (what, address) in [
        ("the WAN", "203.0.113.1:53"),
        ("a LAN without names", "192.168.78.1:53"),
        ("the machine itself", "127.0.0.1:53"),
        ("everywhere", "0.0.0.0:53"),
        ("everywhere", "*:53"),
        ("DHCPv6", ":547"),
    ] {
        assert!(!listened.contains(address), "{what}: {listened}");
    }

    // Each LAN has the one and not the other; the WAN has nothing.
    let given = ground.ask_for_address(&ground.other, "a");
    // Where names are not served, clients are told the servers that were said.
    assert!(
        given
            .as_deref()
            .is_some_and(|given| given.ends_with("via 192.168.78.1 names 203.0.113.53 for 120")),
        "{given:?}"
    );
    assert_eq!(ground.ask_for_address(&ground.client, "b"), None);
    assert_eq!(ground.ask_for_address(&ground.server, "c"), None);
    assert_eq!(ask(&ground.server, "203.0.113.1", &["www.example"]), None);
    assert!(
        !addresses(&ground.client).contains("inet6"),
        "nothing is advertised"
    );
}

#[test]
fn a_lan_that_comes_back_is_served_again() {
    let Some(ground) = Ground::new() else { return };
    let files = render(&services(json!({}))).expect("files");
    let _dhcp = ground.dnsmasq("dhcp", &ground.router, &files.dhcp.expect("file"));
    let _dns = ground.dnsmasq("dns", &ground.router, &files.dns.expect("file"));
    wait_for_port(&ground.router, "192.168.77.1:53");
    ground.router.ip("link delete lan0");
    wait_until("nothing is listened at", LONG, || {
        !ground
            .router
            .run("ss", &["-H", "-l", "-u", "-n"])
            .contains("192.168.77.1:53")
    });
    let client = Namespace::new("back");
    ground.router.ip(&format!(
        "link add lan0 type veth peer name eth0 netns {}",
        client.name()
    ));
    client.ip("link set eth0 up");
    ground.router.ip("link set lan0 up");
    ground.router.ip("address add 192.168.77.1/24 dev lan0");
    ground.router.ip("address add fd77::1/64 dev lan0 nodad");
    wait_for_port(&ground.router, "192.168.77.1:53");
    assert!(ground.ask_for_address(&client, "tv").is_some());
    wait_until("an address of the network", LONG, || {
        addresses(&client).contains("inet6 fd77:")
    });
}

#[test]
fn servers_are_asked_in_their_order() {
    let Some(ground) = Ground::new() else { return };
    ground.server.ip("address add 203.0.113.54/24 dev eth0");
    let upstream = |name: &str, address: &str, answer: &str| {
        let file = format!(
            "no-daemon\nno-resolv\nno-hosts\npid-file=\nlog-facility=-\nbind-interfaces\nexcept-interface=lo\n\
             listen-address={address}\naddress=/www.example/{answer}\n"
        );
        let process = ground.dnsmasq(name, &ground.server, &file);
        wait_for_port(&ground.server, &format!("{address}:53"));
        process
    };
    let first = upstream("first", "203.0.113.54", "9.9.9.1");
    let _second = upstream("second", "203.0.113.53", "9.9.9.2");
    let servers = json!({"dns_servers": [
        {"address": "203.0.113.54", "port": 53}, {"address": "203.0.113.53", "port": 53}]});
    let files = render(&services(servers)).expect("files");
    let _dns = ground.dnsmasq("dns", &ground.router, &files.dns.expect("file"));
    wait_for_port(&ground.router, "192.168.77.1:53");
    ground.client.ip("address add 192.168.77.2/24 dev eth0");
    let answer = || ask(&ground.client, "192.168.77.1", &["www.example"]);
    for _ in 0..5 {
        wait_until("the first answers", LONG, || {
            answer().as_deref() == Some("9.9.9.1")
        });
    }
    first.kill();
    wait_until("the second answers", LONG, || {
        answer().as_deref() == Some("9.9.9.2")
    });
}
