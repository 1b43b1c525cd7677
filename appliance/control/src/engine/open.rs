//! The engine as it is when it starts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ravelin_datapath::FlowTimeouts;
use ravelin_model::ListKind;
use ravelin_store::{Store, StoreError};
use time::OffsetDateTime;
use tokio::sync::watch;

use super::cards::CardKeeper;
use super::flows::Flows;
use super::lists::rows_of;
use super::live::Live;
use super::network::{NetworkKeeper, NetworkParts};
use super::policy::Steps;
use super::ports::KnownLinks;
use super::{Engine, Figures};
use crate::cards::Cards;
use crate::config::Enforce;
use crate::error::stored;
use crate::hit_rows::HitRows;
use crate::packet_filter::Filter;
use crate::plane::Plane;
use crate::policy::Positions;
use crate::policy_counters::PolicyCounters;
use crate::settings::{Setting, Settings};
use crate::snapshot::Snapshot;
use crate::stream::Hub;
use crate::{Clock, ControlError, PolicyView, Unconfirmed};

/// What the engine is made of.
pub(crate) struct EngineParts {
    pub(crate) store: Store,
    pub(crate) plane: Plane,
    pub(crate) hub: Hub,
    pub(crate) flow_timeouts: watch::Sender<FlowTimeouts>,
    pub(crate) flows: Flows,
    /// Most address entries where there is no data plane to say.
    pub(crate) address_capacity: usize,
    pub(crate) filter: Filter,
    pub(crate) cards: Cards,
    pub(crate) network: NetworkParts,
    pub(crate) counters: PolicyCounters,
    pub(crate) policy_config: PolicyConfig,
    pub(crate) figures: Arc<Mutex<Figures>>,
}

/// How the policy is enforced.
#[derive(Debug, Clone)]
pub(crate) struct PolicyConfig {
    pub(crate) enforce: Enforce,
    pub(crate) management_ports: Vec<u16>,
    pub(crate) verdict_log_rate: u32,
    pub(crate) clock: Clock,
}

impl Engine {
    /// Reads what is stored. Nothing is in the data plane yet.
    pub(crate) async fn open(parts: EngineParts) -> Result<Self, ControlError> {
        let EngineParts {
            store,
            plane,
            hub,
            flow_timeouts,
            flows,
            address_capacity,
            filter,
            cards,
            network,
            counters,
            policy_config,
            figures,
        } = parts;
        let mut snapshot = read(&store, &plane, address_capacity).await.map_err(stored)?;
        snapshot.sync = Arc::new(flows.status());
        snapshot.hw_offload = Arc::new(flows.hw_offload.borrow().clone());
        flow_timeouts.send_replace(snapshot.settings.flow_timeouts());
        flows.tell_settings(&snapshot.settings);
        counters.hold().await.set_known(&snapshot.policy.policy);
        let originals = store.interface_originals().await.map_err(stored)?;
        let take_back_at = match snapshot.policy.unconfirmed {
            Some(unconfirmed) => {
                let left = time_left(&store, unconfirmed, policy_config.clock.now()).await;
                Some((unconfirmed.revision, policy_config.clock.steady() + left))
            }
            None => None,
        };
        let next_expiry = store.next_expiry().await.map_err(stored)?;
        Ok(Self {
            store,
            hub,
            known_links: KnownLinks::new(),
            flow_timeouts,
            flows,
            published: watch::Sender::new(Arc::new(snapshot)),
            live: Live::default(),
            unsure: false,
            next_expiry,
            policy_counter_capacity: plane.policy_counter_capacity(),
            plane,
            filter,
            card_keeper: CardKeeper::new(cards, originals),
            network: NetworkKeeper::new(network),
            has_flowtables: false,
            counters,
            policy_config,
            steps: Steps::default(),
            figures,
            take_back_at,
        })
    }

    /// Where the state is shown.
    pub(crate) fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.published.subscribe()
    }
}

/// What is left of the time to confirm a commit. A clock that is behind since the machine was restarted gives it no
/// more than it had when it was made.
async fn time_left(store: &Store, unconfirmed: Unconfirmed, now: OffsetDateTime) -> time::Duration {
    let left = (unconfirmed.until - now).max(time::Duration::ZERO);
    match store.find_revision(unconfirmed.revision).await {
        Ok(Some(made)) => left.min(unconfirmed.until - made.at),
        // Nobody knows how long it had.
        Ok(None) | Err(_) => time::Duration::ZERO,
    }
}

async fn read(store: &Store, plane: &Plane, address_capacity: usize) -> Result<Snapshot, StoreError> {
    let stored = store.features().await?.into_iter().map(|stored| {
        let setting = Setting {
            enabled: stored.enabled,
            config: stored.config,
            revision: stored.revision,
        };
        (stored.feature, setting)
    });
    let mut rows = HitRows::new(match plane.missing() {
        Some(_) => address_capacity,
        None => plane.address_capacity(),
    });
    for list in store.lists(OffsetDateTime::now_utc()).await? {
        if list.kind == ListKind::Address {
            let entries = store.entries(&list.id).await?;
            let change = rows.adding(list.number, rows_of(&entries));
            rows.apply(list.number, &change);
        }
    }
    let policy = store.policy().await?;
    let unconfirmed = store.unconfirmed().await?;
    let view = PolicyView {
        policy: Arc::new(policy.policy),
        revision: policy.revision,
        enforced: false,
        problems: Vec::new(),
        unconfirmed: unconfirmed.map(|unconfirmed| Unconfirmed {
            revision: unconfirmed.revision,
            previous: unconfirmed.previous,
            until: unconfirmed.until,
        }),
        diagnostics: Arc::new([]),
        applied: Arc::default(),
    };
    Ok(Snapshot {
        revision: store.revision().await?,
        settings: Settings::new(stored),
        no_datapath: plane.missing().map(Into::into),
        starting: true,
        faults: BTreeMap::new(),
        shortfalls: BTreeMap::new(),
        ports: BTreeMap::new(),
        external: store.external_interfaces().await?,
        rows: Arc::new(rows),
        entries: Arc::default(),
        names: None,
        retired: Arc::default(),
        repairs: 0,
        policy: Arc::new(view),
        positions: Arc::new(Positions {
            rules: policy.rule_positions,
            nat_rules: policy.nat_rule_positions,
        }),
        enforced: None,
        classifying: false,
        tuning: Arc::new(store.tuning().await?),
        sync: Arc::default(),
        hw_offload: Arc::default(),
        network: Arc::default(),
    })
}
