//! What crosses the gateway.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;

use crate::client::{Http, client, connect, exchange, problem};
use crate::engine::Engine;
use crate::gateway::Place;

fn headers(told: &Value) -> BTreeMap<String, String> {
    serde_json::from_value::<Vec<(String, String)>>(told["headers"].clone())
        .unwrap()
        .into_iter()
        .collect()
}

#[tokio::test]
async fn the_engine_sees_the_request_and_who_sent_it() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    for http in Http::BOTH {
        let request = client(&place, http)
            .request(Method::PATCH, gateway.url("/api/v1/lists/a%2Fb?limit=3&cursor=x"))
            .header("authorization", "Bearer secret")
            .header("x-ravelin-peer", "198.51.100.1")
            .header("x-forwarded-for", "198.51.100.1")
            .header("forwarded", "for=198.51.100.1")
            .body("{}");
        let answer = request.send().await.unwrap();
        assert_eq!(
            (answer.version(), answer.status().as_u16()),
            (http.version(), 200)
        );
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["method"], "PATCH");
        assert_eq!(told["target"], "/api/v1/lists/a%2Fb?limit=3&cursor=x");
        assert_eq!(told["body_bytes"], 2);
        let headers = headers(&told);
        assert_eq!(headers["host"], format!("localhost:{}", gateway.address.port()));
        assert_eq!(headers["authorization"], "Bearer secret");
        assert_eq!(headers["x-ravelin-peer"], "127.0.0.1");
        assert_eq!(headers["x-ravelin-local"], gateway.address.to_string());
        let forged = headers.keys().find(|name| name.contains("forwarded"));
        assert_eq!(forged, None, "{http:?}");
    }
}

#[tokio::test]
async fn the_client_sees_the_answer_made_safe_for_browsers() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    for http in Http::BOTH {
        let answer = client(&place, http)
            .get(gateway.url("/head"))
            .send()
            .await
            .unwrap();
        let expected = [
            ("etag", Some("\"3\"")),
            ("content-type", Some("application/json")),
            ("x-hop", None),
            ("strict-transport-security", Some("max-age=31536000")),
            ("x-content-type-options", Some("nosniff")),
            ("referrer-policy", Some("no-referrer")),
            ("content-security-policy", Some("frame-ancestors 'none'")),
        ];
        for (name, value) in expected {
            let got = answer.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(got, value, "{name} over {http:?}");
        }
    }
}

#[tokio::test]
async fn connections_are_used_again_on_both_sides() {
    let place = Place::new();
    let engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    let twice =
        "GET /head HTTP/1.1\r\nhost: a\r\n\r\nGET /head HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answers = exchange(connect(&place, &gateway).await, twice).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    assert_eq!(engine.connections(), 1);
}

#[tokio::test]
async fn protocol_changes_are_refused() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    let websocket = client(&place, Http::One)
        .get(gateway.url("/api/v1/events"))
        .header("connection", "upgrade")
        .header("upgrade", "websocket");
    let body = problem(websocket.send().await.unwrap(), 400).await;
    assert_eq!(body["type"], "/problems/upgrade-refused");

    let connect_text =
        "CONNECT example.net:443 HTTP/1.1\r\nhost: example.net:443\r\nconnection: close\r\n\r\n";
    let answer = exchange(connect(&place, &gateway).await, connect_text).await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(answer.contains("allow: GET, HEAD, POST"), "{answer}");
}

#[tokio::test]
async fn an_absent_engine_is_503_until_it_comes() {
    let place = Place::new();
    let gateway = place.start("");
    for http in Http::BOTH {
        let answer = client(&place, http)
            .get(gateway.url("/head"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["retry-after"], "2");
        let body = problem(answer, 503).await;
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains("check that raveld runs"), "{detail}");
        assert!(
            !detail.contains("gateway.sock:"),
            "nothing about this machine: {detail}"
        );
    }
    gateway.wait_for_log("cannot reach the engine");
    let _engine = Engine::start(&place.engine_socket());
    let answer = client(&place, Http::Two)
        .get(gateway.url("/head"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    gateway.wait_for_log("the engine is back");
}

#[tokio::test]
async fn an_engine_that_breaks_off_is_502() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    for http in Http::BOTH {
        let answer = client(&place, http)
            .get(gateway.url("/break"))
            .send()
            .await
            .unwrap();
        assert_eq!(problem(answer, 502).await["type"], "/problems/engine-failed");
    }
}
