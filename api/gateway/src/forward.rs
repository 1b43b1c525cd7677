//! One request: from the client to the engine and back.

use std::error::Error;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, EXPECT, UPGRADE};
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use tokio::time::sleep;
use tracing::debug;

use crate::activity::Activity;
use crate::body::{BodyError, RequestBody, ResponseBody};
use crate::config::{Limits, seconds};
use crate::engine::EngineClient;
use crate::headers::{self, Ends};
use crate::problem::Refusal;

/// The engine's authority in the URIs the client library wants; never seen on the wire.
const ENGINE: &str = "engine";

/// Forwards requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Forwarder {
    client: EngineClient,
    limits: Limits,
}

impl Forwarder {
    /// Forwards by `client` within `limits`.
    pub fn new(client: EngineClient, limits: Limits) -> Self {
        Self { client, limits }
    }

    /// The engine's answer, or the gateway's own problem.
    pub async fn forward(
        &self,
        ends: Ends,
        activity: &Activity,
        request: Request<Incoming>,
    ) -> Response<ResponseBody> {
        let active = activity.enter();
        match self.exchange(ends, request).await {
            Ok(answer) => {
                let (mut head, body) = answer.into_parts();
                // The client's version is its connection's business.
                head.version = Version::default();
                headers::for_client(&mut head.headers);
                Response::from_parts(head, ResponseBody::engine(body, active))
            }
            Err(refusal) => {
                let request_id = request_id();
                debug!(peer = %ends.peer, request_id, %refusal, "answered without the engine");
                refusal.response(request_id, active)
            }
        }
    }

    async fn exchange(&self, ends: Ends, request: Request<Incoming>) -> Result<Response<Incoming>, Refusal> {
        let (mut head, body) = request.into_parts();
        // Reading a body the client still asks leave to send would invite it.
        let invited = !head.headers.contains_key(EXPECT);
        let target = match self.target(&head.method, &head.uri, &head.headers) {
            Ok(target) => target,
            Err(refusal) => {
                if invited {
                    drop(RequestBody::new(body, self.body_idle_timeout()));
                }
                return Err(refusal);
            }
        };
        headers::for_engine(&mut head.headers, head.uri.authority(), ends);
        head.uri = target;
        head.version = Version::HTTP_11;
        let (body, body_done) = RequestBody::new(body, self.body_idle_timeout());
        let answer = self.client.request(Request::from_parts(head, body));
        let too_slow = async {
            // Fails when the body is dropped, which is what is waited for.
            let _ = body_done.await;
            sleep(seconds(self.limits.engine_timeout_seconds)).await;
        };
        tokio::select! {
            answer = answer => answer.map_err(|error| self.refusal(&error)),
            () = too_slow => Err(Refusal::EngineSlow { seconds: self.limits.engine_timeout_seconds }),
        }
    }

    /// Where the request goes at the engine, if it may go there at all.
    fn target(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Uri, Refusal> {
        if *method == Method::CONNECT {
            return Err(Refusal::Connect);
        }
        if headers.contains_key(UPGRADE) {
            return Err(Refusal::Upgrade);
        }
        let path = uri.path_and_query().filter(|path| path.as_str().starts_with('/'));
        let path = path.ok_or(Refusal::BadTarget)?;
        let line = method.as_str().len() + path.as_str().len();
        let limit_bytes = self.limits.header_bytes;
        if line + headers::size_bytes(headers) > limit_bytes as usize {
            return Err(Refusal::HeadersTooLarge { limit_bytes });
        }
        let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let limit_bytes = self.limits.content_length_bytes;
        if declared.is_some_and(|text| text.parse::<u64>().is_ok_and(|length| length > limit_bytes)) {
            return Err(Refusal::TooLarge { limit_bytes });
        }
        let uri = Uri::builder()
            .scheme("http")
            .authority(ENGINE)
            .path_and_query(path.clone());
        uri.build().map_err(|_| Refusal::BadTarget)
    }

    fn body_idle_timeout(&self) -> Duration {
        seconds(self.limits.body_idle_timeout_seconds)
    }

    fn refusal(&self, error: &legacy::Error) -> Refusal {
        if error.is_connect() {
            return Refusal::EngineAway;
        }
        match cause::<BodyError>(error) {
            Some(BodyError::Idle) => Refusal::BodyIdle {
                seconds: self.limits.body_idle_timeout_seconds,
            },
            Some(BodyError::Broken(_)) => Refusal::BodyBroken,
            None => Refusal::EngineBroke,
        }
    }
}

/// The first error of type `E` among the causes of `error`.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut causes =
        std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source());
    causes.find_map(|error| error.downcast_ref())
}

/// Tells this answer from others in the log; random, in hex. Zeros when the kernel gives no random numbers.
fn request_id() -> String {
    let mut bytes = [0; 16];
    let _ = getrandom::fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
