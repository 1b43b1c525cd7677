//! News of connections that real traffic makes, and of those we make.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ravelin_kernel::{
    Conntrack, ConntrackEvent, ConntrackEvents, ConntrackSettings, EventsRead, NewConnection,
};
use ravelin_model::{Connection, ConnectionStatus, FlowTuple, TcpState, protocol};
use ravelin_test_harness::{Namespace, privileged, routed, wait_until};

use crate::support::{dump, in_namespace, key, many, new, tuple};

const LIMIT: Duration = Duration::from_secs(20);
const ROOMY: usize = 4 << 20;

/// Client, box, server.
///
/// ```text
/// 10.1.0.2, fd00:1::2 ── lan0 box wan0 ── 10.2.0.2, fd00:2::2
/// ```
///
/// The box translates the sources of what leaves by wan0, and the destination port 1080 to 80.
struct Crossing {
    client: Namespace,
    router: Namespace,
    server: Namespace,
}

const TABLE: &str = "table inet nat {
    chain prerouting {
        type nat hook prerouting priority dstnat
        iifname lan0 tcp dport 1080 redirect_to
        iifname lan0 udp dport 1080 redirect_to
    }
    chain postrouting {
        type nat hook postrouting priority srcnat
        oifname wan0 masquerade
    }
}";

impl Crossing {
    fn new() -> Self {
        let [client, router, server] = routed();
        let table = TABLE.replacen("redirect_to", "dnat to :80", 2);
        let path = std::env::temp_dir().join(format!("{}.nft", router.name()));
        std::fs::write(&path, table).expect("write");
        router.run("nft", &["-f", &path.display().to_string()]);
        std::fs::remove_file(&path).expect("remove");
        Self {
            client,
            router,
            server,
        }
    }
}

/// Events, with those that were read and not yet looked at.
struct Listener {
    events: ConntrackEvents,
    waiting: VecDeque<ConntrackEvent>,
}

impl Listener {
    fn open(receive_buffer_bytes: usize) -> Self {
        Self {
            events: ConntrackEvents::open(receive_buffer_bytes).expect("open"),
            waiting: VecDeque::new(),
        }
    }

    /// Looks at one after another until `wanted` has what it wants.
    fn wait_for<T>(&mut self, what: &str, mut wanted: impl FnMut(&ConntrackEvent) -> Option<T>) -> T {
        let (end, mut seen) = (Instant::now() + LIMIT, Vec::new());
        loop {
            while let Some(event) = self.waiting.pop_front() {
                if let Some(found) = wanted(&event) {
                    return found;
                }
                seen.push(event);
            }
            let read = self.events.read(Duration::from_millis(100), &mut |event| {
                self.waiting.push_back(event);
            });
            assert_ne!(read.expect("read"), EventsRead::Overrun, "{what}");
            assert!(Instant::now() < end, "{what}: not in {seen:#?}");
        }
    }
}

/// From its beginning to its end, as the kernel tells it.
fn follow(
    listener: &mut Listener,
    conntrack: &mut Conntrack,
    [original, reply]: [FlowTuple; 2],
    finished: impl Fn(&Connection) -> bool,
) {
    let what = format!("{original:?}");
    let begun = listener.wait_for(&format!("{what} begins"), |event| match event {
        ConntrackEvent::New(connection) if connection.original == original => Some(connection.clone()),
        _ => None,
    });
    assert_eq!(begun.reply, reply, "{what}");
    assert!(begun.status.has(ConnectionStatus::CONFIRMED), "{begun:?}");
    assert!(begun.timeout_seconds.is_some() && begun.ended_at.is_none());
    if !finished(&begun) {
        listener.wait_for(&format!("{what} goes on"), |event| match event {
            ConntrackEvent::Updated(connection) if connection.original == original => {
                assert_eq!((connection.id, connection.reply), (begun.id, reply), "{what}");
                finished(connection).then_some(())
            }
            _ => None,
        });
    }
    let there = conntrack.get(&original, 0).expect("get").expect("it is there");
    assert_eq!(conntrack.delete(&[key(original)]).expect("delete"), 1, "{what}");
    let ended = listener.wait_for(&format!("{what} ends"), |event| match event {
        ConntrackEvent::Destroyed(connection) if connection.original == original => Some(connection.clone()),
        _ => None,
    });
    assert_eq!((ended.id, ended.reply), (begun.id, reply), "{what}");
    assert_eq!(ended.counts, there.counts, "{what}");
    let [sent, answered] = ended.counts.expect("counts");
    assert!(sent.packets > 0 && sent.bytes > 0 && answered.packets > 0 && answered.bytes > 0);
    let (began, ended_at) = (
        ended.started_at.expect("its begin"),
        ended.ended_at.expect("its end"),
    );
    assert_eq!(there.started_at, Some(began));
    assert!(began <= ended_at, "{ended:?}");
    assert!(ended.timeout_seconds.is_some(), "it did not run out: {ended:?}");
}

