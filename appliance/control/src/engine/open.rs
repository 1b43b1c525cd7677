//! The engine as it is when it starts.

use std::collections::BTreeMap;
use std::sync::Arc;

use ravelin_datapath::FlowTimeouts;
use ravelin_model::ListKind;
use ravelin_store::{Store, StoreError};
use time::OffsetDateTime;
use tokio::sync::watch;

use super::Engine;
use super::lists::rows_of;
use super::live::Live;
use super::ports::KnownLinks;
use crate::ControlError;
use crate::error::stored;
use crate::hit_rows::HitRows;
use crate::plane::Plane;
use crate::settings::{Setting, Settings};
use crate::snapshot::Snapshot;
use crate::stream::Hub;

/// What the engine is made of.
pub(crate) struct EngineParts {
    pub(crate) store: Store,
    pub(crate) plane: Plane,
    pub(crate) hub: Hub,
    pub(crate) flow_timeouts: watch::Sender<FlowTimeouts>,
    /// Most address entries where there is no data plane to say.
    pub(crate) address_capacity: usize,
}

impl Engine {
    /// Reads what is stored. Nothing is in the data plane yet.
    pub(crate) async fn open(parts: EngineParts) -> Result<Self, ControlError> {
        let EngineParts {
            store,
            plane,
            hub,
            flow_timeouts,
            address_capacity,
        } = parts;
        let snapshot = read(&store, &plane, address_capacity).await.map_err(stored)?;
        flow_timeouts.send_replace(snapshot.settings.flow_timeouts());
        let next_expiry = store.next_expiry().await.map_err(stored)?;
        Ok(Self {
            store,
            plane,
            hub,
            known_links: KnownLinks::new(),
            flow_timeouts,
            published: watch::Sender::new(Arc::new(snapshot)),
            live: Live::default(),
            unsure: false,
            next_expiry,
        })
    }

    /// Where the state is shown.
    pub(crate) fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.published.subscribe()
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
    })
}
