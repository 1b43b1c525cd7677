//! The doors every module goes through.

use ravelin_test_harness::{Answer, Request};
use serde_json::Value;

use crate::world::World;

/// Asserts that an answer is a whole problem of this kind.
#[track_caller]
pub fn check_problem(answer: &Answer, status: u16, slug: &str) -> Value {
    let header = |name: &str| {
        answer
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(
        header("content-type"),
        "application/problem+json",
        "{}",
        answer.text()
    );
    let problem = answer.json();
    assert_eq!(problem["type"], format!("/problems/{slug}"), "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    for member in ["title", "detail", "request_id"] {
        assert!(
            problem[member].as_str().is_some_and(|text| !text.is_empty()),
            "{member} in {problem}"
        );
    }
    assert_eq!(problem["request_id"], header("x-request-id"), "{problem}");
    assert_eq!(
        status == 401,
        answer.headers.contains_key("www-authenticate"),
        "{problem}"
    );
    problem
}

/// Asserts that a request of the admin is refused like this and changes nothing.
#[track_caller]
pub fn check_refused(world: &World, request: &Request, status: u16, slug: &str) -> Value {
    let before = world.state();
    let answer = world.admin().send(request);
    let problem = check_problem(&answer, status, slug);
    assert_eq!(world.state(), before, "something changed");
    problem
}

/// Pointers and codes of the errors of a problem, in order.
pub fn errors(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    errors
        .iter()
        .map(|error| {
            (
                error["pointer"].as_str().unwrap_or_default(),
                error["code"].as_str().unwrap_or_default(),
            )
        })
        .collect()
}

/// The ETag of what is at a path.
#[track_caller]
pub fn etag(world: &World, path: &str) -> String {
    let answer = world.admin().get(path).expect(200);
    answer.headers["etag"].to_str().expect("text").to_owned()
}