fn both_ways(connection: &Connection) -> bool {
    connection.status.has(ConnectionStatus::SEEN_REPLY)
}

#[test]
fn translated_flows_are_told_from_begin_to_end() {
    if !privileged("netns") {
        return;
    }
    let crossing = Crossing::new();
    let Crossing {
        client,
        router,
        server,
    } = &crossing;
    let (mut listener, mut conntrack) = router.within(|| {
        ConntrackSettings::enable().expect("enable");
        (Listener::open(ROOMY), Conntrack::open().expect("open"))
    });
    for (from, to, translated) in [
        ("10.1.0.2", "10.2.0.2", "10.2.0.1"),
        ("fd00:1::2", "fd00:2::2", "fd00:2::1"),
    ] {
        let any: IpAddr = if from.contains(':') { "::" } else { "0.0.0.0" }
            .parse()
            .expect("address");
        let to_port = |port| SocketAddr::new(to.parse().expect("address"), port);

        let answering = server.within(|| UdpSocket::bind((any, 80)).expect("bind"));
        answering.set_read_timeout(Some(LIMIT)).expect("limit");
        let port = client.within(|| {
            let socket = UdpSocket::bind((any, 0)).expect("bind");
            socket.set_read_timeout(Some(LIMIT)).expect("limit");
            socket.send_to(b"question", to_port(1080)).expect("send");
            let (_, asker) = answering.recv_from(&mut [0; 16]).expect("question");
            answering.send_to(b"answer", asker).expect("send");
            socket.recv_from(&mut [0; 16]).expect("answer");
            socket.local_addr().expect("address").port()
        });
        let tuples = [
            tuple(protocol::UDP, from, to, (port, 1080)),
            tuple(protocol::UDP, to, translated, (80, port)),
        ];
        follow(&mut listener, &mut conntrack, tuples, both_ways);

        let accepting = server.within(|| TcpListener::bind((any, 80)).expect("listen"));
        let port = client.within(|| {
            let mut stream = TcpStream::connect(to_port(1080)).expect("connect");
            let (mut accepted, _) = accepting.accept().expect("accept");
            stream.write_all(b"question").expect("write");
            accepted.read_exact(&mut [0; 8]).expect("question");
            stream.local_addr().expect("address").port()
        });
        let tuples = [
            tuple(protocol::TCP, from, to, (port, 1080)),
            tuple(protocol::TCP, to, translated, (80, port)),
        ];
        follow(&mut listener, &mut conntrack, tuples, |connection| {
            connection.tcp_state == Some(TcpState::Established)
        });

        client.run("ping", &["-c", "1", "-W", "10", to]);
        let (number, request, reply) = if from.contains(':') {
            (protocol::ICMPV6, 128 << 8, 129 << 8)
        } else {
            (protocol::ICMP, 8 << 8, 0)
        };
        // The identifier is ping's own.
        let id = dump(&mut conntrack)
            .into_iter()
            .find(|connection| {
                connection.original.protocol == number && connection.original.destination_port == request
            })
            .expect("a ping")
            .original
            .source_port;
        let tuples = [
            tuple(number, from, to, (id, request)),
            tuple(number, to, translated, (id, reply)),
        ];
        follow(&mut listener, &mut conntrack, tuples, both_ways);
    }
    assert!(listener.events.as_fd().try_clone_to_owned().is_ok());
}

