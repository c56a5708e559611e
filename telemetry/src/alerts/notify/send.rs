//! One attempt to tell a webhook, and what its answer means. Knows no queue and no retry.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;

use crate::outbound::{
    AGENT, Authorities, Connector, Failure, Remedy, Speaks, connector, failure, is_https,
    retry_after, tls,
};

/// What one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read, to say why it was refused.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Characters of it that are told.
const SAID_MAX: usize = 200;

const REMEDY: Remedy = Remedy {
    authority: "add the certificate of who signed it to those that this machine trusts, or name a file with it in SSL_CERT_FILE",
    client: "webhooks that ask for a certificate are not supported",
};

#[derive(Debug)]
pub(super) struct Sender {
    uri: Uri,
    /// None when HTTPS is wanted and the machine has no certificates to trust: why.
    client: Result<legacy::Client<Connector, Full<Bytes>>, String>,
}

impl Sender {
    pub fn new(uri: &Uri) -> Self {
        let authorities = match is_https(uri) {
            true => Authorities::Machine,
            false => Authorities::None,
        };
        let client = tls(authorities, None).map(|tls| {
            legacy::Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build(connector(TIMEOUT, tls, Speaks::Http1))
        });
        Self {
            uri: uri.clone(),
            client: client.map_err(|problem| format!("no certificates to trust: {problem:?}")),
        }
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
        let client = self.client.as_ref();
        let client = client.map_err(|why| Failure::Lasting(why.clone()))?;
        let request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .body(Full::new(message))
            .map_err(|error| Failure::Lasting(error.to_string()))?;
        let answer = client.request(request).await;
        let (head, body) = answer
            .map_err(|error| failure(&error, REMEDY))?
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
