//! One attempt to tell a webhook, and what its answer means. Knows no queue and no retry.

use std::time::Duration;

use bytes::Bytes;
use display_full_error::DisplayFullErrorExt;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;

use crate::outbound::{self, AGENT, Connector, Failure, Https, retry_after};

/// What one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read, to say why it was refused.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Characters of it that are told.
const SAID_MAX: usize = 200;

pub(super) struct Sender {
    uri: Uri,
    http: legacy::Client<Connector, Full<Bytes>>,
}

impl Sender {
    pub fn new(uri: &Uri) -> std::io::Result<Self> {
        let connector = outbound::connector(TIMEOUT, Https::of(uri))?;
        Ok(Self {
            uri: uri.clone(),
            http: legacy::Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build(connector),
        })
    }

    pub async fn send(&self, message: Bytes) -> Result<(), Failure> {
        tokio::time::timeout(TIMEOUT, self.post(message))
            .await
            .unwrap_or_else(|_| {
                Err(Failure::Passing(
                    format!("no answer within {} s", TIMEOUT.as_secs()),
                    None,
                ))
            })
    }

    async fn post(&self, message: Bytes) -> Result<(), Failure> {
        let request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .body(Full::new(message))
            .map_err(|error| Failure::Lasting(error.to_string()))?;
        let answer = self.http.request(request).await;
        let (head, body) = answer
            .map_err(|error| Failure::Passing(error.to_string_full(), None))?
            .into_parts();
        if head.status.is_success() {
            return Ok(());
        }
        let said = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let said = said.map(|body| String::from_utf8_lossy(&body.to_bytes()).trim().to_owned());
        let said: String = said.unwrap_or_default().chars().take(SAID_MAX).collect();
        let why = format!("HTTP status {} {said}", head.status.as_u16())
            .trim_end()
            .to_owned();
        let passing = head.status.is_server_error()
            || matches!(
                head.status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            );
        if !passing {
            return Err(Failure::Lasting(why));
        }
        Err(Failure::Passing(why, retry_after(&head.headers)))
    }
}
