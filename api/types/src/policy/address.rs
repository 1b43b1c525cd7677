//! Addresses a rule is about.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Names;
use crate::{Errors, Fields, FromJson, Node, Text};

/// One side of a rule. Nothing named: every address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressMatch {
    /// Any of these addresses, prefixes or ranges, of either family …
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["192.0.2.0/24", "2001:db8::7", "192.0.2.1-192.0.2.9"]))]
    pub addresses: Vec<Text<model::AddressRange>>,
    /// … or on any of these address lists, by id or name.
    #[serde(default)]
    pub lists: Vec<String>,
    /// Every address but those. Never with nothing named.
    #[serde(default)]
    pub negate: bool,
}

impl AddressMatch {
    pub(super) fn read(node: Node<'_>, names: &Names, errors: &mut Errors) -> Option<model::AddressMatch> {
        let mut fields = Fields::of(node, errors)?;
        let addresses = addresses(&mut fields, "addresses", errors);
        let lists = fields.or("lists", Vec::new(), errors, |node, errors| {
            node.items(errors, |item, errors| names.address_list(&item, errors))
        });
        let negate = fields.optional_with("negate", errors, |node, errors| {
            Some((bool::from_json(node.clone(), errors)?, node))
        });
        fields.finish(errors);
        let side = model::AddressMatch {
            addresses: addresses?,
            lists: lists?,
            negate: matches!(negate, Some(Some((true, _)))),
        };
        if let Some((true, node)) = negate?
            && side.is_any()
        {
            errors.add(
                &node,
                "not_applicable",
                "every address but none is nothing: name some",
            );
            return None;
        }
        Some(side)
    }

    pub(super) fn of(side: &model::AddressMatch) -> Self {
        let model::AddressMatch {
            addresses,
            lists,
            negate,
        } = side;
        Self {
            addresses: texts(addresses),
            lists: lists.iter().map(ToString::to_string).collect(),
            negate: *negate,
        }
    }
}

/// A member with addresses; missing: none.
pub(super) fn addresses(
    fields: &mut Fields<'_>,
    name: &'static str,
    errors: &mut Errors,
) -> Option<Vec<model::AddressRange>> {
    fields.or(name, Vec::new(), errors, |node, errors| {
        node.items(errors, |item, errors| item.text(errors))
    })
}

/// Addresses as answers show them.
pub(super) fn texts(addresses: &[model::AddressRange]) -> Vec<Text<model::AddressRange>> {
    addresses.iter().copied().map(Text).collect()
}
