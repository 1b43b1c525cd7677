//! What a client may use up.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Http, assert_problem, client, connect, exchange, problem, read_to_end, try_connect};
use crate::engine::Engine;
use crate::gateway::Place;

#[tokio::test]
async fn headers_over_the_limit_are_431() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    for http in Http::BOTH {
        let client = client(&place, http);
        let get = |bytes: usize| {
            client
                .get(gateway.url("/head"))
                .header("x-long", "a".repeat(bytes))
                .send()
        };
        let fits = get(15 * 1024).await.unwrap();
        assert_eq!(fits.status().as_u16(), 200, "{http:?}");
        let body = problem(get(17 * 1024).await.unwrap(), 431).await;
        assert_eq!(body["type"], "/problems/header-too-large", "{http:?}");
    }
}

#[tokio::test]
async fn headers_far_over_the_limit_are_not_even_read() {
    let place = Place::new();
    let gateway = place.start("");
    let mut stream = connect(&place, &gateway).await;
    let long = "a".repeat(1 << 20);
    // The gateway closes while this is being sent.
    let _ = stream
        .write_all(format!("GET / HTTP/1.1\r\nx-long: {long}").as_bytes())
        .await;
    let answer = read_to_end(stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
}

#[tokio::test]
async fn a_declared_length_over_the_limit_is_413() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("[limits]\ncontent_length_bytes = 1000");
    for http in Http::BOTH {
        let client = client(&place, http);
        let put = |bytes: usize| client.put(gateway.url("/head")).body("a".repeat(bytes)).send();
        assert_eq!(put(1000).await.unwrap().status().as_u16(), 200);
        assert_problem(&put(1001).await.unwrap(), 413);
    }
}

#[tokio::test]
async fn headers_that_never_end_close_the_connection() {
    let place = Place::new();
    let gateway = place.start("[limits]\nheader_timeout_seconds = 1");
    let answer = exchange(connect(&place, &gateway).await, "GET / HTTP/1.1\r\nx-slow: ").await;
    assert!(!answer.contains("200"), "{answer}");
}

#[tokio::test]
async fn a_handshake_that_never_ends_closes_the_connection() {
    let place = Place::new();
    let gateway = place.start("[limits]\nhandshake_timeout_seconds = 1");
    assert_eq!(
        read_to_end(TcpStream::connect(gateway.address).await.unwrap()).await,
        ""
    );
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("[limits]\nidle_timeout_seconds = 1\nconnections_per_peer = 1");
    let first = client(&place, Http::Two);
    first.get(gateway.url("/head")).send().await.unwrap();
    // The only place is taken by the first client, which keeps its connection.
    let second = client(&place, Http::Two);
    let started = std::time::Instant::now();
    while second.get(gateway.url("/head")).send().await.is_err() {
        assert!(started.elapsed() < crate::gateway::PATIENCE);
    }
    drop(first);
}

#[tokio::test]
async fn one_peer_gets_so_many_connections_and_no_more() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("[limits]\nconnections_per_peer = 2");
    let open = [connect(&place, &gateway).await, connect(&place, &gateway).await];
    assert!(try_connect(&place, &gateway).await.is_err());
    gateway.wait_for_log("too many connections from this peer");
    drop(open);
    let started = std::time::Instant::now();
    while try_connect(&place, &gateway).await.is_err() {
        assert!(started.elapsed() < crate::gateway::PATIENCE);
    }
}

#[tokio::test]
async fn an_engine_that_never_answers_is_504() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("[limits]\nengine_timeout_seconds = 1");
    for http in Http::BOTH {
        let answer = client(&place, http)
            .post(gateway.url("/hang"))
            .body("{}")
            .send()
            .await
            .unwrap();
        assert_eq!(problem(answer, 504).await["type"], "/problems/engine-timeout");
    }
}
