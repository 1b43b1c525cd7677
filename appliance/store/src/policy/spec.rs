//! What users say of objects, as JSON. The shapes are the store's own: a change to them needs a migration.
//! Members that say what most objects say are left out.

mod dns_server;
mod interface;
mod nat;
mod network;
mod route;
mod rule;
mod service;
mod terms;
mod zone;

use std::sync::Arc;

use ravelin_model::{AnyObject, Kind, Object, ObjectName};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{StoreError, convert};

pub(super) const SPEC: &str = "policy_object.spec";

/// A kind of object that is stored.
pub(super) trait Stored: Kind + Sized {
    /// Its shape in JSON, without its name.
    type Row: Serialize + DeserializeOwned;

    fn row(&self) -> Self::Row;
    fn from_row(row: Self::Row, name: Option<ObjectName>) -> Result<Self, StoreError>;
    fn wrap(object: Arc<Object<Self>>) -> AnyObject;
}

/// The JSON of an object's spec.
pub(super) fn to_json(object: &AnyObject) -> Result<String, StoreError> {
    match object {
        AnyObject::Zone(object) => json(&object.spec.row()),
        AnyObject::ZonePair(object) => json(&object.spec.row()),
        AnyObject::Rule(object) => json(&object.spec.row()),
        AnyObject::Service(object) => json(&object.spec.row()),
        AnyObject::NatRule(object) => json(&object.spec.row()),
        AnyObject::PublishedService(object) => json(&object.spec.row()),
        AnyObject::InterfaceSettings(object) => json(&object.spec.row()),
        AnyObject::Route(object) => json(&object.spec.row()),
        AnyObject::PolicyRoute(object) => json(&object.spec.row()),
        AnyObject::DnsServer(object) => json(&object.spec.row()),
    }
}

/// The spec of JSON.
pub(super) fn from_json<S: Stored>(spec: &str, name: Option<&str>) -> Result<S, StoreError> {
    let row = serde_json::from_str(spec).map_err(|source| convert::column(SPEC, Some(source.into())))?;
    let name = name.map(str::parse::<ObjectName>).transpose();
    S::from_row(
        row,
        name.map_err(|source| convert::column("policy_object.name", Some(source.into())))?,
    )
}

fn json<T: Serialize>(row: &T) -> Result<String, StoreError> {
    serde_json::to_string(row).map_err(|source| convert::column(SPEC, Some(source.into())))
}

fn named(name: Option<ObjectName>) -> Result<ObjectName, StoreError> {
    name.ok_or_else(|| convert::column("policy_object.name", None))
}

/// A value that has a text.
fn parse<T: std::str::FromStr>(text: &str) -> Result<T, StoreError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse()
        .map_err(|source: T::Err| convert::column(SPEC, Some(source.into())))
}

fn parse_all<T: std::str::FromStr>(texts: &[String]) -> Result<Vec<T>, StoreError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    texts.iter().map(|text| parse(text)).collect()
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(T::to_string).collect()
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_true(value: &bool) -> bool {
    *value
}

fn yes() -> bool {
    true
}
