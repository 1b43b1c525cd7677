//! An engine with its API on two sockets, for one test.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use ravelin_api_server::{
    AppState, Limits, Machine, Secrets, SocketTrust, follow_trial, follow_updates, router, serve,
};
use ravelin_control::{
    Config, ControlHandle, Judge, Judging, LinkSource, LiveConnections, PacketLogSource, Parts,
    SimulatedFilter, SimulatedHardware, SimulatedNetwork, spawn,
};
use ravelin_datapath::{FlowSummary, FlowTimeouts, Loaded, RawEvent, simulate_with_events};
use ravelin_flows::FlowsHandle;
use ravelin_kernel::{Link, LoggedPacket};
use ravelin_model::{
    AddressOrigin, FlowSettings, HardwareAddress, HwOffloadStatus, LinkCounters, LinkIdentity, LinkState,
    LiveFlows, SyncState, SyncStatus,
};
use ravelin_store::Store;
use ravelin_system::Agent;
use ravelin_test_harness::{Client, Request, wait_until};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot, watch};

use crate::agent::SimulatedAgent;

/// Limits no test reaches by accident.
const UNREACHED: Limits = Limits {
    body_bytes: 1 << 20,
    policy_bytes: 64 << 20,
    header_bytes: 16 << 10,
    requests_per_second: 100_000,
    requests_burst: 100_000,
    failed_attempts_per_minute: 10,
};

/// Live connections of which a judgement always says the same.
#[derive(Debug)]
struct Judged(Result<LiveFlows, String>);

impl LiveConnections for Judged {
    fn judge(&self, _: Option<Arc<Judge>>, _: bool) -> Judging<'_> {
        Box::pin(std::future::ready(self.0.clone()))
    }

    fn forget_paths(&self) {}
}

/// Has links `lo` (1), `lan0` (2) and `wan0` (3). Stops when dropped.
#[derive(Debug)]
pub struct World {
    pub control: ControlHandle,
    pub flows: FlowsHandle,
    pub store: Store,
    /// What the programs of the data plane would send.
    pub events: mpsc::Sender<RawEvent>,
    /// What nftables would log.
    pub logged: mpsc::Sender<LoggedPacket>,
    pub admin_token: String,
    /// Cards of the links; every one has a plain card until another is put in.
    pub hardware: Arc<SimulatedHardware>,
    /// Links, addresses and routes of the machine.
    pub network: Arc<SimulatedNetwork>,
    runtime: Runtime,
    dir: TempDir,
    stops: Vec<oneshot::Sender<()>>,
    // Closed channels would tell the engine that their other ends have died.
    _links: watch::Sender<Arc<Vec<Link>>>,
    _flow_timeouts: watch::Receiver<FlowTimeouts>,
    _flow_summary: watch::Sender<FlowSummary>,
    _flow_settings: watch::Receiver<FlowSettings>,
    _judge: watch::Receiver<Option<Arc<Judge>>>,
    /// Where the flow cache stands to conntrack.
    pub sync: watch::Sender<SyncStatus>,
    /// How forwarding by cards stands.
    pub hw_offload: watch::Sender<HwOffloadStatus>,
}

impl World {
    pub fn new() -> Self {
        Self::with(UNREACHED)
    }

    /// On a machine that lets no programs in.
    pub fn without_datapath() -> Self {
        Self::build(UNREACHED, false, None, None)
    }

    pub fn with(limits: Limits) -> Self {
        Self::build(limits, true, None, None)
    }

    /// Where a judgement of live connections says this; otherwise nobody follows them.
    pub fn judging(outcome: Result<LiveFlows, String>) -> Self {
        Self::build(UNREACHED, true, Some(outcome), None)
    }

    /// On a machine with an agent.
    pub fn on_appliance(agent: SimulatedAgent) -> Self {
        Self::build(UNREACHED, true, None, Some((agent, false)))
    }

    /// On one whose slot has yet to show that it works.
    pub fn on_trial(agent: SimulatedAgent) -> Self {
        Self::build(UNREACHED, true, None, Some((agent, true)))
    }

