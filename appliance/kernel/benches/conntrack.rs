//! Connections a second: making, reading, changing and deleting them by ctnetlink, beside `conntrack -L`; and routes.
//! Needs root. Medians of several rounds; only ratios travel, and of a loaded machine only those of the time the
//! processor took, the kernel's part included.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ravelin_kernel::{
    ConnectionKey, ConnectionUpdate, Conntrack, ConntrackEvent, ConntrackEvents, ConntrackSettings,
    EventsRead, MarkChange, NewConnection, RouteQuestion, Routes,
};
use ravelin_model::{ConnectionStatus, FlowTuple, TcpState, protocol};
use ravelin_test_harness::{Namespace, privileged};

/// Well below what one host may hold.
const CONNECTIONS: u32 = 100_000;
const ROUNDS: usize = 5;

fn main() {
    if privileged("netns") {
        let namespace = Namespace::new("bench");
        namespace.within(measure);
    }
}

fn measure() {
    // Else the kernel tells nothing of connections that began while nobody listened.
    ConntrackSettings::enable().expect("enable");
    let mut conntrack = Conntrack::open().expect("open");
    let made: Vec<NewConnection> = (0..CONNECTIONS).map(connection).collect();
    let keys: Vec<ConnectionKey> = made.iter().map(|new| key(new.original)).collect();
    let updates: Vec<ConnectionUpdate> = keys.iter().map(update).collect();
    let questions: Vec<RouteQuestion> = made.iter().take(10_000).map(question).collect();
    let mut routes = Routes::open().expect("open");
    let [
        mut create,
        mut dump,
        mut tool,
        mut change,
        mut delete,
        mut resolve,
        mut hear,
    ] = [const { Vec::new() }; 7];
    for _ in 0..ROUNDS {
        create.push(time(|| {
            assert_eq!(conntrack.create(&made).expect("create"), made.len())
        }));
        dump.push(time(|| {
            let mut found = 0;
            conntrack.dump(&mut |_| found += 1).expect("dump");
            assert_eq!(found, made.len());
        }));
        tool.push(time(list));
        change.push(time(|| {
            assert_eq!(conntrack.update(&updates).expect("update"), updates.len());
        }));
        let mut events = ConntrackEvents::open(256 << 20).expect("open");
        delete.push(time(|| {
            assert_eq!(conntrack.delete(&keys).expect("delete"), keys.len())
        }));
        hear.push(time(|| read(&mut events, keys.len())));
        resolve.push(time(|| {
            routes.resolve(&questions).expect("resolve");
        }));
    }
    println!("{CONNECTIONS} connections, median of {ROUNDS}");
    let all = f64::from(CONNECTIONS);
    println!(
        "{:32} {:>11} {:>14} {:>18}",
        "", "elapsed", "rate", "of processor"
    );
    for (name, took, count) in [
        ("create", create, all),
        ("dump", dump, all),
        ("conntrack -L", tool, all),
        ("update timeout, mark, liberal", change, all),
        ("delete, with a listener", delete, all),
        ("read events of the end", hear, all),
        ("routes", resolve, 10_000.0),
    ] {
        let elapsed = median(took.iter().map(|took| took.elapsed));
        let worked = median(took.iter().map(|took| took.worked));
        println!(
            "{name:32} {:8.1} ms {:12.0} /s {:16.0} /s",
            elapsed * 1e3,
            count / elapsed,
            count / worked
        );
    }
}

/// From begin to end, and what the processor worked for it.
#[derive(Debug, Clone, Copy)]
struct Took {
    elapsed: Duration,
    worked: Duration,
}

fn time(work: impl FnOnce()) -> Took {
    let (begin, before) = (Instant::now(), worked());
    work();
    Took {
        elapsed: begin.elapsed(),
        worked: worked().saturating_sub(before),
    }
}

/// Of this thread and of children that ended.
fn worked() -> Duration {
    [libc::RUSAGE_THREAD, libc::RUSAGE_CHILDREN]
        .map(|of| {
            // SAFETY: all of it may be zero, and the call writes no more than it.
            let usage = unsafe {
                let mut usage: libc::rusage = std::mem::zeroed();
                libc::getrusage(of, &raw mut usage);
                usage
            };
            [usage.ru_utime, usage.ru_stime]
                .map(|time| {
                    let microseconds = time.tv_sec * 1_000_000 + time.tv_usec;
                    Duration::from_micros(u64::try_from(microseconds).unwrap_or(0))
                })
                .iter()
                .sum::<Duration>()
        })
        .iter()
        .sum()
}

fn median(durations: impl Iterator<Item = Duration>) -> f64 {
    let mut durations: Vec<Duration> = durations.collect();
    durations.sort_unstable();
    durations[durations.len() / 2].as_secs_f64()
}

fn list() {
    let status = Command::new("conntrack")
        .arg("-L")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("run conntrack");
    assert!(status.success());
}

fn read(events: &mut ConntrackEvents, expected: usize) {
    let mut ended = 0;
    while ended < expected {
        let mut each = |event| ended += usize::from(matches!(event, ConntrackEvent::Destroyed(_)));
        let read = events.read(Duration::from_secs(10), &mut each).expect("read");
        assert!(matches!(read, EventsRead::Some(_)), "{read:?}");
    }
}

fn connection(at: u32) -> NewConnection {
    let original = FlowTuple {
        source: Ipv4Addr::from(0x0a00_0000 + at / 1000).into(),
        destination: IpAddr::from([198, 51, 100, 7]),
        protocol: protocol::TCP,
        source_port: u16::try_from(1024 + at % 1000).expect("a port"),
        destination_port: 443,
    };
    NewConnection {
        original,
        reply: original.inverted(),
        zone: 0,
        status: ConnectionStatus(ConnectionStatus::SEEN_REPLY | ConnectionStatus::ASSURED),
        mark: at,
        timeout_seconds: 3600,
        tcp_state: Some(TcpState::Established),
    }
}

fn key(original: FlowTuple) -> ConnectionKey {
    ConnectionKey {
        original,
        zone: 0,
        id: None,
    }
}

fn update(key: &ConnectionKey) -> ConnectionUpdate {
    ConnectionUpdate {
        key: *key,
        timeout_seconds: Some(7200),
        mark: Some(MarkChange {
            value: 1 << 21,
            mask: 1 << 21,
        }),
        liberal: true,
    }
}

fn question(new: &NewConnection) -> RouteQuestion {
    RouteQuestion {
        destination: new.original.source,
        source: None,
    }
}
