//! Several changes at once.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Move;
use crate::{Errors, FromJson, Node};

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOperation {
    /// Make an object: `value` is the whole of what it says. `id` may say which id it gets, `place` where it goes.
    Create,
    /// Have it say something else: `value` is the whole of it.
    Replace,
    /// Change parts of what it says: `value` is a merge patch (RFC 7396).
    Update,
    /// Delete it.
    Delete,
    /// Put a rule or a NAT rule elsewhere: `value` is a `Move`.
    Move,
}

impl FromJson for ChangeOperation {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let words = [
            ("create", Self::Create),
            ("replace", Self::Replace),
            ("update", Self::Update),
            ("delete", Self::Delete),
            ("move", Self::Move),
        ];
        node.word(&words, errors)
    }
}

/// A kind of object of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// See `ZoneSpec`.
    Zone,
    /// See `ZonePairSpec`.
    ZonePair,
    /// See `RuleSpec`.
    Rule,
    /// See `ServiceSpec`.
    Service,
    /// See `NatRuleSpec`.
    NatRule,
    /// See `PublishedServiceSpec`.
    PublishedService,
    /// See `InterfaceSettingsSpec`.
    InterfaceSettings,
    /// See `RouteSpec`.
    Route,
    /// See `PolicyRouteSpec`.
    PolicyRoute,
    /// See `DnsServerSpec`.
    DnsServer,
}

impl FromJson for PolicyKind {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let words = [
            ("zone", Self::Zone),
            ("zone_pair", Self::ZonePair),
            ("rule", Self::Rule),
            ("service", Self::Service),
            ("nat_rule", Self::NatRule),
            ("published_service", Self::PublishedService),
            ("interface_settings", Self::InterfaceSettings),
            ("route", Self::Route),
            ("policy_route", Self::PolicyRoute),
            ("dns_server", Self::DnsServer),
        ];
        node.word(&words, errors)
    }
}

/// One change. Later ones see what earlier ones made, by the id they were given or by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What to do.
    pub op: ChangeOperation,
    /// With what kind of object.
    pub kind: PolicyKind,
    /// Which; of a new one, the id it gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "rul_1f")]
    pub id: Option<String>,
    /// See `op`; missing with `delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub value: Option<Value>,
    /// Where a new rule or NAT rule goes; missing: behind all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub place: Option<Move>,
    /// ETag the object must have; missing: any. Not with `create`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "\"12\"")]
    pub if_match: Option<String>,
}

/// Changes that are made all or not at all, as one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// In order.
    #[schema(min_items = 1, max_items = 100_000)]
    pub operations: Vec<Change>,
}
