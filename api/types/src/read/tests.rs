use serde_json::json;

use super::*;

#[derive(Debug, PartialEq)]
struct Sample {
    on: bool,
    words: Vec<bool>,
}

impl FromJson for Sample {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let on = fields.required("on", errors);
        let words = fields.required("words", errors);
        fields.finish(errors);
        Some(Self {
            on: on?,
            words: words?,
        })
    }
}

fn check(body: &str, expected: &[(&str, &str)]) {
    let found = match parse::<Sample>(body.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(BadBody::Malformed(_)) => vec![(String::new(), "malformed".to_owned())],
        Err(BadBody::Invalid(errors)) => errors.into_iter().map(|e| (e.pointer, e.code)).collect(),
    };
    let expected: Vec<_> = expected
        .iter()
        .map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned()))
        .collect();
    assert_eq!(found, expected, "{body}");
}

#[test]
fn everything_wrong_is_reported_at_once() {
    check(r#"{"on":true,"words":[false]}"#, &[]);
    check(
        r#"{"words":[true,1,"x"],"a/b~":1}"#,
        &[
            ("/on", "required"),
            ("/words/1", "type"),
            ("/words/2", "type"),
            ("/a~1b~0", "unknown_field"),
        ],
    );
    check("[]", &[("", "type")]);
    check(r#"{"on":true"#, &[("", "malformed")]);
    check("", &[("", "malformed")]);
    check(r#"{"on":true,"words":[]} x"#, &[("", "malformed")]);
}

#[test]
fn nesting_is_bounded_and_strings_do_not_count() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    check(&nested(MAX_DEPTH), &[("", "type")]);
    check(&nested(MAX_DEPTH + 1), &[("", "malformed")]);
    check(&nested(100_000), &[("", "malformed")]);
    let brackets = "[\\\"".repeat(100);
    check(
        &format!(r#"{{"on":true,"words":[],"x":"{brackets}"}}"#),
        &[("/x", "unknown_field")],
    );
}

#[test]
fn merge_patch_follows_rfc_7396_appendix_a() {
    for (target, patch, expected) in [
        (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
        (json!({"a":"b"}), json!({"a":null}), json!({})),
        (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
        (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
        (
            json!({"a":{"b":"c"}}),
            json!({"a":{"b":"d","c":null}}),
            json!({"a":{"b":"d"}}),
        ),
        (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a":"b"}), json!(["c"]), json!(["c"])),
        (json!({"a":"foo"}), json!(null), json!(null)),
        (json!({"a":"foo"}), json!("bar"), json!("bar")),
        (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
        (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
        (
            json!({}),
            json!({"a":{"bb":{"ccc":null}}}),
            json!({"a":{"bb":{}}}),
        ),
    ] {
        let mut merged = target.clone();
        merge_patch(&mut merged, &patch);
        assert_eq!(merged, expected, "{target} + {patch}");
    }
}
