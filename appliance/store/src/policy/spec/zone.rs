//! Zones and the defaults between them.

use std::collections::BTreeSet;
use std::sync::Arc;

use ravelin_model::{AnyObject, Object, ObjectName, ZonePairSpec, ZoneSpec};
use serde::{Deserialize, Serialize};

use super::terms::ActionRow;
use super::{Stored, is_false, named, parse};
use crate::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct ZoneRow {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    interfaces: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    management: bool,
}

impl Stored for ZoneSpec {
    type Row = ZoneRow;

    fn row(&self) -> ZoneRow {
        let Self {
            name: _,
            description,
            interfaces,
            management,
        } = self;
        ZoneRow {
            description: description.clone(),
            interfaces: interfaces.clone(),
            management: *management,
        }
    }

    fn from_row(row: ZoneRow, name: Option<ObjectName>) -> Result<Self, StoreError> {
        let ZoneRow {
            description,
            interfaces,
            management,
        } = row;
        Ok(Self {
            name: named(name)?,
            description,
            interfaces,
            management,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::Zone(object)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct ZonePairRow {
    from: String,
    to: String,
    default_action: ActionRow,
    #[serde(default, skip_serializing_if = "is_false")]
    log: bool,
}

impl Stored for ZonePairSpec {
    type Row = ZonePairRow;

    fn row(&self) -> ZonePairRow {
        let Self {
            from,
            to,
            default_action,
            log,
        } = self;
        ZonePairRow {
            from: from.to_string(),
            to: to.to_string(),
            default_action: (*default_action).into(),
            log: *log,
        }
    }

    fn from_row(row: ZonePairRow, _: Option<ObjectName>) -> Result<Self, StoreError> {
        let ZonePairRow {
            from,
            to,
            default_action,
            log,
        } = row;
        Ok(Self {
            from: parse(&from)?,
            to: parse(&to)?,
            default_action: default_action.into(),
            log,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::ZonePair(object)
    }
}
