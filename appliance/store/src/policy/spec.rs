//! What users say of objects, as JSON. The shapes are the store's own: a change to them needs a migration.
//! Members that say what most objects say are left out.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use ravelin_model::{
    Action, AddressMatch, AddressRange, AnyObject, Day, Dnat, IcmpType, Kind, MinuteOfDay, NatRuleSpec,
    Object, ObjectName, PortRange, PublishedAddress, PublishedServiceSpec, RateLimit, RateLimitScope,
    RuleSpec, Schedule, ServiceEntry, ServiceMatch, ServiceSpec, Translation, ZoneMatch, ZonePairSpec,
    ZoneSpec,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ZoneRow {
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
#[serde(rename_all = "snake_case")]
enum ActionRow {
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ZonePairRow {
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

/// None: any zone.
type ZoneMatchRow = Option<String>;

fn zone_row(zone: &ZoneMatch) -> ZoneMatchRow {
    match zone {
        ZoneMatch::Any => None,
        ZoneMatch::Zone(id) => Some(id.to_string()),
    }
}

fn zone_match(row: ZoneMatchRow) -> Result<ZoneMatch, StoreError> {
    match row {
        None => Ok(ZoneMatch::Any),
        Some(id) => Ok(ZoneMatch::Zone(parse(&id)?)),
    }
}

#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct AddressMatchRow {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lists: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    negate: bool,
}

impl AddressMatchRow {
    fn of(address: &AddressMatch) -> Self {
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

    fn says_nothing(&self) -> bool {
        self.addresses.is_empty() && self.lists.is_empty() && !self.negate
    }

    fn address_match(self) -> Result<AddressMatch, StoreError> {
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
type PortRangeRow = (u16, u16);

fn ports_row(ranges: &[PortRange]) -> Vec<PortRangeRow> {
    ranges.iter().map(|range| (range.first(), range.last())).collect()
}

fn port_range((first, last): PortRangeRow) -> Result<PortRange, StoreError> {
    PortRange::new(first, last).ok_or_else(|| convert::column(SPEC, None))
}

fn port_ranges(rows: Vec<PortRangeRow>) -> Result<Vec<PortRange>, StoreError> {
    rows.into_iter().map(port_range).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceEntryRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protocol: Option<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    source_ports: Vec<PortRangeRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    destination_ports: Vec<PortRangeRow>,
    /// Type and code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    icmp_types: Vec<(u8, Option<u8>)>,
}

impl ServiceEntryRow {
    fn of(entry: &ServiceEntry) -> Self {
        let ServiceEntry {
            protocol,
            source_ports,
            destination_ports,
            icmp_types,
        } = entry;
        Self {
            protocol: *protocol,
            source_ports: ports_row(source_ports),
            destination_ports: ports_row(destination_ports),
            icmp_types: icmp_types.iter().map(|icmp| (icmp.kind, icmp.code)).collect(),
        }
    }

    fn entry(self) -> Result<ServiceEntry, StoreError> {
        let Self {
            protocol,
            source_ports,
            destination_ports,
            icmp_types,
        } = self;
        Ok(ServiceEntry {
            protocol,
            source_ports: port_ranges(source_ports)?,
            destination_ports: port_ranges(destination_ports)?,
            icmp_types: icmp_types
                .into_iter()
                .map(|(kind, code)| IcmpType { kind, code })
                .collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceRow {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    entries: Vec<ServiceEntryRow>,
}

impl Stored for ServiceSpec {
    type Row = ServiceRow;

    fn row(&self) -> ServiceRow {
        let Self {
            name: _,
            description,
            entries,
        } = self;
        ServiceRow {
            description: description.clone(),
            entries: entries.iter().map(ServiceEntryRow::of).collect(),
        }
    }

    fn from_row(row: ServiceRow, name: Option<ObjectName>) -> Result<Self, StoreError> {
        let ServiceRow { description, entries } = row;
        Ok(Self {
            name: named(name)?,
            description,
            entries: entries
                .into_iter()
                .map(ServiceEntryRow::entry)
                .collect::<Result<_, _>>()?,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::Service(object)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ServiceMatchRow {
    /// Id of a service.
    Named(String),
    Entry(ServiceEntryRow),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RateLimitScopeRow {
    Rule,
    Source,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimitRow {
    rate: u32,
    per: RateLimitScopeRow,
    burst: u32,
}

impl RateLimitRow {
    fn of(limit: RateLimit) -> Self {
        let RateLimit { rate, per, burst } = limit;
        Self {
            rate,
            per: match per {
                RateLimitScope::Rule => RateLimitScopeRow::Rule,
                RateLimitScope::Source => RateLimitScopeRow::Source,
            },
            burst,
        }
    }

    fn limit(self) -> RateLimit {
        let Self { rate, per, burst } = self;
        RateLimit {
            rate,
            per: match per {
                RateLimitScopeRow::Rule => RateLimitScope::Rule,
                RateLimitScopeRow::Source => RateLimitScope::Source,
            },
            burst,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleRow {
    /// From Monday, 0.
    days: BTreeSet<u8>,
    /// Minutes since midnight.
    from: u16,
    to: u16,
    timezone: String,
}

impl ScheduleRow {
    fn of(schedule: &Schedule) -> Self {
        let Schedule {
            days,
            from,
            to,
            timezone,
        } = schedule;
        let numbered = (0..).zip(Day::ALL);
        Self {
            days: numbered
                .filter(|(_, day)| days.contains(day))
                .map(|(number, _)| number)
                .collect(),
            from: from.minutes(),
            to: to.minutes(),
            timezone: timezone.clone(),
        }
    }

    fn schedule(self) -> Result<Schedule, StoreError> {
        let Self {
            days,
            from,
            to,
            timezone,
        } = self;
        let day = |number: u8| Day::ALL.get(usize::from(number)).copied();
        let minute = |minutes: u16| {
            let (hour, minute) = (u8::try_from(minutes / 60).ok()?, u8::try_from(minutes % 60).ok()?);
            MinuteOfDay::new(hour, minute)
        };
        let impossible = || convert::column(SPEC, None);
        Ok(Schedule {
            days: days
                .into_iter()
                .map(day)
                .collect::<Option<_>>()
                .ok_or_else(impossible)?,
            from: minute(from).ok_or_else(impossible)?,
            to: minute(to).ok_or_else(impossible)?,
            timezone,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleRow {
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: ZoneMatchRow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: ZoneMatchRow,
    #[serde(default, skip_serializing_if = "AddressMatchRow::says_nothing")]
    source: AddressMatchRow,
    #[serde(default, skip_serializing_if = "AddressMatchRow::says_nothing")]
    destination: AddressMatchRow,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    services: Vec<ServiceMatchRow>,
    action: ActionRow,
    #[serde(default, skip_serializing_if = "is_false")]
    log: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_limit: Option<RateLimitRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule: Option<ScheduleRow>,
    /// Unix microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    tags: BTreeSet<String>,
}

impl Stored for RuleSpec {
    type Row = RuleRow;

    fn row(&self) -> RuleRow {
        let Self {
            name: _,
            enabled,
            from,
            to,
            source,
            destination,
            services,
            action,
            log,
            rate_limit,
            schedule,
            expires_at,
            comment,
            tags,
        } = self;
        let service = |service: &ServiceMatch| match service {
            ServiceMatch::Named(id) => ServiceMatchRow::Named(id.to_string()),
            ServiceMatch::Entry(entry) => ServiceMatchRow::Entry(ServiceEntryRow::of(entry)),
        };
        RuleRow {
            enabled: *enabled,
            from: zone_row(from),
            to: zone_row(to),
            source: AddressMatchRow::of(source),
            destination: AddressMatchRow::of(destination),
            services: services.iter().map(service).collect(),
            action: (*action).into(),
            log: *log,
            rate_limit: rate_limit.map(RateLimitRow::of),
            schedule: schedule.as_ref().map(ScheduleRow::of),
            expires_at: expires_at.map(convert::microseconds),
            comment: comment.clone(),
            tags: tags.clone(),
        }
    }

    fn from_row(row: RuleRow, name: Option<ObjectName>) -> Result<Self, StoreError> {
        let RuleRow {
            enabled,
            from,
            to,
            source,
            destination,
            services,
            action,
            log,
            rate_limit,
            schedule,
            expires_at,
            comment,
            tags,
        } = row;
        let service = |row| match row {
            ServiceMatchRow::Named(id) => Ok(ServiceMatch::Named(parse(&id)?)),
            ServiceMatchRow::Entry(entry) => Ok(ServiceMatch::Entry(entry.entry()?)),
        };
        Ok(Self {
            name: named(name)?,
            enabled,
            from: zone_match(from)?,
            to: zone_match(to)?,
            source: source.address_match()?,
            destination: destination.address_match()?,
            services: services
                .into_iter()
                .map(service)
                .collect::<Result<_, StoreError>>()?,
            action: action.into(),
            log,
            rate_limit: rate_limit.map(RateLimitRow::limit),
            schedule: schedule.map(ScheduleRow::schedule).transpose()?,
            expires_at: expires_at.map(|at| convert::time(SPEC, at)).transpose()?,
            comment,
            tags,
        })
    }

    fn wrap(object: Arc<Object<Self>>) -> AnyObject {
        AnyObject::Rule(object)
    }
}

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
pub(super) struct NatRuleRow {
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
pub(super) struct PublishedServiceRow {
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