#[test]
fn events_of_what_we_make_change_and_delete_are_told() {
    in_namespace("own", || {
        let mut events = ConntrackEvents::open(ROOMY).expect("open");
        let mut conntrack = Conntrack::open().expect("open");
        let nothing = events.read(Duration::ZERO, &mut |event| panic!("{event:?}"));
        assert_eq!(nothing.expect("read"), EventsRead::Nothing);
        let made = NewConnection {
            mark: 5,
            ..new(tuple(protocol::TCP, "fd00::1", "fd00::2", (1, 2)))
        };
        conntrack.create(&[made]).expect("create");
        conntrack.delete(&[key(made.original)]).expect("delete");
        let mut told = Vec::new();
        let read = events.read(LIMIT, &mut |event| told.push(event)).expect("read");
        assert_eq!(read, EventsRead::Some(told.len()));
        assert!(
            matches!(&told[..], [ConntrackEvent::New(one), ConntrackEvent::Destroyed(other)]
                if one.mark == 5 && one.original == made.original && one.id == other.id),
            "{told:?}"
        );
    });
}

#[test]
fn an_overrun_is_told_once_and_nothing_is_missed_after_it() {
    in_namespace("overrun", || {
        let mut listener = Listener::open(0);
        let mut conntrack = Conntrack::open().expect("open");
        for round in 0..3_u16 {
            let all = many(2000);
            assert_eq!(conntrack.create(&all).expect("create"), all.len());
            let mut count = 0;
            loop {
                match listener
                    .events
                    .read(Duration::ZERO, &mut |_| count += 1)
                    .expect("read")
                {
                    EventsRead::Some(_) => {}
                    EventsRead::Overrun => break,
                    EventsRead::Nothing => panic!("nothing was lost of {}", all.len()),
                }
            }
            assert!(count < all.len(), "{count}");
            // What begins from now on is told at once, without another overrun.
            let after = new(tuple(protocol::UDP, "10.7.0.1", "10.7.0.2", (round + 1, 1)));
            conntrack.create(&[after]).expect("create");
            listener.wait_for("after the overrun", |event| match event {
                ConntrackEvent::New(connection) => {
                    assert_eq!(connection.original, after.original);
                    Some(())
                }
                _ => None,
            });
            let keys: Vec<_> = all.iter().map(|new| key(new.original)).collect();
            assert_eq!(conntrack.delete(&keys).expect("delete"), keys.len());
            // So is the end of those: by another overrun.
            let read = listener.events.read(Duration::ZERO, &mut |_| ()).expect("read");
            assert_eq!(read, EventsRead::Overrun);
        }
    });
}

#[test]
fn what_runs_out_has_no_time_left() {
    in_namespace("timeout", || {
        let mut listener = Listener::open(ROOMY);
        let mut conntrack = Conntrack::open().expect("open");
        let made = NewConnection {
            timeout_seconds: 1,
            ..new(tuple(protocol::UDP, "10.7.0.1", "10.7.0.2", (1, 1)))
        };
        conntrack.create(&[made]).expect("create");
        // The kernel collects what ran out when it comes by, at the latest when somebody asks.
        wait_until("it runs out", LIMIT, || {
            conntrack.get(&made.original, 0).expect("get").is_none()
        });
        listener.wait_for("its end", |event| match event {
            ConntrackEvent::Destroyed(connection) => {
                assert_eq!(connection.timeout_seconds, None, "{connection:?}");
                Some(())
            }
            _ => None,
        });
    });
}
