//! The one door for bodies of requests: bytes to JSON to a checked value, with everything that is wrong at once.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::FieldError;

/// Levels of arrays and objects a body may have.
pub const MAX_DEPTH: usize = 64;

/// Why a body is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadBody {
    /// Not JSON, or nested deeper than [`MAX_DEPTH`]: 400.
    Malformed(String),
    /// JSON that says something we do not take: 422.
    Invalid(Vec<FieldError>),
}

/// Read from JSON. Says everything that is wrong, not only the first thing; None if anything is.
pub trait FromJson: Sized {
    /// Reads `node`; what is wrong goes to `errors`.
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self>;
}

/// Reads a body.
pub fn parse<T: FromJson>(body: &[u8]) -> Result<T, BadBody> {
    parse_with(body, T::from_json)
}

/// Reads a body whose meaning depends on more than its type.
pub fn parse_with<T>(
    body: &[u8],
    read: impl FnOnce(Node<'_>, &mut Errors) -> Option<T>,
) -> Result<T, BadBody> {
    if depth(body) > MAX_DEPTH {
        return Err(BadBody::Malformed(format!(
            "more than {MAX_DEPTH} levels of nesting"
        )));
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| BadBody::Malformed(error.to_string()))?;
    parse_value(&value, read)
}

/// Reads JSON that is already a value.
pub fn parse_value<T>(
    value: &Value,
    read: impl FnOnce(Node<'_>, &mut Errors) -> Option<T>,
) -> Result<T, BadBody> {
    let mut errors = Errors::default();
    match read(Node::root(value), &mut errors) {
        Some(read) if errors.0.is_empty() => Ok(read),
        _ => Err(BadBody::Invalid(errors.0)),
    }
}

/// Applies a merge patch (RFC 7396): members of objects merge, `null` removes, everything else replaces.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            merge_patch(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Deepest nesting of arrays and objects, without parsing.
fn depth(body: &[u8]) -> usize {
    let (mut now, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// What is wrong so far.
#[derive(Debug, Default)]
pub struct Errors(Vec<FieldError>);

impl Errors {
    /// Notes that `node` is wrong.
    pub fn add(&mut self, node: &Node<'_>, code: &str, detail: impl Display) {
        self.push(node.pointer.clone(), code, detail);
    }

    fn push(&mut self, pointer: String, code: &str, detail: impl Display) {
        self.0.push(FieldError {
            pointer,
            code: code.to_owned(),
            detail: detail.to_string(),
        });
    }
}

/// A JSON value and where it sits.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    value: &'a Value,
    pointer: String,
}

impl<'a> Node<'a> {
    /// The whole body.
    pub fn root(value: &'a Value) -> Self {
        Self {
            value,
            pointer: String::new(),
        }
    }

    fn child(&self, name: impl Display, value: &'a Value) -> Self {
        let name = name.to_string().replace('~', "~0").replace('/', "~1");
        Self {
            value,
            pointer: format!("{}/{name}", self.pointer),
        }
    }

    /// Another value in its place: what is wrong with that is told of this place.
    pub fn instead<'b>(&self, value: &'b Value) -> Node<'b> {
        Node {
            value,
            pointer: self.pointer.clone(),
        }
    }

    /// The value.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// A value of its member that is no longer there.
    pub fn within<'b>(&self, name: &str, value: &'b Value) -> Node<'b> {
        self.instead(value).child(name, value)
    }

    /// JSON pointer (RFC 6901) to it.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Whether it is an object with this member.
    pub fn has(&self, name: &str) -> bool {
        self.value.get(name).is_some()
    }

    /// The text it is.
    pub fn string(&self, errors: &mut Errors) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            errors.add(self, "type", "is not a string");
        }
        text
    }

    /// What its text says.
    pub fn text<T: FromStr<Err: Display>>(&self, errors: &mut Errors) -> Option<T> {
        let text = self.string(errors)?;
        text.parse()
            .map_err(|error: T::Err| errors.add(self, "format", error))
            .ok()
    }

    /// The whole number it is, within bounds.
    pub fn integer(&self, bounds: &RangeInclusive<u32>, errors: &mut Errors) -> Option<u32> {
        let wide = u64::from(*bounds.start())..=u64::from(*bounds.end());
        u32::try_from(self.large_integer(&wide, errors)?).ok()
    }

    /// The same of one that may be larger.
    pub fn large_integer(&self, bounds: &RangeInclusive<u64>, errors: &mut Errors) -> Option<u64> {
        let Value::Number(number) = self.value else {
            errors.add(self, "type", "is not a number");
            return None;
        };
        let within = number.as_u64().filter(|n| bounds.contains(n));
        if within.is_none() {
            let (least, most) = (bounds.start(), bounds.end());
            errors.add(
                self,
                "range",
                format!("is not a whole number from {least} to {most}"),
            );
        }
        within
    }

    /// The one of several words it is.
    pub fn word<T: Copy>(&self, words: &[(&str, T)], errors: &mut Errors) -> Option<T> {
        let text = self.string(errors)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            errors.add(self, "format", format!("is not one of {}", names.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// Its items, each read by `read`.
    pub fn items<T>(
        &self,
        errors: &mut Errors,
        mut read: impl FnMut(Node<'a>, &mut Errors) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Array(values) = self.value else {
            errors.add(self, "type", "is not an array");
            return None;
        };
        let read: Vec<Option<T>> = values
            .iter()
            .enumerate()
            .map(|(index, value)| read(self.child(index, value), errors))
            .collect();
        read.into_iter().collect()
    }
}

impl FromJson for bool {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let value = node.value.as_bool();
        if value.is_none() {
            errors.add(&node, "type", "is not true or false");
        }
        value
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        node.items(errors, T::from_json)
    }
}

/// The members of an object; those nobody asked for are errors.
#[derive(Debug)]
pub struct Fields<'a> {
    node: Node<'a>,
    members: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The members of `node`, if it is an object.
    pub fn of(node: Node<'a>, errors: &mut Errors) -> Option<Self> {
        let Value::Object(members) = node.value else {
            errors.add(&node, "type", "is not an object");
            return None;
        };
        Some(Self {
            node,
            members,
            known: Vec::new(),
        })
    }

    /// A member that must be there.
    pub fn required<T: FromJson>(&mut self, name: &'static str, errors: &mut Errors) -> Option<T> {
        self.required_with(name, errors, T::from_json)
    }

    /// A member that must be there, read by `read`.
    pub fn required_with<T>(
        &mut self,
        name: &'static str,
        errors: &mut Errors,
        read: impl FnOnce(Node<'a>, &mut Errors) -> Option<T>,
    ) -> Option<T> {
        self.known.push(name);
        let Some(value) = self.members.get(name) else {
            errors.push(format!("{}/{name}", self.node.pointer), "required", "is missing");
            return None;
        };
        read(self.node.child(name, value), errors)
    }

    /// A member that may be missing or `null`: `Some(None)`. None: it is there and wrong.
    pub fn optional_with<T>(
        &mut self,
        name: &'static str,
        errors: &mut Errors,
        read: impl FnOnce(Node<'a>, &mut Errors) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.members.get(name) {
            None | Some(Value::Null) => {
                self.known.push(name);
                Some(None)
            }
            Some(_) => self.required_with(name, errors, read).map(Some),
        }
    }

    /// A member that may be missing or `null`, which both stand for `default`.
    pub fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        errors: &mut Errors,
        read: impl FnOnce(Node<'a>, &mut Errors) -> Option<T>,
    ) -> Option<T> {
        let given = self.optional_with(name, errors, read)?;
        Some(given.unwrap_or(default))
    }

    /// Notes every member nobody asked for.
    pub fn finish(self, errors: &mut Errors) {
        for (name, value) in self.members {
            if !self.known.contains(&name.as_str()) {
                errors.add(
                    &self.node.child(name, value),
                    "unknown_field",
                    "is not a known field",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
