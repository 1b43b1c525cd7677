use std::collections::BTreeSet;
use std::path::Path;

use http::Method;
use ravelin_test_harness::Request;
use serde_json::Value;

use crate::world::World;

/// A file of `openapi/`.
pub fn committed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../openapi")
        .join(name);
    std::fs::read_to_string(path).expect("committed")
}

#[test]
fn the_committed_files_are_fresh() {
    for (name, fresh) in ravelin_api_server::openapi_files().expect("serialise") {
        assert!(
            committed(name) == fresh,
            "openapi/{name} is stale: run `cargo xtask openapi` and commit the result"
        );
    }
}

/// The methods a path knows are those the specification says, with HEAD beside GET.
#[test]
fn routes_are_what_the_specification_says_exactly() {
    let world = World::new();
    let specification: Value = serde_json::from_str(&committed("v1.json")).expect("JSON");
    for (path, item) in specification["paths"].as_object().expect("paths") {
        let mut documented: BTreeSet<String> = item
            .as_object()
            .expect("item")
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        if documented.contains("GET") {
            documented.insert("HEAD".to_owned());
        }
        let concrete = path.replace(['{', '}'], "");
        // A method nobody serves makes the path list its methods.
        let answer = world.admin().send(&Request::new(Method::TRACE, &concrete));
        assert_eq!(answer.status, 405, "{path} is not served: {}", answer.text());
        let allow = answer.headers["allow"].to_str().expect("text").to_owned();
        let served: BTreeSet<String> = allow.split(',').map(|method| method.trim().to_owned()).collect();
        assert_eq!(served, documented, "{path}");
    }
}
