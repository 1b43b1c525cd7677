//! An engine for a test.

use std::sync::Arc;
use std::time::Duration;

use ravelin_compile::Judge;
use ravelin_control::{
    Actor, Clock, Config, ControlHandle, EventStream, LinkSource, NewList, PacketLogSource, Parts, Reading,
    StreamItem, spawn,
};
use ravelin_datapath::{Datapath, EventBatches, FlowSummary, FlowTimeouts};
use ravelin_kernel::{Link, LoggedPacket};
use ravelin_model::{
    AddressEntry, DomainEntry, EntryValue, Event, Feature, FeatureStatus, FlowSettings, HardwareAddress,
    HwOffloadStatus, LinkCounters, LinkIdentity, LinkState, List, ListId, ListKind, SyncState, SyncStatus,
};
use ravelin_store::Store;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::cards::Cards;
use crate::datapath::{Followed, Told, left_behind, scripted, scripted_filter};
use crate::network::{Daemons, Networks};

/// An engine with two links, `lan0` (2) and `wan0` (3), beside the loopback (1).
#[derive(Debug)]
pub struct Engine {
    pub control: ControlHandle,
    pub plane: Told,
    /// Network cards.
    pub cards: Arc<Cards>,
    pub network: Arc<Networks>,
    pub daemons: Arc<Daemons>,
    pub store: Store,
    pub links: watch::Sender<Arc<Vec<Link>>>,
    pub flow_timeouts: watch::Receiver<FlowTimeouts>,
    pub flows: watch::Sender<FlowSummary>,
    pub flow_settings: watch::Receiver<FlowSettings>,
    /// The policy live connections are judged by.
    pub judge: watch::Receiver<Option<Arc<Judge>>>,
    /// Where the flow cache stands to conntrack; in step, as far as nobody says otherwise.
    pub sync: watch::Sender<SyncStatus>,
    /// How forwarding by cards stands.
    pub hw_offload: watch::Sender<HwOffloadStatus>,
    /// Packets nftables logs.
    pub logged: mpsc::Sender<LoggedPacket>,
    /// How much time has passed beside what really did.
    pub ahead: watch::Sender<time::Duration>,
    /// How far the clock is set ahead.
    pub stepped: watch::Sender<time::Duration>,
    tasks: Vec<JoinHandle<()>>,
}

/// What an engine has to do with beside the data plane.
struct Others {
    cards: Arc<Cards>,
    network: Arc<Networks>,
    daemons: Arc<Daemons>,
    links: Arc<Vec<Link>>,
}

impl Others {
    fn beside(plane: &Told) -> Self {
        Self {
            cards: Cards::new(plane.clone()),
            network: Networks::new(plane.clone()),
            daemons: Arc::default(),
            links: links(&[("lo", 1), ("lan0", 2), ("wan0", 3)]),
        }
    }
}

impl Engine {
    pub async fn start() -> Self {
        Self::over(Store::in_memory().await.expect("store")).await
    }

    pub async fn over(store: Store) -> Self {
        Self::with(store, Config::default(), |_| {}).await
    }

    /// `prepare` scripts the data plane before the engine sees it.
    pub async fn with(store: Store, config: Config, prepare: impl FnOnce(&Told)) -> Self {
        let scripted = scripted();
        prepare(&scripted.2);
        let others = Others::beside(&scripted.2);
        Self::on(store, config, scripted, others, watch::Sender::new(in_step())).await
    }

    /// One whose flow cache stands where the test says.
    pub async fn beside(sync: watch::Sender<SyncStatus>, prepare: impl FnOnce(&Told)) -> Self {
        let scripted = scripted();
        prepare(&scripted.2);
        let store = Store::in_memory().await.expect("store");
        let others = Others::beside(&scripted.2);
        Self::on(store, Config::default(), scripted, others, sync).await
    }

    /// Another engine over what this one leaves in the data plane; this one ends.
    pub async fn restarted(self, store: Store, config: Config) -> Self {
        let left = left_behind(&self.plane);
        self.control.shut_down();
        let ended = self.tasks.into_iter().next().expect("the engine's task");
        ended.await.expect("the engine ends");
        let others = Others {
            cards: self.cards,
            network: self.network,
            daemons: self.daemons,
            links: self.links.borrow().clone(),
        };
        Self::on(store, config, left, others, self.sync).await
    }

    /// One that finds these links when it starts, and this of the network.
    pub async fn among(
        store: Store,
        config: Config,
        links: Arc<Vec<Link>>,
        prepare: impl FnOnce(&Networks),
    ) -> Self {
        let scripted = scripted();
        let others = Others {
            links,
            ..Others::beside(&scripted.2)
        };
        prepare(&others.network);
        Self::on(store, config, scripted, others, watch::Sender::new(in_step())).await
    }

