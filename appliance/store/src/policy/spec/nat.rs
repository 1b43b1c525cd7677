//! NAT rules and published services.

use std::net::IpAddr;
use std::sync::Arc;

use ravelin_model::{
    AnyObject, Dnat, NatRuleSpec, Object, ObjectName, PublishedAddress, PublishedServiceSpec, Translation,
};
use serde::{Deserialize, Serialize};

use super::terms::{AddressMatchRow, PortRangeRow, ZoneMatchRow, port_range, zone_match, zone_row};
use super::{Stored, is_false, is_true, named, parse, parse_all, texts, yes};
use crate::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PublishedAddressRow {
    Address(IpAddr),
    Interface(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DnatRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: ZoneMatchRow,
    address: PublishedAddressRow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protocol: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ports: Option<PortRangeRow>,
    target: IpAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target_port: Option<u16>,
    #[serde(default, skip_serializing_if = "is_false")]
    hairpin: bool,
}

impl DnatRow {
    fn of(dnat: &Dnat) -> Self {
        let Dnat {
            from,
            address,
            protocol,
            ports,
            target,
            target_port,
            hairpin,
        } = dnat;
        Self {
            from: zone_row(from),
            address: match address {
                PublishedAddress::Address(address) => PublishedAddressRow::Address(*address),
                PublishedAddress::Interface(name) => PublishedAddressRow::Interface(name.clone()),
            },
            protocol: *protocol,
            ports: ports.map(|range| (range.first(), range.last())),
            target: *target,
            target_port: *target_port,
            hairpin: *hairpin,
        }
    }

    fn dnat(self) -> Result<Dnat, StoreError> {
        let Self {
            from,
            address,
            protocol,
            ports,
            target,
            target_port,
            hairpin,
        } = self;
        Ok(Dnat {
            from: zone_match(from)?,
            address: match address {
                PublishedAddressRow::Address(address) => PublishedAddress::Address(address),
                PublishedAddressRow::Interface(name) => PublishedAddress::Interface(name),
            },
            protocol,
            ports: ports.map(port_range).transpose()?,
            target,
            target_port,
            hairpin,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum TranslationRow {
    Masquerade {
        to: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        source: Vec<String>,
    },
    Snat {
        to: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        source: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        destination: Vec<String>,
        address: IpAddr,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ports: Option<PortRangeRow>,
    },
    Dnat(DnatRow),
    OneToOne {
        zone: String,
        external: String,
        internal: String,
        #[serde(default, skip_serializing_if = "is_false")]
        hairpin: bool,
    },
}

impl TranslationRow {
    fn of(translation: &Translation) -> Self {
        match translation {
            Translation::Masquerade { to, source } => Self::Masquerade {
                to: to.to_string(),
                source: texts(source),
            },
            Translation::Snat {
                to,
                source,
                destination,
                address,
                ports,
            } => Self::Snat {
                to: to.to_string(),
                source: texts(source),
                destination: texts(destination),
                address: *address,
                ports: ports.map(|range| (range.first(), range.last())),
            },
            Translation::Dnat(dnat) => Self::Dnat(DnatRow::of(dnat)),
            Translation::OneToOne {
                zone,
                external,
                internal,
                hairpin,
            } => Self::OneToOne {
                zone: zone.to_string(),
                external: external.to_string(),
                internal: internal.to_string(),
                hairpin: *hairpin,
            },
        }
    }

    fn translation(self) -> Result<Translation, StoreError> {
        Ok(match self {
            Self::Masquerade { to, source } => Translation::Masquerade {
                to: parse(&to)?,
                source: parse_all(&source)?,
            },
            Self::Snat {
                to,
                source,
                destination,
                address,
                ports,
            } => Translation::Snat {
                to: parse(&to)?,
                source: parse_all(&source)?,
                destination: parse_all(&destination)?,
                address,
                ports: ports.map(port_range).transpose()?,
            },
            Self::Dnat(dnat) => Translation::Dnat(dnat.dnat()?),
            Self::OneToOne {
                zone,
                external,
                internal,
                hairpin,
            } => Translation::OneToOne {
                zone: parse(&zone)?,
                external: parse(&external)?,
                internal: parse(&internal)?,
                hairpin,
            },
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct NatRuleRow {
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    enabled: bool,
    translation: TranslationRow,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
}

impl Stored for NatRuleSpec {
    type Row = NatRuleRow;

    fn row(&self) -> NatRuleRow {
        let Self {
            name: _,
            enabled,
            translation,
            comment,
        } = self;
        NatRuleRow {
            enabled: *enabled,
            translation: TranslationRow::of(translation),
            comment: comment.clone(),
        }
    }

    fn from_row(row: NatRuleRow, name: Option<ObjectName>) -> Result<Self, StoreError> {
        let NatRuleRow {
            enabled,
            translation,
            comment,
        } = row;
        Ok(Self {
            name: named(name)?,
            enabled,
            translation: translation.translation()?,
            comment,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::NatRule(object)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct PublishedServiceRow {
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    enabled: bool,
    translation: DnatRow,
    #[serde(default, skip_serializing_if = "AddressMatchRow::says_nothing")]
    source: AddressMatchRow,
    #[serde(default, skip_serializing_if = "is_false")]
    log: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
}

impl Stored for PublishedServiceSpec {
    type Row = PublishedServiceRow;

    fn row(&self) -> PublishedServiceRow {
        let Self {
            name: _,
            enabled,
            translation,
            source,
            log,
            comment,
        } = self;
        PublishedServiceRow {
            enabled: *enabled,
            translation: DnatRow::of(translation),
            source: AddressMatchRow::of(source),
            log: *log,
            comment: comment.clone(),
        }
    }

    fn from_row(row: PublishedServiceRow, name: Option<ObjectName>) -> Result<Self, StoreError> {
        let PublishedServiceRow {
            enabled,
            translation,
            source,
            log,
            comment,
        } = row;
        Ok(Self {
            name: named(name)?,
            enabled,
            translation: translation.dnat()?,
            source: source.address_match()?,
            log,
            comment,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::PublishedService(object)
    }
}
