//! Rules.

use std::collections::BTreeSet;

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::names::{any_zone, zone_text};
use super::spec::{Spec, free_text, name, switch, yes};
use super::{AddressMatch, Names, RuleService, Schedule};
use crate::{Errors, Fields, FromJson, Node, Text, Timestamp};

/// What becomes of a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It may be, and so may its replies.
    Accept,
    /// It ends without an answer.
    #[default]
    Drop,
    /// It ends with an answer: TCP a reset, the rest ICMP "administratively prohibited".
    Reject,
}

impl From<model::Action> for Action {
    fn from(action: model::Action) -> Self {
        match action {
            model::Action::Accept => Self::Accept,
            model::Action::Drop => Self::Drop,
            model::Action::Reject => Self::Reject,
        }
    }
}

impl From<Action> for model::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::Accept => Self::Accept,
            Action::Drop => Self::Drop,
            Action::Reject => Self::Reject,
        }
    }
}

impl FromJson for Action {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let words = model::Action::ALL.map(|action| (action.name(), action.into()));
        node.word(&words, errors)
    }
}

/// Who shares a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateLimitScope {
    /// All connections the rule matches.
    #[default]
    Rule,
    /// Those from one source address.
    Source,
}

/// Limits how often a rule matches. Over the limit it does not match, and the next rules decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// New connections a second.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub rate: u32,
    /// Who shares it.
    #[serde(default)]
    pub per: RateLimitScope,
    /// New connections at once before the rate counts; missing: as many as `rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    pub burst: Option<u32>,
}

impl RateLimit {
    fn read(node: Node<'_>, errors: &mut Errors) -> Option<model::RateLimit> {
        let mut fields = Fields::of(node, errors)?;
        let number = |node: Node<'_>, errors: &mut Errors| node.integer(&(1..=1_000_000), errors);
        let rate = fields.required_with("rate", errors, number);
        let words = [
            ("rule", model::RateLimitScope::Rule),
            ("source", model::RateLimitScope::Source),
        ];
        let per = fields.or("per", model::RateLimitScope::Rule, errors, |node, errors| {
            node.word(&words, errors)
        });
        let burst = fields.optional_with("burst", errors, number);
        fields.finish(errors);
        let rate = rate?;
        Some(model::RateLimit {
            rate,
            per: per?,
            burst: burst?.unwrap_or(rate),
        })
    }

    fn of(limit: model::RateLimit) -> Self {
        let model::RateLimit { rate, per, burst } = limit;
        Self {
            rate,
            per: match per {
                model::RateLimitScope::Rule => RateLimitScope::Rule,
                model::RateLimitScope::Source => RateLimitScope::Source,
            },
            burst: Some(burst),
        }
    }
}

/// What a user says of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleSpec {
    /// Unique.
    #[schema(value_type = String, min_length = 1, max_length = 128, example = "web")]
    pub name: Text<model::ObjectName>,
    /// A rule that is not enabled matches nothing.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
    /// Where packets come in: id or name of a zone, or `any`.
    #[serde(default = "any_zone")]
    #[schema(default = "any", example = "lan")]
    pub from_zone: String,
    /// Where they would leave: id or name of a zone, or `any`, `local` included.
    #[serde(default = "any_zone")]
    #[schema(default = "any", example = "wan")]
    pub to_zone: String,
    /// From whom, before source NAT.
    #[serde(default)]
    pub source: AddressMatch,
    /// To whom, after destination NAT.
    #[serde(default)]
    pub destination: AddressMatch,
    /// Any of these; empty: everything.
    #[serde(default)]
    pub services: Vec<RuleService>,
    /// What becomes of it.
    pub action: Action,
    /// Whether matches are logged.
    #[serde(default)]
    pub log: bool,
    /// Missing: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rate_limit: Option<RateLimit>,
    /// Missing: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub schedule: Option<Schedule>,
    /// The rule matches nothing from then on; missing: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub expires_at: Option<Timestamp>,
    /// Free text.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub comment: String,
    /// Free words to find it by, each of 1 to 64 characters.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub tags: Vec<String>,
}

/// Most tags of a rule, and most characters of a tag.
const TAGS_LIMIT: usize = 32;
const TAG_LIMIT: usize = 64;

impl Spec for RuleSpec {
    type Model = model::RuleSpec;

