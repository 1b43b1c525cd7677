//! Connections of a namespace, a cache whoever tests can look into, and what keeps them in step.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use ravelin_datapath::{
    CacheOccupancy, CachePort, CacheTiming, CachedFlow, CachedState, DatapathError, FlowCache,
    FlowCacheReader, Inserted, RemovedFlow, simulate, simulate_cache,
};
use ravelin_flows::live::{FlowQuery, FlowSort, FlowView};
use ravelin_flows::records::{FlowRecordFilter, StoredFlowRecord};
use ravelin_flows::{FlowsHandle, MoveError, MovedCache, Parts, Tasks, spawn};
use ravelin_kernel::{ConnectionKey, Conntrack, ConntrackSettings, Link, NewConnection};
use ravelin_model::{
    Connection, ConnectionStatus, ConntrackSyncConfig, FlowCount, FlowFilter, FlowSettings, FlowTuple,
    SyncState, SyncStatus, TcpState, protocol,
};
use ravelin_store::Store;
use ravelin_test_harness::{Namespace, privileged};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Room for bursts.
pub(crate) const ROOMY: usize = 64 << 20;

/// The counter of a mark.
const COUNTER: u32 = 0x000f_ffff;

/// Runs a test on a thread in a fresh namespace whose conntrack tells news of every connection.
pub(crate) fn in_namespace(role: &str, test: impl FnOnce() + Send) {
    if privileged("netns") {
        Namespace::new(role).within(|| {
            ConntrackSettings::enable().expect("enable");
            test();
        });
    }
}

/// The simulated cache in two hands: the engine's, and that of whoever tests.
#[derive(Debug, Clone)]
pub(crate) struct SharedCache {
    cache: Arc<Mutex<Box<dyn FlowCache>>>,
    alive: Arc<Mutex<Vec<Duration>>>,
}

impl SharedCache {
    pub(crate) fn new() -> Self {
        Self::of(simulate().cache)
    }

    /// With room for so many connections of each family.
    pub(crate) fn with_room(connections: u32) -> Self {
        Self::of(simulate_cache(connections))
    }

