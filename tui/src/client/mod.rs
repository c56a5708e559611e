//! The way to the lab: the drill API of `api` and the public telemetry APIs, all under one base URL.
//! Knows nothing of screens; every call says whether a person asked or the screen refreshed itself.

pub mod derived;
pub mod difference;
pub mod graph;
pub mod loki;
pub mod patterns;
pub mod prometheus;
pub mod tempo;
pub mod traceql;
pub mod words;

use std::time::Duration;

use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Failure};

/// Time to connect: the lab is on this host or this network; longer means it is gone.
const CONNECT: Duration = Duration::from_secs(2);
/// Time for a whole answer: a rollout is the slowest thing that is waited for.
const ANSWER: Duration = Duration::from_secs(90);
/// Largest answer that is read, bytes; a larger one is a failure that says to narrow the query.
const ANSWER_LIMIT: usize = 64 << 20;

/// Who asked: only what a person asked for is journalled as a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// Somebody typed or chose it.
    Person,
    /// The screen keeps itself fresh.
    Screen,
}

/// A client of one lab.
#[derive(Debug, Clone)]
pub struct Client {
    base: Url,
    http: reqwest::Client,
}

impl Client {
    /// A client of the lab at `base`, as in `http://127.0.0.1:8300`.
    ///
    /// # Errors
    /// When the address is not an http URL, or the HTTP client cannot be built.
    pub fn new(base: &str) -> Result<Self, Error> {
        let address = |why: String| Error::Address {
            url: base.to_owned(),
            why,
        };
        let mut url = Url::parse(base).map_err(|e| address(e.to_string()))?;
        if url.scheme() != "http" || url.host().is_none() {
            return Err(address("only http:// with a host is spoken".to_owned()));
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .no_proxy()
            .build()
            .map_err(Error::Client)?;
        Ok(Self { base: url, http })
    }

    /// The lab's address.
    #[must_use]
    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// `GET` of a drill API path below `/api/v1`, as in `drill/case`.
    ///
    /// # Errors
    /// When the lab is not reached, refuses, or answers with something else.
    pub async fn drill<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        decode(
            &self
                .send(
                    Method::GET,
                    &format!("api/v1/{path}"),
                    &[],
                    None,
                    Asker::Screen,
                )
                .await?,
        )
    }

    /// `POST` (or another method) of a drill API path with a body, or without one when it is none.
    ///
    /// # Errors
    /// As [`Client::drill`].
    pub async fn tell<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&B>,
    ) -> Result<T, Failure> {
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|e| Failure::lost(format!("could not be written as JSON: {e}")))?;
        decode(
            &self
                .send(
                    Method::POST,
                    &format!("api/v1/{path}"),
                    &[],
                    body,
                    Asker::Person,
                )
                .await?,
        )
    }

    /// `POST` whose answer has no content.
    ///
    /// # Errors
    /// As [`Client::drill`].
    pub async fn tell_only<B: Serialize>(&self, path: &str, body: &B) -> Result<(), Failure> {
        let body = serde_json::to_vec(body)
            .map_err(|e| Failure::lost(format!("could not be written as JSON: {e}")))?;
        self.send(
            Method::POST,
            &format!("api/v1/{path}"),
            &[],
            Some(body),
            Asker::Person,
        )
        .await
        .map(|_| ())
    }

    /// `DELETE` of a drill API path.
    ///
    /// # Errors
    /// As [`Client::drill`].
    pub async fn remove<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        decode(
            &self
                .send(
                    Method::DELETE,
                    &format!("api/v1/{path}"),
                    &[],
                    None,
                    Asker::Person,
                )
                .await?,
        )
    }

    /// `GET` of a telemetry path with parameters.
    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        asker: Asker,
    ) -> Result<T, Failure> {
        decode(
            &self
                .send(Method::GET, path, parameters, None, asker)
                .await?,
        )
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, String)],
        body: Option<Vec<u8>>,
        asker: Asker,
    ) -> Result<Vec<u8>, Failure> {
        let mut url = self
            .base
            .join(path)
            .map_err(|e| Failure::lost(format!("{path}: {e}")))?;
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        let mut request = self.http.request(method, url);
        if asker == Asker::Screen {
            request = request.header(api::BACKGROUND_HEADER, "1");
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let mut response = request.send().await.map_err(|e| self.unreached(&e))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.unreached(&e))? {
            if bytes.len() + chunk.len() > ANSWER_LIMIT {
                return Err(Failure {
                    status: Some(status.as_u16()),
                    ..Failure::lost(
                        "the answer is larger than 64 MiB; narrow the query or the time range",
                    )
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            Ok(bytes)
        } else {
            let query = parameters.iter().find(|(k, _)| matches!(*k, "query" | "q"));
            Err(Failure::refused(
                status.as_u16(),
                &String::from_utf8_lossy(&bytes),
                query.map_or("", |(_, query)| query),
            ))
        }
    }

    fn unreached(&self, error: &reqwest::Error) -> Failure {
        let what = if error.is_timeout() {
            "does not answer"
        } else if error.is_connect() {
            "is not reachable"
        } else {
            "broke off its answer"
        };
        Failure {
            absent: error.is_connect() && !error.is_timeout(),
            ..Failure::lost(format!("the lab at {} {what}", self.base()))
        }
    }

    /// A lab that took longer than it may for a sign of life.
    #[must_use]
    pub fn silent(&self) -> Failure {
        Failure::lost(format!("the lab at {} does not answer", self.base()))
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|e| Failure {
        status: Some(200),
        ..Failure::lost(format!("the lab's answer was not understood: {e}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_refused_with_an_example() {
        let error = Client::new("8300").map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("http://127.0.0.1:8300"), "{error}");
        assert!(Client::new("ftp://host").is_err());
    }

    #[tokio::test]
    async fn an_absent_lab_is_lost_and_not_a_panic() {
        let client = Client::new("http://127.0.0.1:9").unwrap();
        let failure = client.drill::<api::DrillView>("drill").await.unwrap_err();
        assert!(failure.is_lost());
        assert!(failure.message.contains("not reachable"), "{failure}");
    }
}
