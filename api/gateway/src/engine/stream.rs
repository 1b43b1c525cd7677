//! The socket to the engine as HTTP wants it: what the engine said last is heard, even when it no longer listens.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

/// A connection to the engine. What is written after the engine stopped reading goes nowhere and is no error: the
/// engine may have answered before it closed, and HTTP gives up reading the answer at the first failed write. Whether
/// there is an answer, reading tells.
#[derive(Debug)]
pub struct EngineStream(UnixStream);

impl EngineStream {
    /// Over a connected socket.
    pub fn new(socket: UnixStream) -> Self {
        Self(socket)
    }
}

/// `written`, or all of `length` when the engine no longer reads.
fn or_nowhere(written: io::Result<usize>, length: usize) -> io::Result<usize> {
    match written {
        // "Reset" when it closes just now with bytes unread. A Unix socket keeps the answer in either case.
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
            Ok(length)
        }
        written => written,
    }
}

impl AsyncRead for EngineStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for EngineStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, bytes);
        written.map(|written| or_nowhere(written, bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write_vectored(cx, slices);
        written.map(|written| or_nowhere(written, slices.iter().map(|slice| slice.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Connection for EngineStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures::{StreamExt, stream};
    use http::{Request, Response};
    use http_body_util::{BodyExt, StreamBody};
    use hyper::body::{Frame, Incoming};
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Sends a request in pieces. Before the last one `said` is the engine's last word: HTTP has looked for an answer
    /// before it asks for the piece and writes it before it looks again, so the write always comes first.
    async fn answer(said: &'static str, pieces: usize) -> hyper::Result<Response<Incoming>> {
        let (ours, engine) = UnixStream::pair().unwrap();
        let mut engine = Some(engine);
        let body = stream::iter(1..=pieces).then(move |piece| {
            let last = engine.take_if(|_| piece == pieces);
            async move {
                match last {
                    Some(mut engine) => engine.write_all(said.as_bytes()).await.unwrap(),
                    // Has what came before written, so that the engine closes with bytes unread.
                    None => tokio::task::yield_now().await,
                }
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"192.0.2.1\n")))
            }
        });
        let request = Request::put("/").body(StreamBody::new(Box::pin(body))).unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(EngineStream::new(ours)))
            .await
            .unwrap();
        let (answer, _) = tokio::join!(sender.send_request(request), connection);
        answer
    }

    #[tokio::test]
    async fn the_answer_of_an_engine_that_reads_no_more_is_heard() {
        for pieces in [1, 2] {
            let said = "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 9\r\n\r\ntoo large";
            let answer = answer(said, pieces).await.unwrap();
            assert_eq!(answer.status().as_u16(), 413);
            assert_eq!(answer.collect().await.unwrap().to_bytes(), "too large");
        }
    }

    #[tokio::test]
    async fn an_engine_that_goes_without_an_answer_is_an_error() {
        for pieces in [1, 2] {
            answer("", pieces).await.unwrap_err();
        }
    }
}