    fn read(node: Node<'_>, names: &Names, errors: &mut Errors) -> Option<model::RuleSpec> {
        let mut fields = Fields::of(node, errors)?;
        let name = name(&mut fields, errors);
        let enabled = switch(&mut fields, "enabled", true, errors);
        let from = zone_match(&mut fields, "from_zone", names, errors);
        let to = zone_match(&mut fields, "to_zone", names, errors);
        let source = side(&mut fields, "source", names, errors);
        let destination = side(&mut fields, "destination", names, errors);
        let services = fields.or("services", Vec::new(), errors, |node, errors| {
            node.items(errors, |item, errors| RuleService::read(item, names, errors))
        });
        let action: Option<Action> = fields.required("action", errors);
        let log = switch(&mut fields, "log", false, errors);
        let rate_limit = fields.optional_with("rate_limit", errors, RateLimit::read);
        let schedule = fields.optional_with("schedule", errors, Schedule::read);
        let expires_at = fields.optional_with("expires_at", errors, Timestamp::from_json);
        let comment = free_text(&mut fields, "comment", errors);
        let tags = fields.or("tags", BTreeSet::new(), errors, tags);
        fields.finish(errors);
        Some(model::RuleSpec {
            name: name?,
            enabled: enabled?,
            from: from?,
            to: to?,
            source: source?,
            destination: destination?,
            services: services?,
            action: action?.into(),
            log: log?,
            rate_limit: rate_limit?,
            schedule: schedule?,
            expires_at: expires_at?.map(|at| at.0),
            comment: comment?,
            tags: tags?,
        })
    }

    fn of(spec: &model::RuleSpec) -> Self {
        let model::RuleSpec {
            name,
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
        } = spec;
        Self {
            name: Text(name.clone()),
            enabled: *enabled,
            from_zone: zone_text(from),
            to_zone: zone_text(to),
            source: AddressMatch::of(source),
            destination: AddressMatch::of(destination),
            services: services.iter().map(RuleService::of).collect(),
            action: (*action).into(),
            log: *log,
            rate_limit: rate_limit.map(RateLimit::of),
            schedule: schedule.as_ref().map(Schedule::of),
            expires_at: expires_at.map(Timestamp),
            comment: comment.clone(),
            tags: tags.iter().cloned().collect(),
        }
    }
}

/// A zone or all of them; missing: all.
pub(super) fn zone_match(
    fields: &mut Fields<'_>,
    name: &'static str,
    names: &Names,
    errors: &mut Errors,
) -> Option<model::ZoneMatch> {
    fields.or(name, model::ZoneMatch::Any, errors, |node, errors| {
        names.zone_match(&node, errors)
    })
}

/// One side; missing: every address.
pub(super) fn side(
    fields: &mut Fields<'_>,
    name: &'static str,
    names: &Names,
    errors: &mut Errors,
) -> Option<model::AddressMatch> {
    fields.or(name, model::AddressMatch::default(), errors, |node, errors| {
        AddressMatch::read(node, names, errors)
    })
}

fn tags(node: Node<'_>, errors: &mut Errors) -> Option<BTreeSet<String>> {
    let tags = node.items(errors, |item, errors| {
        let text = item.string(errors)?;
        let fits = (1..=TAG_LIMIT).contains(&text.chars().count());
        if !fits || text.chars().any(char::is_control) {
            let detail = format!("is not 1 to {TAG_LIMIT} characters without control characters");
            errors.add(&item, "format", detail);
            return None;
        }
        Some(text.to_owned())
    })?;
    if tags.len() > TAGS_LIMIT {
        errors.add(&node, "range", format!("has more than {TAGS_LIMIT} tags"));
        return None;
    }
    Some(tags.into_iter().collect())
}

/// What a line of the policy caught since it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct RuleHits {
    /// Packets, of both directions of the connections it decided.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the last was seen; missing: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub last_hit_at: Option<Timestamp>,
}

/// A rule. Rules are ordered; the first that matches decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    /// Never changes.
    #[schema(value_type = String, example = "rul_1f")]
    pub id: Text<model::RuleId>,
    /// Place among the rules, from 1.
    #[schema(minimum = 1)]
    pub position: u64,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub spec: RuleSpec,
    /// Name of the zone packets come in from; missing: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from_zone_name: Option<String>,
    /// Name of the zone they would leave by; missing: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to_zone_name: Option<String>,
    /// What it caught.
    pub hits: RuleHits,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Revision of the last change; also its ETag. A move changes it, an order of all does not.
    pub revision: u64,
}

impl Rule {
    /// A rule of a policy at this place, from 0.
    pub fn of(rule: &model::Rule, index: usize, policy: &model::Policy, hits: RuleHits) -> Self {
        let model::Rule {
            id,
            // The data plane's business.
            number: _,
            spec,
            updated_at,
            revision,
        } = rule;
        let name = |zone: &model::ZoneMatch| match zone {
            model::ZoneMatch::Any => None,
            model::ZoneMatch::Zone(id) => policy.zones.get(id).map(|zone| zone.spec.name.to_string()),
        };
        Self {
            id: Text(id.clone()),
            position: index as u64 + 1,
            from_zone_name: name(&spec.from),
            to_zone_name: name(&spec.to),
            spec: RuleSpec::of(spec),
            hits,
            updated_at: Timestamp(*updated_at),
            revision: revision.0,
        }
    }
}