    async fn on(
        store: Store,
        mut config: Config,
        (datapath, events, plane): (Box<dyn Datapath>, EventBatches, Told),
        others: Others,
        sync: watch::Sender<SyncStatus>,
    ) -> Self {
        let Others {
            cards,
            network,
            daemons,
            links,
        } = others;
        let ahead = watch::Sender::new(time::Duration::ZERO);
        let stepped = watch::Sender::new(time::Duration::ZERO);
        config.clock = Clock::ahead(ahead.subscribe()).stepped(stepped.subscribe());
        let (logged, packets) = mpsc::channel(64);
        let links = watch::Sender::new(links);
        let no_time = FlowTimeouts {
            tcp_established: Duration::ZERO,
            tcp_transitory: Duration::ZERO,
            udp: Duration::ZERO,
            other: Duration::ZERO,
        };
        let (timeouts, flow_timeouts) = watch::channel(no_time);
        let (flows, flow_summary) = watch::channel(FlowSummary::default());
        let (flow_settings_sender, flow_settings) = watch::channel(FlowSettings::default());
        let (judge_sender, judge) = watch::channel(None);
        let hw_offload = watch::Sender::new(HwOffloadStatus::default());
        let parts = Parts {
            store: store.clone(),
            datapath: Ok(datapath),
            events,
            packet_filter: Ok(scripted_filter(&plane)),
            packet_log: PacketLogSource::Told(packets),
            links: LinkSource::Told(links.subscribe()),
            flow_timeouts: timeouts,
            flow_summary,
            flow_settings: flow_settings_sender,
            judge: judge_sender,
            sync: sync.subscribe(),
            hw_offload: hw_offload.subscribe(),
            live: Some(Arc::new(Followed(plane.clone()))),
            flow_cache: None,
            hardware: Some(Arc::<Cards>::clone(&cards)),
            network: Some(Arc::<Networks>::clone(&network)),
            network_daemons: Some(Arc::<Daemons>::clone(&daemons)),
            config,
        };
        let (control, tasks) = spawn(parts).await.expect("spawn");
        control.started().await;
        Self {
            control,
            plane,
            cards,
            network,
            daemons,
            store,
            links,
            flow_timeouts,
            flows,
            flow_settings,
            judge,
            sync,
            hw_offload,
            logged,
            ahead,
            stepped,
            tasks: tasks.map(|(_, task)| task).into(),
        }
    }

    pub async fn feature(&self, feature: Feature) -> FeatureStatus {
        self.control.feature(feature).await.expect("feature")
    }

    pub async fn enable(&self, feature: Feature) -> FeatureStatus {
        let enabled = self.control.set_enabled(feature, true, &actor()).await;
        enabled.expect("enable")
    }

    pub async fn add(&self, list: &str, values: &[&str]) -> Vec<ravelin_model::ListEntry> {
        let values = values.iter().map(|text| value(text)).collect();
        let added = self.control.add_entries(&id(list), values, &actor()).await;
        added.expect("add").value.1
    }

    pub async fn import(&self, list: &str, text: &str) -> ravelin_control::ImportReport {
        let any = ravelin_control::Precondition::Exists;
        let report = self
            .control
            .import_entries(&id(list), any, text.as_bytes(), &actor())
            .await;
        report.expect("import")
    }

    pub async fn create(&self, name: &str, kind: ListKind) -> List {
        let list = NewList {
            name: name.parse().expect("name"),
            kind,
        };
        self.control.create_list(list, &actor()).await.expect("create")
    }

    /// A counter of a feature.
    pub async fn counter(&self, feature: Feature, name: &str) -> u64 {
        let counters = self.feature(feature).await.counters;
        let found = counters.iter().find(|counter| counter.name == name);
        found
            .unwrap_or_else(|| panic!("{feature} has no counter {name}: {counters:?}"))
            .value
    }
}

/// A flow cache that is in step with conntrack.
pub fn in_step() -> SyncStatus {
    SyncStatus {
        state: SyncState::Synced,
        synced_at: Some(OffsetDateTime::now_utc()),
        epoch: 1,
        ..SyncStatus::default()
    }
}

pub fn actor() -> Actor {
    Actor {
        name: "uid:0".to_owned(),
        origin: "unix".to_owned(),
    }
}

pub fn id(text: &str) -> ListId {
    text.parse().expect("list id")
}

/// An address or a pattern that never expires.
pub fn value(text: &str) -> EntryValue {
    let network = text
        .parse()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(Into::into));
    match network {
        Ok(network) => EntryValue::Address(AddressEntry {
            network,
            expires_at: None,
        }),
        Err(_) => EntryValue::Domain(DomainEntry {
            pattern: text.parse().expect("pattern"),
        }),
    }
}

/// An address that expires.
pub fn expiring(text: &str, expires_at: OffsetDateTime) -> EntryValue {
    match value(text) {
        EntryValue::Address(entry) => EntryValue::Address(AddressEntry {
            expires_at: Some(expires_at),
            ..entry
        }),
        EntryValue::Domain(_) => panic!("{text} is no address"),
    }
}

pub fn links(named: &[(&str, u32)]) -> Arc<Vec<Link>> {
    let link = |&(name, index): &(&str, u32)| Link {
        index,
        name: name.to_owned(),
        hardware_address: (!name.starts_with("tun")).then_some(HardwareAddress([2, 0, 0, 0, 0, 1])),
        mtu_bytes: 1500,
        addresses: Vec::new(),
        origins: Vec::new(),
        card: LinkIdentity::default(),
        driver: None,
        link_state: LinkState::Up,
        loopback: name == "lo",
        vlan: None,
        queueing: None,
        redirect: false,
        master: None,
        counters: LinkCounters::default(),
    };
    Arc::new(named.iter().map(link).collect())
}

/// What is measured, once it is as it should be.
pub async fn measured(engine: &Engine, expected: impl Fn(&Reading) -> bool) -> Reading {
    let read = async {
        loop {
            let reading = engine.control.reading().await;
            if expected(&reading) {
                return reading;
            }
            tokio::task::yield_now().await;
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(20), read).await;
    read.expect("it is measured")
}

/// The next event the test waits for; fails when it does not come.
pub async fn wait_for<T>(stream: &mut EventStream, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
    let found = async {
        loop {
            match stream.next().await.expect("the engine runs") {
                StreamItem::Event(event) => {
                    if let Some(found) = wanted(&event.event) {
                        return found;
                    }
                }
                StreamItem::Gap(missing) => panic!("{missing} events are missing"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found)
        .await
        .expect("the event comes")
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}
