//! What it costs to bring the flow cache in step with 250,000 connections, once and for a minute after, and to move
//! them to another cache. Needs root.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_datapath::{FlowTimeouts, simulate_cache};
use ravelin_flows::{FlowsHandle, Parts, Tasks, spawn};
use ravelin_kernel::{ConnectionKey, Conntrack, ConntrackSettings, NewConnection};
use ravelin_model::{
    ConnectionStatus, ConntrackSyncConfig, FlowSettings, FlowTuple, SyncState, SyncStatus, TcpState, protocol,
};
use ravelin_store::Store;
use ravelin_test_harness::{Namespace, privileged};
use tokio::sync::watch;

const CONNECTIONS: u32 = 250_000;
const ROUNDS: usize = 3;
const CHECK: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(120);

/// Ticks a second in /proc (USER_HZ), the same on every Linux.
const TICKS: u32 = 100;

fn main() {
    if !privileged("netns") {
        return;
    }
    Namespace::new("bench").within(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("runtime");
        runtime.block_on(measure());
    });
}

async fn measure() {
    ConntrackSettings::enable().expect("enable");
    let mut conntrack = Conntrack::open().expect("open");
    let all: Vec<NewConnection> = (0..CONNECTIONS).map(connection).collect();
    let begin = Instant::now();
    let made = conntrack.create(&all).expect("create");
    println!("{made} connections made in {:.2?}", begin.elapsed());
    for round in 1..=ROUNDS {
        let following = Following::start().await;
        let (used, begin) = (busy_process(), Instant::now());
        following.settings.send_replace(FlowSettings {
            sync: Some(ConntrackSyncConfig {
                check_seconds: u32::try_from(CHECK.as_secs()).expect("a minute"),
            }),
            ..FlowSettings::default()
        });
        let status = following.until(|status| status.state == SyncState::Synced).await;
        println!(
            "cold {round}: in step with {} connections after {:.3} s; on two cores, {:.2} s of them",
            status.entries4 + status.entries6,
            begin.elapsed().as_secs_f64(),
            (busy_process() - used).as_secs_f64(),
        );
        assert_eq!(status.entries4 + status.entries6, u64::from(CONNECTIONS));
        if round == ROUNDS {
            // A comparison is in every minute.
            let (used, begin) = (busy(), Instant::now());
            let cold = status.last_reading;
            let status = following.until(|status| status.last_reading != cold).await;
            let (used, wall) = (busy() - used, begin.elapsed());
            println!(
                "steady: {used:.2?} of a core in {wall:.1?}, {:.2} %",
                used.as_secs_f64() * 100.0 / wall.as_secs_f64()
            );
            println!(
                "the comparison took {:.3} s and found {} different",
                status.last_reading.as_secs_f64(),
                status.drift
            );
            for room in [CONNECTIONS * 2, CONNECTIONS, CONNECTIONS / 4] {
                let moved = following.handle.move_cache(simulate_cache(room), || Ok(()));
                let moved = moved.await.expect("move");
                println!(
                    "moved to a cache for {room} of each family: {} came along, {} found no room, XDP paused for {:.1?}",
                    moved.moved, moved.refused, moved.pause
                );
            }
            assert_eq!(following.handle.sync().borrow().epoch, status.epoch);
        }
        following.end().await;
    }
    let keys: Vec<ConnectionKey> = all.iter().map(key).collect();
    conntrack.delete(&keys).expect("delete");
}

struct Following {
    handle: FlowsHandle,
    settings: watch::Sender<FlowSettings>,
    tasks: Tasks,
}

impl Following {
    async fn start() -> Self {
        let (settings, asked) = watch::channel(FlowSettings::default());
        let timeout = Duration::from_secs(60);
        let timeouts = FlowTimeouts {
            tcp_established: timeout,
            tcp_transitory: timeout,
            udp: timeout,
            other: timeout,
        };
        let (handle, tasks) = spawn(Parts {
            table: None,
            timeouts: watch::channel(timeouts).1,
            cache: Some(simulate_cache(CONNECTIONS)),
            links: watch::channel(Arc::default()).1,
            settings: asked,
            judge: watch::channel(None).1,
            store: Store::in_memory().await.expect("store"),
            conntrack: true,
            event_buffer_bytes: 64 << 20,
        });
        Self {
            handle,
            settings,
            tasks,
        }
    }

    async fn until(&self, wanted: impl Fn(&SyncStatus) -> bool) -> SyncStatus {
        let mut sync = self.handle.sync();
        let told = tokio::time::timeout(PATIENCE, sync.wait_for(wanted)).await;
        told.expect("in time").expect("it follows").clone()
    }

    async fn end(self) {
        drop(self.settings);
        for (_, task) in self.tasks {
            task.await.expect("in peace");
        }
    }
}

/// What the thread that follows conntrack has used of a core so far.
fn busy() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").expect("threads");
    let used = threads.filter_map(|thread| {
        let stat = std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
        let (name, ticks) = ticks(&stat)?;
        (name == "conntrack").then_some(ticks)
    });
    Duration::from_secs(1) / TICKS * used.sum::<u32>()
}

/// What the whole process has.
fn busy_process() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("stat");
    Duration::from_secs(1) / TICKS * ticks(&stat).expect("times").1
}

/// A thread's name, and its time in user space and in the kernel.
fn ticks(stat: &str) -> Option<(&str, u32)> {
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(11);
    let mut time = || times.next()?.parse::<u32>().ok();
    Some((name, time()? + time()?))
}

/// Half of them TCP, half IPv6, a tenth translated.
fn connection(number: u32) -> NewConnection {
    let [_, a, b, c] = number.to_be_bytes();
    let address = |net: u8| -> IpAddr {
        if number & 1 == 0 {
            [net, a, b, c].into()
        } else {
            [0x2001, 0xdb8, net.into(), 0, 0, a.into(), b.into(), c.into()].into()
        }
    };
    let tcp = number & 2 == 0;
    let original = FlowTuple {
        source: address(10),
        destination: address(20),
        protocol: if tcp { protocol::TCP } else { protocol::UDP },
        source_port: 40_000,
        destination_port: 443,
    };
    let mut reply = original.inverted();
    if number.is_multiple_of(10) {
        reply.source = address(30);
    }
    NewConnection {
        original,
        reply,
        zone: 0,
        status: ConnectionStatus(ConnectionStatus::SEEN_REPLY | ConnectionStatus::ASSURED),
        mark: number % 1000,
        timeout_seconds: 3600,
        tcp_state: tcp.then_some(TcpState::Established),
    }
}

fn key(new: &NewConnection) -> ConnectionKey {
    ConnectionKey {
        original: new.original,
        zone: 0,
        id: None,
    }
}