    fn build(
        limits: Limits,
        has_datapath: bool,
        judged: Option<Result<LiveFlows, String>>,
        appliance: Option<(SimulatedAgent, bool)>,
    ) -> Self {
        // A test that fails shows what the engine said.
        drop(tracing_subscriber::fmt().with_test_writer().try_init());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("runtime");
        let dir = TempDir::new().expect("directory");
        let secrets = Secrets::load_or_create(dir.path()).expect("secrets");
        let admin_token = secrets.new_admin_token().expect("new").reveal().to_owned();
        let (loaded, events) = simulate_with_events();
        let Loaded {
            datapath,
            flows: _,
            cache: _,
            events: raw_events,
        } = loaded;
        let links = watch::Sender::new(Arc::new(vec![link("lo", 1), link("lan0", 2), link("wan0", 3)]));
        let no_time = FlowTimeouts {
            tcp_established: Duration::ZERO,
            tcp_transitory: Duration::ZERO,
            udp: Duration::ZERO,
            other: Duration::ZERO,
        };
        let (flow_timeouts_sender, flow_timeouts) = watch::channel(no_time);
        let (flow_summary, flow_summary_receiver) = watch::channel(FlowSummary::default());
        let (flow_settings_sender, flow_settings) = watch::channel(FlowSettings::default());
        let (judge_sender, judge) = watch::channel(None);
        let sync = watch::Sender::new(SyncStatus {
            state: SyncState::Synced,
            epoch: 1,
            ..SyncStatus::default()
        });
        let hw_offload = watch::Sender::new(HwOffloadStatus::default());
        let (logged, packets) = mpsc::channel(64);
        let hardware = Arc::new(SimulatedHardware::everywhere());
        let network = Arc::new(SimulatedNetwork::default());
        let (control, flows, store) = runtime.block_on(async {
            let store = Store::in_memory().await.expect("store");
            let (flows, _) = ravelin_flows::spawn(ravelin_flows::Parts {
                table: None,
                timeouts: flow_timeouts.clone(),
                cache: None,
                links: links.subscribe(),
                settings: flow_settings.clone(),
                judge: judge.clone(),
                store: store.clone(),
                conntrack: false,
                event_buffer_bytes: 0,
            });
            let parts = Parts {
                store: store.clone(),
                datapath: has_datapath
                    .then_some(datapath)
                    .ok_or("CAP_BPF is missing".to_owned()),
                events: raw_events,
                packet_filter: Ok(Box::new(SimulatedFilter::default())),
                packet_log: PacketLogSource::Told(packets),
                links: LinkSource::Told(links.subscribe()),
                flow_timeouts: flow_timeouts_sender,
                flow_summary: flow_summary_receiver,
                flow_settings: flow_settings_sender,
                judge: judge_sender,
                sync: sync.subscribe(),
                hw_offload: hw_offload.subscribe(),
                live: judged.map(|outcome| Arc::new(Judged(outcome)) as Arc<dyn LiveConnections>),
                flow_cache: None,
                hardware: Some(Arc::<SimulatedHardware>::clone(&hardware)),
                network: Some(Arc::<SimulatedNetwork>::clone(&network)),
                network_daemons: None,
                config: Config {
                    import_limit_bytes: 4 << 20,
                    ..Config::default()
                },
            };
            let (control, _) = spawn(parts).await.expect("engine");
            control.started().await;
            (control, flows, store)
        });
        let machine = machine(&runtime, dir.path(), appliance, &control);
        let app = router(AppState::new(
            control.clone(),
            flows.clone(),
            secrets,
            limits,
            machine,
        ));
        let mut world = Self {
            control,
            flows,
            store,
            events,
            logged,
            admin_token,
            hardware,
            network,
            runtime,
            dir,
            stops: Vec::new(),
            _links: links,
            _flow_timeouts: flow_timeouts,
            _flow_summary: flow_summary,
            _flow_settings: flow_settings,
            _judge: judge,
            sync,
            hw_offload,
        };
        for (name, trust) in [
            ("raveld.sock", SocketTrust::Peers { group: None }),
            ("gateway.sock", SocketTrust::TokensOnly),
        ] {
            let (stop, stopped) = oneshot::channel();
            let listener = {
                let _context = world.runtime.enter();
                UnixListener::bind(world.dir.path().join(name)).expect("bind")
            };
            let stopped = async { drop(stopped.await) };
            world.runtime.spawn(serve(listener, trust, app.clone(), stopped));
            world.stops.push(stop);
        }
        world
    }

