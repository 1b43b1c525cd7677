use http::Method;
use ravelin_test_harness::Request;

use crate::check::check_problem;
use crate::tokens::{Claims, forged};
use crate::world::World;

/// Every operation of the specification with its parameters filled in.
fn operations(world: &World) -> Vec<(Method, String)> {
    let specification = world.admin().get("/api/v1/openapi.json").expect(200).json();
    let mut found = Vec::new();
    for (path, item) in specification["paths"].as_object().expect("paths") {
        let path = path
            .replace("{id}", "blocklist")
            .replace("{name}", "statistics")
            .replace("{entry}", "ent_1")
            .replace("{file}", "index.html");
        for method in item.as_object().expect("item").keys() {
            found.push((method.to_uppercase().parse().expect("method"), path.clone()));
        }
    }
    assert!(found.len() > 35, "{found:?}");
    found
}

#[test]
fn nothing_but_health_answers_without_a_credential() {
    let world = World::new();
    let before = world.state();
    let mut open = Vec::new();
    let elsewhere = [
        (Method::GET, "/nothing".to_owned()),
        (Method::OPTIONS, "/api/v1/lists".to_owned()),
    ];
    for (method, path) in operations(&world).into_iter().chain(elsewhere) {
        let request = Request::new(method.clone(), &path)
            .header("if-match", "*")
            .text("x");
        let answer = world.gateway().send(&request);
        if answer.status == 200 {
            open.push((method, path));
        } else {
            check_problem(&answer, 401, "unauthorized");
        }
    }
    assert_eq!(open, [(Method::GET, "/healthz".to_owned())]);
    assert_eq!(world.state(), before);
}

#[test]
fn tokens_that_are_not_ours_or_over_are_refused_everywhere() {
    for (what, token) in forged(&World::new()) {
        // A world each: a peer with many wrong tokens has to wait.
        let world = World::new();
        let token = if what == "expired" || what == "other issuer" || what == "no end" {
            forged(&world)
                .into_iter()
                .find(|(name, _)| *name == what)
                .expect("again")
                .1
        } else {
            token
        };
        for path in ["/api/v1/lists", "/metrics", "/nothing"] {
            let request = Request::new(Method::GET, path).header("authorization", &format!("Bearer {token}"));
            let answer = world.gateway().send(&request);
            assert_eq!(answer.status, 401, "{what}: {}", answer.text());
            check_problem(&answer, 401, "unauthorized");
        }
    }
}

#[test]
fn a_genuine_token_opens_everything() {
    let world = World::new();
    let token = world.access_token();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let request =
            Request::new(Method::GET, "/api/v1/lists").header("authorization", &format!("{scheme} {token}"));
        world.gateway().send(&request).expect(200);
    }
    let signed_by_us = crate::tokens::sign(&world, &Claims::valid());
    let request =
        Request::new(Method::GET, "/api/v1/lists").header("authorization", &format!("Bearer {signed_by_us}"));
    world.gateway().send(&request).expect(200);
}

#[test]
fn each_token_opens_only_what_it_is_for() {
    let world = World::new();
    let token = world.access_token();
    let with = |method: Method, path: &str, token: &str| {
        let request = Request::new(method, path).header("authorization", &format!("Bearer {token}"));
        world.gateway().send(&request)
    };
    check_problem(
        &with(Method::GET, "/api/v1/lists", &world.admin_token),
        401,
        "unauthorized",
    );
    check_problem(
        &with(Method::POST, "/api/v1/auth/token", &token),
        401,
        "unauthorized",
    );
}

#[test]
fn a_wrong_credential_is_refused_also_from_a_trusted_peer() {
    let world = World::new();
    for credential in [
        "Bearer nonsense",
        "Basic cm9vdDpyb290",
        "Bearer",
        "",
        "Bearer a b",
    ] {
        let request = Request::new(Method::GET, "/api/v1/lists").header("authorization", credential);
        check_problem(&world.admin().send(&request), 401, "unauthorized");
    }
    let twice = Request::new(Method::GET, "/api/v1/lists")
        .header("authorization", &format!("Bearer {}", world.access_token()))
        .header("authorization", "Bearer nonsense");
    check_problem(&world.admin().send(&twice), 401, "unauthorized");
    world.admin().get("/api/v1/lists").expect(200);
}

#[test]
fn a_trusted_peer_may_get_a_token() {
    let world = World::new();
    let answer = world
        .admin()
        .post("/api/v1/auth/token", &serde_json::Value::Null)
        .expect(200);
    let body = answer.json();
    assert_eq!(
        (body["token_type"].as_str(), body["expires_in_seconds"].as_u64()),
        (Some("Bearer"), Some(600))
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[test]
fn a_token_in_the_url_is_refused_and_not_repeated() {
    let world = World::new();
    let token = world.access_token();
    for query in [
        format!("access_token={token}"),
        format!("x={token}"),
        format!("y={}", world.admin_token),
    ] {
        for path in ["/api/v1/lists", "/healthz", "/nothing"] {
            let answer = world.admin().get(&format!("{path}?{query}"));
            check_problem(&answer, 400, "token-in-query");
            assert!(!answer.text().contains(&token) && !answer.text().contains(&world.admin_token));
        }
    }
}

#[test]
fn the_peer_a_client_claims_to_be_counts_only_from_the_gateway() {
    let world = World::new();
    let attempt = |client: &ravelin_test_harness::Client, peer: &str| {
        let request = Request::new(Method::GET, "/api/v1/lists")
            .header("authorization", "Bearer nonsense")
            .header("x-ravelin-peer", peer);
        client.send(&request).status
    };
    // On the local socket the header is nothing: the eleventh attempt of this user has to wait.
    let local: Vec<u16> = (0..11)
        .map(|n| attempt(&world.admin(), &format!("192.0.2.{n}")))
        .collect();
    assert_eq!(local[..10], [401; 10]);
    assert_eq!(local[10], 429);
    let far: Vec<u16> = (0..11)
        .map(|n| attempt(&world.gateway(), &format!("192.0.2.{n}")))
        .collect();
    assert_eq!(far, [401; 11]);
}

#[test]
fn guessing_is_slowed_down_for_the_guesser_alone() {
    let world = World::new();
    let ask = |peer: &str, method: Method, path: &str, token: &str| {
        let request = Request::new(method, path)
            .header("authorization", &format!("Bearer {token}"))
            .header("x-ravelin-peer", peer);
        world.gateway().send(&request)
    };
    let session = world.access_token();
    for _ in 0..10 {
        let answer = ask("2001:db8::1", Method::POST, "/api/v1/auth/token", "rva_guess");
        check_problem(&answer, 401, "unauthorized");
    }
    // The same /64 is the same guesser, and even the right token is not looked at.
    let admin = &world.admin_token;
    let answer = ask("2001:db8::2", Method::POST, "/api/v1/auth/token", admin);
    check_problem(&answer, 429, "too-many-failed-attempts");
    assert!(answer.headers.contains_key("retry-after"));
    check_problem(
        &ask("2001:db8::2", Method::GET, "/readyz", "nonsense"),
        429,
        "too-many-failed-attempts",
    );
    // A session goes on, and others are not touched.
    ask("2001:db8::2", Method::GET, "/api/v1/lists", &session).expect(200);
    ask("2001:db8:0:1::1", Method::POST, "/api/v1/auth/token", admin).expect(200);
}
