use http::Method;
use ravelin_test_harness::Request;

use crate::world::World;

#[test]
fn the_page_needs_nothing_from_outside() {
    let world = World::new();
    let first = world.admin().get("/docs").expect(303);
    assert_eq!(first.headers["location"], "/docs/index.html");
    let page = world.admin().get("/docs/index.html").expect(200);
    assert!(
        page.headers["content-type"]
            .to_str()
            .expect("text")
            .starts_with("text/html")
    );
    let policy = page.headers["content-security-policy"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("http"), "{policy}");
    let setup = world
        .admin()
        .get("/docs/swagger-initializer.js")
        .expect(200)
        .text();
    assert!(setup.contains("/api/v1/openapi.json"), "{setup}");
    assert!(setup.contains(r#""validatorUrl": "none""#), "{setup}");
    for (name, text) in [("index.html", page.text()), ("swagger-initializer.js", setup)] {
        let outside: Vec<_> = text
            .match_indices("//")
            .map(|(at, _)| &text[at.saturating_sub(8)..at])
            .collect();
        assert!(
            !outside
                .iter()
                .any(|before| before.ends_with("http:") || before.ends_with("https:")),
            "{name}: {text}"
        );
    }
    // Whatever the page names is there.
    for name in page
        .text()
        .split(['"', '\''])
        .filter(|name| name.starts_with("./"))
    {
        world.admin().get(&format!("/docs/{}", &name[2..])).expect(200);
    }
}

#[test]
fn the_specification_is_served_as_committed() {
    let world = World::new();
    let served = world
        .admin()
        .send(&Request::new(Method::GET, "/api/v1/openapi.json"))
        .expect(200);
    let committed: serde_json::Value =
        serde_json::from_str(&crate::specification::committed("v1.json")).expect("JSON");
    assert_eq!(served.json(), committed);
}
