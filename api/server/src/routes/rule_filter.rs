//! Which rules to show.

use ravelin_api_types::{Action, ZoneSpec};
use ravelin_model::{self as model, Policy, Rule, ZoneMatch};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::failure::Failure;
use crate::paging::PageQuery;
use crate::policy::Resource;

/// Which rules to show. Everything given must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RulesQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, max_length = 1024)]
    cursor: Option<String>,
    /// Only rules that say this zone, by id or name, or that say `any`.
    #[param(nullable = false, max_length = 128)]
    from_zone: Option<String>,
    /// Only rules that say this zone, by id or name, or that say `any`.
    #[param(nullable = false, max_length = 128)]
    to_zone: Option<String>,
    /// Only rules that are enabled, or only those that are not.
    #[param(nullable = false)]
    enabled: Option<bool>,
    /// Only rules with this action.
    #[param(nullable = false, inline)]
    action: Option<Action>,
    /// Only rules with this tag.
    #[param(nullable = false, max_length = 64)]
    tag: Option<String>,
    /// Only rules whose id, name, comment, tags or addresses contain this text, in any case.
    #[param(nullable = false, max_length = 255)]
    search: Option<String>,
}

/// See [`RulesQuery`].
#[derive(Debug)]
pub(crate) struct RuleFilter {
    from: Option<ZoneMatch>,
    to: Option<ZoneMatch>,
    enabled: Option<bool>,
    action: Option<model::Action>,
    tag: Option<String>,
    search: Option<String>,
}

impl RulesQuery {
    /// Which page of which rules.
    pub(crate) fn split(self, policy: &Policy) -> Result<(PageQuery, RuleFilter), Failure> {
        let Self {
            limit,
            cursor,
            from_zone,
            to_zone,
            enabled,
            action,
            tag,
            search,
        } = self;
        let zone = |text: Option<String>| text.map(|text| zone_match(&text, policy)).transpose();
        let filter = RuleFilter {
            from: zone(from_zone)?,
            to: zone(to_zone)?,
            enabled,
            action: action.map(Into::into),
            tag,
            search: search.map(|text| text.to_lowercase()),
        };
        Ok((PageQuery::new(limit, cursor), filter))
    }
}

/// The zone a query names, or every one.
fn zone_match(text: &str, policy: &Policy) -> Result<ZoneMatch, Failure> {
    if text == "any" {
        return Ok(ZoneMatch::Any);
    }
    zone_id(text, policy).map(ZoneMatch::Zone)
}

/// The zone a query names.
pub(crate) fn zone_id(text: &str, policy: &Policy) -> Result<model::ZoneId, Failure> {
    let by_id = text.parse().ok().filter(|id| policy.zones.contains_key(id));
    by_id
        .or_else(|| ZoneSpec::named(policy, text))
        .ok_or_else(|| Failure::invalid_query(format!("there is no zone '{text}'")))
}

impl RuleFilter {
    /// Whether to show this one.
    pub(crate) fn fits(&self, rule: &Rule) -> bool {
        let spec = &rule.spec;
        self.from.as_ref().is_none_or(|from| *from == spec.from)
            && self.to.as_ref().is_none_or(|to| *to == spec.to)
            && self.enabled.is_none_or(|enabled| enabled == spec.enabled)
            && self.action.is_none_or(|action| action == spec.action)
            && self.tag.as_ref().is_none_or(|tag| spec.tags.contains(tag))
            && self.search.as_ref().is_none_or(|text| mentions(rule, text))
    }
}

/// Whether a rule has a text, lower case, anywhere people look.
fn mentions(rule: &Rule, text: &str) -> bool {
    let spec = &rule.spec;
    let has = |part: &str| part.to_lowercase().contains(text);
    let addresses = spec.source.addresses.iter().chain(&spec.destination.addresses);
    has(rule.id.as_str())
        || has(spec.name.as_str())
        || has(&spec.comment)
        || spec.tags.iter().any(|tag| has(tag))
        || addresses.into_iter().any(|range| has(&range.to_string()))
}
