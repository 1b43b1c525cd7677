//! OpenAPI 3.1 to 3.0.3, for client generators that read nothing newer.

use serde_json::{Map, Value, json};

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// The same API in OpenAPI 3.0.3. Operations whose success is not JSON are left out: generators cannot read them.
pub(super) fn down_convert(specification: &Value) -> Value {
    let mut converted = convert(specification);
    converted["openapi"] = json!("3.0.3");
    if let Some(license) = converted
        .pointer_mut("/info/license")
        .and_then(Value::as_object_mut)
    {
        license.remove("identifier");
    }
    if let Some(paths) = converted.get_mut("paths").and_then(Value::as_object_mut) {
        for item in paths.values_mut().filter_map(Value::as_object_mut) {
            item.retain(|method, operation| !METHODS.contains(&method.as_str()) || answers_json(operation));
        }
        paths.retain(|_, item| METHODS.iter().any(|method| item.get(method).is_some()));
    }
    converted
}

fn answers_json(operation: &Value) -> bool {
    let Some(responses) = operation.get("responses").and_then(Value::as_object) else {
        return false;
    };
    responses.iter().any(|(status, response)| {
        let content = response.get("content");
        status == "204"
            || (status.starts_with('2') && content.is_some_and(|c| c.get("application/json").is_some()))
    })
}

fn convert(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(convert).collect(),
        Value::Object(members) => {
            let members: Map<String, Value> = members
                .iter()
                .map(|(name, value)| (name.clone(), convert(value)))
                .collect();
            Value::Object(schema(members))
        }
        other => other.clone(),
    }
}

/// What differs is written only in schemas, so it is safe to look at every object.
fn schema(mut members: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Array(types)) = members.get("type") {
        let (null, others): (Vec<_>, Vec<_>) = types.iter().cloned().partition(|kind| kind == "null");
        if let [one] = others.as_slice() {
            members.insert("type".to_owned(), one.clone());
            if !null.is_empty() {
                members.insert("nullable".to_owned(), Value::Bool(true));
            }
        }
    }
    if let Some(Value::Array(choices)) = members.get("oneOf") {
        let (null, others): (Vec<_>, Vec<_>) = choices
            .iter()
            .cloned()
            .partition(|choice| *choice == json!({"type": "null"}));
        if !null.is_empty() {
            members.remove("oneOf");
            members.insert("nullable".to_owned(), Value::Bool(true));
            let keyword = if others.len() == 1 { "allOf" } else { "oneOf" };
            members.insert(keyword.to_owned(), Value::Array(others));
        }
    }
    if let Some(value) = members.remove("const") {
        members.insert("enum".to_owned(), json!([value]));
    }
    if let Some(Value::Array(examples)) = members.get("examples").cloned()
        && let Some(first) = examples.into_iter().next()
    {
        members.remove("examples");
        members.insert("example".to_owned(), first);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: Value, expected: Value) {
        assert_eq!(convert(&given), expected, "{given}");
    }

    #[test]
    fn null_becomes_nullable() {
        check(
            json!({"type": ["string", "null"]}),
            json!({"type": "string", "nullable": true}),
        );
        check(
            json!({"oneOf": [{"type": "null"}, {"$ref": "#/x"}]}),
            json!({"nullable": true, "allOf": [{"$ref": "#/x"}]}),
        );
        check(json!({"type": "string"}), json!({"type": "string"}));
    }

    #[test]
    fn keywords_of_3_1_get_their_older_names() {
        check(json!({"items": {"const": 1}}), json!({"items": {"enum": [1]}}));
        check(json!({"examples": [1, 2]}), json!({"example": 1}));
    }

    #[test]
    fn operations_that_do_not_answer_json_are_left_out() {
        let answer = |kind: &str| json!({"responses": {"200": {"content": {kind: {}}}}});
        let specification = json!({
            "openapi": "3.1.0",
            "info": {"license": {"name": "a", "identifier": "a"}},
            "paths": {
                "/stream": {"get": answer("text/event-stream")},
                "/both": {"get": answer("application/json"), "put": answer("text/plain")},
                "/gone": {"delete": {"responses": {"204": {}}}},
            }
        });
        assert_eq!(
            down_convert(&specification),
            json!({
                "openapi": "3.0.3",
                "info": {"license": {"name": "a"}},
                "paths": {
                    "/both": {"get": answer("application/json")},
                    "/gone": {"delete": {"responses": {"204": {}}}},
                }
            })
        );
    }
}
