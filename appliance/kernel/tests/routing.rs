//! Where packets go, beside ip(8), and news that they go other ways. Needs root.

use std::net::IpAddr;
use std::os::fd::AsFd;
use std::process::Command;
use std::time::{Duration, Instant};

use ravelin_kernel::{Hint, PathHints, RouteAnswer, RouteQuestion, Routes};
use ravelin_test_harness::{Namespace, privileged};

const LIMIT: Duration = Duration::from_secs(20);

/// Runs a test on a thread in a fresh namespace that forwards, with two links up.
fn on_a_router(role: &str, test: impl FnOnce() + Send) {
    if !privileged("netns") {
        return;
    }
    let router = Namespace::new(role);
    for (key, value) in [
        ("ipv4/ip_forward", "1"),
        ("ipv6/conf/all/forwarding", "1"),
        ("ipv4/conf/default/rp_filter", "0"),
        ("ipv4/conf/all/rp_filter", "0"),
    ] {
        router.write_sysctl(key, value);
    }
    for (number, port) in [(1, "lan0"), (2, "wan0")] {
        router.ip(&format!("link add {port} type veth peer name {port}-far"));
        router.ip(&format!("address add 10.{number}.0.1/24 dev {port}"));
        router.ip(&format!("address add fd00:{number}::1/64 dev {port}"));
        router.ip(&format!("link set {port} up"));
        router.ip(&format!("link set {port}-far up"));
    }
    router.ip("route add 198.51.100.0/24 via 10.2.0.9");
    router.ip("-6 route add 2001:db8::/32 via fd00:2::9");
    for kind in ["unreachable", "blackhole", "prohibit"] {
        let number = kind.len();
        router.ip(&format!("route add {kind} 203.0.113.{number}/32"));
        router.ip(&format!("-6 route add {kind} fd99::{number}/128"));
    }
    router.within(test);
}

/// Runs `ip` in the thread's namespace; what it says, None when it fails.
fn try_ip(arguments: &str) -> Option<String> {
    let output = Command::new("ip")
        .args(arguments.split_whitespace())
        .output()
        .expect("run ip");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(said)
}

fn ip(arguments: &str) {
    assert!(try_ip(arguments).is_some(), "ip {arguments}");
}

fn index(link: &str) -> u32 {
    let path = format!("-o link show {link}");
    let said = try_ip(&path).expect(link);
    said.split(':')
        .next()
        .and_then(|number| number.parse().ok())
        .expect("an index")
}

/// What ip(8) says to the same question.
fn told(question: &RouteQuestion, links: &[(&str, u32)]) -> RouteAnswer {
    let mut arguments = format!("-o route get {}", question.destination);
    if let Some((source, index)) = question.source {
        let (name, _) = links.iter().find(|(_, number)| *number == index).expect("a link");
        arguments += &format!(" from {source} iif {name}");
    }
    let Some(said) = try_ip(&arguments) else {
        return RouteAnswer::Unreachable;
    };
    let mut words = said.split_whitespace();
    match words.clone().next() {
        Some("local") => return RouteAnswer::Local,
        Some("unreachable" | "blackhole" | "prohibit") => return RouteAnswer::Unreachable,
        // ip names the device of an incoming one "lo", where the box takes it.
        Some("broadcast" | "multicast") if question.source.is_some() => return RouteAnswer::Local,
        _ => {}
    }
    words.find(|word| *word == "dev").expect("a device");
    let name = words.next().expect("its name");
    let (_, interface) = links.iter().find(|(known, _)| *known == name).expect("a link");
    RouteAnswer::Out {
        interface: *interface,
    }
}

#[test]
fn routes_are_what_ip_says() {
    on_a_router("routes", || {
        let links = ["lo", "lan0", "wan0"].map(|name| (name, index(name)));
        let [_, (_, lan), (_, wan)] = links;
        let address = |text: &str| text.parse::<IpAddr>().expect("address");
        let from_lan4 = Some((address("10.1.0.5"), lan));
        let from_lan6 = Some((address("fd00:1::5"), lan));
        let mut questions = Vec::new();
        for (destinations, source) in [
            (
                &[
                    "10.1.0.1",
                    "10.1.0.7",
                    "10.2.0.7",
                    "10.2.0.255",
                    "198.51.100.7",
                    "192.0.2.1",
                    "203.0.113.11",
                    "203.0.113.9",
                    "203.0.113.8",
                    "127.0.0.1",
                ][..],
                from_lan4,
            ),
            (
                &[
                    "fd00:1::1",
                    "fd00:1::7",
                    "fd00:2::7",
                    "2001:db8::7",
                    "2002::1",
                    "fd99::11",
                    "fd99::9",
                    "fd99::8",
                    "::1",
                ],
                from_lan6,
            ),
        ] {
            for destination in destinations {
                for source in [None, source] {
                    questions.push(RouteQuestion {
                        destination: address(destination),
                        source,
                    });
                }
            }
        }
        let expected: Vec<RouteAnswer> = questions.iter().map(|question| told(question, &links)).collect();
        let mut routes = Routes::open().expect("open");
        let found = routes.resolve(&questions).expect("resolve");
        for ((question, found), expected) in questions.iter().zip(&found).zip(&expected) {
            assert_eq!(found, expected, "{question:?}");
        }
        for answer in [
            RouteAnswer::Local,
            RouteAnswer::Unreachable,
            RouteAnswer::Out { interface: lan },
            RouteAnswer::Out { interface: wan },
        ] {
            assert!(found.contains(&answer), "{answer:?} is asked for, too");
        }

        // More than one batch, with an interface that is not there in between.
        let many: Vec<RouteQuestion> = (0..3000_u32)
            .map(|at| {
                let mut question = questions[usize::try_from(at).expect("small") % questions.len()];
                if at % 1000 == 999 {
                    question.source = Some((address("10.1.0.5"), 9999));
                    question.destination = address("10.2.0.7");
                }
                question
            })
            .collect();
        let answers = routes.resolve(&many).expect("resolve");
        for (at, answer) in answers.iter().enumerate() {
            if at % 1000 == 999 {
                assert_eq!(*answer, RouteAnswer::Unreachable, "{at}");
            } else {
                assert_eq!(*answer, expected[at % expected.len()], "{at}");
            }
        }
        assert_eq!(routes.resolve(&[]).expect("none"), []);
        ip("route del 198.51.100.0/24");
        let gone = RouteQuestion {
            destination: address("198.51.100.7"),
            source: None,
        };
        assert_eq!(
            routes.resolve(&[gone]).expect("resolve"),
            [RouteAnswer::Unreachable]
        );
    });
}

