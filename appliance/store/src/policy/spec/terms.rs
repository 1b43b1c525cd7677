//! What objects of several kinds say.

use ravelin_model::{Action, AddressMatch, AddressRange, PortRange, ZoneMatch};
use serde::{Deserialize, Serialize};

use super::{SPEC, is_false, parse, parse_all, texts};
use crate::{StoreError, convert};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ActionRow {
    Accept,
    Drop,
    Reject,
}

impl From<Action> for ActionRow {
    fn from(action: Action) -> Self {
        match action {
            Action::Accept => Self::Accept,
            Action::Drop => Self::Drop,
            Action::Reject => Self::Reject,
        }
    }
}

impl From<ActionRow> for Action {
    fn from(action: ActionRow) -> Self {
        match action {
            ActionRow::Accept => Self::Accept,
            ActionRow::Drop => Self::Drop,
            ActionRow::Reject => Self::Reject,
        }
    }
}

/// None: any zone.
pub(super) type ZoneMatchRow = Option<String>;

pub(super) fn zone_row(zone: &ZoneMatch) -> ZoneMatchRow {
    match zone {
        ZoneMatch::Any => None,
        ZoneMatch::Zone(id) => Some(id.to_string()),
    }
}

pub(super) fn zone_match(row: ZoneMatchRow) -> Result<ZoneMatch, StoreError> {
    match row {
        None => Ok(ZoneMatch::Any),
        Some(id) => Ok(ZoneMatch::Zone(parse(&id)?)),
    }
}

#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressMatchRow {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lists: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    negate: bool,
}

impl AddressMatchRow {
    pub(super) fn of(address: &AddressMatch) -> Self {
        let AddressMatch {
            addresses,
            lists,
            negate,
        } = address;
        Self {
            addresses: texts(addresses),
            lists: texts(lists),
            negate: *negate,
        }
    }

    pub(super) fn says_nothing(&self) -> bool {
        self.addresses.is_empty() && self.lists.is_empty() && !self.negate
    }

    pub(super) fn address_match(self) -> Result<AddressMatch, StoreError> {
        let Self {
            addresses,
            lists,
            negate,
        } = self;
        Ok(AddressMatch {
            addresses: parse_all::<AddressRange>(&addresses)?,
            lists: parse_all(&lists)?,
            negate,
        })
    }
}

/// First and last.
pub(super) type PortRangeRow = (u16, u16);

pub(super) fn ports_row(ranges: &[PortRange]) -> Vec<PortRangeRow> {
    ranges.iter().map(|range| (range.first(), range.last())).collect()
}

pub(super) fn port_range((first, last): PortRangeRow) -> Result<PortRange, StoreError> {
    PortRange::new(first, last).ok_or_else(|| convert::column(SPEC, None))
}

pub(super) fn port_ranges(rows: Vec<PortRangeRow>) -> Result<Vec<PortRange>, StoreError> {
    rows.into_iter().map(port_range).collect()
}
