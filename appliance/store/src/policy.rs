//! Objects of the policy. All kinds share one table; what a user says of one is JSON, see `spec`.

mod counters;
mod history;
mod spec;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt;
use ravelin_model::{
    AnyObject, DnsServerSpec, Id, InterfaceSettingsSpec, Kind, NatRuleSpec, Object, ObjectKind, Policy,
    PolicyRouteSpec, PublishedServiceSpec, Revision, RouteSpec, RuleSpec, ServiceSpec, ZonePairSpec,
    ZoneSpec,
};
use sqlx::SqliteConnection;
use time::OffsetDateTime;

pub use self::counters::{CounterEpoch, StoredCounter, StoredCounters};
pub use self::history::StoredRevision;
use self::spec::{Stored, from_json};
pub use self::write::PolicyWrite;
use crate::{Change, Store, StoreError, convert};

/// A commit that waits to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The commit.
    pub revision: Revision,
    /// The revision whose policy returns.
    pub previous: Revision,
    /// When.
    pub until: OffsetDateTime,
}

/// A policy with what orders it in the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredPolicy {
    /// The objects.
    pub policy: Policy,
    /// Of the rules, in their order.
    pub rule_positions: Vec<i64>,
    /// Of the NAT rules, in their order.
    pub nat_rule_positions: Vec<i64>,
    /// Of the last change to any object; 0 before the first.
    pub revision: Revision,
}

/// An object and its position, where its kind has one.
type Placed = (AnyObject, Option<i64>);

impl Store {
    /// The whole policy.
    pub async fn policy(&self) -> Result<StoredPolicy, StoreError> {
        let mut connection = self.reader.acquire().await.map_err(StoreError::ReadPolicy)?;
        let objects = read_all(&mut connection).await?;
        let revision: Option<i64> = sqlx::query_scalar("SELECT MAX(number) FROM revision WHERE policy")
            .fetch_one(&mut *connection)
            .await
            .map_err(StoreError::ReadPolicy)?;
        let revision = revision.map_or(Ok(Revision::default()), |number| {
            convert::revision("revision.number", number)
        })?;
        Ok(assemble(objects, revision))
    }

    /// The commit that waits to be confirmed, if there is one.
    pub async fn unconfirmed(&self) -> Result<Option<Unconfirmed>, StoreError> {
        let row: Option<(i64, i64, i64)> =
            sqlx::query_as("SELECT revision, previous, until FROM policy_unconfirmed")
                .fetch_optional(&self.reader)
                .await
                .map_err(StoreError::ReadPolicy)?;
        row.map(|(revision, previous, until)| {
            Ok(Unconfirmed {
                revision: convert::revision("policy_unconfirmed.revision", revision)?,
                previous: convert::revision("policy_unconfirmed.previous", previous)?,
                until: convert::time("policy_unconfirmed.until", until)?,
            })
        })
        .transpose()
    }
}

impl Change {
    /// Notes which commit waits to be confirmed; None: none does.
    pub async fn set_unconfirmed(&mut self, unconfirmed: Option<Unconfirmed>) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM policy_unconfirmed")
            .execute(self.connection())
            .await
            .map_err(StoreError::WritePolicy)?;
        if let Some(unconfirmed) = unconfirmed {
            let Unconfirmed {
                revision,
                previous,
                until,
            } = unconfirmed;
            sqlx::query(
                "INSERT INTO policy_unconfirmed (one, revision, previous, until) VALUES (1, ?, ?, ?)",
            )
            .bind(convert::signed(revision.0))
            .bind(convert::signed(previous.0))
            .bind(convert::microseconds(until))
            .execute(self.connection())
            .await
            .map_err(StoreError::WritePolicy)?;
        }
        Ok(())
    }
}

async fn read_all(connection: &mut SqliteConnection) -> Result<Vec<Placed>, StoreError> {
    let mut objects = Vec::new();
    read_kind::<ZoneSpec>(connection, &mut objects).await?;
    read_kind::<ZonePairSpec>(connection, &mut objects).await?;
    read_kind::<RuleSpec>(connection, &mut objects).await?;
    read_kind::<ServiceSpec>(connection, &mut objects).await?;
    read_kind::<NatRuleSpec>(connection, &mut objects).await?;
    read_kind::<PublishedServiceSpec>(connection, &mut objects).await?;
    read_kind::<InterfaceSettingsSpec>(connection, &mut objects).await?;
    read_kind::<RouteSpec>(connection, &mut objects).await?;
    read_kind::<PolicyRouteSpec>(connection, &mut objects).await?;
    read_kind::<DnsServerSpec>(connection, &mut objects).await?;
    Ok(objects)
}

/// The columns of an object beside its kind and its position.
pub(crate) struct ObjectRow {
    id: String,
    number: i64,
    name: Option<String>,
    spec: String,
    updated_at: i64,
    revision: i64,
}

