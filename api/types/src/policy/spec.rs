//! What all objects of the policy have in common.

use ravelin_model as model;
use serde::Serialize;

use super::Names;
use crate::{Errors, Fields, FromJson, Node, Text};

/// What a request says of an object of the policy, and what a merge patch is merged into.
pub trait Spec: Serialize {
    /// What it is in the model.
    type Model: model::Kind;

    /// Reads a whole spec; what is wrong goes to `errors`.
    fn read(node: Node<'_>, names: &Names, errors: &mut Errors) -> Option<Self::Model>;

    /// The spec as it is now.
    fn of(spec: &Self::Model) -> Self;
}

/// Most characters of a comment or a description.
const TEXT_LIMIT: usize = 1024;

/// Free text: line breaks and tabs are the only control characters.
pub(super) fn free_text(fields: &mut Fields<'_>, name: &'static str, errors: &mut Errors) -> Option<String> {
    fields.or(name, String::new(), errors, |node, errors| {
        let text = node.string(errors)?;
        if text.chars().count() > TEXT_LIMIT {
            errors.add(&node, "range", format!("is longer than {TEXT_LIMIT} characters"));
            return None;
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            errors.add(&node, "format", "has control characters");
            return None;
        }
        Some(text.to_owned())
    })
}

/// The name of an object.
pub(super) fn name(fields: &mut Fields<'_>, errors: &mut Errors) -> Option<model::ObjectName> {
    let name: Option<Text<model::ObjectName>> = fields.required("name", errors);
    name.map(|name| name.0)
}

/// A switch that may be missing.
pub(super) fn switch(
    fields: &mut Fields<'_>,
    name: &'static str,
    default: bool,
    errors: &mut Errors,
) -> Option<bool> {
    fields.or(name, default, errors, bool::from_json)
}

/// The kernel's name of an interface: what `dev_valid_name` of Linux lets through, and prints.
pub(super) fn interface_name(node: &Node<'_>, errors: &mut Errors) -> Option<String> {
    let text = node.string(errors)?;
    let fits = (1..=15).contains(&text.len()) && !matches!(text, "." | "..");
    if fits
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b':'))
    {
        Some(text.to_owned())
    } else {
        errors.add(
            node,
            "format",
            "is not the name of an interface: 1 to 15 printable characters without blanks, '/' and ':'",
        );
        None
    }
}

/// For serde: what is on when nobody says.
pub(super) fn yes() -> bool {
    true
}
