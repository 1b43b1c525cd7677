//! Requests to the engine.

use ravelin_api_types::{AccessToken, Page, Problem};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH,
};
use reqwest::{Body, Client, Method, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::arguments::Target;
use crate::connect::{self, Connection};
use crate::credential::Credential;
use crate::error::CliError;

/// Most items a page can have.
const PAGE: u64 = 1000;

const LIVE_FLOWS: HeaderName = HeaderName::from_static("ravelin-live-flows");

/// A request.
#[derive(Debug)]
pub struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, String)>,
    body: Option<(&'static str, Body)>,
}

impl Call {
    /// Asks for what is at `path` under `/api/v1`.
    pub fn new(method: Method, path: &[&str]) -> Self {
        Self {
            method,
            path: path.iter().map(|segment| (*segment).to_owned()).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// With a query field.
    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// With a header.
    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Only if the resource still is the one with this ETag.
    pub fn if_match(self, etag: &str) -> Self {
        self.header(IF_MATCH, etag)
    }

    /// With a JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        let text = serde_json::to_vec(body).unwrap_or_default();
        self.body = Some(("application/json", text.into()));
        self
    }

    /// With a bundle as the body, of this length if that is known.
    pub fn bundle(mut self, body: Body, length: Option<u64>) -> Self {
        self.body = Some(("application/octet-stream", body));
        match length {
            Some(length) => self.header(CONTENT_LENGTH, length.to_string()),
            None => self,
        }
    }

    /// With a body of lines.
    pub fn text(mut self, body: Body) -> Self {
        self.body = Some(("text/plain", body));
        self
    }
}

/// A JSON answer.
#[derive(Debug)]
pub struct Answer {
    /// What an `If-Match` has to say.
    pub etag: Option<String>,
    /// What a change meant for live connections.
    pub live_flows: Option<String>,
    /// Null where the answer has no body.
    pub body: Value,
}

/// The engine's API.
#[derive(Debug)]
pub struct Api {
    client: Client,
    connection: Connection,
    credential: Option<Credential>,
    authorization: Option<HeaderValue>,
}

impl Api {
    /// Prepares for a target; nothing is connected yet, except to get an access token where there is a credential.
    pub async fn new(target: &Target) -> Result<Self, CliError> {
        let credential = target.token_file.as_deref().map(Credential::read).transpose()?;
        let (client, connection) = connect::prepare(target)?;
        let mut api = Self {
            client,
            connection,
            credential,
            authorization: None,
        };
        api.authorize().await?;
        Ok(api)
    }

    /// Gets an access token for an admin token; those of before may have expired.
    pub async fn authorize(&mut self) -> Result<(), CliError> {
        self.authorization = match &self.credential {
            None => None,
            Some(Credential::Access(token)) => Some(token.clone()),
            Some(Credential::Admin(token)) => {
                self.authorization = Some(token.clone());
                let answer = self.json(Call::new(Method::POST, &["auth", "token"])).await?;
                let token: AccessToken = self.read(answer.body)?;
                let mut value = HeaderValue::from_str(&format!("Bearer {}", token.access_token))
                    .map_err(|error| self.connection.strange(error))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(())
    }

    /// Reads what is at a path.
    pub async fn get(&self, path: &[&str]) -> Result<Answer, CliError> {
        self.json(Call::new(Method::GET, path)).await
    }

    /// Every item of a collection, or the first `limit`, as one page.
    pub async fn collect(
        &self,
        path: &[&str],
        filters: &[(&'static str, String)],
        limit: Option<u64>,
    ) -> Result<Value, CliError> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let wanted = limit.map_or(PAGE, |limit| PAGE.min(limit - items.len() as u64));
            let mut call = Call::new(Method::GET, path).query("limit", wanted);
            call.query.extend(filters.iter().cloned());
            call.query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let page: Page<Value> = self.read(self.json(call).await?.body)?;
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() || limit.is_some_and(|limit| items.len() as u64 >= limit) {
                break;
            }
        }
        Ok(serde_json::json!({ "items": items, "next_cursor": cursor }))
    }

    /// Makes a request whose answer is JSON or nothing.
    pub async fn json(&self, call: Call) -> Result<Answer, CliError> {
        let response = self
            .send(self.connection.url(&["api", "v1"], &call.path), call)
            .await?;
        self.answer(response).await
    }

    /// Asks whether everything enabled is at work: the problem says what is not.
    pub async fn readiness(&self) -> Result<Result<Value, Problem>, CliError> {
        let call = Call::new(Method::GET, &[]);
        match self.send(self.connection.url(&["readyz"], &[]), call).await {
            Ok(response) => Ok(Ok(self.answer(response).await?.body)),
            Err(CliError::Refused(problem)) if problem.status == 503 => Ok(Err(*problem)),
            Err(error) => Err(error),
        }
    }

    /// Makes a request whose answer goes on.
    pub async fn stream(&self, call: Call) -> Result<Response, CliError> {
        let call = call.header(ACCEPT, "text/event-stream");
        self.send(self.connection.url(&["api", "v1"], &call.path), call)
            .await
    }

    /// An answer nobody expected.
    pub fn strange(&self, cause: impl ToString) -> CliError {
        self.connection.strange(cause)
    }

    /// Reads a value of the API.
    pub fn read<T: DeserializeOwned>(&self, body: Value) -> Result<T, CliError> {
        serde_json::from_value(body).map_err(|error| self.connection.strange(error))
    }

    /// An answer to be understood, or the problem in it.
    async fn send(&self, url: Url, call: Call) -> Result<Response, CliError> {
        let mut request = self.client.request(call.method, url);
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        if let Some((media_type, body)) = call.body {
            request = request.header(CONTENT_TYPE, media_type).body(body);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.connection.failure(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let text = response
            .bytes()
            .await
            .map_err(|error| self.connection.failure(&error))?;
        match serde_json::from_slice::<Problem>(&text) {
            Ok(problem) if matches!(status.as_u16(), 401 | 403) => {
                Err(CliError::NotAuthorised(Box::new(problem)))
            }
            Ok(problem) => Err(CliError::Refused(Box::new(problem))),
            Err(_) => Err(self.connection.strange(format!("{status} without a problem"))),
        }
    }

    async fn answer(&self, response: Response) -> Result<Answer, CliError> {
        let header = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (etag, live_flows) = (header(ETAG), header(LIVE_FLOWS));
        let text = response
            .bytes()
            .await
            .map_err(|error| self.connection.failure(&error))?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&text).map_err(|error| self.connection.strange(error))?
        };
        Ok(Answer {
            etag,
            live_flows,
            body,
        })
    }
}