    fn of(cache: Box<dyn FlowCache>) -> Self {
        Self {
            cache: Arc::new(Mutex::new(cache)),
            alive: Arc::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Box<dyn FlowCache>> {
        self.cache.lock().expect("cache")
    }

    /// What is in it.
    pub(crate) fn flows(&self) -> BTreeMap<FlowTuple, CachedFlow> {
        let mut flows = BTreeMap::new();
        self.lock().for_each(&mut |state| {
            flows.insert(state.flow.original, state.flow);
        });
        flows
    }

    /// Has XDP have forwarded packets: as many of each connection as nobody else's.
    pub(crate) fn forward(&self) -> BTreeMap<FlowTuple, [FlowCount; 2]> {
        let mut counts = BTreeMap::new();
        let mut cache = self.lock();
        let mut states = Vec::new();
        cache.for_each(&mut |state| states.push(*state));
        // Nobody is to hear of the way this is done.
        for state in &states {
            assert!(cache.remove(&state.flow.original));
        }
        cache.collect().expect("collect");
        for (packets, mut state) in (1..).zip(states) {
            for (direction, times) in state.directions.iter_mut().zip([1, 2]) {
                direction.count.packets += packets * times;
                direction.count.bytes += packets * times * 100;
                // The more, the later.
                direction.idle = Some(Duration::from_millis(2000 - packets));
            }
            assert_eq!(cache.restore(&state), Inserted::New);
            let now = state.directions.map(|direction| direction.count);
            counts.insert(state.flow.original, now);
        }
        counts
    }

    /// For how long XDP was let forward, every time that was said, each only where it is another than before.
    pub(crate) fn alive(&self) -> Vec<Duration> {
        let mut told = self.alive.lock().expect("alive").clone();
        told.dedup();
        told
    }
}

impl FlowCache for SharedCache {
    fn insert(&mut self, flow: &CachedFlow) -> Inserted {
        self.lock().insert(flow)
    }

    fn restore(&mut self, state: &CachedState) -> Inserted {
        self.lock().restore(state)
    }

    fn remove(&mut self, tuple: &FlowTuple) -> bool {
        self.lock().remove(tuple)
    }

    fn collect(&mut self) -> Result<Vec<RemovedFlow>, DatapathError> {
        self.lock().collect()
    }

    fn for_each(&self, each: &mut dyn FnMut(&CachedState)) {
        self.lock().for_each(each);
    }

    fn occupancy(&self) -> CacheOccupancy {
        self.lock().occupancy()
    }

    fn keep_alive(&mut self, time: Duration) {
        self.alive.lock().expect("alive").push(time);
        self.lock().keep_alive(time);
    }

    fn halt(&mut self) -> Result<(), DatapathError> {
        self.alive.lock().expect("alive").push(Duration::ZERO);
        self.lock().halt()
    }

    fn forget_paths(&mut self) {
        self.lock().forget_paths();
    }

    fn set_timing(&mut self, timing: &CacheTiming) {
        self.lock().set_timing(timing);
    }

    fn set_ports(&mut self, ports: &[CachePort]) -> Result<Vec<u32>, DatapathError> {
        self.lock().set_ports(ports)
    }

    fn reader(&self) -> Arc<dyn FlowCacheReader> {
        self.lock().reader()
    }
}

/// What keeps a cache in step with conntrack of the thread's namespace.
pub(crate) struct Following {
    pub(crate) cache: SharedCache,
    pub(crate) handle: FlowsHandle,
    pub(crate) settings: watch::Sender<FlowSettings>,
    pub(crate) runtime: Runtime,
    tasks: Tasks,
    _links: watch::Sender<Arc<Vec<Link>>>,
}

/// Settings that ask for it; compared so often.
pub(crate) fn wanted(check_seconds: u32) -> FlowSettings {
    FlowSettings {
        sync: Some(ConntrackSyncConfig { check_seconds }),
        ..FlowSettings::default()
    }
}

impl Following {
    pub(crate) fn start(cache: &SharedCache, settings: FlowSettings, event_buffer_bytes: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("runtime");
        let (settings, asked) = watch::channel(settings);
        let (links, known) = watch::channel(Arc::default());
        let (handle, tasks) = runtime.block_on(async {
            spawn(Parts {
                table: None,
                timeouts: watch::channel(timeouts()).1,
                cache: Some(Box::new(cache.clone())),
                links: known,
                settings: asked,
                judge: watch::channel(None).1,
                store: Store::in_memory().await.expect("store"),
                conntrack: true,
                event_buffer_bytes,
            })
        });
        Self {
            cache: cache.clone(),
            handle,
            settings,
            runtime,
            tasks,
            _links: links,
        }
    }

    pub(crate) fn status(&self) -> SyncStatus {
        self.handle.sync().borrow().clone()
    }

    /// Waits until what is told is so; answers what was told.
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&SyncStatus) -> bool) -> SyncStatus {
        wait(what, || {
            let status = self.status();
            if wanted(&status) {
                Ok(status)
            } else {
                Err(Box::new(status))
            }
        })
    }

    pub(crate) fn until_synced(&self) -> SyncStatus {
        self.until("in step", |status| status.state == SyncState::Synced)
    }

