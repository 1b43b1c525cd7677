//! Links of a network namespace of our own, as they come, change and go. Needs root.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ravelin_kernel::{Link, Links, VlanLink};
use ravelin_model::{HardwareAddress, LinkState};
use ravelin_test_harness::in_fresh_namespace;
use tokio::sync::watch;

/// Runs `ip` in the thread's namespace.
fn ip(arguments: &str) {
    run("ip", arguments);
}

fn run(program: &str, arguments: &str) {
    let output = Command::new(program)
        .args(arguments.split_whitespace())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Waits until what is published about the link is as expected; None: there is no such link.
async fn check(
    links: &mut watch::Receiver<Arc<Vec<Link>>>,
    what: &str,
    name: &str,
    expected: impl Fn(Option<&Link>) -> bool,
) {
    let as_expected = |links: &Arc<Vec<Link>>| expected(links.iter().find(|link| link.name == name));
    let waited = tokio::time::timeout(Duration::from_secs(10), links.wait_for(as_expected)).await;
    let seen = matches!(waited, Ok(Ok(_)));
    drop(waited);
    assert!(
        seen,
        "{name}: {what}: not seen within 10 s, or the channel closed; last: {:?}",
        links.borrow()
    );
}

fn index(links: &watch::Receiver<Arc<Vec<Link>>>, name: &str) -> Option<u32> {
    let links = links.borrow();
    links.iter().find(|link| link.name == name).map(|link| link.index)
}

fn has_address(link: Option<&Link>, address: &str) -> bool {
    let address = address.parse().expect("prefix");
    link.is_some_and(|link| link.addresses.contains(&address))
}

#[test]
fn a_veth_pair_is_followed_from_its_coming_to_its_going() {
    in_fresh_namespace(|| async {
        let links = Links::open().await.expect("open");
        let mut watch = links.watch();
        check(&mut watch, "loopback, down", "lo", |link| {
            link.is_some_and(|link| link.loopback && link.link_state == LinkState::Down)
        })
        .await;

        ip("link add wan0 address 02:00:00:00:00:01 type veth peer name wan1");
        check(&mut watch, "appears", "wan0", |link| {
            link.is_some_and(|link| {
                link.driver.as_deref() == Some("veth")
                    && link.hardware_address == Some(HardwareAddress([2, 0, 0, 0, 0, 1]))
                    && link.link_state == LinkState::Down
                    && link.addresses.is_empty()
                    && link.mtu_bytes == 1500
            })
        })
        .await;
        check(&mut watch, "appears", "wan1", |link| link.is_some()).await;

        ip("address add 192.0.2.1/24 dev wan0");
        check(&mut watch, "IPv4 address", "wan0", |link| {
            has_address(link, "192.0.2.1/24")
        })
        .await;
        ip("address add 2001:db8::1/64 dev wan0 nodad");
        check(&mut watch, "IPv6 address", "wan0", |link| {
            has_address(link, "2001:db8::1/64")
        })
        .await;

        ip("link set wan0 up");
        check(&mut watch, "up without carrier", "wan0", |link| {
            link.is_some_and(|link| link.link_state == LinkState::NoCarrier)
        })
        .await;
        ip("link set wan1 up");
        check(&mut watch, "carrier", "wan0", |link| {
            link.is_some_and(|link| link.link_state == LinkState::Up)
        })
        .await;
        let v4_first = |link: Option<&Link>| {
            link.is_some_and(|link| {
                link.addresses
                    .is_sorted_by_key(|address| address.addr().is_ipv6())
            })
        };
        check(&mut watch, "IPv4 first", "wan0", v4_first).await;

        // Frames can be redirected to an end of a pair while the other takes them by NAPI, as GRO makes it.
        let redirect =
            |expected: bool| move |link: Option<&Link>| link.is_some_and(|link| link.redirect == expected);
        check(&mut watch, "no redirecting to it", "wan0", redirect(false)).await;
        run("ethtool", "--offload wan1 gro on");
        check(&mut watch, "redirecting to it", "wan0", redirect(true)).await;
        run("ethtool", "--offload wan1 gro off");
        check(&mut watch, "no redirecting to it again", "wan0", redirect(false)).await;

        check(&mut watch, "its queueing", "wan0", |link| {
            link.is_some_and(|link| link.queueing.as_deref() == Some("noqueue"))
        })
        .await;
        ip("link add bridge0 type bridge");
        ip("link set wan0 master bridge0");
        check(&mut watch, "a bridge", "bridge0", |link| link.is_some()).await;
        let bridge = index(&watch, "bridge0");
        check(&mut watch, "its master", "wan0", |link| {
            link.is_some_and(|link| link.master == bridge)
        })
        .await;
        ip("link set wan0 nomaster");
        check(&mut watch, "no master again", "wan0", |link| {
            link.is_some_and(|link| link.master.is_none())
        })
        .await;
        ip("link delete bridge0");

        ip("link set wan0 mtu 1400");
        check(&mut watch, "mtu", "wan0", |link| {
            link.is_some_and(|link| link.mtu_bytes == 1400)
        })
        .await;
        let before = index(&watch, "wan0");
        ip("link set wan0 down");
        ip("link set wan0 name uplink");
        check(&mut watch, "new name", "uplink", |link| {
            link.map(|link| link.index) == before
        })
        .await;
        check(&mut watch, "old name", "wan0", |link| link.is_none()).await;

        ip("address del 192.0.2.1/24 dev uplink");
        check(&mut watch, "address gone", "uplink", |link| {
            link.is_some() && !has_address(link, "192.0.2.1/24")
        })
        .await;
        ip("link delete uplink");
        check(&mut watch, "gone", "uplink", |link| link.is_none()).await;
        check(&mut watch, "gone with its peer", "wan1", |link| link.is_none()).await;
    });
}

#[test]
fn counters_are_read_anew_with_every_snapshot() {
    in_fresh_namespace(|| async {
        ip("link set lo up");
        let links = Links::open().await.expect("open");
        let received = |links: &[Link]| {
            links
                .iter()
                .find(|link| link.loopback)
                .map_or(0, |link| link.counters.received_packets)
        };
        let before = received(&links.snapshot().await.expect("snapshot"));
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
        let address = socket.local_addr().expect("address");
        for _ in 0..10 {
            socket.send_to(b"x", address).expect("send");
        }
        let after = received(&links.snapshot().await.expect("snapshot"));
        assert_eq!(after - before, 10);
    });
}

/// More changes than the socket can hold, with nobody reading meanwhile: the runtime has one thread, and `ip` keeps it.
#[test]
fn an_overrun_ends_in_the_right_state() {
    in_fresh_namespace(|| async {
        let links = Links::open().await.expect("open");
        let mut watch = links.watch();
        let path = std::env::temp_dir().join(format!("ravelin-kernel-{}.batch", std::process::id()));
        let mut batch = String::new();
        for number in 0..200 {
            batch.push_str(&format!(
                "link add storm{number} type veth peer name mrots{number}\n"
            ));
        }
        for number in 0..200 {
            for mtu in [1400, 1300, 1200] {
                batch.push_str(&format!("link set storm{number} mtu {mtu}\n"));
            }
        }
        for number in 1..200 {
            batch.push_str(&format!("link delete storm{number}\n"));
        }
        std::fs::write(&path, batch).expect("write");
        ip(&format!("-batch {}", path.display()));
        std::fs::remove_file(&path).expect("remove");
        check(&mut watch, "the last state", "storm0", |link| {
            link.is_some_and(|link| link.mtu_bytes == 1200)
        })
        .await;
        check(&mut watch, "gone", "storm199", |link| link.is_none()).await;
        // Borrowed only afterwards: nothing can be published while it is.
        let snapshot = links.snapshot().await.expect("snapshot");
        assert_eq!(watch.borrow().len(), snapshot.len());
        // And it goes on from there.
        ip("link set storm0 mtu 1111");
        check(&mut watch, "after the storm", "storm0", |link| {
            link.is_some_and(|link| link.mtu_bytes == 1111)
        })
        .await;
    });
}

#[test]
fn nobody_listening_ends_the_task() {
    in_fresh_namespace(|| async {
        let links = Links::open().await.expect("open");
        let watch = links.watch();
        drop(links);
        assert!(watch.has_changed().is_ok(), "a receiver alone keeps the task");
        let tasks = tokio::runtime::Handle::current().metrics();
        assert!(tasks.num_alive_tasks() > 0);
        drop(watch);
        let ended = async {
            while tasks.num_alive_tasks() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ended)
            .await
            .expect("the tasks end");
    });
}

#[test]
fn a_vlan_device_tells_what_it_stands_on() {
    in_fresh_namespace(|| async {
        let links = Links::open().await.expect("open");
        let mut watch = links.watch();
        ip("link add wan0 type veth peer name wan1");
        let arguments = "link add link wan0 name wan0.7 type vlan id 7";
        let made = Command::new("ip").args(arguments.split(' ')).status();
        if !made.expect("run ip").success() {
            let required = std::env::var("RAVELIN_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|tier| tier == "vlan"), "no VLAN devices");
            eprintln!("skipped: this kernel has no VLAN devices");
            return;
        }
        check(&mut watch, "appears", "wan0.7", |link| link.is_some()).await;
        let device = index(&watch, "wan0").expect("its base");
        ip("link add link wan0 name wan0.s type vlan id 8 protocol 802.1ad");
        check(&mut watch, "a service tag", "wan0.s", |link| {
            link.is_some_and(|link| link.vlan.is_none())
        })
        .await;
        check(&mut watch, "its base and tag", "wan0.7", |link| {
            link.is_some_and(|link| link.vlan == Some(VlanLink { device, tag: 7 }))
        })
        .await;
        check(&mut watch, "no VLAN itself", "wan0", |link| {
            link.is_some_and(|link| link.vlan.is_none())
        })
        .await;
    });
}