/// What is heard until the hints are silent for a moment.
fn heard(hints: &mut PathHints, quiet: Duration) -> Hint {
    let (end, mut strongest) = (Instant::now() + LIMIT, Hint::Nothing);
    while Instant::now() < end {
        let before = Instant::now();
        let hint = hints.read(quiet).expect("read");
        strongest = strongest.max(hint);
        if before.elapsed() >= quiet {
            return strongest;
        }
    }
    panic!("it is never silent");
}

#[test]
fn changes_of_ways_are_heard_and_signs_of_life_are_not() {
    on_a_router("hints", || {
        let quiet = Duration::from_millis(300);
        ip("neighbour replace 10.2.0.9 lladdr 02:00:00:00:00:09 dev wan0 nud reachable");
        // Until the links have their link-local addresses and routes.
        let mut hints = PathHints::open().expect("open");
        assert_ne!(heard(&mut hints, Duration::from_secs(1)), Hint::Lost);
        assert_eq!(heard(&mut hints, quiet), Hint::Nothing);
        for (arguments, expected) in [
            // Known from before the listening.
            (
                "neighbour change 10.2.0.9 lladdr 02:00:00:00:00:09 dev wan0 nud stale",
                Hint::Nothing,
            ),
            (
                "neighbour change 10.2.0.9 lladdr 02:00:00:00:00:0a dev wan0 nud reachable",
                Hint::Changed,
            ),
            (
                "neighbour add 10.2.0.8 lladdr 02:00:00:00:00:08 dev wan0 nud reachable",
                Hint::NeighbourResolved,
            ),
            ("neighbour change 10.2.0.8 dev wan0 nud failed", Hint::Changed),
            (
                "neighbour add fd00:2::8 lladdr 02:00:00:00:00:08 dev wan0 nud reachable",
                Hint::NeighbourResolved,
            ),
            (
                "neighbour change fd00:2::8 lladdr 02:00:00:00:00:08 dev wan0 nud stale",
                Hint::Nothing,
            ),
            ("neighbour del fd00:2::8 dev wan0", Hint::Changed),
            ("route add 192.0.2.0/24 via 10.2.0.9", Hint::Changed),
            ("-6 route add 2001:db9::/32 via fd00:2::9", Hint::Changed),
            ("-6 route del 2001:db9::/32", Hint::Changed),
            ("rule add from 10.9.0.0/16 table 77", Hint::Changed),
            ("-6 rule add from fd09::/16 table 77", Hint::Changed),
            ("nexthop add id 7 via 10.2.0.9 dev wan0", Hint::Changed),
            ("address add 10.3.0.1/24 dev wan0", Hint::Changed),
            ("address add fd00:3::1/64 dev wan0", Hint::Changed),
            ("link set wan0 mtu 1400", Hint::Changed),
        ] {
            ip(arguments);
            let hint = hints.read(LIMIT).expect("read");
            assert_eq!(hint.max(heard(&mut hints, quiet)), expected, "{arguments}");
        }
        assert!(hints.as_fd().try_clone_to_owned().is_ok());
    });
}

#[test]
fn news_that_were_lost_are_told_and_the_next_are_heard() {
    on_a_router("lost", || {
        let mut hints = PathHints::open().expect("open");
        // More than the socket holds.
        let path = std::env::temp_dir().join(format!("ravelin-routes-{}.batch", std::process::id()));
        let mut batch = String::new();
        for at in 0..20_000_u32 {
            let [_, _, high, low] = at.to_be_bytes();
            batch += &format!(
                "neighbour replace 10.2.{high}.{low} lladdr 02:00:00:00:00:01 dev wan0 nud permanent\n"
            );
        }
        std::fs::write(&path, batch).expect("write");
        ip(&format!("-batch {}", path.display()));
        std::fs::remove_file(&path).expect("remove");
        let mut strongest = Hint::Nothing;
        while strongest < Hint::Lost {
            let hint = hints.read(Duration::ZERO).expect("read");
            assert_ne!(hint, Hint::Nothing, "nothing was lost");
            strongest = strongest.max(hint);
        }
        assert_eq!(heard(&mut hints, Duration::from_millis(300)), Hint::Nothing);
        // The last of those that were lost is known all the same.
        ip("neighbour replace 10.2.78.31 lladdr 02:00:00:00:00:01 dev wan0 nud stale");
        assert_eq!(hints.read(LIMIT).expect("read"), Hint::Nothing);
        ip("neighbour replace 10.2.78.31 lladdr 02:00:00:00:00:02 dev wan0 nud stale");
        assert_eq!(hints.read(LIMIT).expect("read"), Hint::Changed);
    });
}
