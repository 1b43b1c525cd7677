use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::*;

fn specification() -> Value {
    serde_json::to_value(openapi()).expect("serialise")
}

/// Every object of the document with its path.
fn walk(value: &Value, at: &str, see: &mut impl FnMut(&str, &serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            see(at, members);
            for (name, value) in members {
                walk(value, &format!("{at}/{name}"), see);
            }
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, item)| walk(item, &format!("{at}/{n}"), see)),
        _ => {}
    }
}

#[test]
fn no_two_types_share_a_schema_name() {
    let mut seen: HashMap<String, Value> = HashMap::new();
    for (schemas, _, _) in crate::router::routes() {
        for (name, schema) in schemas {
            let schema = serde_json::to_value(schema).expect("serialise");
            let first = seen.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(*first, schema, "two types are called {name}");
        }
    }
}

#[test]
fn every_operation_has_an_id_of_its_own_and_a_summary() {
    let mut seen = HashSet::new();
    let openapi = openapi();
    for (method, path, operation) in operations(&openapi) {
        let id = operation.operation_id.clone().unwrap_or_default();
        assert!(!id.is_empty() && seen.insert(id), "{method} {path}");
        assert!(
            operation.summary.as_ref().is_some_and(|s| !s.is_empty()),
            "{method} {path}"
        );
        assert_eq!(operation.tags.as_ref().map(Vec::len), Some(1), "{method} {path}");
    }
}

#[test]
fn every_operation_has_one_success_and_describes_every_answer() {
    let specification = specification();
    for (path, item) in specification["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("item") {
            let responses = operation["responses"].as_object().expect("responses");
            let successes = responses.keys().filter(|status| status.as_str() < "400").count();
            assert_eq!(successes, 1, "{method} {path}");
            for (status, response) in responses {
                let described = response["description"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty());
                assert!(
                    described || response["$ref"].is_string(),
                    "{method} {path} {status}"
                );
            }
        }
    }
}

#[test]
fn references_lead_somewhere_and_generators_can_read_the_schemas() {
    let specification = specification();
    walk(&specification, "", &mut |at, members| {
        if let Some(Value::String(reference)) = members.get("$ref") {
            let target = specification.pointer(reference.trim_start_matches('#'));
            assert!(target.is_some(), "{at}: {reference}");
        }
        for keyword in ["anyOf", "prefixItems", "propertyNames"] {
            assert!(!members.contains_key(keyword), "{at} has {keyword}");
        }
    });
}

#[test]
fn integers_in_queries_are_bounded() {
    let openapi = openapi();
    for (method, path, operation) in operations(&openapi) {
        for parameter in parameters(operation) {
            let schema = serde_json::to_value(&parameter.schema).expect("serialise");
            if schema["type"] == "integer" {
                let bounded = schema["minimum"].is_number() && schema["maximum"].is_number();
                assert!(bounded, "{method} {path} {}", parameter.name);
            }
            assert!(
                !schema["type"].is_array(),
                "{method} {path} {} is nullable",
                parameter.name
            );
        }
    }
}