async fn read_kind<S: Stored>(
    connection: &mut SqliteConnection,
    objects: &mut Vec<Placed>,
) -> Result<(), StoreError> {
    let mut rows = sqlx::query_as(
        "SELECT id, number, position, name, spec, updated_at, revision FROM policy_object
         WHERE kind = ? ORDER BY position, id",
    )
    .bind(S::NAME)
    .fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(StoreError::ReadPolicy)? {
        let (id, number, position, name, spec, updated_at, revision): (
            String,
            i64,
            Option<i64>,
            Option<String>,
            String,
            i64,
            i64,
        ) = row;
        let row = ObjectRow {
            id,
            number,
            name,
            spec,
            updated_at,
            revision,
        };
        objects.push((object::<S>(&row)?, position));
    }
    Ok(())
}

fn object<S: Stored>(row: &ObjectRow) -> Result<AnyObject, StoreError> {
    let id: Id<S> = row.id.parse().map_err(|source: ravelin_model::InvalidId| {
        convert::column("policy_object.id", Some(source.into()))
    })?;
    Ok(S::wrap(Arc::new(Object {
        id,
        number: convert::unsigned("policy_object.number", row.number)?,
        spec: from_json(&row.spec, row.name.as_deref())?,
        updated_at: convert::time("policy_object.updated_at", row.updated_at)?,
        revision: convert::revision("policy_object.revision", row.revision)?,
    })))
}

/// An object whose kind is known as text only.
pub(crate) fn any_object(kind: &str, row: &ObjectRow) -> Result<AnyObject, StoreError> {
    match kind_of(kind)? {
        ObjectKind::Zone => object::<ZoneSpec>(row),
        ObjectKind::ZonePair => object::<ZonePairSpec>(row),
        ObjectKind::Rule => object::<RuleSpec>(row),
        ObjectKind::Service => object::<ServiceSpec>(row),
        ObjectKind::NatRule => object::<NatRuleSpec>(row),
        ObjectKind::PublishedService => object::<PublishedServiceSpec>(row),
        ObjectKind::InterfaceSettings => object::<InterfaceSettingsSpec>(row),
        ObjectKind::Route => object::<RouteSpec>(row),
        ObjectKind::PolicyRoute => object::<PolicyRouteSpec>(row),
        ObjectKind::DnsServer => object::<DnsServerSpec>(row),
        ObjectKind::List | ObjectKind::Feature => Err(convert::column("policy_history.kind", None)),
    }
}

fn kind_of(name: &str) -> Result<ObjectKind, StoreError> {
    ObjectKind::POLICY
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| convert::column("policy_object.kind", None))
}

fn assemble(objects: Vec<Placed>, revision: Revision) -> StoredPolicy {
    let mut stored = StoredPolicy {
        revision,
        ..StoredPolicy::default()
    };
    let (mut rules, mut nat_rules) = (Vec::new(), Vec::new());
    let policy = &mut stored.policy;
    for (object, position) in objects {
        let position = position.unwrap_or_default();
        match object {
            AnyObject::Zone(object) => drop(policy.zones.insert(object.id.clone(), object)),
            AnyObject::ZonePair(object) => drop(policy.zone_pairs.insert(object.id.clone(), object)),
            AnyObject::Service(object) => drop(policy.services.insert(object.id.clone(), object)),
            AnyObject::PublishedService(object) => {
                policy.published_services.insert(object.id.clone(), object);
            }
            AnyObject::InterfaceSettings(object) => {
                policy.interface_settings.insert(object.id.clone(), object);
            }
            AnyObject::Route(object) => drop(policy.routes.insert(object.id.clone(), object)),
            AnyObject::PolicyRoute(object) => drop(policy.policy_routes.insert(object.id.clone(), object)),
            AnyObject::DnsServer(object) => drop(policy.dns_servers.insert(object.id.clone(), object)),
            AnyObject::Rule(object) => rules.push((position, object)),
            AnyObject::NatRule(object) => nat_rules.push((position, object)),
        }
    }
    (stored.rule_positions, policy.rules) = in_order(rules);
    (stored.nat_rule_positions, policy.nat_rules) = in_order(nat_rules);
    stored
}

fn in_order<S: Kind>(mut objects: Vec<(i64, Arc<Object<S>>)>) -> (Vec<i64>, Vec<Arc<Object<S>>>) {
    objects
        .sort_by(|(place, object), (other_place, other)| (place, &object.id).cmp(&(other_place, &other.id)));
    objects.into_iter().unzip()
}

/// Objects by id, for putting earlier policies together.
fn by_id(objects: Vec<Placed>) -> HashMap<String, Placed> {
    objects
        .into_iter()
        .map(|placed| (placed.0.id().to_owned(), placed))
        .collect()
}