    /// Has the engine go on with another cache; `use_it` runs before the programs use it.
    pub(crate) fn move_to(
        &mut self,
        cache: &SharedCache,
        use_it: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<MovedCache, MoveError> {
        let moved = self.handle.move_cache(Box::new(cache.clone()), use_it);
        let moved = self.runtime.block_on(moved)?;
        self.cache = cache.clone();
        Ok(moved)
    }

    /// Packets and bytes of every connection, as they are listed.
    pub(crate) fn counts(&self) -> BTreeMap<FlowTuple, [FlowCount; 2]> {
        let query = FlowQuery {
            filter: FlowFilter::default(),
            sort: FlowSort::Name,
            descending: false,
            after: None,
            limit: 10_000,
        };
        let page = self.runtime.block_on(self.handle.flows(query)).expect("flows");
        let counts = |view: &FlowView| (view.original, view.counts.expect("they are counted"));
        page.items.iter().map(counts).collect()
    }

    /// Records that were written.
    pub(crate) fn records(&self) -> Vec<StoredFlowRecord> {
        let filter = FlowRecordFilter {
            limit: 10_000,
            ..FlowRecordFilter::default()
        };
        let page = self.runtime.block_on(self.handle.records(filter));
        page.expect("records").items
    }

    /// Waits until the cache holds what conntrack does.
    pub(crate) fn until_right(&self, conntrack: &mut Conntrack) {
        wait("the cache is right", || {
            let (cached, expected) = (self.cache.flows(), expected(conntrack));
            if cached == expected {
                return Ok(());
            }
            let wrong = expected
                .iter()
                .find(|(tuple, flow)| cached.get(tuple) != Some(flow))
                .or_else(|| cached.iter().find(|(tuple, _)| !expected.contains_key(tuple)));
            Err(format!("{} of {}; first {wrong:?}", cached.len(), expected.len()))
        });
    }

    /// Ends it as the end of a process does, but in peace.
    pub(crate) fn stop(self) {
        drop(self.settings);
        for (name, task) in self.tasks {
            let ended = self
                .runtime
                .block_on(async { tokio::time::timeout(PATIENCE, task).await });
            ended.unwrap_or_else(|_| panic!("{name} ends")).expect("in peace");
        }
    }
}

pub(crate) fn timeouts() -> ravelin_datapath::FlowTimeouts {
    let timeout = Duration::from_secs(60);
    ravelin_datapath::FlowTimeouts {
        tcp_established: timeout,
        tcp_transitory: timeout,
        udp: timeout,
        other: timeout,
    }
}

/// What a cache in step holds: every connection here is either new, with one side only, or as good as established.
fn expected(conntrack: &mut Conntrack) -> BTreeMap<FlowTuple, CachedFlow> {
    let mut expected = BTreeMap::new();
    for connection in dump(conntrack) {
        if connection.status.has(ConnectionStatus::SEEN_REPLY) {
            let Connection {
                id,
                original,
                reply,
                mark,
                ..
            } = connection;
            let flow = CachedFlow {
                connection: id,
                original,
                reply,
                counter: mark & COUNTER,
            };
            expected.insert(original, flow);
        }
    }
    expected
}

pub(crate) fn dump(conntrack: &mut Conntrack) -> Vec<Connection> {
    let mut found = Vec::new();
    conntrack
        .dump(&mut |connection| found.push(connection))
        .expect("dump");
    found
}

/// Waits until it is so; fails with what it was last.
pub(crate) fn wait<T, E: Debug>(what: &str, mut look: impl FnMut() -> Result<T, E>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(last) => assert!(Instant::now() < end, "{what}: {last:?}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How a connection is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Make {
    /// Both sides have sent.
    Answered,
    /// One side has.
    Unanswered,
}

/// So many connections from a number on: TCP and UDP, IPv4 and IPv6, with and without translation of either end.
pub(crate) fn many(numbers: std::ops::Range<u32>, make: Make) -> Vec<NewConnection> {
    numbers.map(|number| connection(number, make)).collect()
}

pub(crate) fn connection(number: u32, make: Make) -> NewConnection {
    let [_, _, high, low] = number.to_be_bytes();
    let address = |net: u8| -> IpAddr {
        if number.is_multiple_of(2) {
            [10, net, high, low].into()
        } else {
            [0x2001, 0xdb8, net.into(), 0, 0, 0, high.into(), low.into()].into()
        }
    };
    let tcp = number.is_multiple_of(3);
    let original = FlowTuple {
        source: address(1),
        destination: address(2),
        protocol: if tcp { protocol::TCP } else { protocol::UDP },
        source_port: 40_000,
        destination_port: 53,
    };
    let mut reply = original.inverted();
    match number % 5 {
        1 => (reply.source, reply.source_port) = (address(3), 8053),
        2 => (reply.destination, reply.destination_port) = (address(4), 50_000),
        _ => {}
    }
    let answered = ConnectionStatus::SEEN_REPLY | ConnectionStatus::ASSURED;
    NewConnection {
        original,
        reply,
        zone: 0,
        status: ConnectionStatus(if make == Make::Answered { answered } else { 0 }),
        mark: number % 16,
        timeout_seconds: 600,
        tcp_state: tcp.then_some(match make {
            Make::Answered => TcpState::Established,
            Make::Unanswered => TcpState::SynSent,
        }),
    }
}

pub(crate) fn keys(made: &[NewConnection]) -> Vec<ConnectionKey> {
    let key = |new: &NewConnection| ConnectionKey {
        original: new.original,
        zone: new.zone,
        id: None,
    };
    made.iter().map(key).collect()
}
