//! Nothing is gathered on the way.

use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc;

use crate::client::{Http, client, connect, exchange, problem};
use crate::engine::Engine;
use crate::gateway::Place;

#[tokio::test]
async fn an_answer_arrives_piece_by_piece() {
    let place = Place::new();
    let engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    for http in Http::BOTH {
        let pieces = engine.stream().await;
        let mut answer = client(&place, http)
            .get(gateway.url("/stream"))
            .send()
            .await
            .unwrap();
        // Each piece is sent only after the one before it has arrived.
        for piece in ["id: 1\n\n", "id: 2\n\n", "id: 3\n\n"] {
            pieces.unbounded_send(piece.into()).unwrap();
            assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(piece.as_bytes()));
        }
        drop(pieces);
        assert_eq!(answer.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn a_request_arrives_piece_by_piece() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    for http in Http::BOTH {
        let (pieces, receiver) = mpsc::unbounded::<Result<Bytes, std::io::Error>>();
        let request = client(&place, http)
            .put(gateway.url("/echo"))
            .body(reqwest::Body::wrap_stream(receiver));
        let mut answer = request.send().await.unwrap();
        for piece in ["192.0.2.1\n", "192.0.2.2\n", "192.0.2.3\n"] {
            pieces.unbounded_send(Ok(piece.into())).unwrap();
            assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(piece.as_bytes()));
        }
        drop(pieces);
        assert_eq!(answer.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn a_large_body_comes_back_whole() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    let sent: Vec<u8> = (0u32..2_000_000).flat_map(u32::to_le_bytes).collect();
    for http in Http::BOTH {
        let request = client(&place, http).put(gateway.url("/echo")).body(sent.clone());
        let got = request.send().await.unwrap().bytes().await.unwrap();
        assert!(got == sent, "{} of {} bytes over {http:?}", got.len(), sent.len());
    }
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    for http in Http::BOTH {
        let megabytes = futures::stream::repeat(Bytes::from(vec![b'x'; 1 << 20])).take(32);
        let request = client(&place, http)
            .put(gateway.url("/early"))
            .body(reqwest::Body::wrap_stream(megabytes.map(Ok::<_, std::io::Error>)));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 413, "{http:?}");
        assert_eq!(answer.text().await.unwrap(), "too large for the engine");
    }
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_reads_only_after_sending_everything() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("");
    let bytes = 32 << 20;
    let head =
        format!("PUT /early HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {bytes}\r\n\r\n");
    let answer = exchange(connect(&place, &gateway).await, &(head + &"x".repeat(bytes))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.ends_with("too large for the engine"), "{answer}");
}

#[tokio::test]
async fn a_body_that_stands_still_is_408() {
    let place = Place::new();
    let _engine = Engine::start(&place.engine_socket());
    let gateway = place.start("[limits]\nbody_idle_timeout_seconds = 1");
    for http in Http::BOTH {
        let (pieces, receiver) = mpsc::unbounded::<Result<Bytes, std::io::Error>>();
        pieces.unbounded_send(Ok("192.0.2.1\n".into())).unwrap();
        let request = client(&place, http)
            .put(gateway.url("/head"))
            .body(reqwest::Body::wrap_stream(receiver));
        let body = problem(request.send().await.unwrap(), 408).await;
        assert_eq!(body["type"], "/problems/request-timeout", "{http:?}");
    }
}