    /// Where peers of this user need no token.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("raveld.sock")
    }

    /// Where everyone needs a token.
    pub fn gateway_socket(&self) -> PathBuf {
        self.dir.path().join("gateway.sock")
    }

    pub fn state_dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// A client that is admin by its user.
    pub fn admin(&self) -> Client {
        Client::new(&self.socket())
    }

    /// A client that is nobody without a token.
    pub fn gateway(&self) -> Client {
        Client::new(&self.gateway_socket())
    }

    /// An access token, got for the admin token.
    pub fn access_token(&self) -> String {
        let request = Request::new(Method::POST, "/api/v1/auth/token")
            .header("authorization", &format!("Bearer {}", self.admin_token));
        let answer = self.gateway().send(&request).expect(200).json();
        answer["access_token"].as_str().expect("token").to_owned()
    }

    /// Waits for the engine.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Makes a list and says its id.
    pub fn list(&self, name: &str, kind: &str) -> String {
        let list = self
            .admin()
            .post("/api/v1/lists", &json!({"name": name, "kind": kind}))
            .expect(201);
        list.json()["id"].as_str().expect("id").to_owned()
    }

    /// Everything there is to see that a change could change.
    pub fn state(&self) -> Value {
        let admin = self.admin();
        let get = |path: &str| admin.get(path).expect(200).json();
        let lists = get("/api/v1/lists?limit=1000");
        let entries: Vec<Value> = lists["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|list| {
                get(&format!(
                    "/api/v1/lists/{}/entries?limit=1000",
                    list["id"].as_str().expect("id")
                ))
            })
            .collect();
        json!({
            "features": get("/api/v1/ebpf/features"),
            "interfaces": get("/api/v1/interfaces"),
            "lists": lists,
            "entries": entries,
            "maps": get("/api/v1/ebpf/maps"),
            "policy": get("/api/v1/config"),
            "revision": self.control.revision().0,
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.control.shut_down();
        // The receivers end their servers; the runtime waits for none of its tasks.
        self.stops.clear();
    }
}

/// The way to an agent, which answers once this returns; or to none.
fn machine(
    runtime: &Runtime,
    dir: &Path,
    appliance: Option<(SimulatedAgent, bool)>,
    control: &ControlHandle,
) -> Machine {
    let Some((simulated, trial)) = appliance else {
        let agent = Agent::new("");
        let on_trial = watch::channel(false).1;
        return Machine { agent, on_trial };
    };
    let socket = dir.join("agent");
    std::fs::create_dir(&socket).expect("directory");
    let socket = socket.join("agent.sock");
    let agent = Agent::new(&socket);
    let (told, on_trial) = watch::channel(trial);
    runtime.spawn(async move { simulated.serve(&socket).await });
    let answers = || runtime.block_on(agent.status()).is_ok();
    wait_until("the agent answers", Duration::from_secs(20), answers);
    runtime.spawn(follow_trial(agent.clone(), told, || ()));
    runtime.spawn(follow_updates(agent.clone(), control.clone()));
    Machine { agent, on_trial }
}

fn link(name: &str, index: u32) -> Link {
    Link {
        index,
        name: name.to_owned(),
        hardware_address: (name != "lo").then_some(HardwareAddress([2, 0, 0, 0, 0, 0xab])),
        mtu_bytes: 1500,
        addresses: vec!["2001:db8::1/64".parse().expect("address")],
        origins: vec![AddressOrigin::Other],
        card: LinkIdentity::default(),
        driver: Some("veth".to_owned()),
        link_state: LinkState::Up,
        loopback: name == "lo",
        vlan: None,
        queueing: None,
        redirect: false,
        master: None,
        counters: LinkCounters {
            received_packets: 7,
            ..LinkCounters::default()
        },
    }
}
